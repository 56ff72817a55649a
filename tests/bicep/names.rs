//! Names fit Azure's rules whatever the resource group is called.

use std::collections::{BTreeMap, BTreeSet};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use regex::Regex;
use serde_json::Value;

use crate::compiler::snapshot;
use crate::sets::{GROUP, all, many, resources_of, text};

/// <https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules>
const RULES: &str = "resource-name-rules";
/// Patterns of azure-cli's own commands, `azure/cli/command_modules/<module>/aaz/latest`.
const CLI: &str = "azure-cli";
/// `az grafana create --help`, extension amg.
const AMG: &str = "amg";
/// <https://learn.microsoft.com/azure/dns/private-dns-privatednszone>
const DNS: &str = "private-dns";
/// Names are those of MySQL's variables.
const MYSQL: &str = "dev.mysql.com";
/// A guid: <https://learn.microsoft.com/azure/role-based-access-control/role-assignments-rest>
const ROLE: &str = "role-assignments-rest";

/// A name of letters, digits and marks that most resources of the network have.
const NETWORK: &str = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?";

/// For each type the expression that the last part of a name matches as a whole, and where that is from.
const NAMES: [(&str, &str, &str); 25] = [
    ("Microsoft.AlertsManagement/prometheusRuleGroups", r"[^<>*%&:?/#{}+@]{1,260}", RULES),
    ("Microsoft.Authorization/roleAssignments", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", ROLE),
    ("Microsoft.Compute/virtualMachines", r"[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?", RULES),
    ("Microsoft.DBforMySQL/flexibleServers", r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", RULES),
    ("Microsoft.DBforMySQL/flexibleServers/configurations", r"[a-z_]{1,64}", MYSQL),
    ("Microsoft.Dashboard/grafana", r"[A-Za-z][A-Za-z0-9-]{0,21}[A-Za-z0-9]", AMG),
    ("Microsoft.KeyVault/vaults", r"[A-Za-z](-?[A-Za-z0-9]){2,23}", RULES),
    ("Microsoft.KeyVault/vaults/secrets", r"[A-Za-z0-9-]{1,127}", RULES),
    ("Microsoft.ManagedIdentity/userAssignedIdentities", r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}", RULES),
    ("Microsoft.Monitor/accounts", r"[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]", CLI),
    ("Microsoft.NetApp/netAppAccounts", r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,127}", CLI),
    ("Microsoft.NetApp/netAppAccounts/capacityPools", r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}", CLI),
    ("Microsoft.NetApp/netAppAccounts/capacityPools/volumes", r"[a-zA-Z][a-zA-Z0-9_-]{0,63}", CLI),
    ("Microsoft.Network/bastionHosts", NETWORK, RULES),
    ("Microsoft.Network/natGateways", NETWORK, RULES),
    ("Microsoft.Network/networkInterfaces", NETWORK, RULES),
    ("Microsoft.Network/networkSecurityGroups", NETWORK, RULES),
    ("Microsoft.Network/privateDnsZones", r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63}){1,33}", DNS),
    ("Microsoft.Network/privateDnsZones/virtualNetworkLinks", NETWORK, RULES),
    ("Microsoft.Network/privateEndpoints", r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9_]", RULES),
    ("Microsoft.Network/privateEndpoints/privateDnsZoneGroups", NETWORK, RULES),
    ("Microsoft.Network/publicIPAddresses", NETWORK, RULES),
    ("Microsoft.Network/virtualNetworks", r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9_]", RULES),
    ("Microsoft.Storage/storageAccounts", r"[a-z0-9]{3,24}", RULES),
    ("Microsoft.Storage/storageAccounts/blobServices/containers", r"[a-z0-9](-?[a-z0-9]){2,62}", RULES),
];

/// Left as an expression, for the evaluator does not know the cloud's domain.
const BLOB_ZONE: &str = "format('privatelink.blob.{0}', environment().suffixes.storage)";

fn rules() -> BTreeMap<&'static str, Regex> {
    let whole = |rule: &str| Regex::new(&format!("^(?:{rule})$")).expect("a regular expression");
    NAMES.iter().map(|(kind, rule, _)| (*kind, whole(rule))).collect()
}

/// What is wrong with a resource's name.
fn fault(rules: &BTreeMap<&str, Regex>, resource: &Value) -> Option<String> {
    let (kind, name) = (text(resource, "type"), text(resource, "name"));
    let zone = format!("[{BLOB_ZONE}]");
    let link = format!("[format('{{0}}/{{1}}', {BLOB_ZONE}, 'ccslurm4ai')]");
    let known =
        name == zone || name == link || (kind.ends_with("/roleAssignments") && name.starts_with("[guid("));
    let last = name.rsplit('/').next().unwrap_or(name);
    let rule = rules.get(kind);
    let fits = known || rule.is_some_and(|rule| rule.is_match(last));
    (!fits).then(|| format!("{kind} {name}: {}", rule.map_or("no rule", Regex::as_str)))
}

