//! Errors in the shape that Azure Resource Manager gives them.

use serde_json::{Value, json};

/// An error as the simulated service answers it: `{"error": {"code", "message", …}}`.
#[derive(Clone, Debug, PartialEq)]
pub struct AzureError {
    /// HTTP status of the reply.
    pub status: u16,
    /// Azure's error code, for example `ResourceNotFound`.
    pub code: String,
    /// Azure's sentence.
    pub message: String,
    /// The resource meant, where Azure names it.
    pub target: Option<String>,
    /// Causes, innermost last.
    pub details: Vec<AzureError>,
    /// What else there is to know, a list of `{"type", "info"}`.
    pub additional_info: Option<Box<Value>>,
    /// `x-ms-failure-cause: gateway`: ARM itself refused, not the resource provider.
    pub gateway: bool,
}

impl AzureError {
    /// An error of a resource provider or data plane.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            target: None,
            details: Vec::new(),
            additional_info: None,
            gateway: false,
        }
    }

    /// An error that ARM's front door answers itself.
    pub fn gateway(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { gateway: true, ..Self::new(status, code, message) }
    }

    /// Names the resource meant.
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// Adds a cause.
    pub fn detail(mut self, detail: AzureError) -> Self {
        self.details.push(detail);
        self
    }

    /// The object below `error`; absent fields are left out, as on the wire.
    pub fn body(&self) -> Value {
        let mut body = json!({"code": self.code});
        if let Some(target) = &self.target {
            body["target"] = json!(target);
        }
        body["message"] = json!(self.message);
        if !self.details.is_empty() {
            body["details"] = self.details.iter().map(AzureError::body).collect();
        }
        if let Some(more) = &self.additional_info {
            body["additionalInfo"] = json!(more);
        }
        body
    }
}

impl std::fmt::Display for AzureError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for AzureError {}

/// 404 of a group that is not there (recorded: azure-service-operator, deletion of a virtual network in a gone group).
pub fn group_not_found(group: &str) -> AzureError {
    AzureError::gateway(404, "ResourceGroupNotFound", format!("Resource group '{group}' could not be found."))
}

/// 404 of a resource that is not there (recorded: azure-service-operator, public IP address).
pub fn resource_not_found(kind: &str, name: &str, group: &str) -> AzureError {
    AzureError::gateway(
        404,
        "ResourceNotFound",
        format!(
            "The Resource '{}' under resource group '{group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
            typed_name(kind, name)
        ),
    )
}

/// `Microsoft.Network/virtualNetworks/v/subnets/s` of type `Microsoft.Network/virtualNetworks/subnets` and name `v/s`.
pub fn typed_name(kind: &str, name: &str) -> String {
    let mut parts = kind.split('/');
    let mut path = parts.next().unwrap_or_default().to_owned();
    for (kind, name) in parts.zip(name.split('/')) {
        path.push_str(&format!("/{kind}/{name}"));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_a_child_with_its_parents() {
        assert_eq!(
            typed_name("Microsoft.Network/virtualNetworks/subnets", "v/s"),
            "Microsoft.Network/virtualNetworks/v/subnets/s"
        );
    }

    #[test]
    fn leaves_absent_fields_out() {
        let error = AzureError::new(400, "A", "b").detail(AzureError::new(400, "C", "d").target("t"));
        assert_eq!(
            error.body(),
            json!({"code": "A", "message": "b", "details": [{"code": "C", "target": "t", "message": "d"}]})
        );
    }
}
