//! A scene in which a cluster can be installed, and the audit that every run has to stand.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::scene::{Scene, server_version, token, versions};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Longer than any run with stand-ins takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(100);
/// What every private key of the stand-in ssh-keygen contains.
const CANARY: &str = "canary-";

/// An empty subscription, and all programs that an installation needs.
pub struct Site {
    pub scene: Scene,
}

/// What a run left behind.
pub struct Run {
    pub exit: i32,
    /// The one JSON document.
    pub document: Value,
    /// Standard error, without times, folders and names that differ from run to run.
    pub said: String,
}

impl Site {
    pub fn new() -> Self {
        let site = Self { scene: Scene::new() };
        for name in ["ssh", "ssh-keygen", "python3"] {
            site.scene.without(name);
            site.link("program", &format!("bin/{name}"));
        }
        fs::create_dir(site.path("tmp")).expect("made");
        site.make_ansible();
        for key in [
            "group create",
            "tag update",
            "vm image terms accept",
            "keyvault recover",
            "keyvault update",
            "resource patch",
            "vm extension set",
            "network nsg rule delete",
            "deployment group create",
            "deployment group what-if",
            "deployment sub what-if",
            "deployments",
        ] {
            site.link("azure", &format!("answers/{key}.do"));
        }
        site.link("tunnel", "answers/network bastion tunnel.do");
        site.answers();
        site
    }

