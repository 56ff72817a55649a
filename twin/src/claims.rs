//! Where each behaviour of the twin comes from, and how sure it is.

use std::fmt;

/// How well a behaviour is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sure {
    /// Recorded from the real service, or read in the source of the real program.
    High,
    /// Documented, or reported by several users.
    Medium,
    /// Inferred from neighbours: check before leaning on it.
    Low,
}

impl fmt::Display for Sure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Sure::High => "high",
            Sure::Medium => "medium",
            Sure::Low => "low",
        })
    }
}

/// One line of `CLAIMS.md`: a behaviour that no route carries itself (a refusal, a type rule, a stand-in).
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// What the twin does, as a reader would ask for it.
    pub what: &'static str,
    /// Documentation page, recorded reply or upstream file that says so.
    pub source: &'static str,
    /// How sure that is.
    pub sure: Sure,
}

/// A row for a table of claims.
pub const fn claim(what: &'static str, source: &'static str, sure: Sure) -> Claim {
    Claim { what, source, sure }
}
