//! The administrator's SSH key pair and the passwords that a deployment writes into the vault.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::azure::vault::{Secret, Vault};
use crate::failure::{Exit, Failure};
use crate::process::{Command, Runner};
use crate::ui::Ui;
use crate::workspace::Workspace;

const CACHED: &str = "ssh/id_rsa";
/// Stands where a secret would, as long as nothing is changed; it has what a database's password must have.
pub const PLACEHOLDER: &str = "Placeholder-0-for-what-is-not-made";

/// Where the public key of the VMs comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// This line.
    Line(String),
    /// The vault holds it; ARM reads it there.
    InVault,
}

/// What a deployment does about the key pair.
#[derive(Debug, Clone)]
pub struct KeyPlan {
    /// The key that opens the VMs.
    pub public: PublicKey,
    /// A private key that the vault does not hold yet.
    pub private_to_store: Option<String>,
}

/// The keys that the user brings.
#[derive(Debug, Clone, Copy, Default)]
pub struct OwnKeys<'a> {
    /// `ssh_public_key_file` of the configuration.
    pub public_file: Option<&'a Path>,
    /// `--ssh-key`.
    pub private_file: Option<&'a Path>,
}

/// Decides on the key pair, making one when there is none anywhere. A dry run neither makes one nor reads a private
/// key into the plan.
///
/// # Errors
/// When the user's key can't be read, or the vault holds only the public half of a pair that is not the
/// user's.
pub fn plan(
    own: OwnKeys<'_>,
    stored: &[Secret],
    workspace: &Workspace,
    runner: &Runner<'_>,
) -> anyhow::Result<KeyPlan> {
    if let Some(file) = own.public_file {
        let line = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        return Ok(KeyPlan { public: PublicKey::Line(line.trim().to_owned()), private_to_store: None });
    }
    let private_is_stored = stored.contains(&Secret::SshPrivateKey);
    let pair = own.private_file.is_some() || workspace.path(CACHED).exists();
    match (private_is_stored, stored.contains(&Secret::SshPublicKey)) {
        (_, true) if own.private_file.is_some() => in_vault(),
        (true, true) => in_vault(),
        (false, true) if !pair => Err(only_public().into()),
        (true, false) if !pair => Err(only_private().into()),
        // A deployment that ended between the two halves: the pair it was given is still here.
        _ => {
            let plan = from_pair(own.private_file, workspace, runner)?;
            Ok(KeyPlan { private_to_store: plan.private_to_store.filter(|_| !private_is_stored), ..plan })
        }
    }
}

/// Whether a private key is at hand without the vault; `state` is the state folder.
pub fn at_hand(own: OwnKeys<'_>, state: &Path) -> bool {
    own.private_file.is_some() || own.public_file.is_some() || state.join(CACHED).exists()
}

/// Looks at the keys the user brings before anything is made with them.
///
/// # Errors
/// [`Exit::Refused`] when `--ssh-key` can't be used or is not the private half of `ssh_public_key_file`.
pub fn check(own: OwnKeys<'_>, runner: &Runner<'_>) -> anyhow::Result<()> {
    let Some(private) = own.private_file else { return Ok(()) };
    if !private.is_file() {
        return Err(Failure::new(Exit::Usage, "NoSuchFile", "--ssh-key: there is no such file")
            .resource(private.display().to_string())
            .into());
    }
    let line = public_half(private, runner)?;
    let Some(public) = own.public_file else { return Ok(()) };
    let configured =
        std::fs::read_to_string(public).with_context(|| format!("reading {}", public.display()))?;
    if same_key(&line, &configured) {
        return Ok(());
    }
    let message = "the key of --ssh-key is not the private half of `ssh_public_key_file`";
    Err(Failure::new(Exit::Refused, "WrongKey", message)
        .resource(format!("{} and {}", private.display(), public.display()))
        .remedy("give the two halves of one pair")
        .into())
}

fn in_vault() -> anyhow::Result<KeyPlan> {
    Ok(KeyPlan { public: PublicKey::InVault, private_to_store: None })
}