    fn answers(&self) {
        let missing = |code: &str| {
            format!(r#"ERROR: Not Found({{"error":{{"code":"{code}","message":"It is not there."}}}})"#)
        };
        self.scene.fails("cluster-rg", 1, &missing("ResourceGroupNotFound"));
        self.scene.fails("secrets", 1, &missing("ParentResourceNotFound"));
        self.scene.answer_json("deletedVaults", &json!({"value": []}));
        self.scene.answer_json("vm image terms show", &json!({"accepted": false}));
        let vm = |node: &str, name: &str| {
            json!({"id": format!("/subscriptions/s/{name}"), "location": "eastus",
                "tags": {"ClusterName": "slurmcluster", "Name": node},
                "properties": {"provisioningState": "Succeeded", "hardwareProfile": {"vmSize": "Standard_D8ads_v5"}}})
        };
        let started =
            ["scheduler", "login1", "login2", "login3"].map(|node| (node.to_owned(), json!(["Started", ""])));
        let off = |partition: &str, count: usize| {
            let node = json!({"state": ["FUTURE"], "partition": partition});
            let name = |number| format!("slurmcluster-{partition}-{number}");
            (1..=count).map(|number| (name(number), node.clone())).collect::<Vec<_>>()
        };
        let nodes: serde_json::Map<_, _> = [off("hpc", 2), off("htc", 10)].concat().into_iter().collect();
        let cloud: serde_json::Map<_, _> = started.into_iter().collect();
        self.file("cluster.json", &json!({"nodes": nodes, "cloud": cloud}).to_string());
        self.scene.answer_json(
            "monitor",
            &json!({"properties": {"metrics": {
            "prometheusQueryEndpoint": "https://monitor-a1b2.eastus.prometheus.monitor.azure.com"}}}),
        );
        self.scene.answer_json(
            "query",
            &json!({"status": "success", "data": {"resultType": "vector", "result": []}}),
        );
        let vms = ["scheduler", "login1", "login2", "login3"].map(|node| vm(node, node));
        self.file("vms", &json!({"value": vms}).to_string());
    }

    /// Changes what the stand-in for the cluster's machines plays.
    pub fn change_cluster(&self, key: &str, value: &Value) {
        let text = fs::read(self.path("answers/cluster.json")).expect("there");
        let mut cluster: Value = serde_json::from_slice(&text).expect("JSON");
        cluster[key] = value.clone();
        self.file("cluster.json", &cluster.to_string());
    }

    /// Lets a shell script answer `call`.
    pub fn script(&self, call: &str, text: &str) {
        let path = self.path(&format!("answers/{call}.do"));
        fs::remove_file(&path).expect("the stand-in's own answer");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("written");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("executable");
    }

    /// What `setup` makes, with a stand-in in it.
    fn make_ansible(&self) {
        let folder = self.ansible();
        fs::create_dir_all(folder.join("bin")).expect("made");
        fs::write(folder.join("complete"), "").expect("written");
        symlink(Path::new(ROOT).join("tests/stand-ins/program"), folder.join("bin/python3")).expect("linked");
        symlink(Path::new(ROOT).join("tests/stand-ins/program"), folder.join("bin/ansible-playbook"))
            .expect("linked");
    }

    /// The folder of the Ansible environment.
    pub fn ansible(&self) -> PathBuf {
        self.path(&format!("cache/ansible-core-{}-cpython-311", ansible_version()))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.scene.path(name)
    }

    /// Writes a file among the answers.
    pub fn file(&self, name: &str, text: &str) {
        fs::write(self.path("answers").join(name), text).expect("written");
    }

    fn link(&self, stand_in: &str, name: &str) {
        symlink(Path::new(ROOT).join("tests/stand-ins").join(stand_in), self.path(name)).expect("linked");
    }

    /// How deployments go: their time and end, see the stand-in.
    pub fn plan(&self, plan: &Value) {
        self.file("deployment.plan", &plan.to_string());
    }

    /// A program fails with this output.
    pub fn program_fails(&self, name: &str, status: i32, out: &str, err: &str) {
        self.file(&format!("{name}.out"), out);
        self.file(&format!("{name}.err"), err);
        self.file(&format!("{name}.status"), &status.to_string());
    }

    /// The parameter document of the deployment that was started as number `number`, from 1.
    pub fn parameters(&self, number: usize) -> Value {
        let path = self.path("answers").join(format!("parameters.{number}.json"));
        serde_json::from_slice(&fs::read(path).expect("a deployment")).expect("JSON")
    }

    /// How often a deployment was started.
    pub fn deployments(&self) -> usize {
        (1..).take_while(|number| self.path(&format!("answers/parameters.{number}.json")).exists()).count()
    }

    /// What was called so far is forgotten.
    pub fn forget_calls(&self) {
        fs::write(self.path("answers/calls"), "").expect("written");
    }

    /// The name of the key vault, from the calls so far.
    pub fn vault(&self) -> String {
        let calls = self.scene.calls().concat();
        let (_, rest) = calls.split_once("/vaults/").expect("a call about the vault");
        rest.split(['/', '?', '\\']).next().unwrap_or_default().to_owned()
    }

    /// Calls of programs that begin so.
    pub fn calls_of(&self, start: &str) -> Vec<String> {
        self.scene.calls().into_iter().filter(|call| call.starts_with(start)).collect()
    }

    /// Calls of az that change something.
    pub fn changes(&self) -> Vec<String> {
        let reads = [
            "version",
            "account ",
            "rest --method get ",
            "vm image terms show ",
            "keyvault secret show ",
            "deployment group what-if ",
            "deployment sub what-if ",
        ];
        let programs = ["ssh", "python3", "ssh-keygen -y", "network bastion tunnel", "ansible-playbook"];
        let hosts = ["cycleserver: ", "login1: ", "scheduler: "];
        let harmless =
            |call: &String| reads.iter().chain(&programs).chain(&hosts).any(|start| call.starts_with(start));
        self.scene.calls().into_iter().filter(|call| !harmless(call)).collect()
    }

    /// A command in the site, with `--output json` unless another is asked for.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.scene.command(args);
        let format: &[&str] = if args.contains(&"--output") { &[] } else { &["--output", "json"] };
        command.args(format).args(["--workspace", "ws"]);
        command.env("TMPDIR", self.path("tmp")).env("CCSLURM4AI_CACHE", self.path("cache"));
        // Somebody else's settings, which must not reach our playbook.
        command.env("ANSIBLE_CONFIG", "/theirs").env("ANSIBLE_HOST_KEY_CHECKING", "False");
        command
    }

