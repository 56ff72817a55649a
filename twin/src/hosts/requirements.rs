//! What hosts need from this machine, checked before anything is made.

use std::path::Path;
use std::{env, fmt};

/// Why this machine cannot carry hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// The twin does not run as root.
    NotRoot,
    /// Programs that are not on the PATH.
    Missing(Vec<&'static str>),
}

impl Unfit {
    /// Exit code of the program: 9 for a missing program, 10 for missing rights.
    pub fn exit_code(&self) -> u8 {
        match self {
            Unfit::NotRoot => 10,
            Unfit::Missing(_) => 9,
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::NotRoot => f.write_str("the twin's hosts need root: run it with sudo, or use --no-hosts"),
            Unfit::Missing(programs) => {
                let mut packages: Vec<&str> = programs.iter().map(|program| package_of(program)).collect();
                packages.dedup();
                write!(
                    f,
                    "not found: {}; install with: apt-get install {}",
                    programs.join(", "),
                    packages.join(" ")
                )
            }
        }
    }
}

impl std::error::Error for Unfit {}

const PROGRAMS: [(&str, &str); 5] = [
    ("debootstrap", "debootstrap"),
    ("systemd-nspawn", "systemd-container"),
    ("ip", "iproute2"),
    ("nsenter", "util-linux"),
    ("chroot", "coreutils"),
];

/// Root and every program that hosts need.
///
/// # Errors
/// The first kind of lack, with all missing programs at once.
pub fn check() -> Result<(), Unfit> {
    if !rustix::process::geteuid().is_root() {
        return Err(Unfit::NotRoot);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = env::split_paths(&path).collect();
    let missing: Vec<&str> = PROGRAMS
        .iter()
        .map(|(program, _)| *program)
        .filter(|program| !folders.iter().any(|folder| is_file(&folder.join(program))))
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(Unfit::Missing(missing)) }
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|data| data.is_file())
}

fn package_of(program: &str) -> &'static str {
    PROGRAMS.iter().find(|(name, _)| *name == program).map_or("", |(_, package)| package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_its_package() {
        let text = Unfit::Missing(vec!["debootstrap", "systemd-nspawn"]).to_string();
        assert_eq!(
            text,
            "not found: debootstrap, systemd-nspawn; install with: apt-get install debootstrap systemd-container"
        );
    }
}
