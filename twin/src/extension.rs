//! The stand-in for the az extension `bastion`, which no registry carries.

use std::path::Path;

use anyhow::{Context, Result};

use crate::claims::{Claim, Sure};

const FILES: [(&str, &str); 5] = [
    (
        "bastion-1.4.2.dist-info/METADATA",
        include_str!("../extension/bastion/bastion-1.4.2.dist-info/METADATA"),
    ),
    (
        "azext_bastion/azext_metadata.json",
        include_str!("../extension/bastion/azext_bastion/azext_metadata.json"),
    ),
    ("azext_bastion/__init__.py", include_str!("../extension/bastion/azext_bastion/__init__.py")),
    ("azext_bastion/custom.py", include_str!("../extension/bastion/azext_bastion/custom.py")),
    ("azext_bastion/tunnel.py", include_str!("../extension/bastion/azext_bastion/tunnel.py")),
];

/// What the stand-in claims.
pub const CLAIMS: &[Claim] = &[
    Claim {
        what: "az network bastion tunnel: arguments, the three lines on standard error, SKU and tunnelling checks, a token and a websocket for each connection, tokens given back when a connection ends or on SIGINT",
        source: "azure-cli-extensions, src/bastion: custom.py, tunnel.py",
        sure: Sure::High,
    },
    Claim {
        what: "az network bastion tunnel: several connections at once; when no token is given the tunnel ends",
        source: "azure-cli-extensions, src/bastion: HISTORY 1.0.1; the exception in the listening thread of tunnel.py",
        sure: Sure::Medium,
    },
];

/// Puts the extension below `dir`, where az looks because of `AZURE_EXTENSION_DIR`.
///
/// # Errors
/// What could not be written.
pub fn install(dir: &Path) -> Result<()> {
    for (name, text) in FILES {
        let path = dir.join("bastion").join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
