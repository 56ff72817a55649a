//! Long operations: a thread each, looked at by polls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::error::AzureError;

/// How far an operation is.
#[derive(Clone, Debug)]
pub enum Job {
    /// Not done yet.
    Running,
    /// Done, perhaps with an answer for the one who polls.
    Done(Option<Value>),
    /// Came to a bad end.
    Failed(AzureError),
}

/// All operations of a twin, by id.
#[derive(Clone, Debug, Default)]
pub struct Jobs(Arc<Mutex<HashMap<String, Job>>>);

impl Jobs {
    /// Runs `work` on a thread of its own; the id is what polls ask for.
    pub fn start(&self, work: impl FnOnce() -> Result<(), AzureError> + Send + 'static) -> String {
        let id = uuid::Uuid::new_v4().to_string();
        self.set(&id, Job::Running);
        let (jobs, name) = (self.clone(), id.clone());
        std::thread::spawn(move || {
            let end = match work() {
                Ok(()) => Job::Done(None),
                Err(error) => Job::Failed(error),
            };
            jobs.set(&name, end);
        });
        id
    }

    /// An operation that is done already, with its answer.
    pub fn answered(&self, answer: Value) -> String {
        let id = uuid::Uuid::new_v4().to_string();
        self.set(&id, Job::Done(Some(answer)));
        id
    }

    /// How far an operation is; `None` if there is none of this id.
    pub fn look(&self, id: &str) -> Option<Job> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn set(&self, id: &str, job: Job) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), job);
    }
}
