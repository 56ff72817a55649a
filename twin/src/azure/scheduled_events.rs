//! Scheduled events: a machine of a scale set hears from the metadata service that it will be deleted, and the deletion
//! waits for its consent, as long as the set says.
//!
//! Known from: Azure docs, linux/scheduled-events and virtual-machine-scale-sets-terminate-notification.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

/// The events of a twin.
#[derive(Debug, Default)]
pub struct Events {
    known: Mutex<Known>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Known {
    incarnation: u64,
    events: Vec<Event>,
}

#[derive(Debug)]
struct Event {
    id: String,
    set: String,
    machine: String,
    not_before: Timestamp,
}

impl Events {
    /// Announces the deletion of a machine to its scale set, and returns once it is approved or `patience` is over.
    pub fn await_consent(&self, set: &str, machine: &str, patience: Duration) {
        let id = Uuid::new_v4().to_string().to_uppercase();
        let not_before = Timestamp::now() + SignedDuration::try_from(patience).unwrap_or_default();
        let event =
            Event { id: id.clone(), set: set.to_ascii_lowercase(), machine: machine.to_owned(), not_before };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.incarnation += 1;
        known.events.push(event);
        let waiting = |known: &mut Known| known.events.iter().any(|event| event.id == id);
        let waited = self.changed.wait_timeout_while(known, patience, waiting);
        waited.unwrap_or_else(PoisonError::into_inner).0.forget(&id);
    }

    /// What the machines of a scale set are told.
    pub fn document(&self, set: &str) -> Value {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let events = known.events.iter().filter(|event| event.set.eq_ignore_ascii_case(set));
        let events: Vec<Value> = events.map(Event::body).collect();
        json!({"DocumentIncarnation": known.incarnation, "Events": events})
    }

    /// A machine of that scale set consents to an event; whether there is such an event.
    pub fn approve(&self, set: &str, id: &str) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.events.iter().any(|event| event.id == id && event.set.eq_ignore_ascii_case(set));
        if found {
            known.forget(id);
            self.changed.notify_all();
        }
        found
    }
}

impl Known {
    fn forget(&mut self, id: &str) {
        let before = self.events.len();
        self.events.retain(|event| event.id != id);
        if self.events.len() < before {
            self.incarnation += 1;
        }
    }
}

impl Event {
    fn body(&self) -> Value {
        json!({
            "EventId": self.id, "EventType": "Terminate", "ResourceType": "VirtualMachine",
            "Resources": [self.machine], "EventStatus": "Scheduled", "EventSource": "User", "Description": "",
            "NotBefore": self.not_before.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            "DurationInSeconds": -1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_deletion_waits_for_consent_or_its_time() {
        let events = Events::default();
        let start = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| events.await_consent("hpc", "hpc_0", Duration::from_secs(30)));
            let id = loop {
                let seen = events.document("HPC");
                if let Some(id) = seen["Events"][0]["EventId"].as_str() {
                    assert_eq!(seen["Events"][0]["Resources"], json!(["hpc_0"]));
                    break id.to_owned();
                }
                std::thread::sleep(Duration::from_millis(1));
            };
            assert!(!events.approve("htc", &id), "another set has no say");
            assert!(events.approve("hpc", &id));
            assert!(!events.approve("hpc", &id), "it is over");
        });
        assert!(start.elapsed() < Duration::from_secs(30));
        events.await_consent("hpc", "hpc_1", Duration::from_millis(10));
        assert_eq!(events.document("hpc"), json!({"DocumentIncarnation": 4, "Events": []}));
    }
}
