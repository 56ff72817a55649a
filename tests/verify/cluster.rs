//! A deployed cluster behind stand-ins, changed by each case, and the audit that every run has to stand.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Output};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::scene::{SUBSCRIPTION, Scene};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Longer than any run takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(100);

/// A cluster of which all is well, with its nodes off.
pub struct Cluster {
    scene: Scene,
    /// Whether nodes may stay on: the case is about that.
    pub leaves_nodes: std::cell::Cell<bool>,
}

/// One row of a table.
pub struct Case {
    pub name: &'static str,
    pub args: &'static [&'static str],
    pub exit: i32,
    pub arrange: Box<dyn Fn(&Cluster) + Sync>,
}

pub fn case(
    name: &'static str,
    args: &'static [&'static str],
    exit: i32,
    arrange: impl Fn(&Cluster) + Sync + 'static,
) -> Case {
    Case { name, args, exit, arrange: Box::new(arrange) }
}

/// Runs a table, four cases at once; the snapshot has what a user sees.
pub fn table(name: &str, cases: &[Case]) {
    println!("{} cases", cases.len());
    let one = |case: &Case| {
        let cluster = Cluster::new();
        (case.arrange)(&cluster);
        let (exit, seen) = cluster.verify(case.args);
        assert_eq!(exit, case.exit, "{}:\n{seen}", case.name);
        format!("## {}: exit {exit}\n{seen}\n", case.name)
    };
    let texts = cases.chunks(4).flat_map(|part| {
        std::thread::scope(|scope| {
            let threads: Vec<_> = part.iter().map(|case| scope.spawn(|| one(case))).collect();
            threads.into_iter().map(|thread| thread.join().expect("a case")).collect::<Vec<_>>()
        })
    });
    let text: String = texts.collect();
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!(format!("verify__{name}"), text);
    });
}

impl Cluster {
    pub fn new() -> Self {
        let cluster = Self { scene: Scene::new(), leaves_nodes: false.into() };
        let scene = &cluster.scene;
        scene.without("ssh");
        for (stand_in, link) in [("slurm", "bin/ssh"), ("tunnel", "answers/network bastion tunnel.do")] {
            symlink(Path::new(ROOT).join("tests/stand-ins").join(stand_in), scene.path(link))
                .expect("linked");
        }
        let key = [&[0, 0, 0, 11], b"ssh-ed25519".as_slice(), &[0, 0, 0, 32], &[7; 32]].concat();
        fs::write(scene.path("key.pub"), format!("ssh-ed25519 {}\n", BASE64_STANDARD.encode(key)))
            .expect("written");
        cluster.config(480, "");
        cluster.azure();
        cluster.put(&json!({
            "nodes": {}, "cloud": {"scheduler": ["Started", ""], "login1": ["Started", ""], "login2": ["Started", ""],
                "login3": ["Started", ""]},
        }));
        cluster.nodes("hpc", 5, "FUTURE");
        cluster.nodes("htc", 10, "FUTURE");
        cluster
    }

    /// `config.yaml` with so many cores of GPU nodes.
    pub fn config(&self, cores: u32, more: &str) {
        self.config_of("Standard_ND96isr_H100_v5", cores, more);
    }

    /// The same with GPU nodes of another size.
    pub fn config_of(&self, size: &str, cores: u32, more: &str) {
        let text = format!(
            "region: eastus\nresource_group_name: cluster-rg\nsubscription_name: research\n\
             hpc_sku: {size}\nhpc_max_core_count: {cores}\nssh_public_key_file: key.pub\n{more}"
        );
        fs::write(self.scene.path("config.yaml"), text).expect("written");
    }

    fn azure(&self) {
        let resource = |kind: &str, name: &str| {
            format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/cluster-rg/providers/{kind}/{name}")
        };
        let vm = |name: &str| resource("Microsoft.Compute/virtualMachines", name);
        let workspace = resource("Microsoft.Monitor/accounts", "monitor");
        let outputs = json!({
            "globalVars": {"type": "Object", "value": {
                "bastionId": resource("Microsoft.Network/bastionHosts", "bastion"), "cycleserverId": vm("cycleserver"),
                "cycleserverAdmin": "cycleadmin", "monitorWorkspaceId": workspace,
            }},
            "ansible_inventory": {"type": "Object", "value": {"all": {"hosts": {"cycleserver": {
                "ansible_host": "10.64.0.68", "ansible_user": "cycleadmin"}}}}},
        });
        let deployment = json!({"name": "ccslurm4ai-20260101-000000", "properties": {
            "provisioningState": "Succeeded", "timestamp": "2026-01-01T00:00:00Z", "outputs": outputs}});
        self.scene.answer_json("deployments", &json!({"value": [deployment]}));
        self.scene.answer_json(
            "cycleserver",
            &json!({"properties": {"osProfile": {"linuxConfiguration": {"ssh": {
            "publicKeys": [{"keyData": "ssh-ed25519 AAAA"}]}}}}}),
        );
        let machine = |name: &str| {
            json!({"id": vm(name), "tags": {"ClusterName": "slurmcluster", "Name": name},
            "properties": {"provisioningState": "Succeeded"}})
        };
        let machines = ["scheduler", "login1", "login2", "login3"].map(machine);
        self.scene.answer_json("virtualMachines", &json!({"value": machines}));
        self.scene.answer_json(
            "monitor",
            &json!({"properties": {"metrics": {
            "prometheusQueryEndpoint": "https://monitor-a1b2.eastus.prometheus.monitor.azure.com"}}}),
        );
        self.metrics("Cluster-RG/slurmcluster");
    }

