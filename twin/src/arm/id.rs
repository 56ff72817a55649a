//! Resource ids taken apart.

/// A resource id: scope, type and name. `/subscriptions/S/resourceGroups/G/providers/N/t/a/u/b` has the scope
/// `/subscriptions/S/resourceGroups/G`, the type `N/t/u` and the name `a/b`. Of an extension resource the scope is the
/// resource it extends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceId {
    /// The id as it was given.
    pub full: String,
    /// Everything before the last `/providers/`; empty for tenant resources.
    pub scope: String,
    /// Type with namespace.
    pub kind: String,
    /// Name with the names of the parents.
    pub name: String,
}

impl ResourceId {
    /// Takes an id apart; `None` if it names no resource of a provider.
    pub fn parse(id: &str) -> Option<ResourceId> {
        let at = id.to_ascii_lowercase().rfind("/providers/")?;
        let mut segments = id[at + "/providers/".len()..].split('/');
        let mut kind = segments.next()?.to_owned();
        let mut names = Vec::new();
        while let Some(segment) = segments.next() {
            kind = format!("{kind}/{segment}");
            names.push(segments.next().filter(|name| !name.is_empty())?);
        }
        if names.is_empty() {
            return None;
        }
        Some(ResourceId { full: id.to_owned(), scope: id[..at].to_owned(), kind, name: names.join("/") })
    }

    /// Builds an id from scope, type and name; `None` if type and name have different numbers of segments.
    pub fn build(scope: &str, kind: &str, name: &str) -> Option<ResourceId> {
        let mut types = kind.split('/');
        let mut full = format!("{scope}/providers/{}", types.next()?);
        let mut names = name.split('/');
        for segment in types {
            full = format!("{full}/{segment}/{}", names.next()?);
        }
        if names.next().is_some() {
            return None;
        }
        ResourceId::parse(&full)
    }

    /// The last name.
    pub fn last_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }

    /// Id of the resource that this one is a child of.
    pub fn parent(&self) -> Option<ResourceId> {
        let name = self.name.rsplit_once('/')?.0;
        ResourceId::build(&self.scope, self.kind.rsplit_once('/')?.0, name)
    }

    /// Subscription of the id.
    pub fn subscription(&self) -> Option<&str> {
        segment_after(&self.full, "subscriptions")
    }

    /// Resource group of the id.
    pub fn resource_group(&self) -> Option<&str> {
        segment_after(&self.full, "resourceGroups")
    }

    /// Whether the resource is of this type, letter case aside.
    pub fn is(&self, kind: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind)
    }
}

fn segment_after<'a>(id: &'a str, word: &str) -> Option<&'a str> {
    let mut segments = id.split('/').skip(1);
    while let (Some(name), Some(value)) = (segments.next(), segments.next()) {
        if name.eq_ignore_ascii_case(word) {
            return Some(value);
        }
        if name.eq_ignore_ascii_case("providers") {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBNET: &str =
        "/subscriptions/s/resourcegroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/n";

    #[test]
    fn takes_ids_apart() {
        let id = ResourceId::parse(SUBNET).unwrap();
        assert_eq!(id.kind, "Microsoft.Network/virtualNetworks/subnets");
        assert_eq!((id.name.as_str(), id.last_name()), ("v/n", "n"));
        assert_eq!((id.subscription(), id.resource_group()), (Some("s"), Some("g")));
        assert_eq!(id.parent().unwrap().name, "v");
        assert_eq!(id.parent().unwrap().parent(), None);
        let extension =
            ResourceId::parse(&format!("{SUBNET}/providers/Microsoft.Authorization/roleAssignments/r"))
                .unwrap();
        assert_eq!(extension.scope, SUBNET);
        assert!(extension.is("microsoft.authorization/roleassignments"));
    }

    #[test]
    fn refuses_what_names_no_resource() {
        for id in
            ["", "/subscriptions/s", "/subscriptions/s/resourceGroups/g/providers/N", "/a/providers/N/t"]
        {
            assert_eq!(ResourceId::parse(id), None, "{id}");
        }
        assert_eq!(ResourceId::build("", "N/t/u", "a"), None);
        assert_eq!(ResourceId::build("", "N/t", "a/b"), None);
    }
}
