//! Every entry of the table of known errors is played; here those of az itself, the tunnel, ssh, CycleCloud and
//! Ansible, by stand-ins. Those of Azure and of signing in are played on the twin (`tests/twin/known.rs`).

use std::collections::BTreeSet;

use super::configuration::{events, result};
use super::rows::{Entry, Play, Row, entries, entry, rows};
use super::site::Site;
use super::table::side_by_side;

#[test]
fn every_entry_has_a_row_with_a_source() {
    let names: Vec<String> = entries().iter().map(Entry::name).collect();
    let played: Vec<String> = rows().into_iter().map(|row| row.entry).collect();
    println!("{} entries", names.len());
    let set = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
    assert_eq!(set(&names).len(), names.len(), "two entries have one name: {names:#?}");
    assert_eq!(set(&played), set(&names), "entries and rows differ");
    assert!(rows().iter().all(|row| !row.source.is_empty()));
}

#[test]
fn a_person_reads_cause_remedy_and_link() {
    let rows: Vec<Row> = rows().into_iter().filter(|row| stand_in(&row.play).is_some()).collect();
    println!("{} rows", rows.len());
    assert!(rows.len() > 15);
    side_by_side(&rows, |row| {
        let site = Site::new();
        stand_in(&row.play).expect("one of ours")(&site);
        let run = site.install(&[]);
        let errors = run.document["errors"].as_array().expect("a list");
        let entry = entry(&row.entry);
        assert!(errors.iter().any(|error| entry.is_told_by(error)), "{}: {}", row.entry, run.document);
        assert!(entry.is_told_in(&run.said), "{}:\n{}", row.entry, run.said);
    });
}

type Arrange<'a> = Box<dyn Fn(&Site) + 'a>;

/// What a row changes in a site; none for one that the twin plays.
fn stand_in(play: &Play) -> Option<Arrange<'_>> {
    let task = |status: &'static str, exit: i32, message: &'_ str| {
        let out = events(&[result(status, message)]);
        Some(Box::new(move |site: &Site| site.program_fails("ansible-playbook", exit, &out, ""))
            as Arrange<'_>)
    };
    match play {
        Play::Az(said) => Some(Box::new(|site| site.scene.fails("account get-access-token", 1, said))),
        Play::Tunnel(said) => Some(Box::new(|site| site.scene.fails("network bastion tunnel", 1, said))),
        Play::Ssh(said) => Some(Box::new(|site| site.program_fails("ssh", 255, "", said))),
        Play::FailedTask(message) => task("failed", 2, message),
        Play::Unreachable(message) => task("unreachable", 4, message),
        _ => None,
    }
}
