//! Azure's rules for tags (learn.microsoft.com/azure/azure-resource-manager/management/tag-resources, Limitations).

use super::report::shown;

/// Characters that no tag name may have.
const FORBIDDEN: &str = "<>%&\\?/";

/// Beginnings that Azure keeps for itself (learn.microsoft.com/rest/api/resources/tags/create-or-update).
pub const RESERVED: [&str; 3] = ["microsoft", "azure", "windows"];

/// Longest name: storage accounts take 128 characters where others take 512.
pub const LONGEST_NAME: usize = 128;

/// Longest value.
pub const LONGEST_VALUE: usize = 256;

/// A tag's name; `=` ends it on az's command line, `@` and `-` mean something else there at its start.
pub fn name(text: &str) -> Result<(), String> {
    if text.is_empty() || text.chars().count() > LONGEST_NAME || text.trim() != text {
        return Err(format!(
            "the tag name {} is not allowed (allowed: 1 to {LONGEST_NAME} characters, no blank at an end)",
            shown(text)
        ));
    }
    if let Some(bad) = text.chars().find(|c| FORBIDDEN.contains(*c) || c.is_control()) {
        return Err(format!(
            "the tag name {} has a {}, which Azure forbids there",
            shown(text),
            shown(&bad.to_string())
        ));
    }
    if text.contains('=') || text.starts_with(['@', '-']) {
        return Err(format!(
            "the tag name {} cannot be handed to az (allowed: no `=`, no `@` or `-` at the start)",
            shown(text)
        ));
    }
    let lower = text.to_lowercase();
    if let Some(reserved) = RESERVED.iter().find(|word| lower.starts_with(**word)) {
        return Err(format!("the tag name {} starts with {reserved}, which Azure reserves", shown(text)));
    }
    Ok(())
}

/// A tag's value; az takes an argument `name=@path` for the content of that file (azure-cli
/// `core/commands/__init__.py`, `_expand_file_prefixed_files`).
pub fn value(name: &str, text: &str) -> Result<(), String> {
    if text.starts_with('@') {
        return Err(format!(
            "the value {} of tag {} cannot be handed to az, which would read a file of that name (allowed: \
             no `@` at the start)",
            shown(text),
            shown(name)
        ));
    }
    if text.chars().count() <= LONGEST_VALUE && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(format!(
        "the value of tag {} is not allowed (allowed: up to {LONGEST_VALUE} printable characters)",
        shown(name)
    ))
}

/// Whether a private DNS zone carries a tag of that name; Azure drops others there without a word.
pub fn fits_dns(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}
