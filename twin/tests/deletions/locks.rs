//! Management locks.

use serde_json::json;

use super::azure_support::{Answered, S, Twin};
use super::{GROUP, delete, gone, id, put};

#[test]
fn locks_forbid_deletion_and_read_only_ones_writes() {
    let twin = Twin::new(
        "locks: [{name: keep, scope: /resourceGroups/rg1}, {name: read, scope: /resourceGroups/rg2, level: ReadOnly}]",
    );
    let made = |group: &str| {
        let path = format!("{S}/resourcegroups/{group}?api-version=2024-11-01");
        twin.arm("PUT", &path, Some(json!({"location": "eastus"})))
    };
    assert_eq!((made("rg1").status, made("rg3").status), (201, 201));
    let locked = |got: &Answered, part: &str| {
        assert_eq!((got.status, got.code()), (409, "ScopeLocked"), "{}", got.body);
        let message = got.body["error"]["message"].as_str().unwrap();
        assert!(
            message.contains(part) && message.ends_with("Please remove the lock and try again."),
            "{message}"
        );
    };
    locked(&made("rg2"), "cannot perform write operation");
    locked(
        &twin.arm("DELETE", &format!("{S}/{GROUP}"), None),
        &format!("are locked: '{S}/resourceGroups/rg1'"),
    );
    put(
        &twin,
        "Microsoft.Network/networkSecurityGroups/n",
        "2025-05-01",
        json!({"location": "eastus", "properties": {}}),
    );
    locked(&delete(&twin, "Microsoft.Network/networkSecurityGroups/n"), "cannot perform delete operation");
    locked(
        &delete(&twin, "Microsoft.Authorization/roleAssignments/88888888-0000-4000-8000-000000000777"),
        "delete",
    );
    locked(
        &twin.arm(
            "DELETE",
            &format!("{}?api-version=2025-04-01", id("Microsoft.Resources/deployments/d")),
            None,
        ),
        "delete",
    );
    let all =
        twin.arm("GET", &format!("{S}/providers/Microsoft.Authorization/locks?api-version=2016-09-01"), None);
    assert_eq!(all.body["value"].as_array().map(Vec::len), Some(2), "{}", all.body);
    let one = all.body["value"][0].clone();
    assert_eq!((&one["name"], &one["properties"]["level"]), (&json!("keep"), &json!("CanNotDelete")));
    let path = format!("{}?api-version=2016-09-01", one["id"].as_str().unwrap());
    assert_eq!(twin.arm("GET", &path, None).body, one);
    assert_eq!((twin.arm("DELETE", &path, None).status, twin.arm("DELETE", &path, None).status), (200, 204));
    assert_eq!(twin.arm("GET", &path, None).code(), "LockNotFound");
    gone(&twin, "Microsoft.Network/networkSecurityGroups/n");
}
