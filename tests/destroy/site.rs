//! A cluster in a resource group of its own, with a role on the subscription, and its local files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Output};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::check_scene::Scene;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PATIENCE: Duration = Duration::from_secs(100);
/// Runs of a table at once; most of their time they wait.
pub const AT_ONCE: usize = 4;
pub const SUBSCRIPTION: &str = "/subscriptions/11111111-2222-3333-4444-555555555555";
pub const GROUP: &str = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/cluster-rg";
/// Calls that the stand-in Azure answers: the words of az, or the last word of an address.
const CALLS: [&str; 19] = [
    "cluster-rg",
    "resources",
    "virtualMachines",
    "virtualMachineScaleSets",
    "networkInterfaces",
    "deployments",
    "locks",
    "roleAssignments",
    "deletedVaults",
    "vault",
    "locker",
    "reader-role",
    "subnet-role",
    "subnets",
    "group delete",
    "resource delete",
    "ma_group",
    "network",
    "ccslurm4ai-20261125T100000Z",
];

pub struct Site {
    pub scene: Scene,
}

/// What a run left behind.
pub struct Run {
    pub exit: i32,
    /// The one JSON document.
    pub document: Value,
    /// Standard error, without times and folders.
    pub said: String,
}

/// A resource of the group, as the list shows it.
pub fn resource(kind: &str, name: &str) -> Value {
    json!({"id": format!("{GROUP}/providers/{kind}/{name}"), "type": kind, "name": name})
}

/// A deployment's record.
pub fn record(place: &str, name: &str, state: &str, run: &str, written: &[String]) -> Value {
    json!({"id": format!("{place}/providers/Microsoft.Resources/deployments/{name}"), "name": name,
        "state": state, "run": run, "written": written})
}

impl Site {
    /// Everything is deployed and nothing is in the way.
    pub fn new() -> Self {
        let site = Self { scene: Scene::new() };
        for call in CALLS {
            let _ = fs::remove_file(site.path(&format!("answers/{call}.err")));
            let _ = fs::remove_file(site.path(&format!("answers/{call}.status")));
            site.answered(call);
        }
        let server = format!("{GROUP}/providers/Microsoft.Compute/virtualMachines/cycleserver");
        let role = format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/reader-role");
        let mut resources = vec![
            resource("Microsoft.Compute/virtualMachines", "cycleserver"),
            resource("Microsoft.Compute/disks", "cycleserver-data"),
            resource("Microsoft.KeyVault/vaults", "kv"),
            resource("Microsoft.ManagedIdentity/userAssignedIdentities", "locker"),
            resource("Microsoft.Network/virtualNetworks", "vnet"),
        ];
        resources[0]["principal"] = "p-server".into();
        let id = |resource: &Value| resource["id"].as_str().expect("an id").to_owned();
        let mut written: Vec<String> = [0, 2, 3, 4].map(|at: usize| id(&resources[at])).to_vec();
        written.push(role.clone());
        site.azure(&json!({
            "group": {"name": "cluster-rg", "location": "eastus", "tags": {"created-by": "ccslurm4ai"},
                "properties": {"provisioningState": "Succeeded"}},
            "resources": resources,
            "vms": [{"id": server, "size": "Standard_D4s_v5", "vmId": "V-1", "parts": [id(&resources[1]), null]}],
            "sets": [],
            "interfaces": [],
            "assignments": [{"id": role, "scope": SUBSCRIPTION, "principal": "p-server",
                "role": "/x/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7",
                "description": format!("sizes; for the cluster in {GROUP}")}],
            "records": [
                record(GROUP, "ccslurm4ai-20261125T100000Z", "Succeeded", "r1", &written),
                record(GROUP, "network", "Succeeded", "r1", &[written[3].clone()]),
                record(GROUP, "theirs", "Succeeded", "r2", &[]),
                record(SUBSCRIPTION, "reader-role", "Succeeded", "r1", &[role]),
            ],
            "locks": [],
            "deleted_vaults": [],
            "single": {
                format!("{GROUP}/providers/Microsoft.KeyVault/vaults/kv"): {"properties": {"softDeleteRetentionInDays": 7}},
                format!("{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/locker"): {"properties": {"principalId": "p-locker"}},
            },
        }));
        site.write_local_files();
        site
    }

    /// Lets the stand-in Azure answer `call`.
    pub fn answered(&self, call: &str) {
        let link = self.path(&format!("answers/{call}.do"));
        symlink(Path::new(ROOT).join("tests/stand-ins/removal"), link).expect("linked");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.scene.path(name)
    }

    fn azure(&self, state: &Value) {
        fs::write(self.path("answers/azure.json"), state.to_string()).expect("written");
    }

