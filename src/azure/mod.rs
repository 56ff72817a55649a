//! Typed functions over `az`: JSON in, types out, no printing.

pub mod account;
pub mod assignments;
mod az;
pub mod cluster;
pub mod contents;
pub mod deployment;
pub mod error;
mod failed;
pub mod group;
pub mod images;
mod lenient;
pub mod locks;
pub mod machine;
pub mod made;
pub mod metrics;
pub mod network;
pub mod outputs;
pub mod private_dns;
pub mod quota;
pub mod region;
pub mod removal;
pub mod resources;
pub mod rights;
pub mod security_group;
pub mod skus;
mod step;
pub mod terms;
pub mod vault;
pub mod whatif;

pub use az::Az;
pub use failed::{AzError, Kind, login_command};
pub use step::Step;

/// The command that installs az on Debian and Ubuntu (Microsoft's documentation, "Install the Azure CLI on
/// Linux").
pub const INSTALL_AZ: &str = "curl -sL https://aka.ms/InstallAzureCLIDeb | sudo bash";
