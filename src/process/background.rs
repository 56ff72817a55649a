//! A program that runs beside us until its handle is dropped.

use std::io::PipeWriter;

use super::Output;
use super::group::Group;

/// A running program in a process group of its own.
pub struct Background {
    handle: duct::Handle,
    group: Group,
    _stdin: Option<PipeWriter>,
}

impl Background {
    pub(super) fn new(handle: duct::Handle, group: Group, stdin: Option<PipeWriter>) -> Self {
        Self { handle, group, _stdin: stdin }
    }

    /// Its exit status, once it has ended.
    pub fn ended(&self) -> Option<i32> {
        match self.handle.try_wait() {
            Ok(Some(output)) => Some(Output::from(output).status),
            Ok(None) => None,
            Err(_) => Some(-1),
        }
    }

    /// Ends it and all it started.
    pub fn stop(&self) {
        self.group.end(|| self.ended().is_some());
        let _ = self.handle.wait_timeout(std::time::Duration::from_secs(1));
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop();
    }
}
