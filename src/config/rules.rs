//! What one value may look like. Every rule takes the text as written and says what is wrong with it.

use super::report::{allowed, near, shown};
use crate::resource_id;
use crate::sizes::{self, Retired, Size};

/// What is wrong with a value, without the key's name.
type Verdict<T = ()> = Result<T, String>;

/// What a text must be. `pattern` matches everything that `check` accepts, and as little else as a regular expression
/// (ECMA 262) that people can read may: editors know no more.
pub struct Rule {
    /// Says what is wrong.
    pub check: fn(&str) -> Verdict,
    /// For the JSON Schema.
    pub pattern: &'static str,
    /// Words that match and are refused all the same, separated by blanks.
    pub refused: &'static [&'static str],
}

impl Rule {
    /// A rule that `pattern` says all of.
    pub const fn new(check: fn(&str) -> Verdict, pattern: &'static str) -> Self {
        Self { check, pattern, refused: &[] }
    }
}

/// Of [`region`].
pub const REGION: Rule = Rule::new(region, "^(?!usgov|usdod|china)[a-z0-9]+$");
/// Of [`resource_group`].
pub const RESOURCE_GROUP: Rule =
    Rule::new(resource_group, r"^(?!-)(?!.*\.$)[\p{Alphabetic}\p{N}_.()\-]{1,90}$");
/// Of [`subscription_name`].
pub const SUBSCRIPTION_NAME: Rule =
    Rule::new(subscription_name, r"^(?![@\-])(?!.*=@)(?!\s)(?!.*\s$).{1,64}$");
/// Of [`subscription_id`].
pub const SUBSCRIPTION_ID: Rule =
    Rule::new(subscription_id, "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$");
/// Of [`path`].
pub const PATH: Rule = Rule::new(path, r"^(?!~(?!/))[\s\S]+$");
/// Of [`cluster_name`].
pub const CLUSTER_NAME: Rule = Rule::new(cluster_name, "^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$");
/// Of [`admin_user`].
pub const ADMIN_USER: Rule = Rule {
    check: admin_user,
    pattern: "^(?!systemd-)[a-z]([a-z0-9-]{0,30}[a-z0-9])?$",
    refused: &[REFUSED_BY_AZURE, TAKEN_ON_IMAGES],
};

/// A whole number from `min` to `max`, written in decimal digits (a leading 0 would be octal to some readers).
pub fn number(text: &str, min: u32, max: u32) -> Verdict<u32> {
    let digits = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    let value = if digits { text.parse::<u32>().ok() } else { None };
    match value {
        Some(value) if (min..=max).contains(&value) => Ok(value),
        Some(_) => Err(format!("{} is out of range (allowed: {min} to {max})", shown(text))),
        None => Err(format!("{} is not a whole number (allowed: {min} to {max})", shown(text))),
    }
}

/// `true` or `false`, in the spellings of YAML's core schema.
pub fn flag(text: &str) -> Verdict<bool> {
    match text {
        "true" | "True" | "TRUE" => Ok(true),
        "false" | "False" | "FALSE" => Ok(false),
        _ => {
            let meant = match text.to_lowercase().as_str() {
                "yes" | "on" | "y" => "true",
                "no" | "off" | "n" => "false",
                _ => text,
            };
            Err(format!("{} is neither true nor false {}", shown(text), allowed(meant, ["true", "false"])))
        }
    }
}

/// One of `words`, exactly.
pub fn one_of(text: &str, words: &[&str]) -> Verdict {
    if words.contains(&text) {
        return Ok(());
    }
    Err(format!("{} is not known {}", shown(text), allowed(text, words.iter().copied())))
}

/// A file's path; whether the file will do is another question.
pub fn path(text: &str) -> Verdict {
    if text.is_empty() || text.starts_with("~") && !text.starts_with("~/") {
        return Err(format!(
            "{} is not a path (allowed: absolute, relative to this file, or ~/…)",
            shown(text)
        ));
    }
    Ok(())
}

/// A region's name, such as `eastus`; whether it exists is asked of Azure later.
pub fn region(text: &str) -> Verdict {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
        let meant: String =
            text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        let hint = if meant.is_empty() { String::new() } else { format!("; did you mean {meant}") };
        return Err(format!(
            "{} is not a region's name (allowed: lower-case letters and digits, such as eastus{hint})",
            shown(text)
        ));
    }
    if ["usgov", "usdod", "china"].iter().any(|cloud| text.starts_with(cloud)) {
        return Err(format!("{} is in a sovereign cloud, which this version does not support", shown(text)));
    }
    Ok(())
}

/// Azure's rule for resource groups, and az's for arguments.
pub fn resource_group(text: &str) -> Verdict {
    if !resource_id::is_group(text) {
        return Err(format!(
            "{} is no name for a resource group (allowed: 1 to 90 letters, digits, `-`, `_`, `.`, `(`, `)`, \
             not ending in a period)",
            shown(text)
        ));
    }
    if text.starts_with('-') {
        return Err(format!(
            "{} cannot be handed to az, which reads a leading `-` as an option",
            shown(text)
        ));
    }
    Ok(())
}

