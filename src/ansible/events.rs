//! What our callback plugin writes: one JSON object a line.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One line of the plugin.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// A play begins.
    Play {
        /// Its name.
        play: String,
    },
    /// A task begins.
    Task {
        /// The play it belongs to.
        play: String,
        /// Its name, with the role's in front.
        task: String,
    },
    /// A task ended, or is tried again, on one host.
    Result(TaskResult),
    /// The end: counts by host.
    Stats {
        /// Counts by host.
        hosts: BTreeMap<String, Counts>,
    },
}

/// How a task went on one host.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TaskResult {
    /// The play it belongs to.
    pub play: String,
    /// Its name.
    pub task: String,
    /// The host.
    pub host: String,
    /// How it went.
    pub status: Status,
    /// How long it took.
    #[serde(default)]
    pub seconds: f64,
    /// What a failed task said, absent when it is secret; what a task is there to say to the user.
    #[serde(default)]
    pub message: Option<String>,
    /// It failed, and the playbook goes on all the same.
    #[serde(default)]
    pub ignored: bool,
}

/// How a task went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nothing to do.
    Ok,
    /// It changed something.
    Changed,
    /// It failed.
    Failed,
    /// The host did not answer.
    Unreachable,
    /// Its condition was false.
    Skipped,
    /// It is tried again.
    Retry,
}

/// Results of a run on one host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Tasks that ended well, changed ones included.
    pub ok: u64,
    /// Tasks that changed something.
    pub changed: u64,
    /// 1 when the host did not answer.
    pub unreachable: u64,
    /// Tasks that failed.
    pub failed: u64,
    /// Tasks whose condition was false.
    pub skipped: u64,
    /// Failures that a `rescue` took care of.
    pub rescued: u64,
    /// Failures that were ignored.
    pub ignored: u64,
}

/// The event in `line`, unless it is something else (Ansible also prints plain text).
pub fn parse(line: &str) -> Option<Event> {
    serde_json::from_str(line.trim()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn events_are_read_and_everything_else_is_not_one() {
        let result = |status, message: Option<&str>, ignored| {
            Some(Event::Result(TaskResult {
                play: "p".into(),
                task: "t".into(),
                host: "h".into(),
                status,
                seconds: 1.5,
                message: message.map(Into::into),
                ignored,
            }))
        };
        let counts = Counts { ok: 3, changed: 1, ..Counts::default() };
        let hosts = BTreeMap::from([("h".to_owned(), counts)]);
        let cases = [
            (r#"{"event":"play","play":"p"}"#, Some(Event::Play { play: "p".into() })),
            (
                r#" {"event":"task","play":"p","task":"t"} "#,
                Some(Event::Task { play: "p".into(), task: "t".into() }),
            ),
            (
                r#"{"event":"result","play":"p","task":"t","host":"h","status":"changed","seconds":1.5}"#,
                result(Status::Changed, None, false),
            ),
            (
                r#"{"event":"result","play":"p","task":"t","host":"h","status":"failed","seconds":1.5,"message":"no\nway","ignored":true}"#,
                result(Status::Failed, Some("no\nway"), true),
            ),
            (
                r#"{"event":"result","play":"p","task":"t","host":"h","status":"unreachable","seconds":1.5,"message":null,"more":[1]}"#,
                result(Status::Unreachable, None, false),
            ),
            (r#"{"event":"stats","hosts":{"h":{"ok":3,"changed":1}}}"#, Some(Event::Stats { hosts })),
            (r#"{"event":"result","play":"p","task":"t","host":"h","status":"new"}"#, None),
            (r#"{"event":"party"}"#, None),
            (r#"{"event":"task","play":"p"}"#, None),
            ("[WARNING]: something", None),
            ("{", None),
            ("", None),
        ];
        for (line, expected) in &cases {
            assert_eq!(&parse(line), expected, "{line}");
        }
        println!("{} cases", cases.len());
    }

    proptest! {
        #[test]
        fn no_line_makes_the_parser_fail(line in ".*") {
            let _ = parse(&line);
        }

        #[test]
        fn any_task_name_and_message_comes_through(task in ".*", message in ".*") {
            let line = serde_json::json!({
                "event": "result", "play": "p", "task": task, "host": "h", "status": "failed",
                "seconds": 0.1, "message": message,
            });
            let Some(Event::Result(result)) = parse(&line.to_string()) else { panic!("no result: {line}") };
            prop_assert_eq!(result.task, task);
            prop_assert_eq!(result.message, Some(message));
        }
    }
}
