//! `plan` on the command line, with stand-in programs and replies of Azure's what-if.

mod plan {
    #[allow(dead_code, reason = "the tests of `check` use the rest")]
    #[path = "../check/scene.rs"]
    mod scene;
    #[allow(dead_code, reason = "the tests of `install` use the rest")]
    #[path = "../install/site.rs"]
    mod site;
    #[allow(dead_code, reason = "the tests of `check` use the rest")]
    #[path = "../check/spoke.rs"]
    mod spoke;
    #[allow(dead_code, reason = "the tests of `install` use the rest")]
    #[path = "../install/table.rs"]
    mod table;

    mod asked;
    mod reply;
    mod told;
    mod wrong;
}