    /// What is in Azure.
    pub fn state(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path("answers/azure.json")).expect("a state")).expect("JSON")
    }

    /// Changes what is in Azure.
    pub fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut state = self.state();
        change(&mut state);
        self.azure(&state);
    }

    /// How deletions go, see the stand-in.
    pub fn plan(&self, plan: &Value) {
        fs::write(self.path("answers/plan.json"), plan.to_string()).expect("written");
    }

    /// What was deleted, in order: last words of ids, or `group`.
    pub fn deleted(&self) -> Vec<String> {
        let noted = fs::read_to_string(self.path("answers/deleted")).unwrap_or_default();
        noted.lines().map(|line| line.rsplit('/').next().unwrap_or_default().to_owned()).collect()
    }

    /// Nothing of the cluster is left in Azure or here.
    pub fn assert_gone(&self) {
        let state = self.state();
        assert_eq!(state["group"], Value::Null, "{state:#}");
        assert_eq!((&state["assignments"], &state["records"]), (&json!([]), &json!([])), "{state:#}");
        self.assert_no_local_files();
    }

    /// The state folder and the scripts are gone; files of the user are not.
    pub fn assert_no_local_files(&self) {
        let mut left: Vec<String> = fs::read_dir(self.path("ws"))
            .expect("listed")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        left.sort();
        assert_eq!(left, ["bastion_tunnel_other.sh", "notes.txt"]);
    }

    fn write_local_files(&self) {
        let workspace = self.path("ws");
        fs::create_dir_all(workspace.join(".ccslurm4ai/cluster-rg/ssh")).expect("made");
        let script = "# Written by ccslurm4ai; changes are lost.\n";
        for (name, text) in [
            (".ccslurm4ai/cluster-rg/ssh/id_rsa", "a key".to_owned()),
            ("notes.txt", "mine".to_owned()),
            ("bastion_tunnel_other.sh", script.to_owned()),
            ("bastion_tunnel_scheduler.sh", script.to_owned()),
            ("bastion_ssh_scheduler.sh", script.to_owned()),
            ("ssh_config", format!("# Written by ccslurm4ai.\nHostKeyAlias \"{GROUP}/providers/x/y/z\"\n")),
        ] {
            fs::write(workspace.join(name), text).expect("written");
        }
    }

    /// Runs `destroy ARGS --output json` to its end.
    pub fn destroy(&self, args: &[&str]) -> Run {
        self.finish(self.start(args))
    }

    /// Starts `destroy ARGS --output json`.
    pub fn start(&self, args: &[&str]) -> Child {
        let args = [&["destroy", "--output", "json", "--workspace", "ws"], args].concat();
        self.scene.command(&args).env("CCSLURM4AI_AZ_TIMEOUT", "30").spawn().expect("it runs")
    }

    /// Waits for the end of a run.
    pub fn finish(&self, mut child: Child) -> Run {
        let deadline = Instant::now() + PATIENCE;
        while child.try_wait().expect("a child").is_none() {
            if Instant::now() > deadline {
                child.kill().expect("killed");
                panic!("it does not end:\n{:#?}", self.scene.calls());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let run = self.judge(&child.wait_with_output().expect("it ended"));
        assert_eq!(self.scene.children_left(), [""; 0], "children left:\n{:#?}", self.scene.calls());
        run
    }

    fn judge(&self, output: &Output) -> Run {
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let exit = output.status.code().unwrap_or_else(|| panic!("no exit code:\n{stderr}"));
        let document: Value =
            serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}\n{stderr}"));
        assert_eq!((&document["exit_code"], &document["ok"]), (&json!(exit), &json!(exit == 0)), "{stderr}");
        Run { exit, document, said: self.shown(&stderr) }
    }

    fn shown(&self, text: &str) -> String {
        let text = text.replace(&self.path("").display().to_string(), "[folder]/");
        text.lines().map(|line| without_time(line) + "\n").collect()
    }

    /// Interrupts a run once a call contains `what`.
    pub fn interrupted_at(&self, args: &[&str], what: &str) -> Run {
        let mut child = self.start(args);
        let deadline = Instant::now() + PATIENCE;
        while !self.scene.calls().iter().any(|call| call.contains(what)) {
            let ended = child.try_wait().expect("a child");
            assert!(ended.is_none() && Instant::now() < deadline, "{what}: not reached ({ended:?})");
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_millis(100));
        kill_process(Pid::from_child(&child), Signal::INT).expect("it runs still");
        self.finish(child)
    }
}

/// A line of a phase without the time it took.
fn without_time(line: &str) -> String {
    match (line.get(..35), line.get(35..44), line.get(44..)) {
        (Some(phase), Some(time), Some(note)) if time.ends_with(" s") => format!("{phase}        _{note}"),
        _ => line.to_owned(),
    }
}

/// Exit code, phase, codes of the document, and standard error.
pub fn shown(name: &str, run: &Run) -> String {
    let errors = run.document["errors"].as_array().cloned().unwrap_or_default();
    let codes: Vec<&str> = errors.iter().filter_map(|error| error["code"].as_str()).collect();
    let phase = run.document["phase"].as_str().unwrap_or("none");
    format!("## {name}: exit {}, phase {phase}, errors {codes:?}\n{}\n", run.exit, run.said)
}

/// Keeps what a user sees.
pub fn snapshot(name: &str, texts: &[String]) {
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!(format!("destroy__{name}"), texts.concat());
    });
}