/// A subscription's display name: any printable text, but what az would read as an option or a file's name.
pub fn subscription_name(text: &str) -> Verdict {
    if !(1..=64).contains(&text.chars().count()) || text.chars().any(char::is_control) || text.trim() != text
    {
        return Err(format!(
            "{} is no name for a subscription (allowed: 1 to 64 printable characters, no blank at an end)",
            shown(text)
        ));
    }
    if text.starts_with(['-', '@']) || text.contains("=@") {
        return Err(format!("{} cannot be handed to az; use subscription_id instead", shown(text)));
    }
    Ok(())
}

/// A UUID in the form 8-4-4-4-12.
pub fn subscription_id(text: &str) -> Verdict {
    if resource_id::is_uuid(text) {
        return Ok(());
    }
    Err(format!(
        "{} is not a subscription id (allowed: a UUID such as 00000000-0000-0000-0000-000000000000)",
        shown(text)
    ))
}

/// A GPU size of the table, or `unlisted`, which Azure lists.
pub fn gpu_size<'a>(text: &str, unlisted: Option<&'a Size>) -> Verdict<&'a Size> {
    if let Some(size) = unlisted.filter(|size| size.name.eq_ignore_ascii_case(text)) {
        return Ok(size);
    }
    not_retired(text)?;
    let nearest =
        || near(&with_prefix(text), sizes::gpu_sizes().map(|size| size.name.as_str()), 3).join(", ");
    match sizes::find(text) {
        Some(size) if size.gpus > 0 => Ok(size),
        Some(_) => Err(format!("{} has no GPUs (nearest that have: {})", shown(text), nearest())),
        None => Err(format!(
            "{} is not a GPU size of this version (nearest: {}; --allow-unlisted-size takes it as Azure lists it)",
            shown(text),
            nearest()
        )),
    }
}

fn with_prefix(text: &str) -> String {
    if text.contains("tandard_") { text.to_owned() } else { format!("Standard_{text}") }
}

fn not_retired(text: &str) -> Verdict {
    match sizes::retired(text) {
        Some(Retired { series, since, instead, .. }) => Err(format!(
            "{} is of the series {series}, which Azure retired on {since}; take {instead}",
            shown(text)
        )),
        None => Ok(()),
    }
}

/// Any VM size in Azure's spelling `Standard_…`; its existence is asked of Azure later. Gives the canonical
/// spelling where the table knows it.
pub fn vm_size(text: &str) -> Verdict<String> {
    if let Some(size) = sizes::find(text) {
        return Ok(size.name.clone());
    }
    not_retired(text)?;
    let tail = text.strip_prefix("Standard_").unwrap_or("");
    if (1..=64).contains(&tail.len()) && tail.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    {
        return Ok(text.to_owned());
    }
    let hint = sizes::find(&with_prefix(text))
        .map(|size| format!("; did you mean {}", size.name))
        .unwrap_or_default();
    Err(format!("{} is not a VM size (allowed: Standard_ and letters, digits, `_`, `-`{hint})", shown(text)))
}

/// A cluster's name starts host names, so it keeps to their letters; `<name>-hpc-1000` fits in 63 of them.
pub fn cluster_name(text: &str) -> Verdict {
    if host_word(text) {
        return Ok(());
    }
    Err(format!(
        "{} is no name for a cluster (allowed: 1 to 32 lower-case letters, digits and hyphens, \
         starting with a letter, not ending in a hyphen)",
        shown(text)
    ))
}

/// Names Azure refuses for a VM's administrator (reference of `osProfile.adminUsername`).
const REFUSED_BY_AZURE: &str = "administrator admin user user1 test user2 test1 user3 admin1 1 123 a actuser adm \
    admin2 aspnet backup console david guest john owner root server sql support support_388945a0 sys test2 test3 \
    user4 user5 video";

/// Accounts and groups that Ubuntu, AlmaLinux, Slurm or CycleCloud bring along.
const TAKEN_ON_IMAGES: &str = "bin chrony cyclecloud cycle_server daemon dbus dialout disk docker ftp games halt irc \
    landscape list lp mail man messagebus munge mysql news nobody nogroup ntp operator polkitd postfix prometheus \
    proxy rpc shutdown slurm slurmrestd sshd staff sudo sync syslog tss tty ubuntu users uucp uuidd wheel www-data";

/// A Linux user's name that is also allowed in names of Key Vault secrets, which have no underscore.
pub fn admin_user(text: &str) -> Verdict {
    if !host_word(text) {
        return Err(format!(
            "{} is no name for the administrator (allowed: 1 to 32 lower-case letters, digits and hyphens, \
             starting with a letter, not ending in a hyphen)",
            shown(text)
        ));
    }
    if REFUSED_BY_AZURE.split_whitespace().any(|name| name == text) {
        return Err(format!("Azure refuses {} as a VM's administrator", shown(text)));
    }
    if TAKEN_ON_IMAGES.split_whitespace().any(|name| name == text) || text.starts_with("systemd-") {
        return Err(format!(
            "{} is an account of the operating system or of the cluster's software",
            shown(text)
        ));
    }
    Ok(())
}

fn host_word(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
}
