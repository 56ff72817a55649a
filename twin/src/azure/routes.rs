//! The route table: what the simulated Azure answers, and where that is known from.

use std::sync::Arc;

use super::error::AzureError;
use super::http::{Reply, Request};
use super::tokens::Caller;
use super::{Azure, login};
use crate::claims::Sure;

/// A service behind one or several host names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `login.microsoftonline.com`.
    Login,
    /// `management.azure.com`.
    Arm,
    /// `graph.microsoft.com`.
    Graph,
    /// `<vault>.vault.azure.net`.
    Vault,
    /// `<account>.blob.core.windows.net`.
    Blob,
    /// `bst-<guid>.bastion.azure.com`.
    Bastion,
    /// `azcliprod.blob.core.windows.net`: files that az looks up.
    CliFiles,
    /// The metadata service on the hosts' bridge.
    Metadata,
}

impl Service {
    /// The service behind a host name; `None` for hosts that the twin does not play.
    pub fn of_host(host: &str) -> Option<Service> {
        let sub = |suffix: &str| {
            let label = host.strip_suffix(suffix);
            label.is_some_and(|label| !label.is_empty() && !label.contains('.'))
        };
        match host {
            "login.microsoftonline.com" => Some(Service::Login),
            "management.azure.com" => Some(Service::Arm),
            "graph.microsoft.com" => Some(Service::Graph),
            "azcliprod.blob.core.windows.net" => Some(Service::CliFiles),
            "metadata" => Some(Service::Metadata),
            _ if sub(".vault.azure.net") => Some(Service::Vault),
            _ if sub(".blob.core.windows.net") => Some(Service::Blob),
            _ if host.starts_with("bst-") && sub(".bastion.azure.com") => Some(Service::Bastion),
            _ => None,
        }
    }

    /// The host as `CLAIMS.md` writes it.
    pub fn host(self) -> &'static str {
        match self {
            Service::Login => "login.microsoftonline.com",
            Service::Arm => "management.azure.com",
            Service::Graph => "graph.microsoft.com",
            Service::Vault => "{vault}.vault.azure.net",
            Service::Blob => "{account}.blob.core.windows.net",
            Service::Bastion => "bst-{guid}.bastion.azure.com",
            Service::CliFiles => "azcliprod.blob.core.windows.net",
            Service::Metadata => "metadata service",
        }
    }
}

/// The api-versions a route takes.
#[derive(Clone, Copy, Debug)]
pub enum Versions {
    /// The service has none, or ignores it.
    None,
    /// These.
    Of(&'static [&'static str]),
    /// Those of the resource type in the path, which the type's rules know.
    OfType,
}

/// What a handler returns.
pub type Answer = Result<Reply, AzureError>;

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Whose row it is.
    pub service: Service,
    /// HTTP method.
    pub method: &'static str,
    /// Path: `{name}` is one segment, `{*name}` several; letter case of the rest does not matter.
    pub path: &'static str,
    /// api-versions taken.
    pub versions: Versions,
    /// Right the caller must have at the path up to its last `{…}`; `None` where the handler asks itself.
    pub right: Option<&'static str>,
    /// Answers the request.
    pub answer: fn(&Call<'_>) -> Answer,
    /// Where the answer's form is known from.
    pub source: &'static str,
    /// How sure that is.
    pub sure: Sure,
}

type Handler = fn(&Call<'_>) -> Answer;

impl Route {
    /// A row of ARM that asks for `right`.
    pub const fn arm(
        method: &'static str,
        path: &'static str,
        versions: &'static [&'static str],
        right: &'static str,
        answer: Handler,
    ) -> Route {
        let row = Route::of(Service::Arm, method, path, answer);
        Route { versions: Versions::Of(versions), right: Some(right), ..row }
    }

    /// A row of any service, without api-versions and without a right.
    pub const fn of(service: Service, method: &'static str, path: &'static str, answer: Handler) -> Route {
        let (versions, source, sure) = (Versions::None, "", Sure::Low);
        Route { service, method, path, versions, right: None, answer, source, sure }
    }

    /// The api-versions it takes.
    pub const fn taking(self, versions: Versions) -> Route {
        Route { versions, ..self }
    }

    /// Every signed-in caller may ask.
    pub const fn for_everyone(self) -> Route {
        Route { right: None, ..self }
    }

    /// Where it is known from.
    pub const fn known_from(self, source: &'static str, sure: Sure) -> Route {
        Route { source, sure, ..self }
    }
}

