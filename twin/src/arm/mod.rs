//! Compiled ARM templates: expressions, deployment plans, and the rules of each resource type. Pure: whatever is
//! asked about the simulated Azure goes through [`World`].

pub mod id;
pub mod types;
pub mod world;

pub use world::World;
