//! The SSH public key that `ssh_public_key_file` names.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::report::shown;

/// A key of 16384 bits needs under 3 KiB; a comment may follow.
const MAX_BYTES: u64 = 16 * 1024;

/// Azure takes RSA keys from this length on (learn.microsoft.com/azure/virtual-machines/linux/mac-create-ssh-keys).
const MIN_RSA_BITS: usize = 2048;

/// The file that `text` names: `~/` is the home folder, anything relative starts at `folder`.
pub fn path(text: &str, folder: &Path) -> PathBuf {
    match (text.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => folder.join(text),
    }
}

/// Whether the file holds one public key that every part of the chain takes.
pub fn check(path: &Path) -> Result<(), String> {
    let text = read(path)?;
    if text.contains("PRIVATE KEY") || text.starts_with("PuTTY-User-Key-File") {
        return Err(format!("{} is a private key; name the public half, which ends in .pub", name(path)));
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Err(format!("{} must hold one line with one public key", name(path)));
    };
    parse(line).map_err(|wrong| format!("{} {wrong}", name(path)))
}

fn read(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", name(path));
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return Err(format!("{} is not a public key file", name(path)));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes)).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|_| format!("{} is not a public key file", name(path)))
}

fn name(path: &Path) -> String {
    shown(&path.display().to_string())
}

/// Checks `type base64 comment` and that the two name the same type (RFC 4253, 6.6).
fn parse(line: &str) -> Result<(), String> {
    let mut words = line.split_whitespace();
    let (Some(kind), Some(blob)) = (words.next(), words.next()) else {
        return Err("is not an OpenSSH public key (ssh-keygen -y -f KEY prints one)".to_owned());
    };
    if !["ssh-rsa", "ssh-ed25519"].contains(&kind) {
        return Err(format!("has a key of type {} (allowed: ssh-rsa, ssh-ed25519)", shown(kind)));
    }
    let damaged = || "has a damaged key: copy the .pub file once more".to_owned();
    let bytes = STANDARD.decode(blob).map_err(|_| damaged())?;
    let fields = fields(&bytes).ok_or_else(damaged)?;
    match fields.as_slice() {
        [inner, key] if kind == "ssh-ed25519" && *inner == kind.as_bytes() && key.len() == 32 => Ok(()),
        [inner, _, modulus] if kind == "ssh-rsa" && *inner == kind.as_bytes() => {
            let bits = bits(modulus);
            let short = || format!("has an RSA key of {bits} bits (allowed: {MIN_RSA_BITS} or more)");
            if bits < MIN_RSA_BITS { Err(short()) } else { Ok(()) }
        }
        _ => Err(damaged()),
    }
}

/// The length-prefixed fields of an SSH key; `None` if the lengths do not add up.
fn fields(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (field, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        fields.push(field);
        bytes = rest;
    }
    Some(fields)
}

fn bits(number: &[u8]) -> usize {
    let digits = number.iter().position(|byte| *byte != 0).map_or(&[][..], |start| &number[start..]);
    digits.first().map_or(0, |first| digits.len() * 8 - first.leading_zeros() as usize)
}