/// A request on its way through a route.
pub struct Call<'a> {
    /// The simulated Azure.
    pub azure: &'a Arc<Azure>,
    /// The request.
    pub request: &'a Request,
    /// What the `{…}` of the path stand for.
    pub captures: Vec<(&'static str, String)>,
    /// Who asks; services that check tokens themselves leave it empty.
    pub caller: Option<Caller>,
}

impl Call<'_> {
    /// What `{name}` stands for; empty if the path has no such part.
    pub fn capture(&self, name: &str) -> &str {
        self.captures.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    /// The caller, of routes that ARM lets through.
    pub fn caller(&self) -> Result<&Caller, AzureError> {
        let missing = || AzureError::new(401, "AuthenticationFailed", "Authentication failed.");
        self.caller.as_ref().ok_or_else(missing)
    }

    /// The api-version asked for.
    pub fn api_version(&self) -> &str {
        self.request.query("api-version").unwrap_or_default()
    }
}

/// All rows, in the order in which they are tried.
pub fn table() -> impl Iterator<Item = &'static Route> {
    [
        login::ROUTES,
        super::graph::ROUTES,
        super::clifiles::ROUTES,
        super::subscription::ROUTES,
        super::groups::ROUTES,
        super::offers::ROUTES,
        super::marketplace::ROUTES,
        super::roles::ROUTES,
        super::deployments::ROUTES,
        super::vaults::ROUTES,
        super::machines::ROUTES,
        super::scale_sets::ROUTES,
        super::security_rules::ROUTES,
        super::locks::ROUTES,
        super::deletions::ROUTES,
        super::resources::ROUTES,
        super::secrets::ROUTES,
        super::blobs::ROUTES,
        super::bastion::ROUTES,
        super::metadata::ROUTES,
    ]
    .into_iter()
    .flatten()
}

/// What the path's `{…}` stand for, or `None` if the path is another one.
pub fn captures(pattern: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let pattern: Vec<&'static str> = pattern.trim_matches('/').split('/').collect();
    let path: Vec<&str> = path.trim_matches('/').split('/').collect();
    let wide = pattern.iter().position(|part| part.starts_with("{*"));
    let Some(at) = wide else {
        return (pattern.len() == path.len()).then(|| pairwise(&pattern, &path)).flatten();
    };
    let tail = pattern.len() - at - 1;
    let middle = path.len().checked_sub(at + tail).filter(|length| *length > 0)?;
    let mut found = pairwise(&pattern[..at], &path[..at])?;
    found.push((name(pattern[at]), path[at..at + middle].join("/")));
    found.extend(pairwise(&pattern[at + 1..], &path[at + middle..])?);
    Some(found)
}

fn pairwise(pattern: &[&'static str], path: &[&str]) -> Option<Vec<(&'static str, String)>> {
    let mut found = Vec::new();
    for (part, segment) in pattern.iter().zip(path) {
        if part.starts_with('{') && !segment.is_empty() {
            found.push((name(part), (*segment).to_owned()));
        } else if !part.eq_ignore_ascii_case(segment) {
            return None;
        }
    }
    Some(found)
}

fn name(part: &'static str) -> &'static str {
    part.trim_start_matches('{').trim_start_matches('*').trim_end_matches('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_segments() {
        let found = captures("/subscriptions/{s}/resourcegroups/{g}", "/Subscriptions/1/resourceGroups/rg/");
        assert_eq!(found.unwrap(), [("s", "1".to_owned()), ("g", "rg".to_owned())]);
        assert!(captures("/subscriptions/{s}", "/subscriptions/").is_none());
        assert!(captures("/subscriptions/{s}", "/subscriptions/1/x").is_none());
    }

    #[test]
    fn captures_several_segments() {
        let found = captures("/{*scope}/providers/x/{n}", "/a/b/providers/x/1").unwrap();
        assert_eq!(found, [("scope", "a/b".to_owned()), ("n", "1".to_owned())]);
        assert!(captures("/{*scope}/providers/x/{n}", "/providers/x/1").is_none());
        assert_eq!(captures("/c/{*blob}", "/c/a/b").unwrap(), [("blob", "a/b".to_owned())]);
    }

    #[test]
    fn hosts() {
        assert_eq!(Service::of_host("kv1.vault.azure.net"), Some(Service::Vault));
        assert_eq!(Service::of_host("azcliprod.blob.core.windows.net"), Some(Service::CliFiles));
        for host in ["example.com", "vault.azure.net", "a.b.vault.azure.net", "x.bastion.azure.com", ""] {
            assert_eq!(Service::of_host(host), None, "{host}");
        }
    }
}
