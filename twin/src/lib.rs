//! A simulated Azure and real hosts on one machine, to rehearse ccslurm4ai.

pub mod arm;
pub mod azure;
pub mod claims;
pub mod control;
pub mod extension;
pub mod hosts;
pub mod page;
pub mod session;
