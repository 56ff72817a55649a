//! Functions of the template language against the official evaluator.

use std::path::{Path, PathBuf};

use ccslurm4ai_twin::arm::{Plan, expr};
use ccslurm4ai_twin::azure::error::AzureError;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::compare::assert_equal;
use crate::compiler;
use crate::snapshot::read;
use crate::world::{FakeWorld, request, template};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/expressions")
}

fn lines(file: &str) -> Vec<String> {
    let path = folder().join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(str::to_owned).collect()
}

/// A template whose output `all` has a member for each expression, `{"it": value}` so that the type does not matter.
fn outputs<'a>(expressions: impl Iterator<Item = &'a str>) -> Value {
    let member = |(at, expression)| (format!("o{at}"), json!(format!("[createObject('it', {expression})]")));
    let all: Map<String, Value> = expressions.enumerate().map(member).collect();
    let mut whole = template(json!({}));
    whole["outputs"] = json!({"all": {"type": "object", "value": all}});
    whole
}

fn ours(template: &Value) -> Result<Value, String> {
    let world = FakeWorld::default();
    let plan =
        Plan::build(request(template.clone(), json!({})), &world).map_err(|error| error.to_string())?;
    let outputs = plan.outputs(&world);
    let sentence = |error: AzureError| {
        error.details.first().map_or(error.message.clone(), |first| first.message.clone())
    };
    outputs.map(|outputs| outputs["all"]["value"].clone()).map_err(sentence)
}

