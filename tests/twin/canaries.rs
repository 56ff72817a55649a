//! The five secrets that may show nowhere but in their places, in the forms they could take.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;

/// A secret to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Canary {
    /// The administrator's private SSH key.
    SshKey,
    /// CycleCloud's password.
    Password,
    /// The password of the accounting database.
    Database,
    /// An access token of anybody.
    Token,
    /// What az signs in with.
    ClientSecret,
}

/// What every JSON web token looks like at its head, `{"typ"…` and `{"alg"…` in base64; the twin's are such.
const TOKEN_HEADS: [&str; 2] = ["eyJ0eXAi", "eyJhbGci"];
/// So much of a line of the key gives it away: writes may cut lines.
const KEY_PIECE: usize = 24;
/// So many lines of it are looked for.
const KEY_PIECES: usize = 6;

/// Texts that give a secret away.
pub struct Canaries {
    needles: Vec<(Canary, String)>,
}

impl Canaries {
    /// Those of one installation. Tokens are known by their shape; `tokens` must have it.
    pub fn new(ssh_key: &str, password: &str, database: &str, client_secret: &str, tokens: &[&str]) -> Self {
        for token in tokens {
            assert!(TOKEN_HEADS.iter().any(|head| token.starts_with(head)), "a token of another shape");
        }
        let mut needles = Vec::new();
        for piece in private_pieces(ssh_key) {
            add(&mut needles, Canary::SshKey, &piece);
        }
        add(&mut needles, Canary::Password, password);
        add(&mut needles, Canary::Database, database);
        add(&mut needles, Canary::ClientSecret, client_secret);
        for head in TOKEN_HEADS {
            add(&mut needles, Canary::Token, head);
        }
        Self { needles }
    }

    /// The secrets in a text.
    pub fn find(&self, text: &str) -> Vec<Canary> {
        let mut found: Vec<Canary> = self
            .needles
            .iter()
            .filter(|(_, needle)| text.contains(needle.as_str()))
            .map(|(s, _)| *s)
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The files, given or below given folders, that hold a secret; `grep` is quicker at it than a test is.
    pub fn files<P: AsRef<OsStr>>(&self, paths: impl IntoIterator<Item = P>) -> Vec<PathBuf> {
        let mut grep = Command::new("grep");
        let said = self.grep(grep.args(["-rlaF", "-D", "skip", "-f", "-", "--"]).args(paths));
        said.lines().map(PathBuf::from).collect()
    }

    /// What a `grep` prints that reads what to look for from its standard input.
    pub fn grep(&self, command: &mut Command) -> String {
        let needles: String = self.needles.iter().map(|(_, needle)| format!("{needle}\n")).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), needles).unwrap();
        let output = command.stdin(fs::File::open(file.path()).unwrap()).output().unwrap();
        let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
        let only_vanished = complaints.lines().all(|line| line.contains("No such file or directory"));
        assert!(output.status.code() < Some(3) && only_vanished, "{command:?}: {complaints}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Pieces of the key's second half: its first half holds the public key.
fn private_pieces(key: &str) -> Vec<String> {
    let lines: Vec<&str> =
        key.lines().filter(|line| !line.starts_with("-----") && line.len() >= 64).collect();
    let private = &lines[lines.len() / 2..];
    assert!(private.len() >= KEY_PIECES, "the key has only {} lines", lines.len());
    let chosen = private.iter().step_by(private.len() / KEY_PIECES);
    chosen.map(|line| line[line.len() / 2 - KEY_PIECE / 2..][..KEY_PIECE].to_owned()).collect()
}

/// A text as it is, percent-encoded, and inside of base64, where it begins at one of three places.
fn add(needles: &mut Vec<(Canary, String)>, secret: Canary, text: &str) {
    assert!(text.len() >= 8, "too short to look for: {secret:?}");
    needles.push((secret, text.to_owned()));
    let encoded = text.replace('+', "%2B").replace('/', "%2F").replace('~', "%7E");
    if encoded != text {
        needles.push((secret, encoded));
    }
    if secret == Canary::Token {
        return; // its head alone is too short for that
    }
    for shift in 0..3 {
        let inside = BASE64_STANDARD_NO_PAD.encode(format!("{}{text}", &"   "[..shift]));
        // the first and last letters also hold bits of the neighbours
        let (from, to) = ([0, 2, 3][shift], inside.len() - 2);
        needles.push((secret, inside[from..to].to_owned()));
    }
}
