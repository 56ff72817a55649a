//! `CLAIMS.md`: every route, refusal and stand-in with its source.

use std::fmt::Write;

use crate::azure::routes::{Route, Versions, table};
use crate::claims::{Claim, Sure};
use crate::{arm, azure, extension, hosts};

const HEAD: &str = "# What the twin plays, and where that is known from\n\n\
    Printed by `ccslurm4ai-twin claims` from the route table and the rooms' claims; a test holds file and table in step.\n\
    Sure: *high* is recorded from the real service or read in the real program's source, *medium* is documented or\n\
    reported, *low* is inferred.\n";

/// The page as it stands in `twin/CLAIMS.md`.
pub fn render() -> String {
    let mut page = HEAD.to_owned();
    page.push_str(
        "\n## Routes\n\n| service | request | api-versions | source | sure |\n|---|---|---|---|---|\n",
    );
    for route in table() {
        line(
            &mut page,
            &[route.service.host(), &request(route), &versions(route), route.source, &sure(route.sure)],
        );
    }
    for (title, claims) in rooms() {
        let _ = write!(page, "\n## {title}\n\n| what | source | sure |\n|---|---|---|\n");
        for claim in claims {
            line(&mut page, &[claim.what, claim.source, &sure(claim.sure)]);
        }
    }
    page
}

fn rooms() -> [(&'static str, &'static [Claim]); 5] {
    [
        ("Refusals and delays", azure::refusals::CLAIMS),
        ("Templates and resource types", arm::types::CLAIMS),
        ("File, database and monitoring services", arm::types::SERVICE_CLAIMS),
        ("Stand-in az extension", extension::CLAIMS),
        ("Hosts and stand-ins on them", hosts::claims::CLAIMS),
    ]
}

fn request(route: &Route) -> String {
    format!("`{} {}`", route.method, route.path)
}

fn versions(route: &Route) -> String {
    match route.versions {
        Versions::None => "none".into(),
        Versions::Of(known) => known.join(", "),
        Versions::OfType => "those of the type".into(),
    }
}

fn sure(sure: Sure) -> String {
    sure.to_string()
}

fn line(page: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_source() {
        for route in table() {
            assert!(!route.source.is_empty(), "{} {}", route.method, route.path);
        }
        for (title, claims) in rooms() {
            assert!(!claims.is_empty(), "{title}");
            for claim in claims {
                assert!(!claim.source.is_empty() && !claim.what.is_empty(), "{title}: {}", claim.what);
            }
        }
    }

    #[test]
    fn the_page_in_the_repository_is_this_one() {
        let kept = include_str!("../CLAIMS.md");
        assert!(
            kept == render(),
            "twin/CLAIMS.md is out of step: cargo run -p ccslurm4ai-twin -- claims > twin/CLAIMS.md"
        );
    }
}
