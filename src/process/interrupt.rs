//! SIGINT, SIGTERM and SIGHUP (a closed terminal) set a flag; whoever waits looks at it.

use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::ProcessError;

static REQUESTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Catches SIGINT, SIGTERM and SIGHUP from now on.
///
/// # Errors
/// When the operating system refuses the handler.
pub fn watch() -> std::io::Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&REQUESTED))?;
    }
    Ok(())
}

/// Whether the user or the system asked us to end.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// Sleeps, but not through an interrupt.
///
/// # Errors
/// [`ProcessError::Interrupted`].
pub fn sleep(time: Duration) -> Result<(), ProcessError> {
    let deadline = Instant::now() + time;
    loop {
        if requested() {
            return Err(ProcessError::Interrupted);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(super::POLL));
    }
}
