//! What a resource of a template is written to, and the id that it gets there.

use serde_json::{Value, json};

use crate::arm::expr::open;
use crate::arm::id::ResourceId;
use crate::arm::scope::Scope;
use crate::azure::error::AzureError;

/// Type of resource groups, whose ids have a form of their own.
pub const GROUPS: &str = "Microsoft.Resources/resourceGroups";

/// api-versions of resource groups in a template.
const GROUP_VERSIONS: &[&str] =
    &["2020-06-01", "2021-04-01", "2022-09-01", "2024-11-01", "2025-03-01", "2025-04-01"];

/// Refuses an api-version that resource groups do not have.
pub fn check_group(api_version: &str) -> Result<(), AzureError> {
    if GROUP_VERSIONS.contains(&api_version) {
        return Ok(());
    }
    let message = format!(
        "The resource type could not be found in the namespace 'Microsoft.Resources' for api version '{api_version}'."
    );
    Err(AzureError::gateway(404, "InvalidResourceType", message))
}

/// What a resource is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The tenant.
    Tenant,
    /// A subscription or a group.
    Scope(Scope),
    /// A resource that it extends.
    Resource {
        /// Its id.
        id: String,
        /// Scope of the deployment.
        from: Scope,
    },
}

impl Place {
    /// A relative `scope` extends a resource of the deployment's own scope.
    pub fn of(
        own: &Scope,
        scope: Option<String>,
        subscription: Option<String>,
        group: Option<String>,
    ) -> Place {
        if let Some(scope) = scope {
            return Place::named(own, scope);
        }
        Place::Scope(match (subscription, group) {
            (None, None) => own.clone(),
            (subscription, Some(name)) => Scope::ResourceGroup {
                subscription: subscription.unwrap_or_else(|| own.subscription().to_owned()),
                name,
            },
            (Some(subscription), None) => Scope::Subscription { subscription },
        })
    }

    fn named(own: &Scope, scope: String) -> Place {
        let resource = |id: String| Place::Resource { id, from: own.clone() };
        if open::source(&scope).is_some() {
            return resource(scope);
        }
        let parts: Vec<&str> = scope.trim_matches('/').split('/').collect();
        let is = |at: usize, word: &str| parts.get(at).is_some_and(|part| part.eq_ignore_ascii_case(word));
        let full = scope.starts_with('/') && is(0, "subscriptions");
        match parts[..] {
            _ if scope == "/" => Place::Tenant,
            [_, subscription] if full => {
                Place::Scope(Scope::Subscription { subscription: subscription.into() })
            }
            [_, subscription, _, name] if full && is(2, "resourceGroups") => {
                Place::Scope(Scope::ResourceGroup { subscription: subscription.into(), name: name.into() })
            }
            _ if scope.starts_with('/') => resource(scope),
            _ => resource(format!("{}/providers/{scope}", own.id())),
        }
    }

    /// The scope, of what a deployment can deploy to.
    pub fn scope(&self) -> Option<&Scope> {
        match self {
            Place::Scope(scope) => Some(scope),
            Place::Tenant | Place::Resource { .. } => None,
        }
    }

    /// The id of a resource there, an open expression if part of it is one; `None` if type and name have different
    /// numbers of segments.
    pub fn id(&self, kind: &str, name: &str) -> Option<String> {
        if self.is_open() || open::source(name).is_some() {
            return Some(self.open_id(kind, name));
        }
        match self {
            Place::Scope(Scope::Subscription { subscription }) if kind.eq_ignore_ascii_case(GROUPS) => {
                Some(format!("/subscriptions/{subscription}/resourceGroups/{name}"))
            }
            Place::Tenant => built("", kind, name),
            Place::Scope(scope) => built(&scope.id(), kind, name),
            Place::Resource { id, .. } => built(id, kind, name),
        }
    }

    fn is_open(&self) -> bool {
        match self {
            Place::Tenant => false,
            Place::Scope(scope) => scope.is_open(),
            Place::Resource { id, .. } => open::source(id).is_some(),
        }
    }

    /// As `bicep snapshot` 0.49.2 prints it.
    fn open_id(&self, kind: &str, name: &str) -> String {
        let own = [vec![json!(kind)], segments(name, kind.split('/').count() - 1)].concat();
        let call = |function: &str, before: &[Value]| open::call_source(function, &[before, &own].concat());
        let source = match self {
            Place::Tenant => call("tenantResourceId", &[]),
            Place::Scope(Scope::Subscription { subscription }) => {
                call("subscriptionResourceId", &[json!(subscription)])
            }
            Place::Scope(Scope::ResourceGroup { subscription, name }) => {
                call("resourceId", &[json!(subscription), json!(name)])
            }
            Place::Resource { id, from } => match open::source(id) {
                None => call("extensionResourceId", &[json!(id)]),
                Some(of) => {
                    let whole = format!("if(startsWith({of}, '/'), {of}, {})", relative(of, from));
                    let id = call("extensionResourceId", &[open::open(whole)]);
                    format!("if(equals({of}, '/'), {}, {id})", call("tenantResourceId", &[]))
                }
            },
        };
        open::open(source).as_str().unwrap_or_default().to_owned()
    }
}

/// The id of what a deployment's resource extends when it is named without its scope, as an expression.
fn relative(of: &str, from: &Scope) -> String {
    let mut parts = vec![json!("/subscriptions/"), json!(from.subscription())];
    if let Scope::ResourceGroup { name, .. } = from {
        parts.extend([json!("/resourceGroups/"), json!(name)]);
    }
    parts.extend([json!("/providers/"), open::open(of)]);
    open::call_source("concat", &parts)
}

fn built(base: &str, kind: &str, name: &str) -> Option<String> {
    ResourceId::build(base, kind, name).map(|id| id.full)
}

/// The segments of a name that may not be known yet.
fn segments(name: &str, count: usize) -> Vec<Value> {
    if open::source(name).is_none() {
        return name.split('/').map(|segment| json!(segment)).collect();
    }
    if count < 2 {
        return vec![json!(name)];
    }
    let printed = open::print(&json!(name));
    let segment = |at: usize| {
        open::open(format!(
            "filter(split({printed}, '/'), lambda('x', not(empty(lambdaVariables('x')))))[{at}]"
        ))
    };
    (0..count).map(segment).collect()
}
