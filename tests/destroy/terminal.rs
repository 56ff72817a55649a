//! On a terminal the group's name is asked for.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::site::Site;

/// A run at a terminal.
struct Session {
    child: Child,
    terminal: File,
}

impl Session {
    fn start(site: &Site, args: &[&str]) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&controller).expect("granted");
        unlockpt(&controller).expect("unlocked");
        let name = ptsname(&controller, Vec::new()).expect("a name");
        let user = || {
            let path = name.to_str().expect("a path");
            OpenOptions::new().read(true).write(true).open(path).expect("opened")
        };
        let args = [&["destroy", "--no-color", "--workspace", "ws"], args].concat();
        let child = site.scene.command(&args).stdin(user()).stderr(user()).spawn().expect("it runs");
        Self { child, terminal: File::from(controller) }
    }

    /// Waits until the question stands there.
    fn asked(&mut self) -> String {
        let mut seen = String::new();
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut buffer = [0; 4096];
        while !seen.contains("Type the name") {
            assert!(Instant::now() < deadline, "{seen}");
            let count = self.terminal.read(&mut buffer).expect("it speaks");
            seen += &String::from_utf8_lossy(&buffer[..count]);
        }
        seen
    }

    fn exit(mut self) -> Option<i32> {
        // Reads what is written meanwhile, so that nobody waits for us.
        let mut terminal = self.terminal;
        std::thread::spawn(move || std::io::copy(&mut terminal, &mut std::io::sink()));
        self.child.wait().expect("it ends").code()
    }
}

#[test]
fn the_name_is_asked_for_and_must_be_right() {
    for (typed, exit) in [("cluster-rg\n", 0), ("cluster\n", 12), ("yes\n", 12), ("\n", 12), ("\u{4}", 12)] {
        let site = Site::new();
        let mut session = Session::start(&site, &[]);
        let seen = session.asked();
        assert!(seen.contains("cycleserver-data") && seen.contains("role Reader of cycleserver"), "{seen}");
        assert_eq!(site.deleted(), [""; 0], "nothing goes before the answer");
        session.terminal.write_all(typed.as_bytes()).expect("typed");
        assert_eq!(session.exit(), Some(exit), "{typed:?}");
        match exit {
            0 => site.assert_gone(),
            _ => assert_eq!(site.deleted(), [""; 0]),
        }
    }
}

#[test]
fn an_interrupt_ends_the_question() {
    let site = Site::new();
    let mut session = Session::start(&site, &[]);
    session.asked();
    kill_process(Pid::from_child(&session.child), Signal::INT).expect("it runs still");
    assert_eq!((session.exit(), site.deleted()), (Some(7), vec![]));
}

#[test]
fn nothing_is_asked_with_yes_or_when_nothing_is_there() {
    let site = Site::new();
    assert_eq!(Session::start(&site, &["--yes"]).exit(), Some(0));
    site.assert_gone();
    assert_eq!(Session::start(&site, &[]).exit(), Some(0));
}
