//! The two orders in which Azure puts strings.

use std::cmp::Ordering;

/// Order of `less`, `greater` and their kin: letters without regard to case first, small before capital letters on a
/// tie.
pub fn compare(a: &str, b: &str) -> Ordering {
    let folded = a.to_lowercase().cmp(&b.to_lowercase());
    folded.then_with(|| b.cmp(a))
}

/// Order of the keys in `items` and `objectKeys`: capitalised, by code point.
pub fn compare_keys(a: &str, b: &str) -> Ordering {
    a.to_uppercase().cmp(&b.to_uppercase())
}
