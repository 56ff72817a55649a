//! What Azure, az, ssh, Ansible and CycleCloud say when something fails, and what it means: the table in
//! `known_errors.yaml`, which is part of the binary.

use std::sync::LazyLock;

use serde::Deserialize;

/// Who says it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// A service of Azure, in the errors of its answers.
    #[default]
    Azure,
    /// az itself, its sign-in library, or Microsoft Entra through it.
    Az,
    /// `az network bastion tunnel`.
    Bastion,
    /// OpenSSH's client.
    Ssh,
    /// Ansible.
    Ansible,
    /// CycleCloud's command line, in the message of a task.
    CycleCloud,
}

/// What an error is to this program, where that decides how it goes on or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// Somebody has to sign in.
    SignIn,
    /// There is no such subscription for this user, or several.
    NoSubscription,
    /// Two az processes met at the token cache.
    TokenCacheRace,
    /// Azure cannot be reached.
    NoConnection,
    /// az itself does not work.
    Broken,
    /// Signed in, but not allowed.
    Forbidden,
    /// az lacks an extension.
    NoExtension,
    /// A host shows another key than before.
    HostKeyChanged,
    /// A host does not take our key.
    KeyRejected,
    /// A host cannot be reached.
    Unreachable,
}

/// An error that is known.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    #[serde(default)]
    by: By,
    /// Azure's codes; any when empty.
    #[serde(default)]
    codes: Vec<String>,
    /// Parts of the text, one of which is there, whatever the letter case; any text when empty.
    #[serde(default)]
    says: Vec<String>,
    /// How this program goes on, where that is not decided by who asked.
    pub means: Option<Means>,
    /// Why it happens, in one line.
    pub cause: String,
    /// What to do, in one line; see [`Known::remedy`].
    remedy: String,
    /// The page of the official documentation.
    pub link: String,
}

static TABLE: LazyLock<Vec<Known>> = LazyLock::new(|| {
    serde_yaml::from_str(include_str!("known_errors.yaml")).expect("known_errors.yaml is checked by a test")
});

/// The first entry for what `by` said: `code` is Azure's, empty where there is none.
pub fn find(by: By, code: &str, text: &str) -> Option<&'static Known> {
    let text = text.to_lowercase();
    TABLE.iter().find(|known| known.by == by && known.fits(code, &text))
}

impl Known {
    fn fits(&self, code: &str, lower_text: &str) -> bool {
        let code_fits = self.codes.is_empty() || self.codes.iter().any(|known| known == code);
        let says = |part: &String| lower_text.contains(&part.to_lowercase());
        code_fits && (self.says.is_empty() || self.says.iter().any(says))
    }

    /// What to do; `values` stand for the `{names}` in it.
    pub fn remedy(&self, values: &[(&str, &str)]) -> String {
        let fill = |text: String, (name, value): &(&str, &str)| text.replace(&format!("{{{name}}}"), value);
        values.iter().fold(self.remedy.clone(), fill)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_says_all_a_user_needs_in_one_line_each() {
        println!("{} entries", TABLE.len());
        for known in TABLE.iter() {
            assert!(!known.codes.is_empty() || !known.says.is_empty(), "matches anything: {known:?}");
            for line in [&known.cause, &known.remedy] {
                assert!(!line.is_empty() && !line.contains('\n') && line.len() <= 200, "{known:?}");
                assert!(!line.ends_with('.'), "{known:?}");
            }
            let official =
                ["learn.microsoft.com/", "man.openbsd.org/", "docs.ansible.com/", "slurm.schedmd.com/"];
            let page = known.link.strip_prefix("https://").unwrap_or_default();
            assert!(official.iter().any(|site| page.starts_with(site)), "{known:?}");
        }
    }

    #[test]
    fn the_narrower_entry_comes_first() {
        let spot =
            find(By::Azure, "OperationNotAllowed", "exceeding approved LowPriorityCores quota").unwrap();
        let family =
            find(By::Azure, "OperationNotAllowed", "exceeding approved standardDSv5Family Cores quota");
        assert!(spot.cause.contains("spot") && family.is_some_and(|family| family != spot));
        assert_eq!(find(By::Azure, "OperationNotAllowed", "Something else."), None);
        assert_eq!(find(By::Ssh, "", "exceeding approved LowPriorityCores quota"), None);
    }
}