    /// The workspace has a recorded answer's series, of the cluster `name`.
    pub fn metrics(&self, name: &str) {
        let path =
            Path::new(ROOT).join("tests/data/verify/prometheus-query-dcgm_fi_dev_gpu_temp-h100-8gpu.json");
        let mut answer: Value = serde_json::from_slice(&fs::read(path).expect("test data")).expect("JSON");
        for series in answer["data"]["result"].as_array_mut().expect("series") {
            series["metric"]["cluster"] = name.into();
        }
        self.scene.answer_json("query", &answer);
    }

    pub fn forbids(&self, key: &str) {
        self.scene.forbids(key);
    }

    fn put(&self, cluster: &Value) {
        fs::write(self.scene.path("answers/cluster.json"), cluster.to_string()).expect("written");
    }

    fn get(&self) -> Value {
        let text = fs::read(self.scene.path("answers/cluster.json")).expect("there");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// Changes what the stand-in plays.
    pub fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut cluster = self.get();
        change(&mut cluster);
        self.put(&cluster);
    }

    /// A partition's nodes are so many, in this state.
    pub fn nodes(&self, partition: &str, count: usize, state: &str) {
        self.change(|cluster| {
            for number in 1..=count {
                let node = json!({"state": [state], "partition": partition, "off": [state]});
                cluster["nodes"][format!("slurmcluster-{partition}-{number}")] = node;
            }
        });
    }

    /// Sets a property of a node.
    pub fn node(&self, name: &str, property: &str, value: impl Into<Value>) {
        self.change(|cluster| cluster["nodes"][name][property] = value.into());
    }

    /// Commands that begin so fail.
    pub fn fails(&self, start: &str, status: i32, text: &str) {
        self.change(|cluster| cluster["fails"][start] = json!([status, text]));
    }

    pub fn hangs(&self, start: &str) {
        self.change(|cluster| cluster["hangs"] = json!([start]));
    }

    pub fn file(&self, name: &str, text: &str) {
        fs::write(self.scene.path("answers").join(name), text).expect("written");
    }

    fn start(&self, args: &[&str]) -> Child {
        let mut command = self.scene.command(&[&["verify", "--workspace", "ws"], args].concat());
        command.env("CCSLURM4AI_NODE_TIMEOUT", "1");
        command.spawn().expect("it runs")
    }

    /// Runs `verify` to its end: exit code and what is seen, without times.
    pub fn verify(&self, args: &[&str]) -> (i32, String) {
        let output = self.start(args).wait_with_output().expect("it ends");
        self.audit();
        self.seen(&output)
    }

    /// Interrupts `verify` once the calls so far are as wanted.
    pub fn interrupted(&self, args: &[&str], when: impl Fn(&[String]) -> bool) -> (i32, String) {
        let child = self.start(args);
        let deadline = Instant::now() + PATIENCE;
        while !when(&self.calls()) {
            assert!(Instant::now() < deadline, "it does not come so far: {:#?}", self.calls());
            std::thread::sleep(Duration::from_millis(20));
        }
        kill_process(Pid::from_child(&child), Signal::INT).expect("it runs still");
        let output = child.wait_with_output().expect("it ends");
        self.audit();
        self.seen(&output)
    }

    /// The JSON document of `verify`.
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.start(&[&["--output", "json"], args].concat()).wait_with_output().expect("it ends");
        self.audit();
        serde_json::from_slice(&output.stdout).expect("one document")
    }

    /// No process, no folder of jobs and no node that was started stays.
    fn audit(&self) {
        assert_eq!(self.scene.children_left(), [""; 0], "{:#?}", self.calls());
        let home = fs::read_dir(self.scene.path("answers/home")).map(Iterator::count).unwrap_or_default();
        assert_eq!(home, 0, "{:#?}", self.calls());
        for (name, node) in self.get()["nodes"].as_object().expect("nodes") {
            assert!(self.leaves_nodes.get() || node["state"] == node["off"], "{name} stays: {node}");
        }
    }

    pub fn calls(&self) -> Vec<String> {
        self.scene.calls()
    }

    fn seen(&self, output: &Output) -> (i32, String) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let all = format!("{}--\n{}", text(&output.stdout), text(&output.stderr));
        let all = all.replace(&self.scene.path("").display().to_string(), "[folder]/");
        let time = regex::Regex::new(r" +\d+\.\d s").expect("a pattern");
        let port = regex::Regex::new(r"--port \d+").expect("a pattern");
        let all = port.replace_all(&all, "--port [port]");
        (output.status.code().expect("an exit code"), time.replace_all(&all, "").into_owned())
    }
}
