//! Resource ids of Azure in their parts. Letter case does not count in them, but in what people recognise.
//!
//! Name rules: learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules, Microsoft.Network
//! and Microsoft.Resources.

use std::fmt;

/// A subnet of a virtual network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubnetId {
    /// Its subscription, a UUID.
    pub subscription: String,
    /// The resource group of its network.
    pub group: String,
    /// Its network's name.
    pub network: String,
    /// Its name.
    pub name: String,
}

/// An Azure Bastion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BastionId {
    /// Its subscription, a UUID.
    pub subscription: String,
    /// Its resource group.
    pub group: String,
    /// Its name.
    pub name: String,
}

impl SubnetId {
    /// The subnet that `text` names, whatever the case of the words that are the same in every id.
    pub fn parse(text: &str) -> Option<Self> {
        let pattern =
            "/subscriptions/*/resourceGroups/*/providers/Microsoft.Network/virtualNetworks/*/subnets/*";
        let [subscription, group, network, name] = names(text, pattern)?;
        let good = is_uuid(&subscription)
            && is_group(&group)
            && network.len() >= 2
            && is_name(&network, 64)
            && is_name(&name, 80);
        good.then_some(Self { subscription, group, network, name })
    }

    /// Resource id of its virtual network.
    pub fn network_id(&self) -> String {
        let Self { subscription, group, network, .. } = self;
        format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/{network}"
        )
    }
}

impl fmt::Display for SubnetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/subnets/{}", self.network_id(), self.name)
    }
}

impl BastionId {
    /// The Bastion that `text` names.
    pub fn parse(text: &str) -> Option<Self> {
        let pattern = "/subscriptions/*/resourceGroups/*/providers/Microsoft.Network/bastionHosts/*";
        let [subscription, group, name] = names(text, pattern)?;
        (is_uuid(&subscription) && is_group(&group) && is_name(&name, 80)).then_some(Self {
            subscription,
            group,
            name,
        })
    }
}

impl fmt::Display for BastionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subscription, group, name } = self;
        write!(
            f,
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/bastionHosts/{name}"
        )
    }
}

/// What stands in `text` where `pattern` has `*`.
fn names<const N: usize>(text: &str, pattern: &str) -> Option<[String; N]> {
    let words: Vec<&str> = text.split('/').collect();
    let pattern: Vec<&str> = pattern.split('/').collect();
    let pairs = || pattern.iter().zip(&words);
    let same = |(part, word): (&&str, &&str)| *part == "*" || part.eq_ignore_ascii_case(word);
    if words.len() != pattern.len() || !pairs().all(same) {
        return None;
    }
    let found: Vec<String> =
        pairs().filter(|(part, _)| **part == "*").map(|(_, word)| (*word).to_owned()).collect();
    found.try_into().ok()
}

/// The id of the resource group that the resource `id` is in.
pub fn group_of(id: &str) -> String {
    id.split('/').take(5).collect::<Vec<_>>().join("/")
}