    /// Runs `install` to its end and audits it.
    pub fn install(&self, args: &[&str]) -> Run {
        self.run(&[&["install"], args].concat())
    }

    /// Runs a command to its end and audits it.
    pub fn run(&self, args: &[&str]) -> Run {
        let run = self.started(&mut self.command(args)).finish();
        self.audit_leftovers();
        run
    }

    /// Runs `install` to its end on a machine of which port 22 greets as an SSH server does, and audits it.
    pub fn install_near(&self, args: &[&str]) -> Run {
        let own = self.command(&[&["install"], args].concat());
        let near = "/bin/ip link set lo up; /usr/bin/env -i /usr/bin/python3 \"$0\" & exec \"$@\"";
        let mut command = Command::new("/usr/bin/unshare");
        command
            .args(["--net", "/bin/bash", "-c", near])
            .arg(Path::new(ROOT).join("tests/stand-ins/greeter.py"));
        command.arg(own.get_program()).args(own.get_args()).current_dir(self.path("")).env_clear();
        command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let run = Started { site: self, child: command.spawn().expect("it runs") }.finish();
        self.audit_leftovers();
        run
    }

    /// Starts `install`; calls that hang do so for longer than the test.
    pub fn start(&self, args: &[&str]) -> Started<'_> {
        self.started(&mut self.command(&[&["install"], args].concat()))
    }

    /// As [`Site::start`] for any command, with time enough for az to hang.
    pub fn start_patiently(&self, args: &[&str]) -> Started<'_> {
        self.started(self.command(args).env("CCSLURM4AI_AZ_TIMEOUT", "90"))
    }

    fn started(&self, command: &mut Command) -> Started<'_> {
        Started { site: self, child: command.spawn().expect("it runs") }
    }

    /// Nothing runs any more, no temporary file is left, and secrets are where they may be.
    pub fn audit_leftovers(&self) {
        assert_eq!(self.scene.children_left(), [""; 0], "children left:\n{:#?}", self.scene.calls());
        let left = [files(&self.path("tmp")), self.ssh_folders()].concat();
        assert!(left.is_empty(), "temporary files left: {left:?}");
        self.audit_secrets();
    }

    /// Secrets are where they may be.
    pub fn audit_secrets(&self) {
        let key_folder = self.path("ws/.ccslurm4ai/cluster-rg/ssh");
        let secrets = self.secrets();
        let noted = ["calls", "environments", "variables"].map(|name| self.path("answers").join(name));
        let written =
            files(&self.path("")).into_iter().filter(|path| !path.starts_with(self.path("answers")));
        for path in written.chain(noted) {
            let Ok(bytes) = fs::read(&path) else { continue };
            let text = String::from_utf8_lossy(&bytes);
            let found = secrets.iter().find(|secret| text.contains(secret.as_str()));
            if path.parent() == Some(&key_folder) {
                let mode = fs::metadata(&path).expect("there").permissions().mode() & 0o777;
                assert!(found.is_none() || mode == 0o600, "{} has mode {mode:o}", path.display());
            } else {
                assert!(found.is_none(), "{} holds {found:?}", path.display());
            }
        }
    }

    /// What must not be seen: the access token, any private key, every password handed to a deployment.
    fn secrets(&self) -> Vec<String> {
        let mut secrets = vec![token(), CANARY.to_owned()];
        for number in 1..=self.deployments() {
            let parameters = self.parameters(number);
            let value = |name: &str| parameters["parameters"][name]["value"].as_str().map(str::to_owned);
            secrets.extend(["cycleCloudPassword", "mySqlPassword"].into_iter().filter_map(value));
        }
        secrets
    }

    /// Folders with a control socket of ours; they cannot lie in the scene.
    pub fn ssh_folders(&self) -> Vec<PathBuf> {
        let here = self.path("").display().to_string();
        let entries = fs::read_dir("/tmp").expect("listed").flatten().map(|entry| entry.path());
        let is_ours = |path: &PathBuf| {
            fs::read_to_string(path.join("config")).is_ok_and(|config| config.contains(&here))
        };
        entries.filter(is_ours).collect()
    }

    /// `text` without what differs from run to run.
    pub fn shown(&self, text: &str) -> String {
        let text = text.replace(&self.path("").display().to_string(), "[folder]/");
        let text = text.replace(&ansible_version(), "[version]").replace(&server_version(), "[version]");
        let text = cut_after(&text, "ccslurm4ai-2", 15, "[deployment]");
        let text = cut_after(&text, "ccslurm4ai-templates-", 6, "[templates]");
        let text = cut_after(&text, "ccslurm4ai-what-if-", 6, "[what-if]");
        let text = cut_after(&text, "--port ", 5, "[port]");
        text.lines().map(|line| without_time(line) + "\n").collect()
    }
}

