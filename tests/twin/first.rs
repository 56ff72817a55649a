//! A new user's first commands, through the real az: `init` on a terminal, `check`, `install`; no file is edited.

use std::process::Command;

use super::rehearsal::{DRIVER, Twin, finish};
use crate::terminal::Terminal;

/// GPU sizes of the table, and one that it lacks, as the twin's eastus has them; with the images of GPU and other nodes.
const SIZES: [(&str, &[&str], &[&str]); 5] = [
    ("Standard_ND96isr_MI300X_v5", &[], &["ubuntu-hpc:2404-rocm (nodes)"]),
    (
        "Standard_ND128isr_NDR_GB200_v6",
        &[],
        &["ubuntu-hpc:2404-gb (GPU nodes)", "ubuntu-hpc:2404 (other nodes)"],
    ),
    ("Standard_ND128isr_GB300_v6", &[], &["ubuntu-hpc:2404-gb (GPU nodes)", "ubuntu-hpc:2404 (other nodes)"]),
    ("Standard_NC80adis_H100_v5", &[], &["ubuntu-hpc:2404 (nodes)"]),
    ("Standard_NC16as_T4_v3", &["--allow-unlisted-size"], &["ubuntu-hpc:2404 (nodes)"]),
];

fn driver(twin: &Twin, folder: &tempfile::TempDir, args: &[&str]) -> Command {
    let mut command = twin.command(DRIVER);
    command.args(args).current_dir(folder.path());
    command
}

fn succeeds(twin: &Twin, folder: &tempfile::TempDir, args: &[&str]) -> String {
    let output = finish(&mut driver(twin, folder, args));
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{args:?}: {said}{errors}");
    said.into_owned()
}

#[test]
fn init_check_and_install_in_a_row_without_an_editor() {
    let twin = Twin::up(&["--no-hosts"], "quota: {eastus: {standardNDSH100v5Family: 96}}\n");
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(driver(&twin, &folder, &["init"]).env("NO_COLOR", "1"));
    terminal.answer("Subscription, number, name or id [1]: ", "");
    terminal.answer("Region, such as eastus (? lists them): ", "eastus");
    terminal.answer("Size of the GPU nodes, number or name [1]: ", "Standard_ND96isr_H100_v5");
    terminal.answer("GPU nodes at most [1]: ", "");
    terminal.answer("Resource group, made when absent [ai-cluster]: ", "first-cluster");
    let (exit, seen) = terminal.finish();
    assert_eq!(exit, 0, "{seen}");
    for line in [
        "Standard_ND96isr_H100_v5       8 GPUs  96 vCPUs  quota left for 1 node",
        "Standard_ND128isr_GB300_v6     4 GPUs 128 vCPUs  quota left for 7 nodes",
    ] {
        assert!(seen.contains(line), "{seen}");
    }

    let checked = succeeds(&twin, &folder, &["check"]);
    assert!(checked.contains("needs 96, used 0 (0 by this group), limit 96"), "{checked}");
    let installed = succeeds(&twin, &folder, &["install", "-b"]);
    assert!(installed.contains("infrastructure of first-cluster: deployed"), "{installed}");
    assert!(succeeds(&twin, &folder, &["install", "-b"]).contains("unchanged"));
}

#[test]
fn every_kind_of_size_is_had_with_its_image() {
    let twin = Twin::up(&["--no-hosts"], "");
    for (size, options, images) in SIZES {
        let folder = tempfile::tempdir().unwrap();
        let answers =
            ["--subscription", "Twin", "--region", "eastus", "--resource-group", "g", "--size", size];
        succeeds(&twin, &folder, &[&["init"], answers.as_slice(), &["--nodes", "1"], options].concat());
        let checked = succeeds(&twin, &folder, &[&["check"], options].concat());
        for image in images {
            assert!(checked.contains(image), "{size}: {checked}");
        }
        assert!(!checked.contains("unknown "), "{size}: {checked}");
    }
}
