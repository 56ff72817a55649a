//! A cluster in a company's network, on real hosts: through the company's Bastion, then from a machine in the network.

use std::process::Command;

use super::leftovers;
use super::options::{FOREIGN_BASTION, SCENARIO, SUBNETS, company};
use super::rehearsal::{DRIVER, Run, Twin, Workspace, finish, ok};

/// Where hosts, and machines in their network, find the simulated Azure.
const PROXY: &str = "http://192.0.2.1:3128";

const SIGN_IN: [(&[&str], &str); 3] = [
    (&["./bastion_ssh_scheduler.sh", "hostname"], "slurmcluster-scheduler\n"),
    (&["./bastion_ssh_login.sh", "2", "hostname"], "slurmcluster-login2\n"),
    (&["./bastion_ssh_cycleserver.sh", "hostname"], "cycleserver\n"),
];

fn config(bastion: &str) -> String {
    company(SUBNETS, &format!("{bastion}, private_dns: existing")) + "storage: {type: nfs, size_gib: 512}\n"
}

/// A command run by a machine in the network of the twin's hosts.
fn inside(twin: &Twin, program: &str) -> Command {
    let mut command = twin.command("ip");
    command.args(["netns", "exec", &leftovers::network(twin.path()), program]);
    command.env("HTTPS_PROXY", PROXY).env("https_proxy", PROXY);
    command
}

#[test]
fn a_cluster_in_a_companys_network() {
    ok(Command::new(DRIVER).arg("setup"));
    let twin = Twin::up(&[], SCENARIO);
    let workspace = Workspace::new(&config(FOREIGN_BASTION));
    workspace.install(&twin, &[]).expect(0);
    assert_eq!(workspace.install(&twin, &[]).expect(0).changes(), 0, "{:?}", workspace.changed_tasks());
    for (words, expected) in SIGN_IN {
        let said = ok(twin.command(words[0]).args(&words[1..]).current_dir(workspace.path()));
        assert_eq!(said, expected, "{words:?}");
    }

    workspace.configure(&config("bastion: none"));
    let tunnels = twin.requests().matches("webtunnel").count();
    assert!(tunnels > 3, "the company's Bastion was used: {tunnels}");
    let mut install = inside(&twin, DRIVER);
    install.args(["install", "--output", "json"]).current_dir(workspace.path());
    let run = Run::of(&finish(&mut install)).expect(0);
    assert_eq!(run.changes(), 0, "{:?}", workspace.changed_tasks());
    for (words, expected) in SIGN_IN {
        let said = ok(inside(&twin, words[0]).args(&words[1..]).current_dir(workspace.path()));
        assert_eq!(said, expected, "{words:?}");
    }
    assert_eq!(twin.requests().matches("webtunnel").count(), tunnels, "no Bastion was used any more");
    assert_eq!(leftovers::processes(&twin), Vec::<String>::new());
}
