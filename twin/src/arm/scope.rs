//! Where a deployment deploys to.

use super::expr::open;

/// The scope of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// A resource group.
    ResourceGroup {
        /// Subscription id.
        subscription: String,
        /// Name of the group.
        name: String,
    },
    /// A whole subscription.
    Subscription {
        /// Subscription id.
        subscription: String,
    },
}

impl Scope {
    /// The scope as a resource id.
    pub fn id(&self) -> String {
        match self {
            Scope::ResourceGroup { subscription, name } => {
                format!("/subscriptions/{subscription}/resourceGroups/{name}")
            }
            Scope::Subscription { subscription } => format!("/subscriptions/{subscription}"),
        }
    }

    /// Whether part of it is known only while the deployment around it runs.
    pub fn is_open(&self) -> bool {
        let is_open = |name: &String| open::source(name).is_some();
        match self {
            Scope::ResourceGroup { subscription, name } => is_open(subscription) || is_open(name),
            Scope::Subscription { subscription } => is_open(subscription),
        }
    }

    /// The subscription.
    pub fn subscription(&self) -> &str {
        match self {
            Scope::ResourceGroup { subscription, .. } | Scope::Subscription { subscription } => subscription,
        }
    }
}
