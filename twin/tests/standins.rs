//! What the CycleCloud stand-ins accept, resolve and refuse: templates, parameters, expressions, records.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// One template with every kind of section; the cases below change one thing in it.
const TEMPLATE: &str = r#"
# A comment
[cluster Slurm]
Autoscale = true
    [[node defaults]]
    Credentials = $Credentials
    Region = $Region
    SubnetId = $SubnetId
    ImageName = microsoft-dsvm:ubuntu-hpc:2404:latest
    Tags = $NodeTags
        [[[configuration]]]
        slurm.version = "1.2.3"
        [[[cluster-init cyclecloud/slurm:default]]]
        [[[volume boot]]]
        SSD = true
    [[node scheduler]]
    MachineType = $SchedulerMachineType
    ComputerName = ${toLower(regexps("([^a-zA-Z0-9-])", ifThenElse(HostName == "Own", StrJoin("-", ClusterName, "SCHEDULER"), ifThenElse(Size(Trim(HostName)) == 0, undefined, HostName)), "-"))}
    Zone = ${ifThenElse(Flag, "1", undefined)}
        [[[cluster-init azure-storage/code_cli:default:1.0.0]]]
        [[[network-interface eth0]]]
        AssociatePublicIpAddress = false
    [[node loginbase]]
    Abstract = true
    MachineType = Standard_D8ads_v5
    [[node login1]]
    Extends = loginbase
    Tags.Role = login
    [[nodearray standby]]
    Extends = scheduler
    ComputerName := undefined
    InitialCount = $Flag
        [[[configuration cyclecloud.mounts.shared]]]
        disabled = ${Flag isnt true}
        address = ${ifThenElse(Flag == false && !(Cores > 1000), "10.0.0.1", undefined)}
    [[nodearray hpc]]
    MachineType = Standard_ND96isr_H100_v5
    MaxCount = ${Cores / 96}
[parameters Main]
    [[parameters Sub]]
        [[[parameter Credentials]]]
        ParameterType = Cloud.Credentials
        [[[parameter Region]]]
        [[[parameter SubnetId]]]
        Required = true
        [[[parameter SchedulerMachineType]]]
        DefaultValue = Standard_F2s_v2
        [[[parameter NodeTags]]]
        DefaultValue := []
        [[[parameter Cores]]]
        DefaultValue = 192
        [[[parameter Flag]]]
        ParameterType = Boolean
        DefaultValue = false
        [[[parameter Specs]]]
        ParameterType = Cloud.ClusterInitSpecs
        DefaultValue = =undefined
        [[[parameter HostName]]]
        DefaultValue = Own
        Config.Plugin = pico.form.TextBox
        [[[parameters Deep]]]
            [[[[parameter About]]]]
            HideLabel = true
            Config.Template := "<p>with = and 'quotes'</p>"
            Description = '''many
            lines = here'''
"#;

fn parameters() -> Value {
    json!({"Credentials": "azure", "Region": "eastus", "SubnetId": "rg/vnet/compute"})
}

/// Runs the calls in one Python and returns an answer for each: `{"ok": …}` or `{"refused": "…"}`.
fn ask(calls: &[Value]) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new("python3")
        .arg(root.join("tests/data/standin_driver.py"))
        .env("PYTHONPATH", libraries())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = python.stdin.take().unwrap();
    let lines: String = calls.iter().map(|call| format!("{call}\n")).collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let answers: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), calls.len());
    answers
}

/// Where the server's stand-ins find their modules.
fn libraries() -> String {
    let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("hosts").display().to_string();
    format!("{hosts}/server/opt/cycle_server:{hosts}/every/opt/ccslurm4ai-twin/lib")
}

fn cluster(template: &str, parameters: Value) -> Value {
    json!({"verb": "cluster", "template": template, "parameters": parameters})
}

/// The template with one piece of text replaced, which must be in it.
fn with(old: &str, new: &str) -> Value {
    assert!(TEMPLATE.contains(old), "{old} is not in the template");
    cluster(&TEMPLATE.replacen(old, new, 1), parameters())
}

/// The parameters with one value changed.
fn given(name: &str, value: Value) -> Value {
    let mut changed = parameters();
    changed[name] = value;
    cluster(TEMPLATE, changed)
}

