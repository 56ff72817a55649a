//! Typed functions over `az`: JSON in, types out, no printing.

pub mod error;
mod lenient;
