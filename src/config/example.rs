//! A commented `config.yaml`: the example with a user's answers.

use super::Subscription;

/// The example that the repository ships.
const EXAMPLE: &str = include_str!("../../config.example.yaml");

/// What a user has to decide; every value has passed its rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// Where the bill goes.
    pub subscription: Subscription,
    /// The region.
    pub region: String,
    /// The resource group.
    pub resource_group: String,
    /// Size of the GPU nodes.
    pub size: String,
    /// vCPUs of all GPU nodes together.
    pub cores: u64,
}

/// The example with `answers` in the place of its own.
pub fn example(answers: &Answers) -> String {
    let (key, subscription) = match &answers.subscription {
        Subscription::Name(name) => ("subscription_name", scalar(name)),
        Subscription::Id(id) => ("subscription_id", id.clone()),
    };
    let line = |line: &str| match line.split(':').next() {
        Some("region") => format!("region: {}\n", scalar(&answers.region)),
        Some("subscription_name") => format!("{key}: {subscription}\n"),
        Some("resource_group_name") => format!("resource_group_name: {}\n", scalar(&answers.resource_group)),
        Some("hpc_sku") => format!("hpc_sku: {}\n", scalar(&answers.size)),
        Some("hpc_max_core_count") => format!("hpc_max_core_count: {}\n", answers.cores),
        _ => format!("{line}\n"),
    };
    EXAMPLE.lines().map(line).collect()
}

/// Plain where that cannot be misread, else quoted; a text of JSON is one of YAML.
fn scalar(text: &str) -> String {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
    };
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.split(' ').all(is_word);
    let meant_otherwise =
        ["null", "true", "false", "yes", "no", "on", "off"].contains(&text.to_lowercase().as_str());
    if plain && !meant_otherwise { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