/// Whether `id` is `scope` or something below it; letter case does not matter in ids.
pub fn is_within(id: &str, scope: &str) -> bool {
    let (id, scope) = (id.to_ascii_lowercase(), scope.trim_end_matches('/').to_ascii_lowercase());
    id.strip_prefix(&scope).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What people call the types of resources that occur here.
const WORDS: [(&str, &str); 33] = [
    ("Microsoft.Authorization/roleAssignments", "role assignment"),
    ("Microsoft.AlertsManagement/prometheusRuleGroups", "rule group"),
    ("Microsoft.Compute/disks", "disk"),
    ("Microsoft.Compute/virtualMachines", "virtual machine"),
    ("Microsoft.Compute/virtualMachines/extensions", "extension"),
    ("Microsoft.Compute/virtualMachineScaleSets", "scale set"),
    ("Microsoft.Dashboard/grafana", "Grafana"),
    ("Microsoft.DBforMySQL/flexibleServers", "MySQL server"),
    ("Microsoft.DBforMySQL/flexibleServers/configurations", "setting"),
    ("Microsoft.Insights/dataCollectionEndpoints", "data collection endpoint"),
    ("Microsoft.Insights/dataCollectionRules", "data collection rule"),
    ("Microsoft.KeyVault/vaults", "key vault"),
    ("Microsoft.KeyVault/vaults/secrets", "secret"),
    ("Microsoft.ManagedIdentity/userAssignedIdentities", "identity"),
    ("Microsoft.Monitor/accounts", "monitoring workspace"),
    ("Microsoft.NetApp/netAppAccounts", "NetApp account"),
    ("Microsoft.NetApp/netAppAccounts/capacityPools", "capacity pool"),
    ("Microsoft.NetApp/netAppAccounts/capacityPools/volumes", "volume"),
    ("Microsoft.Network/bastionHosts", "Bastion"),
    ("Microsoft.Network/natGateways", "NAT gateway"),
    ("Microsoft.Network/networkInterfaces", "network interface"),
    ("Microsoft.Network/networkSecurityGroups", "network security group"),
    ("Microsoft.Network/privateDnsZones", "private DNS zone"),
    ("Microsoft.Network/privateDnsZones/virtualNetworkLinks", "link"),
    ("Microsoft.Network/privateEndpoints", "private endpoint"),
    ("Microsoft.Network/privateEndpoints/privateDnsZoneGroups", "DNS zone group"),
    ("Microsoft.Network/publicIPAddresses", "public IP address"),
    ("Microsoft.Network/virtualNetworks", "virtual network"),
    ("Microsoft.Network/virtualNetworks/subnets", "subnet"),
    ("Microsoft.Resources/deployments", "deployment"),
    ("Microsoft.Storage/storageAccounts", "storage account"),
    ("Microsoft.Storage/storageAccounts/blobServices", "blob service"),
    ("Microsoft.Storage/storageAccounts/blobServices/containers", "container"),
];

/// A resource id as people say it, such as "subnet compute of virtual network vnet"; anything else as it is.
pub fn in_words(id: &str) -> String {
    let Some(path) = id.strip_prefix("/subscriptions/") else {
        return if id.starts_with("Microsoft.") { resource_in_words(id) } else { id.to_owned() };
    };
    // An extension's id, such as a role assignment's, ends with its own and begins with that of what it is on.
    let providers: Vec<&str> = path.split("/providers/").collect();
    let scope: Vec<&str> = providers[0].split('/').collect();
    let mut words: Vec<String> =
        providers[1..].iter().rev().map(|resource| resource_in_words(resource)).collect();
    if words.is_empty() {
        words.push(match scope[..] {
            [subscription] => format!("subscription {subscription}"),
            [_, kind, group] if kind.eq_ignore_ascii_case("resourceGroups") => {
                format!("resource group {group}")
            }
            _ => return id.to_owned(),
        });
    }
    words.join(" of ")
}

/// `namespace/type/name/type/name` as people say it, the innermost first.
fn resource_in_words(resource: &str) -> String {
    let parts: Vec<&str> = resource.split('/').collect();
    let mut kind = parts[0].to_owned();
    let mut words = Vec::new();
    for pair in parts[1..].chunks(2) {
        kind = format!("{kind}/{}", pair[0]);
        let word = WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(&kind));
        let word = word.map_or_else(|| kind.clone(), |(_, word)| (*word).to_owned());
        words.push(pair.get(1).map_or(word.clone(), |name| format!("{word} {name}")));
    }
    words.reverse();
    if words.is_empty() { kind } else { words.join(" of ") }
}

/// Whether `text` is a UUID in the form 8-4-4-4-12.
pub fn is_uuid(text: &str) -> bool {
    let hex = |part: &str| part.bytes().all(|b| b.is_ascii_hexdigit());
    let lengths: Vec<_> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.split('-').all(hex)
}

/// Whether `text` may be the name of a resource group: 1 to 90 letters, digits, `-`, `_`, `.`, `(`, `)`, not
/// ending in a period.
pub fn is_group(text: &str) -> bool {
    let good = |c: char| c.is_alphanumeric() || "-_.()".contains(c);
    (1..=90).contains(&text.chars().count()) && text.chars().all(good) && !text.ends_with('.')
}

