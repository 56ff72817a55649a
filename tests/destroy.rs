//! `destroy` on the command line, with a stand-in Azure that remembers what is deleted.

mod terminal;

mod destroy {
    #[allow(dead_code, reason = "the tests of `check` use the rest")]
    #[path = "../check/scene.rs"]
    mod check_scene;
    #[path = "../../src/threads.rs"]
    mod threads;

    mod again;
    mod foreign;
    mod site;
    mod terminal;
    mod whole;
}