/// A run that goes on.
pub struct Started<'a> {
    site: &'a Site,
    child: Child,
}

impl Started<'_> {
    /// Waits until the calls so far are as wanted.
    pub fn wait_for(&mut self, what: &str, wanted: impl Fn(&[String]) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !wanted(&self.site.scene.calls()) {
            let ended = self.child.try_wait().expect("a child");
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "{what}: not reached ({ended:?})\n{:#?}",
                self.site.scene.calls()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs still");
    }

    /// Waits for its end by SIGKILL.
    pub fn killed(mut self) {
        self.signal(Signal::KILL);
        self.child.wait().expect("it ends");
    }

    pub fn finish(mut self) -> Run {
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().expect("a child").is_none() {
            if Instant::now() > deadline {
                self.child.kill().expect("killed");
                panic!("it does not end:\n{:#?}", self.site.scene.calls());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let output = self.child.wait_with_output().expect("it ended");
        self.site.judge(&output)
    }
}

impl Site {
    /// Whatever the end: standard output is one document, and neither output has a secret.
    fn judge(&self, output: &Output) -> Run {
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let exit = output.status.code().unwrap_or_else(|| panic!("no exit code:\n{stderr}"));
        let document: Value =
            serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}\n{stderr}"));
        let ok = [0, 20].contains(&exit);
        assert_eq!((&document["exit_code"], &document["ok"]), (&json!(exit), &json!(ok)), "{stderr}");
        assert_eq!(document["errors"].as_array().map(Vec::is_empty), Some(ok), "{stdout}");
        for secret in self.secrets() {
            assert!(
                !stdout.contains(&secret) && !stderr.contains(&secret),
                "{secret} in:\n{stdout}\n{stderr}"
            );
        }
        Run { exit, document, said: self.shown(&stderr) }
    }
}

/// All files below `folder` but links, which are our stand-ins.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flatten().map(|entry| entry.path()).filter(|path| !path.is_symlink()).flat_map(below).collect()
}

fn ansible_version() -> String {
    versions()["ansibleCore"].as_str().expect("a version").to_owned()
}

/// `text` with `start` and the `length` bytes after it replaced, wherever they are.
fn cut_after(text: &str, start: &str, length: usize, by: &str) -> String {
    let mut parts = text.split(start);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + by + part.get(length..).unwrap_or_default())
}

/// A line of a phase without the time it took.
fn without_time(line: &str) -> String {
    match (line.get(..35), line.get(35..44), line.get(44..)) {
        (Some(phase), Some(time), Some(note)) if time.ends_with(" s") && !phase.starts_with(' ') => {
            format!("{phase}        _{note}")
        }
        _ => line.to_owned(),
    }
}
