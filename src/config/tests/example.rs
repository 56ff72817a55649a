//! The example with a user's answers is a configuration with just these.

use proptest::prelude::*;

use super::*;

/// Texts that a rule accepts, and many that look like something else in YAML.
fn word(key: &'static str) -> impl Strategy<Value = String> {
    let odd = [
        "null",
        "True",
        "no",
        "1.10",
        "0x1F",
        "a: b",
        "a #b",
        "it's",
        "\"x\"",
        "{a}",
        "*a",
        "&a",
        "!x",
        "Größe 1",
        "123",
    ];
    let odd = prop::sample::select(odd.map(str::to_owned).to_vec());
    let any = prop_oneof![odd, "[a-z0-9]{1,12}", "\\PC{1,24}", "[A-Za-z0-9 ._():#-]{1,24}"];
    any.prop_filter("refused", move |text| keys::check(key, text).is_ok())
}

fn size() -> impl Strategy<Value = &'static Size> {
    prop::sample::select(sizes::gpu_sizes().collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_come_back(
        name in word("subscription_name"),
        region in word("region"),
        group in word("resource_group_name"),
        size in size(),
        nodes in 1..100_u32,
    ) {
        prop_assume!([&name, &region, &group].iter().all(|text| text.chars().all(source::is_text)));
        let answers = Answers {
            subscription: Subscription::Name(name),
            region,
            resource_group: group,
            size: size.name.clone(),
            cores: u64::from(nodes * size.vcpus),
        };
        let text = example(&answers);
        let (config, warnings) = load(&text).unwrap_or_else(|error| panic!("{text}\n{error}"));
        prop_assert!(warnings.is_empty(), "{warnings:?}");
        prop_assert_eq!(config.hpc_node_count(), nodes);
        prop_assert_eq!((config.hpc_sku.name, config.hpc_max_core_count), (answers.size, nodes * size.vcpus));
        prop_assert_eq!((config.subscription, config.region), (answers.subscription, answers.region));
        prop_assert_eq!(config.resource_group_name, answers.resource_group);
    }
}

#[test]
fn a_subscription_by_its_id_and_all_comments() {
    let id = "11111111-2222-3333-4444-555555555555".to_owned();
    let answers = Answers {
        subscription: Subscription::Id(id.clone()),
        region: "westeurope".to_owned(),
        resource_group: "my-cluster".to_owned(),
        size: "Standard_ND96asr_v4".to_owned(),
        cores: 96,
    };
    let (text, before) = (example(&answers), include_str!("../../../config.example.yaml"));
    assert_eq!(load(&text).unwrap().0.subscription, Subscription::Id(id));
    let changed: Vec<_> = text.lines().zip(before.lines()).filter(|(now, before)| now != before).collect();
    assert_eq!((text.lines().count(), changed.len()), (before.lines().count(), 5), "{changed:?}");
}
