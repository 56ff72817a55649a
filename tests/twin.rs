//! End to end on the twin: the unmodified program, az, Ansible and ssh against a simulated Azure and real hosts.
//!
//! Needs root (hosts boot), az on PATH, strace, and `ccslurm4ai-twin` built beside this program's binary;
//! `scripts/test` sees to all of it. What is missing fails the test with the way to get it.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod terminal;

mod twin {
    mod canaries;
    mod company;
    mod compare;
    mod destroy;
    mod faults;
    mod first;
    mod jobs;
    mod known;
    mod leftovers;
    mod life;
    mod options;
    mod plan;
    mod rehearsal;
    #[allow(dead_code, reason = "the tests with stand-ins use the rest")]
    #[path = "../known/rows.rs"]
    mod rows;
    mod scripts;
    mod secure;
    mod trace;
    mod trouble;
    mod verify;
    mod watcher;
}
