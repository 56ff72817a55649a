//! The simulated Azure: real host names behind a local proxy, with state, rights and delays.

pub mod error;
pub mod state;
