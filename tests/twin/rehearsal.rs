//! A twin, and a folder with a configuration to install from.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub const DRIVER: &str = env!("CARGO_BIN_EXE_ccslurm4ai");
/// Resource group of the configuration.
pub const GROUP: &str = "rehearsal";
/// The vault that this group has on the twin: its name is a hash of subscription, group and region.
pub const VAULT: &str = "kv-8cad34d3403876921a23";
/// Longer than anything here takes on a slow machine.
const LIMIT: Duration = Duration::from_secs(600);
const STEP: Duration = Duration::from_millis(50);

/// A twin that runs until it is dropped.
pub struct Twin {
    /// Its folder.
    pub folder: TempDir,
    /// What a command needs to be in it.
    pub environment: Vec<(String, String)>,
}

impl Twin {
    /// Starts one; `arguments` are those of `ccslurm4ai-twin up`, `scenario` is YAML.
    pub fn up(arguments: &[&str], scenario: &str) -> Self {
        require_tools();
        let folder = tempfile::tempdir().unwrap();
        let mut twin = Self { folder, environment: Vec::new() };
        let scenario_file = tempfile::NamedTempFile::new().unwrap();
        fs::write(scenario_file.path(), scenario).unwrap();
        let scenario_file = scenario_file.path().to_str().unwrap();
        let output = twin.tell("up", &[arguments, &["--scenario", scenario_file]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let environment = text(&twin.tell("env", &[]).stdout);
        twin.environment = environment
            .lines()
            .filter_map(|line| line.strip_prefix("export ")?.strip_suffix('\'')?.split_once("='"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        assert!(!twin.environment.is_empty(), "no environment in: {environment}");
        twin
    }

    /// Its folder's path as it is shown.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn tell(&self, word: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(twin_program());
        command.arg(word).arg("--dir").arg(self.path()).args(arguments);
        finish(&mut command)
    }

    /// Ends it.
    pub fn down(&self) {
        let output = self.tell("down", &[]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    /// The whole simulated Azure.
    pub fn state(&self) -> Value {
        let output = self.tell("state", &[]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    /// The log of requests.
    pub fn requests(&self) -> String {
        text(&self.tell("requests", &[]).stdout)
    }

    /// A command that runs `script` as root inside a host.
    pub fn on_host(&self, host: &str, script: &str) -> Command {
        let mut command = Command::new(twin_program());
        command.arg("exec").arg("--dir").arg(self.path()).args([host, "--", "sh", "-c", script]);
        command.current_dir("/");
        command
    }

    /// A command in the twin's environment.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What az answers.
    pub fn az(&self, arguments: &[&str]) -> String {
        let output = finish(self.command("az").args(arguments));
        assert!(output.status.success(), "az {arguments:?}: {}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        let _ = self.tell("down", &[]);
    }
}

/// How a command ended.
#[derive(Debug)]
pub struct Run {
    /// Exit code.
    pub exit: i32,
    /// The JSON document on standard output.
    pub document: Value,
    /// Standard output as it came.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Judges a finished command with `--output json`: its standard output is one document with the exit code.
    pub fn of(output: &Output) -> Self {
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let exit = code(output.status);
        let document: Value = serde_json::from_str(&stdout)
            .unwrap_or_else(|error| panic!("{error} in: {stdout}\nstandard error: {stderr}"));
        assert_eq!(document["exit_code"], exit, "{document}");
        assert_eq!(document["ok"], [0, 20].contains(&exit), "{document}");
        Self { exit, document, stdout, stderr }
    }

    /// The run, which must have ended so.
    pub fn expect(self, exit: i32) -> Self {
        assert_eq!(self.exit, exit, "{}\n{}", self.document, self.stderr);
        self
    }

    /// The error codes of the document.
    pub fn codes(&self) -> Vec<&str> {
        let errors = self.document["errors"].as_array().unwrap();
        errors.iter().filter_map(|error| error["code"].as_str()).collect()
    }

    /// How many changes Ansible made.
    pub fn changes(&self) -> &Value {
        &self.document["result"]["ansible"]["changed"]
    }
}

/// A folder with a `config.yaml`.
pub struct Workspace {
    folder: TempDir,
}

impl Workspace {
    /// A new folder; `more` are further keys.
    pub fn new(more: &str) -> Self {
        Self::of_group(GROUP, more)
    }

    /// A new folder for another resource group.
    pub fn of_group(group: &str, more: &str) -> Self {
        let workspace = Self { folder: tempfile::tempdir().unwrap() };
        workspace.write(group, more);
        workspace
    }

    /// Writes the configuration anew.
    pub fn configure(&self, more: &str) {
        self.write(GROUP, more);
    }

    fn write(&self, group: &str, more: &str) {
        let size = if more.contains("hpc_sku:") { "" } else { "hpc_sku: Standard_ND96isr_H100_v5\n" };
        let text = format!(
            "region: eastus\nsubscription_name: Twin\nresource_group_name: {group}\n\
             hpc_max_core_count: 192\n{size}{more}"
        );
        fs::write(self.path().join("config.yaml"), text).unwrap();
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file of the state folder.
    pub fn state(&self, name: &str) -> PathBuf {
        self.path().join(".ccslurm4ai").join(GROUP).join(name)
    }

    /// `install` with arguments, in a twin.
    pub fn command(&self, twin: &Twin, arguments: &[&str]) -> Command {
        self.command_of("install", twin, arguments)
    }

    /// A command of ours with arguments, in a twin.
    pub fn command_of(&self, name: &str, twin: &Twin, arguments: &[&str]) -> Command {
        let mut command = twin.command(DRIVER);
        command.args([name, "--output", "json"]).args(arguments).current_dir(self.path());
        command
    }

    /// Destroys, without a question.
    pub fn destroy(&self, twin: &Twin) -> Run {
        Run::of(&finish(&mut self.command_of("destroy", twin, &["--yes"])))
    }

    /// Installs.
    pub fn install(&self, twin: &Twin, arguments: &[&str]) -> Run {
        Run::of(&finish(&mut self.command(twin, arguments)))
    }

    /// Installs in the background.
    pub fn start(&self, twin: &Twin, arguments: &[&str]) -> Started {
        Started::new(&mut self.command(twin, arguments))
    }

    /// Names of the tasks that changed something in the last run of Ansible; the log holds all runs.
    pub fn changed_tasks(&self) -> Vec<String> {
        let log = fs::read_to_string(self.state("logs/ansible.jsonl")).unwrap();
        let (mut this_run, mut last_run) = (Vec::new(), None);
        for event in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            if event["event"] == "stats" {
                last_run = Some(std::mem::take(&mut this_run));
            } else if event["event"] == "result" && event["status"] == "changed" {
                this_run.push(event["task"].as_str().unwrap().to_owned());
            }
        }
        last_run.unwrap()
    }
}

/// A command whose output goes to files, so that it cannot block.
pub struct Started {
    /// The running command.
    pub child: Child,
    stdout: tempfile::NamedTempFile,
    stderr: tempfile::NamedTempFile,
}

impl Started {
    /// Starts it.
    pub fn new(command: &mut Command) -> Self {
        let (stdout, stderr) =
            (tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap());
        let file = |file: &tempfile::NamedTempFile| File::options().append(true).open(file.path()).unwrap();
        command.stdin(Stdio::null()).stdout(file(&stdout)).stderr(file(&stderr));
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child, stdout, stderr }
    }

    /// What it wrote to standard error so far.
    pub fn said(&self) -> String {
        fs::read_to_string(self.stderr.path()).unwrap()
    }

    /// Waits for its end; what takes too long is killed and fails the test.
    pub fn finish(mut self) -> Output {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                let read = |file: &tempfile::NamedTempFile| fs::read(file.path()).unwrap();
                return Output { status, stdout: read(&self.stdout), stderr: read(&self.stderr) };
            }
            if Instant::now() > end {
                let _ = self.child.kill();
                let _ = self.child.wait();
                panic!("did not end within {} s: {}", LIMIT.as_secs(), self.said());
            }
            std::thread::sleep(STEP);
        }
    }
}

/// Runs a command to its end.
pub fn finish(command: &mut Command) -> Output {
    Started::new(command).finish()
}

/// Runs a command that must succeed; its standard output.
pub fn ok(command: &mut Command) -> String {
    let output = finish(command);
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// Waits until `true`.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(STEP);
    }
}

/// Works on each of the cases, on several at a time: most of their time is waiting.
pub fn side_by_side<T: Send>(cases: Vec<T>, work: impl Fn(T) + Sync) {
    let queue = Mutex::new(cases.into_iter());
    let worker = || {
        while let Some(case) = { queue.lock().unwrap().next() } {
            work(case);
        }
    };
    std::thread::scope(|scope| {
        let threads = [scope.spawn(worker), scope.spawn(worker), scope.spawn(worker)];
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

/// The name of a path's last part.
pub fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

fn twin_program() -> PathBuf {
    let program = Path::new(DRIVER).with_file_name("ccslurm4ai-twin");
    assert!(
        program.is_file(),
        "{} is missing: build it with `cargo build --workspace`, or test with `cargo test --workspace`",
        program.display()
    );
    program
}

fn require_tools() {
    for (program, package) in
        [("az", "azure-cli"), ("strace", "strace"), ("systemd-nspawn", "systemd-container")]
    {
        assert!(
            which::which(program).is_ok(),
            "{program} is not on PATH: install {package}, or run `scripts/test`, which does"
        );
    }
    assert!(rustix::process::geteuid().is_root(), "the twin boots hosts: run this test as root");
}
