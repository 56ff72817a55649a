//! Compiled ARM templates: expressions, deployment plans, and the rules of each resource type. Pure: whatever is
//! asked about the simulated Azure goes through [`World`].

pub mod expr;
pub mod id;
pub mod net;
pub mod plan;
pub mod program;
mod schema;
pub mod scope;
pub mod types;
pub mod whatif;
pub mod world;

pub use plan::{Action, Plan, Request, Step};
pub use world::World;
