use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn what_az_says_of_a_validation_is_read_line_by_line() {
    let text = "InvalidTemplateDeployment - The template deployment failed because of policy violation.\n\
        RequestDisallowedByPolicy - Resource 'a' was disallowed by policy. Policy identifiers: '[{\"policyAssignment\":\
        {\"name\":\"p\"}}]'.\n  Ask its owner.\nRequestDisallowedByPolicy - Resource 'b' was.";
    let found: Vec<_> = leaves(text).into_iter().map(|leaf| (leaf.code, leaf.message)).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|(code, _)| code == "RequestDisallowedByPolicy"));
    assert!(found[0].1.ends_with("'.\nAsk its owner."), "{found:?}");
    assert_eq!(leaves("Fehler: nichts - gar nichts")[0].code, "", "no code in front");
}

#[test]
fn other_shapes() {
    let long = "x".repeat(10_000);
    let cases: [(&str, &[&str]); 13] = [
        ("", &[]),
        (" \n", &[]),
        ("something odd", &["something odd"]),
        (
            "ERROR: (AuthorizationFailed) The client 'x' does not have authorization.\nCode: AuthorizationFailed\nMessage: The client 'x' does not have authorization.",
            &["AuthorizationFailed: The client 'x' does not have authorization."],
        ),
        (
            "(InvalidTemplateDeployment) See inner errors.\nCode: InvalidTemplateDeployment\nException Details:\t(QuotaExceeded) Too many cores.\n\tCode: QuotaExceeded\n\t(SkuNotAvailable) No such size.",
            &["QuotaExceeded: Too many cores.", "SkuNotAvailable: No such size."],
        ),
        (
            "Forbidden({\"error\":{\"code\":\"AuthorizationFailed\",\"message\":\"no\"}})",
            &["AuthorizationFailed: no"],
        ),
        ("Deployment failed. {'code': 'A', 'message': 'it\\'s so', 'details': None}", &["A: it's so"]),
        (
            r#"{"code":"A","message":"same","details":[{"code":"A","message":"same"},{"code":"A","message":"same"}]}"#,
            &["A: same"],
        ),
        (
            r#"{"error":{"code":"A","message":"","details":[{"code":"B","message":""}]}}"#,
            &[r#"{"error":{"code":"A","message":"","details":[{"code":"B","message":""}]}}"#],
        ),
        (r#"{"error":{"code":"Conflict","message":"{\"Message\":\"inner\"}"}}"#, &["Conflict: inner"]),
        (r#"{"code":"A","message":"outer","innererror":{"code":"B","message":"inner"}}"#, &["B: inner"]),
        (r#"{"code": "A", "message": "whole", "details": [{"code": "B", "message": "cut off"#, &["A: whole"]),
        (&long, &[&format!("{} …", &long[..LONGEST_UNREAD])]),
    ];
    println!("{} shapes", cases.len());
    for (text, expected) in cases {
        let found: Vec<String> = leaves(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn an_operation_and_a_good_answer() {
    let operation =
        json!({"properties": {"statusMessage": {"error": {"code": "A", "message": "why", "target": "t"}}}});
    let found = leaves_of(&operation);
    assert_eq!(found, [ArmError { code: "A".into(), message: "why".into(), target: Some("t".into()) }]);
    assert_eq!(leaves_of(&json!({"properties": {"provisioningState": "Succeeded"}})), []);
}

proptest! {
    #[test]
    fn any_text_gives_something(text in ".*") {
        prop_assert_eq!(leaves(&text).is_empty(), text.trim().is_empty());
    }

    #[test]
    fn nested_any_number_of_times(depth in 0_usize..8, message in "[a-z]{1,20}") {
        let mut error = json!({"code": "Inner", "message": message});
        for _ in 0..depth {
            let text = json!({"status": "Failed", "error": error}).to_string();
            error = json!({"code": "DeploymentFailed", "message": "wrapper", "details": [{"code": "Conflict", "message": text}]});
        }
        let found = leaves(&json!({"error": error}).to_string());
        prop_assert_eq!(found, [ArmError { code: "Inner".into(), message, target: None }]);
    }
}
