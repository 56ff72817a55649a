//! The template evaluator against the official one, the order of deployments, and what resource types refuse.

mod compare;
#[path = "../../../tests/bicep/compiler.rs"]
mod compiler;
mod expressions;
mod order;
mod predict;
mod refusals;
mod rules;
mod scene;
mod services;
mod snapshot;
mod templates;
mod world;

/// The folder of the project.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
