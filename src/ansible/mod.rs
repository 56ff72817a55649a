//! Ansible: its environment, what we hand to it, running it and following it. Knows nothing of Azure.

pub mod environment;
pub mod events;
pub mod inventory;
pub mod run;
