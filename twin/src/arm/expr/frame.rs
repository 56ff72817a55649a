//! What an expression sees besides the template: loop indices, lambda variables, function parameters.

use serde_json::{Map, Value};

/// Local names at one place of a template.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// Index of the loop over the resource or output itself: what `copyIndex()` without a name means.
    pub copy: Option<i64>,
    /// Indices of named loops, innermost last.
    pub copies: Vec<(String, i64)>,
    /// Lambda variables, innermost last.
    pub variables: Vec<(String, Value)>,
    /// Parameters of a user-defined function, which then are the only parameters to be seen.
    pub parameters: Option<Map<String, Value>>,
}

impl Frame {
    /// The frame inside the loop over a resource or output.
    pub fn in_loop(name: &str, index: i64) -> Frame {
        Frame { copy: Some(index), copies: vec![(name.to_owned(), index)], ..Frame::default() }
    }

    /// This frame inside one more named loop.
    pub fn with_copy(&self, name: &str, index: i64) -> Frame {
        let mut frame = self.clone();
        frame.copies.push((name.to_owned(), index));
        frame
    }

    /// This frame with lambda variables.
    pub fn with_variables(&self, names: &[String], values: Vec<Value>) -> Frame {
        let mut frame = self.clone();
        frame.variables.extend(names.iter().cloned().zip(values));
        frame
    }
}