#[test]
fn a_good_cluster_is_resolved() {
    let mut tagged = parameters();
    tagged["NodeTags"] = json!({"team": "ai"});
    let answer = &ask(&[cluster(TEMPLATE, tagged)])[0]["ok"];
    let nodes: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(nodes, ["scheduler", "login1", "standby", "hpc"], "{answer}");
    assert_eq!(answer["scheduler"]["MachineType"], "Standard_F2s_v2");
    assert_eq!(answer["scheduler"]["ComputerName"], "slurmcluster-scheduler");
    assert_eq!(answer["scheduler"]["specs"], json!(["slurm:default", "code_cli:default"]));
    assert_eq!(answer["standby"]["MachineType"], "Standard_F2s_v2");
    assert_eq!(answer["standby"]["ComputerName"], Value::Null);
    assert_eq!(answer["login1"]["MachineType"], "Standard_D8ads_v5");
    assert_eq!(answer["login1"]["Tags"], json!({"team": "ai", "Role": "login"}));
    assert_eq!(answer["hpc"]["MaxCount"], 2);
}

#[test]
fn bad_templates_and_parameters_are_refused() {
    let cases: Vec<(Value, &str)> = vec![
        (
            with("[cluster Slurm]", "[cluster Other]"),
            "Cluster Slurm is not in the template file (clusters there: Other)",
        ),
        (cluster("", parameters()), "(clusters there: none)"),
        (cluster("Name = 1", parameters()), "line 1: expected a section"),
        (with("Autoscale = true", "Autoscale true"), "line 4: expected a section or \"name = value\""),
        (with("[[node scheduler]]", "[[node scheduler]"), "malformed section"),
        (with("[[node scheduler]]", "[[nodes scheduler]]"), "section nodes is not known"),
        (with("[[node scheduler]]", "[[node]]"), "node has no name"),
        (with("[[node scheduler]]", "[[[[node scheduler]]]]"), "a node cannot stand in"),
        (with("[[[volume boot]]]", "[[volume boot]]"), "a volume cannot stand in cluster Slurm"),
        (with("[[node login1]]", "[[node scheduler]]"), "node scheduler is defined twice"),
        (with("    Region = $Region", "    Region = $Region\n    region = eastus"), "region is given twice"),
        (with("lines = here'''", "lines = here"), "''' is never closed"),
        (
            with("$SchedulerMachineType", "$Scheduler"),
            "Parameter Scheduler is not known (referenced by node scheduler)",
        ),
        (with("${Cores / 96}", "${Core / 96}"), "Parameter Core is not known (referenced by nodearray hpc)"),
        (with("${Cores / 96}", "${Cores / 0}"), "division by zero"),
        (with("${Cores / 96}", "${Cores / }"), "expected a value in expression"),
        (with("toLower(", "lower("), "function lower is not known"),
        (with("${Cores / 96}", "${trim(Cores)}"), "function trim cannot take 192"),
        (with("${Cores / 96}", "${regexp(\"(\", ClusterName)}"), "function regexp cannot take"),
        (
            with("${Cores / 96}", &format!("${{{}1{}}}", "(".repeat(5000), ")".repeat(5000))),
            "nested too deeply",
        ),
        (with("Extends = loginbase", "Extends = base"), "node login1 extends base, which is not defined"),
        (with("Abstract = true", "Abstract = true\n    Extends = login1"), "extends itself"),
        (with("    Extends = loginbase\n", ""), "MachineType is not set on login1"),
        (
            with("MachineType = Standard_D8ads_v5", "MachineType = Standard_D8"),
            "MachineType Standard_D8 (on login1) is not known in eastus",
        ),
        (with("ubuntu-hpc:2404:latest", "ubuntu-hpc"), "is no URN publisher:offer:sku:version"),
        (with("code_cli:default:1.0.0", "code_cli:default"), "has no version"),
        (with("code_cli:default:1.0.0", "code_cli:default:2.0.0"), "is not in the locker"),
        (with("code_cli:default:1.0.0", "code_cli:gpu:1.0.0"), "is not in the locker"),
        (with("azure-storage/code_cli", "other-storage/code_cli"), "Locker other-storage"),
        (with("cyclecloud/slurm:default", "cyclecloud/slurm:head"), "cluster-init slurm:head"),
        (with("cyclecloud/slurm:default", "cyclecloud/slurm"), "is not project:spec:version"),
        (given("Colour", json!("red")), "Parameter Colour is not known"),
        (given("SubnetId", Value::Null), "Parameter SubnetId is required but has no value"),
        (given("SubnetId", json!("compute")), "is not group/network/subnet"),
        (given("SubnetId", json!("rg/vnet/a/b")), "is not group/network/subnet"),
        (given("Credentials", json!("other")), "Credentials other (on scheduler) are not known"),
        (given("Credentials", Value::Null), "Credentials is not set on scheduler"),
        (given("Region", json!("westus")), "is not known in westus"),
        (given("Flag", json!("maybe")), "Parameter Flag must be true or false"),
        (given("Specs", json!(["a"])), "Parameter Specs must map cluster-init names"),
        (given("Cores", json!("many")), "'many' is no number"),
    ];
    let calls: Vec<Value> = cases.iter().map(|(call, _)| call.clone()).collect();
    for ((_, wanted), answer) in cases.iter().zip(ask(&calls)) {
        let refused = answer["refused"]
            .as_str()
            .unwrap_or_else(|| panic!("accepted, but should say {wanted}: {answer}"));
        assert!(refused.contains(wanted), "says {refused:?}, but should say {wanted:?}");
    }
    println!("{} bad templates and parameters refused", cases.len());
}

