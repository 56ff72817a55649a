//! What a command and all it started did, by strace: arguments, environments, files opened for writing, writes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::canaries::{Canaries, Canary};

/// Calls that start programs and processes, open files, or hand bytes on.
const CALLS: &str = "execve,execveat,clone,clone3,fork,vfork,open,openat,openat2,creat,\
                     write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg";

/// A secret in a process: where, in words that the table of allowed places uses.
pub type Sighting = (Canary, String);

/// The record of one traced run.
pub struct Trace {
    folder: tempfile::TempDir,
}

impl Trace {
    /// A command that does the same as `command`, watched. `--seccomp-bpf` stops at these calls alone.
    pub fn wrap(command: &Command) -> (Self, Command) {
        let folder = tempfile::tempdir().unwrap();
        let mut traced = Command::new("strace");
        traced.args(["-ff", "--seccomp-bpf", "-v", "-y", "-s", "1048576", "-e", "signal=none"]);
        traced.args(["-e", &format!("trace={CALLS}"), "-o"]).arg(folder.path().join("pid"));
        traced.arg("--").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => traced.env(name, value),
                None => traced.env_remove(name),
            };
        }
        if let Some(dir) = command.get_current_dir() {
            traced.current_dir(dir);
        }
        (Self { folder }, traced)
    }

    /// One text for each process.
    fn processes(&self) -> BTreeMap<String, String> {
        let files = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        files
            .map(|file| {
                let id = file.extension().unwrap().to_string_lossy().into_owned();
                (id, String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned())
            })
            .collect()
    }

    /// Number of processes and of calls seen.
    pub fn size(&self) -> (usize, usize) {
        let processes = self.processes();
        (processes.len(), processes.values().map(|text| text.lines().count()).sum())
    }

    /// Where secrets passed.
    pub fn sightings(&self, canaries: &Canaries) -> BTreeSet<Sighting> {
        let processes = self.processes();
        let parents = parents(&processes);
        let mut seen = BTreeSet::new();
        let suspects = canaries.files([self.folder.path()]);
        let suspects = suspects.iter().map(|file| file.extension().unwrap().to_string_lossy().into_owned());
        for id in suspects {
            let text = &processes[&id];
            let mut program = None;
            for line in text.lines() {
                if line.starts_with("execve") && line.ends_with(" = 0") {
                    program = Some(name(line));
                }
                let who = || program.clone().unwrap_or_else(|| inherited(&id, &parents));
                seen.extend(places(line, who, canaries));
            }
        }
        seen
    }

    /// Files that were opened for writing.
    pub fn written(&self) -> BTreeSet<PathBuf> {
        let mut files = BTreeSet::new();
        for text in self.processes().values() {
            let opens = text.lines().filter(|line| {
                line.starts_with("creat")
                    || (line.starts_with("open")
                        && ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| line.contains(flag)))
            });
            // the result shows the path: `= 3</path>`
            let paths =
                opens.filter_map(|line| line.rsplit_once(" = ")?.1.split_once('<')?.1.strip_suffix('>'));
            files.extend(paths.map(PathBuf::from));
        }
        files
    }
}

/// Parent of each process, and what program that was when it started the process.
type Parents = BTreeMap<String, (String, Option<String>)>;

fn parents(processes: &BTreeMap<String, String>) -> Parents {
    let mut parents = BTreeMap::new();
    for (id, text) in processes {
        let mut program = None;
        for line in text.lines() {
            if line.starts_with("execve") && line.ends_with(" = 0") {
                program = Some(name(line));
            } else if ["clone", "fork", "vfork"].iter().any(|call| line.starts_with(call)) {
                let child = line.rsplit_once(" = ").map(|(_, child)| child.split(['<', ' ']).next());
                if let Some(Some(child)) = child {
                    parents.insert(child.to_owned(), (id.clone(), program.clone()));
                }
            }
        }
    }
    parents
}

fn inherited(id: &str, parents: &Parents) -> String {
    match parents.get(id) {
        Some((_, Some(program))) => program.clone(),
        Some((parent, None)) => inherited(parent, parents),
        None => "a process of unknown origin".to_owned(),
    }
}

/// `az deployment group create`, `ansible-playbook`, `sh`: the program of an `execve`, of az with its subcommand.
fn name(line: &str) -> String {
    let arguments =
        line.split_once('[').map_or("", |(_, rest)| rest.split_once("], [").map_or(rest, |(a, _)| a));
    let words: Vec<&str> = arguments.split(", ").map(|word| word.trim_matches('"')).collect();
    let base = |word: &str| super::rehearsal::name_of(Path::new(word));
    let first = base(words.first().copied().unwrap_or_default());
    let script = words.iter().skip(1).find(|word| !word.starts_with('-')).map(|word| base(word));
    let az = words.iter().position(|word| *word == "azure.cli" || base(word) == "az");
    match (az, script) {
        (Some(at), _) => {
            let verbs = words[at + 1..].iter().take_while(|word| !word.starts_with('-'));
            format!("az {}", verbs.copied().collect::<Vec<_>>().join(" ")).trim_end().to_owned()
        }
        (None, Some(script)) if first.starts_with("python") => script,
        _ => first,
    }
}

/// The places of the secrets in one call.
fn places(line: &str, who: impl Fn() -> String, canaries: &Canaries) -> Vec<Sighting> {
    if canaries.find(line).is_empty() {
        return Vec::new();
    }
    let call = line.split('(').next().unwrap_or_default();
    let named = |text: &str, place: String| -> Vec<Sighting> {
        canaries.find(text).into_iter().map(|secret| (secret, place.clone())).collect()
    };
    match call {
        "execve" | "execveat" => {
            let (arguments, environment) = line.split_once("], [").unwrap_or((line, ""));
            let mut all = named(arguments, format!("arguments of {}", name(line)));
            all.extend(named(environment, format!("environment of {}", name(line))));
            all
        }
        "write" | "pwrite64" | "writev" | "pwritev" | "pwritev2" | "sendto" | "sendmsg" => {
            let target =
                line.split_once('<').and_then(|(_, rest)| rest.split_once(">, ")).map_or("?", |(t, _)| t);
            named(line, format!("{} writes {}", who(), target.split(":[").next().unwrap_or_default()))
        }
        _ => named(line, format!("{call} by {}", who())),
    }
}
