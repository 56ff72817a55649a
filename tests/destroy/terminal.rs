//! On a terminal the group's name is asked for.

use rustix::process::{Pid, Signal, kill_process};

use super::site::Site;
use crate::terminal::Terminal;

const QUESTION: &str = "Type the name";

fn start(site: &Site, args: &[&str]) -> Terminal {
    let args = [&["destroy", "--no-color", "--workspace", "ws"], args].concat();
    Terminal::start(&mut site.scene.command(&args))
}

#[test]
fn the_name_is_asked_for_and_must_be_right() {
    for (typed, exit) in [("cluster-rg", 0), ("cluster", 12), ("yes", 12), ("", 12)] {
        let site = Site::new();
        let mut terminal = start(&site, &[]);
        let seen = terminal.wait_for(QUESTION);
        assert!(seen.contains("cycleserver-data") && seen.contains("role Reader of cycleserver"), "{seen}");
        assert_eq!(site.deleted(), [""; 0], "nothing goes before the answer");
        terminal.answer(": ", typed);
        assert_eq!(terminal.finish().0, exit, "{typed:?}");
        match exit {
            0 => site.assert_gone(),
            _ => assert_eq!(site.deleted(), [""; 0]),
        }
    }
}

#[test]
fn the_end_of_the_input_is_no_consent() {
    let site = Site::new();
    let mut terminal = start(&site, &[]);
    terminal.wait_for(QUESTION);
    terminal.press("\u{4}");
    assert_eq!((terminal.finish().0, site.deleted()), (12, vec![]));
}

#[test]
fn an_interrupt_ends_the_question() {
    let site = Site::new();
    let mut terminal = start(&site, &[]);
    terminal.wait_for(QUESTION);
    kill_process(Pid::from_child(&terminal.child), Signal::INT).expect("it runs still");
    assert_eq!((terminal.finish().0, site.deleted()), (7, vec![]));
}

#[test]
fn nothing_is_asked_with_yes_or_when_nothing_is_there() {
    let site = Site::new();
    assert_eq!(start(&site, &["--yes"]).finish().0, 0);
    site.assert_gone();
    assert_eq!(start(&site, &[]).finish().0, 0);
}
