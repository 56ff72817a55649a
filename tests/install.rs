//! `install` on the command line, with stand-in programs and a stand-in Azure that remembers.

mod install {
    #[allow(dead_code, reason = "the tests of `check` use the rest")]
    #[path = "../check/scene.rs"]
    mod check_scene;

    mod again;
    mod azure;
    mod configuration;
    mod interrupts;
    mod site;
    mod table;
}
