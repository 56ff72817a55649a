//! Built-in functions that need nothing but their arguments. Values and messages are those of the official evaluator;
//! `twin/tests/arm/expressions.rs` compares them.

mod array;
mod encode;
mod logic;
mod network;
mod number;
mod object;
mod order;
mod text;

use serde_json::Value;

pub use order::compare;

use super::{Fault, args::Args};

/// Calls a built-in function; `None` if there is none of this name.
pub fn call(function: &str, values: Vec<Value>) -> Option<Result<Value, Fault>> {
    let name = function.to_ascii_lowercase();
    let args = Args { function, values };
    logic::call(&name, &args)
        .or_else(|| number::call(&name, &args))
        .or_else(|| text::call(&name, &args))
        .or_else(|| encode::call(&name, &args))
        .or_else(|| array::call(&name, &args))
        .or_else(|| object::call(&name, &args))
        .or_else(|| network::call(&name, &args))
}
