//! `verify` on the command line, with a stand-in for ssh that plays a cluster with recorded outputs.

mod verify {
    #[allow(dead_code, reason = "the tests of `check` use the rest")]
    #[path = "../check/scene.rs"]
    mod scene;

    mod cluster;
    mod gpus;
    mod probes;
}