#[test]
fn expressions_have_the_documented_values() {
    let names = json!({"a": 5, "name": "Slurm", "list": ["x", "y"], "yes": true});
    let cases = [
        ("1 + 2 * 3", json!(7)),
        ("(1 + 2) * 3", json!(9)),
        ("a / 2", json!(2)),
        ("a / 2.0", json!(2.5)),
        ("-a", json!(-5)),
        ("name == \"SLURM\"", json!(true)),
        ("name === \"SLURM\"", json!(false)),
        ("a > 4 && !(a > 5)", json!(true)),
        ("missing == 1", Value::Null),
        ("missing is undefined", json!(true)),
        ("name isnt undefined", json!(true)),
        ("missing || yes", json!(true)),
        ("ifThenElse(a > 9, 1, 2)", json!(2)),
        ("a > 9 ? 1 : 2", json!(2)),
        ("ifUndefined(missing, \"none\")", json!("none")),
        ("strcat(\"a\", name)", json!("aSlurm")),
        ("strjoin(\"-\", name, \"b\")", json!("Slurm-b")),
        ("StrJoin(\",\", list)", json!("x,y")),
        ("regexp(\"^S\", name)", json!(true)),
        ("regexps(\"[^a-z]\", name, \"-\")", json!("-lurm")),
        ("size(trim(\"  ab \"))", json!(2)),
        ("substr(name, 1, 3)", json!("lu")),
        ("toUpper(name)", json!("SLURM")),
        ("name in {\"pbs\", \"slurm\"}", json!(true)),
        ("[a = 1; b = \"x\"]", json!({"a": 1, "b": "x"})),
        ("[]", json!({})),
    ];
    let calls: Vec<Value> =
        cases.iter().map(|(text, _)| json!({"verb": "expression", "text": text, "names": names})).collect();
    for ((text, wanted), answer) in cases.iter().zip(ask(&calls)) {
        assert_eq!(&answer["ok"], wanted, "{text}: {answer}");
    }
    println!("{} expressions", cases.len());
}

#[test]
fn a_cluster_lives_on_the_server() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("python3")
        .arg(root.join("tests/data/standin_life.py"))
        .env("PYTHONPATH", libraries())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&seen).unwrap());
}

#[test]
fn dropped_records_are_read_or_refused() {
    let call = |name: &str, text: &str| json!({"verb": "records", "name": name, "text": text});
    let answers = ask(&[
        call(
            "a.txt",
            "AdType = \"Application.Setting\"\nName = \"site_id\"\n\nAdType = \"Credential\"\nName = \"a/public\"",
        ),
        call("a.json", "{\"AdType\": \"Credential\"}"),
        call("a.json", "{"),
        call("a.json", "[1]"),
        call("a.txt", "no record"),
    ]);
    assert_eq!(answers[0]["ok"][1], json!({"AdType": "Credential", "Name": "a/public"}));
    assert_eq!(answers[1]["ok"], json!([{"AdType": "Credential"}]));
    for (answer, why) in answers[2..].iter().zip(["no JSON", "expected records", "expected Name = value"]) {
        assert!(answer["refused"].as_str().unwrap().starts_with(why), "{answer}");
    }
}
