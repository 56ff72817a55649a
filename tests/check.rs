//! `check` on the command line, with stand-in programs and recorded replies.

mod check {
    mod cases;
    mod networks;
    mod rights;
    mod scene;
    mod spoke;
    mod wrong;

    use scene::{Scene, run_all};

    /// Runs a table of cases, prints their number, and keeps what a user sees in a snapshot: all of it for
    /// the first case, then only the lines that are not `ok`.
    fn table(name: &str, cases: &[scene::Case]) {
        println!("{} cases", cases.len());
        let mut text = String::new();
        for (index, (case, (exit, seen))) in cases.iter().zip(run_all(cases)).enumerate() {
            assert_eq!(exit, case.exit, "{}:\n{seen}", case.name);
            let lines = seen.lines().filter(|line| index == 0 || !line.starts_with("ok "));
            text += &format!("## {}: exit {exit}\n{}\n\n", case.name, lines.collect::<Vec<_>>().join("\n"));
        }
        insta::assert_snapshot!(name, text);
    }

    #[test]
    fn programs() {
        table("programs", &cases::programs());
    }

    #[test]
    fn sign_in_and_subscription() {
        table("sign_in_and_subscription", &cases::sign_in());
    }

    #[test]
    fn region_and_sizes() {
        table("region_and_sizes", &cases::sizes());
    }

    #[test]
    fn quota() {
        table("quota", &cases::quota());
    }

    #[test]
    fn rights() {
        table("rights", &rights::rights());
    }

    #[test]
    fn images() {
        table("images", &cases::images());
    }

    #[test]
    fn subnets() {
        table("subnets", &networks::subnets());
    }

    #[test]
    fn zones() {
        table("zones", &networks::zones());
    }

    #[test]
    fn rights_on_a_network() {
        table("rights_on_a_network", &networks::rights());
    }

    #[test]
    fn the_json_document() {
        let good = Scene::new();
        let document = good.json();
        assert_eq!((document["ok"].as_bool(), document["exit_code"].as_u64()), (Some(true), Some(0)));
        let short = Scene::new();
        short.usage("standardNDSH100v5Family", 0, 191);
        let document = short.json();
        assert_eq!((document["ok"].as_bool(), document["exit_code"].as_u64()), (Some(false), Some(4)));
        assert_eq!(document["errors"][0]["code"], "QuotaTooSmall");
        let checks = document["result"]["checks"].as_array().expect("the report");
        let failed: Vec<_> = checks.iter().filter(|check| check["status"] == "failed").collect();
        insta::assert_snapshot!("json_item", serde_json::to_string_pretty(&failed).expect("JSON"));
    }

    #[test]
    fn every_call_names_the_subscription_and_none_changes_it() {
        let scene = Scene::new();
        scene.check();
        let calls = scene.calls();
        assert_eq!(calls.len(), 13, "{calls:#?}");
        for call in &calls {
            let named = [scene::SUBSCRIPTION_NAME, scene::SUBSCRIPTION];
            assert!(named.iter().any(|name| call.contains(&format!("--subscription {name}"))), "{call}");
            assert!(!call.contains("account set"), "{call}");
        }
        let token = calls.iter().position(|call| call.starts_with("account get-access-token"));
        let first_rest = calls.iter().position(|call| call.starts_with("rest"));
        assert!(token < first_rest, "{calls:#?}");
    }

    #[test]
    fn the_token_is_never_shown() {
        let scene = Scene::new();
        scene.answer("usages", &format!("\"{}\"", scene::token()));
        scene.fails("skus", 1, &format!("ERROR: odd {}", scene::token()));
        let (_, seen) = scene.check();
        assert!(!seen.contains("eyJ"), "{seen}");
    }

    #[test]
    fn explain_prints_the_head_of_the_check() {
        let scene = Scene::new();
        let (exit, text) = scene.run(&["check", "--explain", "quota"]);
        assert_eq!(exit, 0);
        insta::assert_snapshot!("explain_quota", text);
        let (exit, text) = scene.run(&["check", "--explain", "quotas"]);
        assert_eq!(exit, 2);
        insta::assert_snapshot!("explain_unknown", text);
    }

    #[test]
    fn an_interrupt_ends_the_run_and_its_children() {
        let scene = Scene::new();
        scene.how("usages", "hang");
        let (exit, seen) = scene.interrupted_when_called("usages");
        assert_eq!(exit, 7, "{seen}");
        assert_eq!(scene.children_left(), [""; 0]);
    }
}
