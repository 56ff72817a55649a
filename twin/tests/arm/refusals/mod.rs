//! Writes that the rules of the types refuse, in Azure's words.

mod database;
mod files;
mod machine;
mod monitoring;
mod network;
mod other;
mod subnet;

use ccslurm4ai_twin::arm::types::{self, Put};
use ccslurm4ai_twin::claims::Claim;
use serde_json::json;

use crate::scene::world;
use crate::world::FakeWorld;

/// A change of the world before a write that is then refused.
type Prepare = fn(&mut FakeWorld);

/// A write that is refused.
struct Refused {
    why: &'static str,
    prepare: Prepare,
    put: Put,
    code: &'static str,
    words: &'static str,
}

fn refused(why: &'static str, put: Put, code: &'static str, words: &'static str) -> Refused {
    Refused { why, prepare: |_| {}, put, code, words }
}

impl Refused {
    fn after(self, prepare: Prepare) -> Refused {
        Refused { prepare, ..self }
    }
}

#[test]
fn refuses_what_azure_refuses() {
    let families = [
        network::all(),
        subnet::all(),
        machine::all(),
        other::all(),
        files::all(),
        database::all(),
        monitoring::all(),
    ];
    let table: Vec<Refused> = families.into_iter().flatten().collect();
    for Refused { why, prepare, put, code, words } in &table {
        let mut world = world();
        prepare(&mut world);
        let error = world.put(put).err().unwrap_or_else(|| panic!("{why} is taken"));
        let told = error.body().to_string();
        assert_eq!(&error.code, code, "{why}: {told}");
        let quoted = json!(words).to_string();
        assert!(told.contains(quoted.trim_matches('"')), "{why}: {told}");
        assert!(error.status >= 400, "{why}");
        let claimed = |claim: &Claim| claim.what.contains(code);
        let claims = types::CLAIMS.iter().chain(types::SERVICE_CLAIMS);
        assert!(claims.into_iter().any(claimed), "no claim names {code}");
    }
    println!("{} writes refused", table.len());
}