fn faults(rules: &BTreeMap<&str, Regex>, prediction: &Value) -> Vec<String> {
    resources_of(prediction).iter().filter_map(|resource| fault(rules, resource)).collect()
}

/// A resource group's name of a length: letters and digits of any script, `_`, `-`, `.`, `(`, `)`, no dot at the end.
/// Source: <https://learn.microsoft.com/rest/api/resources/resource-groups/create-or-update>
fn group_name(length: usize) -> impl Strategy<Value = String> {
    let inner = format!(r"[\p{{L}}\p{{Nd}}_().-]{{{}}}[\p{{L}}\p{{Nd}}_()-]", length - 1);
    proptest::string::string_regex(&inner).expect("a regular expression")
}

#[test]
fn every_name_fits_in_every_set() {
    let rules = rules();
    let mut used = BTreeSet::new();
    for (name, set) in all() {
        assert_eq!(faults(&rules, &set.prediction), Vec::<String>::new(), "{name}");
        used.extend(resources_of(&set.prediction).iter().map(|resource| text(resource, "type")));
    }
    assert_eq!(used, rules.keys().copied().collect(), "a rule for each type, and none too many");
    assert!(NAMES.iter().all(|(.., source)| !source.is_empty()));
}

/// A template that deploys the defaults into many groups.
fn clusters() -> String {
    let parameters = all()["first"].parameters.iter();
    let parameters = parameters.map(|(name, value)| {
        format!("      {name}: json('{}')\n", value.to_string().replace('\\', "\\\\").replace('\'', "\\'"))
    });
    format!(
        "param groups string[]\n\nmodule clusters 'main.bicep' = [\n  for (group, place) in groups: {{\n    name: \
         'cluster${{place}}'\n    scope: resourceGroup(group)\n    params: {{\n{}    }}\n  }}\n]\n",
        parameters.collect::<String>()
    )
}

#[test]
fn names_fit_whatever_the_resource_group_is_called() {
    let rules = rules();
    let mut runner = TestRunner::default();
    let mut draw = |length| group_name(length).new_tree(&mut runner).expect("a name").current();
    let mut groups: BTreeSet<_> =
        [1, 90].iter().flat_map(|length| std::iter::repeat_n(*length, 20)).map(&mut draw).collect();
    groups.extend(["g", "G", "_", ")", "Ünï_(gröup).名前-2"].map(str::to_owned));
    groups.insert("Long_(group).name-".repeat(5));
    // To Azure, names that differ in case alone are one group.
    let mut different = BTreeSet::new();
    groups.retain(|group| different.insert(group.to_lowercase()));
    let prediction = snapshot(many(&clusters(), "groups", &groups).path(), "many", GROUP);
    assert_eq!(faults(&rules, &prediction), Vec::<String>::new(), "in the groups {groups:?}");
    let lockers =
        resources_of(&prediction).iter().filter(|one| one["type"] == "Microsoft.Storage/storageAccounts");
    let accounts: BTreeSet<_> = lockers.map(|locker| text(locker, "name")).collect();
    assert_eq!(accounts.len(), groups.len(), "each group has an account of its own: {accounts:?}");
}

#[test]
fn the_rules_refuse_what_azure_refuses() {
    let rules = rules();
    for (kind, bad) in [
        ("Microsoft.KeyVault/vaults", "two--hyphens"),
        ("Microsoft.KeyVault/vaults", "1st-vault"),
        ("Microsoft.KeyVault/vaults", "a23456789012345678901234-"),
        ("Microsoft.Storage/storageAccounts", "With-Hyphen"),
        ("Microsoft.Storage/storageAccounts", "a234567890123456789012345"),
        ("Microsoft.DBforMySQL/flexibleServers", "-mysql"),
        ("Microsoft.Dashboard/grafana", "grafana-of-24-characters"),
        ("Microsoft.Network/virtualNetworks", "v"),
        ("Microsoft.Compute/virtualMachines", "machine-"),
        ("Microsoft.NetApp/netAppAccounts/capacityPools/volumes", "1volume"),
        ("Microsoft.Storage/storageAccounts/blobServices/containers", "two--hyphens"),
    ] {
        assert!(!rules[kind].is_match(bad), "{kind} {bad}");
    }
}