fn from_pair(private: Option<&Path>, workspace: &Workspace, runner: &Runner<'_>) -> anyhow::Result<KeyPlan> {
    let file = match private {
        Some(file) => file.to_owned(),
        None => cached_pair(workspace, runner)?,
    };
    if runner.is_dry_run() {
        let public = if file.exists() { public_half(&file, runner)? } else { nobodys_key() };
        return Ok(KeyPlan {
            public: PublicKey::Line(public),
            private_to_store: Some(PLACEHOLDER.to_owned()),
        });
    }
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    runner.hide(text.trim());
    Ok(KeyPlan { public: PublicKey::Line(public_half(&file, runner)?), private_to_store: Some(text) })
}

/// The pair of an earlier run that did not get as far as the vault, or a new one: RSA, for every part of
/// the chain takes it.
fn cached_pair(workspace: &Workspace, runner: &Runner<'_>) -> anyhow::Result<PathBuf> {
    let file = workspace.path(CACHED);
    if file.exists() {
        return Ok(file);
    }
    let command = Command::new("ssh-keygen")
        .args(["-q", "-t", "rsa", "-b", "4096", "-N", "", "-C", "ccslurm4ai"])
        .args(["-f", &file.display().to_string()])
        .changes();
    let output = runner.run(&command).context("making the SSH key pair")?;
    anyhow::ensure!(
        output.status == 0,
        "ssh-keygen could not make {}: {}",
        file.display(),
        output.stderr.trim()
    );
    Ok(file)
}

/// A public key of the form and length that Azure asks for, of which no private half was ever made: 2048 bits, all
/// set. It stands where a key would that is made only later.
pub fn nobodys_key() -> String {
    format!("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQD{} placeholder", "/".repeat(341))
}

/// The file that ssh signs in with, once the VMs exist: `server_key` is the public key that opens them.
/// A cached key that does not fit is replaced by the vault's.
///
/// # Errors
/// When the user's key does not open the VMs, or the vault does not give the key.
pub fn identity(
    own: OwnKeys<'_>,
    server_key: &str,
    vault: &Vault<'_>,
    workspace: &Workspace,
    runner: &Runner<'_>,
    ui: &Ui,
) -> anyhow::Result<PathBuf> {
    if let Some(file) = own.private_file {
        return own_private(file, server_key, runner);
    }
    if let Some(file) = own.public_file {
        let file = std::path::absolute(file)?;
        let private = file.with_extension("");
        return Ok(if private != file && private.exists() { private } else { file });
    }
    let cached = workspace.path(CACHED);
    if cached.exists() && public_half(&cached, runner).is_ok_and(|line| same_key(&line, server_key)) {
        return Ok(cached);
    }
    let mut key = vault.read(Secret::SshPrivateKey, ui).map_err(|error| unreadable(&error))?;
    if !key.ends_with('\n') {
        key.push('\n');
    }
    workspace.write(CACHED, key.as_bytes())
}

fn own_private(file: &Path, server_key: &str, runner: &Runner<'_>) -> anyhow::Result<PathBuf> {
    if same_key(&public_half(file, runner)?, server_key) {
        return std::path::absolute(file).with_context(|| format!("--ssh-key {}", file.display()));
    }
    Err(Failure::new(Exit::Refused, "WrongKey", "the key of --ssh-key does not open the VMs")
        .resource(file.display().to_string())
        .remedy("give the private half of the key the cluster was deployed with")
        .into())
}

fn public_half(private: &Path, runner: &Runner<'_>) -> anyhow::Result<String> {
    let command = Command::new("ssh-keygen").args(["-y", "-P", "", "-f", &private.display().to_string()]);
    let output = runner.run(&command).context("reading the public half of the SSH key")?;
    if output.status == 0 {
        return Ok(output.stdout.trim().to_owned());
    }
    Err(Failure::new(Exit::Refused, "KeyUnusable", "the private SSH key can't be read without a question")
        .resource(private.display().to_string())
        .remedy(format!("use a key without passphrase, or the agent: {}", output.stderr.trim()))
        .into())
}