/// A name of Microsoft.Network: letters, digits, `_`, `.`, `-`, starting with a letter or digit, ending with one
/// or with `_`.
fn is_name(text: &str, longest: usize) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    (1..=longest).contains(&text.len())
        && text.bytes().all(good)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/hub(1)";

    #[test]
    fn ids_come_back_as_azure_spells_them() {
        let subnet =
            format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/Spoke_1/subnets/compute.nodes_");
        let bastion = format!("{GROUP}/providers/Microsoft.Network/bastionHosts/b");
        for spelling in [subnet.clone(), subnet.replace("resourceGroups", "resourcegroups")] {
            assert_eq!(SubnetId::parse(&spelling).unwrap().to_string(), subnet);
        }
        assert_eq!(
            BastionId::parse(&bastion.replace("Microsoft", "microsoft")).unwrap().to_string(),
            bastion
        );
    }

    #[test]
    fn ids_are_compared_by_their_parts() {
        let group = "/subscriptions/s/resourceGroups/g";
        assert!(is_within("/Subscriptions/S/resourcegroups/G", group));
        assert!(is_within("/subscriptions/s/resourceGroups/g/providers/N/t/a", &format!("{group}/")));
        assert!(!is_within("/subscriptions/s/resourceGroups/g2/providers/N/t/a", group));
        assert!(!is_within("/subscriptions/s", group));
    }

    #[test]
    fn ids_are_said_as_people_do() {
        let server = "/providers/Microsoft.Compute/virtualMachines/cycleserver";
        let cases = [
            (format!("{GROUP}{server}"), "virtual machine cycleserver"),
            (format!("{GROUP}{server}").to_lowercase(), "virtual machine cycleserver"),
            (
                format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/hub/subnets/compute"),
                "subnet compute of virtual network hub",
            ),
            (
                format!("{GROUP}{server}/providers/Microsoft.Authorization/roleAssignments/g"),
                "role assignment g of virtual machine cycleserver",
            ),
            (format!("{GROUP}/providers/Microsoft.Web/sites/s"), "Microsoft.Web/sites s"),
            ("Microsoft.Network/natGateways/n".to_owned(), "NAT gateway n"),
            ("Microsoft.NetApp".to_owned(), "Microsoft.NetApp"),
            (GROUP.to_owned(), "resource group hub(1)"),
            ("/subscriptions/s".to_owned(), "subscription s"),
            ("/subscriptions/s/other".to_owned(), "/subscriptions/s/other"),
            ("task \"x\" on cycleserver".to_owned(), "task \"x\" on cycleserver"),
            (String::new(), ""),
        ];
        for (id, words) in &cases {
            assert_eq!(in_words(id), *words);
        }
        println!("{} cases", cases.len());
    }

    #[test]
    fn what_is_no_id_is_not_read() {
        let provider = "providers/Microsoft.Network/virtualNetworks";
        let cases = [
            String::new(),
            "compute".to_owned(),
            format!("{GROUP}/{provider}/v1"),
            format!("{GROUP}/{provider}/v1/subnets/"),
            format!("{GROUP}/{provider}/v1/subnets/a/"),
            format!(" {GROUP}/{provider}/v1/subnets/a"),
            format!("{GROUP}/{provider}/v1/subnets/a;id"),
            format!("{GROUP}/{provider}/v1/subnets/a-"),
            format!("{GROUP}/{provider}/v1/subnets/{}", "a".repeat(81)),
            format!("{GROUP}/{provider}/v/subnets/a"),
            format!("{GROUP}./{provider}/v1/subnets/a"),
            format!("{GROUP}/{provider}/v1/subnets/a?x").replace("1111", "x"),
            format!("{GROUP}/{provider}/v1/subnets/a").replace("11111111-", ""),
            format!("{GROUP}/{provider}/v1/bastionHosts/a"),
        ];
        for text in &cases {
            assert!(SubnetId::parse(text).is_none(), "{text}");
            assert!(BastionId::parse(text).is_none(), "{text}");
        }
        println!("{} cases", cases.len());
    }
}