#[test]
fn values_are_those_of_the_official_evaluator() {
    let expressions = lines("values.txt");
    let template = outputs(expressions.iter().map(String::as_str));
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("main.json"), template.to_string()).expect("the template");
    std::fs::write(folder.path().join("main.bicepparam"), "using './main.json'\n").expect("the parameters");
    let official = compiler::snapshot(folder.path(), "main", "rg1");
    let ours = ours(&template).expect("values");
    let mut wrong = String::new();
    for (at, expression) in expressions.iter().enumerate() {
        let (ours, official) = (&ours[format!("o{at}")], &official["outputs"]["all"][format!("o{at}")]);
        if ours != official {
            wrong += &format!("{expression}\n  is {ours}\n  not {official}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    println!("{} expressions", expressions.len());
}

#[test]
fn refusals_are_in_the_words_of_the_official_evaluator() {
    let lines = lines("refused.txt");
    let mut wrong = String::new();
    for pair in lines.chunks(2) {
        let [expression, message] = pair else { panic!("a line without its sentence") };
        // The wrapping in `createObject` was the same when the sentences were taken.
        let expression = expression.as_str();
        let mut template = outputs([].into_iter());
        template["outputs"]["all"]["value"] = json!(format!("[createObject('v',{expression})]"));
        let expected = format!("The template output 'all' is not valid: {}.", message.trim());
        let refusal = ours(&template).err().unwrap_or_else(|| "taken".into());
        if refusal != expected {
            wrong += &format!("{expression}\n  is {refusal}\n  not {expected}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    println!("{} refusals", lines.len() / 2);
}

#[test]
fn functions_of_a_deployment_have_the_values_of_the_official_evaluator() {
    let template = read(&folder().join("deployment.json"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("main.json"), template.to_string()).expect("the template");
    std::fs::write(folder.path().join("main.bicepparam"), "using './main.json'\n").expect("the parameters");
    let mut world = FakeWorld { ruled: false, ..FakeWorld::default() };
    let asked = request(template, json!({}));
    assert_equal(&mut world, &asked, &compiler::snapshot(folder.path(), "main", "rg1"));
    // What it leaves to the running deployment.
    let outputs = world.deploy(asked).expect("outputs");
    for (name, value) in [
        ("deployment", json!(["main", "1.0.0.0"])),
        ("environment", json!(["core.windows.net", ".vault.azure.net"])),
        ("reference", json!(["standard", "eastus", "A"])),
        ("references", json!([["StorageV2", "Hot"], ["StorageV2", "Cool"]])),
        ("listKeys", json!("listKeys 1")),
    ] {
        assert_eq!(outputs[name]["value"], value, "{name}");
    }
}

#[test]
fn every_claimed_function_is_held_against_the_official_evaluator() {
    let values = lines("values.txt").join("\n") + &lines("deployment.json").join("\n");
    let refused = lines("refused.txt").join("\n");
    let names: Vec<&str> = expr::functions().collect();
    let uses = |name: &&str| {
        // `fail` never has a value.
        let text = if *name == "fail" { &refused } else { &values };
        text.match_indices(&format!("{name}(")).any(|(at, _)| !text[..at].ends_with(char::is_alphanumeric))
    };
    let unused: Vec<&&str> = names.iter().filter(|name| !uses(name)).collect();
    assert!(unused.is_empty(), "without a line in tests/data/expressions: {unused:?}");
    println!("{} functions", names.len());
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn one(expression: &str) -> Value {
    ours(&outputs([expression].into_iter())).unwrap_or_else(|error| panic!("{expression}: {error}"))["o0"]["it"].clone()
}

proptest! {
    #[test]
    fn split_and_join_are_inverse(parts in prop::collection::vec("[a-zä' ]{0,5}", 1..6)) {
        let joined = quoted(&parts.join(","));
        prop_assert_eq!(one(&format!("split({joined}, ',')")), json!(parts));
        let joined_again = one(&format!("join(split({joined}, ','), ',')"));
        prop_assert_eq!(joined_again, json!(parts.join(",")));
    }

    #[test]
    fn base64_and_json_come_back(text in ".{0,20}") {
        let text_quoted = quoted(&text);
        prop_assert_eq!(one(&format!("base64ToString(base64({text_quoted}))")), json!(text));
        prop_assert_eq!(one(&format!("json(string(createArray({text_quoted})))[0]")), json!(text));
    }

    #[test]
    fn subnets_of_a_network_lie_in_it_and_apart(first in any::<u32>(), prefix in 8u8..24, more in 1u8..8, index in 0u32..200) {
        let network = format!("{}/{prefix}", std::net::Ipv4Addr::from(first));
        let index = index % (1 << more);
        let size = prefix + more;
        let subnet = one(&format!("cidrSubnet('{network}', {size}, {index})"));
        let whole = one(&format!("parseCidr('{network}')"));
        let part = one(&format!("parseCidr('{}')", subnet.as_str().unwrap_or_default()));
        let address = |value: &Value| value.as_str().and_then(|text| text.parse::<std::net::Ipv4Addr>().ok()).map(u32::from);
        let (low, high) = (address(&part["network"]), address(&part["broadcast"]));
        prop_assert!(address(&whole["network"]) <= low && high <= address(&whole["broadcast"]));
        prop_assert_eq!(low.map(u64::from), address(&whole["network"]).map(|low| u64::from(low) + (u64::from(index) << (32 - size))));
    }

    #[test]
    fn union_keeps_each_item_once(items in prop::collection::vec(0u8..5, 0..10)) {
        let list: Vec<String> = items.iter().map(u8::to_string).collect();
        let union = one(&format!("union(createArray({0}), createArray({0}))", list.join(",")));
        let mut once: Vec<u8> = Vec::new();
        items.iter().for_each(|item| if !once.contains(item) { once.push(*item) });
        prop_assert_eq!(union, json!(once));
    }

    #[test]
    fn no_expression_panics(source in "(concat|format|substring|take|range|union|tryGet|if|map|cidrSubnet|split|padLeft)\\((('[a-z{}0-9:,/.]{0,6}'|-?[0-9]{1,3}|null\\(\\)|createArray\\(1,'a'\\)|createObject\\('a',1\\)|lambda\\('x',1\\)),? ?){0,4}\\)") {
        let _ = ours(&outputs([source.as_str()].into_iter()));
    }
}