/// Whether two public keys are the same but for their comments.
fn same_key(one: &str, other: &str) -> bool {
    let parts = |line: &str| line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
    parts(one) == parts(other)
}

/// A new password, in a dry run a placeholder: 32 characters, some of each class that MySQL and CycleCloud ask for (azure-cli
/// `command_modules/mysql/_params.py`, `--admin-password`: 8 to 128 characters, three classes of four). The portal
/// also refuses three letters or digits in a row that the user's name has, so no three are in a row here.
///
/// # Errors
/// When the operating system has no randomness.
pub fn password(runner: &Runner<'_>) -> anyhow::Result<String> {
    if runner.is_dry_run() {
        return Ok(PLACEHOLDER.to_owned());
    }
    let password = random_password()?;
    runner.hide(&password);
    Ok(password)
}

fn random_password() -> anyhow::Result<String> {
    const SIGNS: &[u8] = b"-_.~";
    const WORDS: [&[u8]; 3] = [b"abcdefghijkmnopqrstuvwxyz", b"ABCDEFGHJKLMNPQRSTUVWXYZ", b"23456789"];
    let letters = WORDS.concat();
    loop {
        let password: String = (1..=32)
            .map(|place| random_of(if place % 3 == 0 { SIGNS } else { &letters }))
            .collect::<anyhow::Result<_>>()?;
        if WORDS.iter().all(|class| password.bytes().any(|byte| class.contains(&byte))) {
            return Ok(password);
        }
    }
}

/// One of `letters`, each as likely: bytes past the last whole multiple are drawn again.
fn random_of(letters: &[u8]) -> anyhow::Result<char> {
    let fair = 256 - 256 % letters.len();
    loop {
        let mut byte = [0];
        getrandom::fill(&mut byte).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        if usize::from(byte[0]) < fair {
            return Ok(char::from(letters[usize::from(byte[0]) % letters.len()]));
        }
    }
}

fn only_public() -> Failure {
    let message = "the key vault holds a public SSH key but not its private half";
    Failure::new(Exit::Refused, "PrivateKeyMissing", message)
        .remedy("set `ssh_public_key_file` to the key the cluster was deployed with, or give --ssh-key")
}

fn only_private() -> Failure {
    let message = "the key vault holds a private SSH key but not its public half";
    Failure::new(Exit::Refused, "PublicKeyMissing", message).remedy(
        "store the public half as the secret `<admin>-SshPublicKey`; `ssh-keygen -y` derives it from the private one",
    )
}

