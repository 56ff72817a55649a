//! The template language: parsing, evaluation and the built-in functions.

pub mod args;
mod claimed;
pub mod eval;
pub mod frame;
mod functions;
pub mod hash;
pub mod json;
mod lambda;
pub mod open;
pub mod parse;
mod runtime;

pub use claimed::functions;

use crate::azure::error::AzureError;

/// Why an expression has no value.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Azure's sentence about the expression.
    Text(String),
    /// The expression asks for something that is known only while the deployment runs; the function's name.
    Late(String),
    /// A refusal by something that was asked, such as a referenced resource that is not there.
    Azure(Box<AzureError>),
}

impl Fault {
    /// A fault in Azure's words.
    pub fn text(message: impl Into<String>) -> Fault {
        Fault::Text(message.into())
    }

    /// The sentence alone.
    pub fn message(&self) -> String {
        match self {
            Fault::Text(message) => message.clone(),
            Fault::Late(function) => format!(
                "The template function '{function}' is not expected at this location. Please see https://aka.ms/arm-functions for usage details."
            ),
            Fault::Azure(error) => error.message.clone(),
        }
    }
}

impl From<AzureError> for Fault {
    fn from(error: AzureError) -> Fault {
        Fault::Azure(Box::new(error))
    }
}
