//! Options together.

use super::*;

/// Storage, network, accounting and monitoring in every combination: each is a configuration.
#[test]
fn every_combination_of_good_options_is_accepted() {
    let storages = [
        "{type: anf}",
        "{type: nfs, size_gib: 100}",
        "{type: existing, address: files.example.org, export_path: /}",
    ];
    let networks =
        ["{type: new}", "{bastion: none, private_dns: new}", "{bastion: $bastion, private_dns: none}"];
    let mut count = 0;
    for (storage, network, flags) in storages
        .iter()
        .flat_map(|storage| networks.iter().map(move |network| (storage, network)))
        .flat_map(|(storage, network)| (0..4).map(move |flags| (storage, network, flags)))
    {
        let anf = if storage.contains("anf") { ", anf: $spoke/d" } else { "" };
        let subnets = format!(
            "type: existing, subnets: {{cyclecloud: $spoke/a, compute: $spoke/b, endpoints: $spoke/b{anf}}}, bastion"
        );
        let bastion = "/subscriptions/99999999-2222-3333-4444-555555555555/resourceGroups/hub/providers/Microsoft.Network/bastionHosts/b";
        let network = network.replace("bastion", &subnets).replace(&format!("${subnets}"), bastion);
        let (accounting, monitoring) = (flags & 1 == 0, flags & 2 == 0);
        let text = with(&written(&format!(
            "storage: {storage}\nnetwork: {network}\naccounting: {accounting}\nmonitoring: {monitoring}\nmonitor_tags: {{}}"
        )));
        let (config, warnings) = load(&text).unwrap_or_else(|error| panic!("{text}\n{error}"));
        let alone =
            matches!((&config.storage, &config.network), (Storage::Existing { .. }, Network::New { .. }));
        assert_eq!(warnings.len(), usize::from(alone), "{text}\n{warnings:?}");
        assert_eq!((config.accounting, config.monitoring), (accounting, monitoring));
        count += 1;
    }
    println!("{count} cases");
}
