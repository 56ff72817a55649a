//! `install` on the command line, with stand-in programs and a stand-in Azure that remembers.

mod install {
    #[allow(dead_code, reason = "the tests on the twin use the rest")]
    #[path = "../known/rows.rs"]
    mod rows;
    #[allow(dead_code, reason = "the tests of `check` use the rest")]
    #[path = "../check/scene.rs"]
    mod scene;
    #[allow(dead_code, reason = "the tests of `check` use the rest")]
    #[path = "../check/spoke.rs"]
    mod spoke;

    mod again;
    mod azure;
    mod configuration;
    mod interrupts;
    mod known;
    mod options;
    mod secure;
    mod site;
    mod table;
}