fn unreadable(error: &anyhow::Error) -> anyhow::Error {
    let (exit, why) = match error.downcast_ref::<Failure>() {
        Some(failure) => {
            let messages: Vec<&str> =
                failure.problems.iter().map(|problem| problem.message.as_str()).collect();
            (failure.exit, messages.join("; "))
        }
        None => (Exit::Access, format!("{error:#}")),
    };
    Failure::new(exit, "KeyUnreadable", format!("the SSH key can't be read from the key vault: {why}"))
        .remedy(
            "give the private key with --ssh-key, run from a machine that reaches the vault, or deploy with \
             `ccslurm4ai install --force`, which gives you the right to read it",
        )
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{Format, Ui};

    #[test]
    fn passwords_have_every_class_and_differ() {
        let passwords: std::collections::BTreeSet<_> = (0..200).map(|_| random_password().unwrap()).collect();
        assert_eq!(passwords.len(), 200);
        for password in passwords {
            assert_eq!(password.len(), 32);
            let classes = [u8::is_ascii_digit, u8::is_ascii_lowercase, u8::is_ascii_uppercase];
            assert!(classes.iter().all(|class| password.as_bytes().iter().any(class)), "{password}");
            assert!(password.contains(['-', '_', '.', '~']));
            let in_a_row = |three: &[u8]| three.iter().all(u8::is_ascii_alphanumeric);
            assert!(
                !password.as_bytes().windows(3).any(in_a_row),
                "{password} may hold a part of a user's name"
            );
        }
    }

    #[test]
    fn the_vault_and_the_users_key_decide_what_is_made() {
        use Secret::{SshPrivateKey, SshPublicKey};
        let root = tempfile::tempdir().unwrap();
        let ui = Ui::new(Format::Text, false, false);
        let runner = Runner::new(&ui, false);
        let workspace = Workspace::open(root.path(), "rg", &runner).unwrap();
        let decide = |stored: &[Secret]| plan(OwnKeys::default(), stored, &workspace, &runner);

        assert_eq!(decide(&[SshPrivateKey, SshPublicKey]).unwrap().public, PublicKey::InVault);
        let halves = [vec![SshPublicKey], vec![SshPrivateKey]];
        let exits =
            halves.clone().map(|stored| decide(&stored).unwrap_err().downcast::<Failure>().unwrap().exit);
        assert_eq!(exits, [Exit::Refused, Exit::Refused]);

        let made = decide(&[]).unwrap();
        let again = decide(&[]).unwrap();
        assert!(matches!(&made.public, PublicKey::Line(line) if line.starts_with("ssh-rsa ")));
        assert_eq!(made.public, again.public, "a pair that is not in the vault yet is used again");
        assert!(made.private_to_store.unwrap().contains("PRIVATE KEY"));
        let resumed = halves.map(|stored| decide(&stored).unwrap());
        assert!(
            resumed.iter().all(|plan| plan.public == made.public),
            "half stored: the rest comes from the pair"
        );
        assert_eq!(resumed.map(|plan| plan.private_to_store.is_some()), [true, false]);

        let own = root.path().join("mine.pub");
        std::fs::write(&own, "ssh-ed25519 AAAA me\n").unwrap();
        let keys = OwnKeys { public_file: Some(&own), private_file: None };
        let plan = plan(keys, &[], &workspace, &runner).unwrap();
        assert_eq!(plan.public, PublicKey::Line("ssh-ed25519 AAAA me".into()));
        assert!(plan.private_to_store.is_none());
    }

    #[test]
    fn a_dry_run_makes_no_secret_and_stands_in_for_it() {
        let root = tempfile::tempdir().unwrap();
        let ui = Ui::new(Format::Text, false, false);
        let real = Runner::new(&ui, false);
        let reading = Runner::reading(&ui);
        let workspace = Workspace::open(root.path(), "rg", &real).unwrap();
        let decide = |runner: &Runner<'_>| plan(OwnKeys::default(), &[], &workspace, runner).unwrap();

        let foreseen = decide(&reading);
        assert_eq!(foreseen.public, PublicKey::Line(nobodys_key()));
        assert_eq!(foreseen.private_to_store.as_deref(), Some(PLACEHOLDER));
        assert!(!workspace.path(CACHED).exists());
        assert_eq!(password(&reading).unwrap(), PLACEHOLDER);

        let made = decide(&real);
        let foreseen = decide(&reading);
        assert_eq!(foreseen.public, made.public, "the public half of a pair that is there");
        assert_eq!(foreseen.private_to_store.as_deref(), Some(PLACEHOLDER));
    }

    #[test]
    fn nobodys_key_is_one_to_openssh() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), nobodys_key()).unwrap();
        let ui = Ui::new(Format::Text, false, false);
        let command = Command::new("ssh-keygen").args(["-l", "-f", &file.path().display().to_string()]);
        let said = Runner::new(&ui, false).run(&command).unwrap();
        assert!(said.stdout.starts_with("2048 ") && said.stdout.ends_with("(RSA)\n"), "{said:?}");
    }

    #[test]
    fn comments_do_not_make_keys_different() {
        assert!(same_key("ssh-rsa AAAA one", "ssh-rsa AAAA"));
        assert!(!same_key("ssh-rsa AAAA", "ssh-rsa AAAB"));
    }
}
