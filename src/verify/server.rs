//! The CycleCloud server: it answers, and says that the cluster's own nodes run.

use serde_json::Value;

use super::report::{Fault, Finding, Probe};
use crate::process::ProcessError;
use crate::remote::{Host, Trouble};

const CYCLE_SERVER: &str = "/opt/cycle_server/cycle_server";
/// The state of a node that is up (as in the role's server programs, which start the cluster).
const STARTED: &str = "Started";

/// A node as CycleCloud sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudNode {
    /// Its name.
    pub name: String,
    state: String,
    target: String,
    message: String,
}

impl CloudNode {
    /// Whether CycleCloud gave it up.
    pub fn has_failed(&self) -> bool {
        self.state == "Failed"
    }

    /// Whether it is told to run, and neither runs nor failed yet.
    fn is_coming(&self) -> bool {
        self.target == STARTED && !self.has_failed()
    }

    /// State and reason for a person.
    pub fn condition(&self) -> String {
        if self.message.is_empty() {
            self.state.clone()
        } else {
            format!("{} ({})", self.state, self.message)
        }
    }
}

/// What CycleCloud says of the nodes of `cluster`, whose name has letters, digits and hyphens.
///
/// # Errors
/// When the server does not answer, or not as expected.
pub fn nodes(server: &Host<'_>, cluster: &str) -> Result<Vec<CloudNode>, Trouble> {
    let query = format!(
        "select Name, State, TargetState, StatusMessage from Cloud.Node where ClusterName == \"{cluster}\""
    );
    let text = server.command(&["sudo", "-n", CYCLE_SERVER, "execute", "--format", "json", &query]).run()?;
    let rows: Vec<Value> = if text.trim().is_empty() {
        Vec::new()
    } else {
        serde_json::from_str(&text)
            .map_err(|_| Trouble::Unanswered("CycleCloud's answer is not JSON".to_owned()))?
    };
    let word = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let node = |row: &Value| CloudNode {
        name: word(row, "Name"),
        state: word(row, "State"),
        target: word(row, "TargetState"),
        message: word(row, "StatusMessage"),
    };
    Ok(rows.iter().map(node).collect())
}

/// Whether no node that the cluster always has is still starting.
pub fn are_settled(nodes: &[CloudNode], login_nodes: u32) -> bool {
    names(login_nodes).all(|name| {
        let node = nodes.iter().find(|node| node.name == name);
        !node.is_some_and(|node| node.state != STARTED && node.is_coming())
    })
}

/// The findings `server` and `cluster` from what the server was asked.
///
/// # Errors
/// When interrupted.
pub fn findings(
    asked: Result<Vec<CloudNode>, Trouble>,
    login_nodes: u32,
) -> Result<[Finding; 2], ProcessError> {
    let server = Probe::new("server", "the CycleCloud server lets us sign in, and CycleCloud answers");
    let cluster = Probe::new("cluster", format!("scheduler and {login_nodes} login nodes are started"));
    match asked {
        Err(trouble) => {
            let remedy =
                "is its VM running? `./bastion_ssh_cycleserver.sh sudo systemctl status cycle_server`";
            let failed = server.conclude(Err(trouble), remedy)?;
            Ok([failed, cluster.unknown("CycleCloud was not asked", "look at `server` first")])
        }
        Ok(nodes) => Ok([server.ok("CycleCloud answers"), started(&cluster, &nodes, login_nodes)]),
    }
}

fn started(probe: &Probe, nodes: &[CloudNode], login_nodes: u32) -> Finding {
    let (mut lacking, mut coming) = (Vec::new(), Vec::new());
    for name in names(login_nodes) {
        match nodes.iter().find(|node| node.name == name) {
            Some(node) if node.state == STARTED => {}
            Some(node) if node.is_coming() => coming.push(format!("{name} is {}", node.condition())),
            Some(node) => lacking.push(format!("{name} is {}", node.condition())),
            None => lacking.push(format!("{name} is missing")),
        }
    }
    if !lacking.is_empty() {
        lacking.extend(coming);
        let remedy = "see the node's events in CycleCloud's portal, then run `ccslurm4ai install -a`, which starts it again";
        return probe.failed(Fault::Installation, lacking.join(", "), remedy);
    }
    if !coming.is_empty() {
        let remedy = "wait a few minutes and run it again; if it stays so, see the node's events in CycleCloud's portal";
        return probe.unknown(coming.join(", "), remedy);
    }
    probe.ok(format!("scheduler and {login_nodes} login nodes are started"))
}

/// The nodes that a cluster always has.
fn names(login_nodes: u32) -> impl Iterator<Item = String> {
    std::iter::once("scheduler".to_owned()).chain((1..=login_nodes).map(|number| format!("login{number}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::report::Verdict;

    fn node(name: &str, state: &str, message: &str) -> CloudNode {
        CloudNode {
            name: name.into(),
            state: state.into(),
            target: "Started".into(),
            message: message.into(),
        }
    }

    #[test]
    fn a_node_that_is_not_started_is_named_with_its_reason() {
        let nodes = vec![
            node("scheduler", "Started", ""),
            node("login1", "Failed", "Software Installation Failure"),
            node("hpc-1", "Failed", "not ours to judge"),
        ];
        let [server, cluster] = findings(Ok(nodes), 2).unwrap();
        assert_eq!((server.verdict, cluster.verdict), (Verdict::Ok, Verdict::Failed));
        assert_eq!(cluster.found, "login1 is Failed (Software Installation Failure), login2 is missing");
        let nodes = vec![node("scheduler", "Preparing", ""), node("login1", "Started", "")];
        let [_, cluster] = findings(Ok(nodes), 1).unwrap();
        assert_eq!((cluster.verdict, cluster.found.as_str()), (Verdict::Unknown, "scheduler is Preparing"));
        let [server, cluster] = findings(Err(Trouble::Unanswered("no way".into())), 2).unwrap();
        assert_eq!((server.verdict, cluster.verdict), (Verdict::Failed, Verdict::Unknown));
        assert!(findings(Err(Trouble::Interrupted), 2).is_err());
    }
}
