//! How failures of a deployment are told: structured in its operations, as JSON text in its own error.

use serde_json::{Value, json};

use super::error::AzureError;

const AT_LEAST_ONE: &str = "At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details.";
const TERMINAL: &str = "The resource write operation failed to complete successfully, because it reached terminal provisioning state 'Failed'.";

/// Why a step of a deployment failed.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The write was refused.
    Refused(Box<AzureError>),
    /// The write was taken, but the resource (id) did not come up.
    Late(String, Box<AzureError>),
    /// A nested deployment failed; the error is its own.
    Nested(Box<AzureError>),
}

impl Failure {
    /// `statusCode` of the operation: a refusal's status as a word, `Conflict` for what failed later.
    pub fn status_code(&self) -> &'static str {
        match self {
            Failure::Refused(error) => word(error.status),
            Failure::Late(..) | Failure::Nested(_) => "Conflict",
        }
    }

    /// `statusMessage` of the operation.
    pub fn status_message(&self) -> Value {
        let error = match self {
            Failure::Nested(error) => *error.clone(),
            other => other.detail(),
        };
        json!({"status": "Failed", "error": error.body()})
    }

    /// The failure as a detail of the deployment it belongs to.
    fn detail(&self) -> AzureError {
        match self {
            Failure::Refused(error) => *error.clone(),
            Failure::Late(id, error) => terminal(id, error),
            Failure::Nested(error) => terminal(error.target.as_deref().unwrap_or_default(), error),
        }
    }

    fn text(&self) -> String {
        let body = match self {
            Failure::Refused(error) => json!({"error": error.body()}),
            _ => json!({"status": "Failed", "error": self.detail().body()}),
        };
        serde_json::to_string_pretty(&body).unwrap_or_default().replace('\n', "\r\n")
    }
}

/// A write that was refused.
pub fn refused(error: AzureError) -> Failure {
    Failure::Refused(Box::new(error))
}

fn terminal(id: &str, error: &AzureError) -> AzureError {
    AzureError::new(409, "ResourceDeploymentFailure", TERMINAL).target(id).detail(error.clone())
}

fn word(status: u16) -> &'static str {
    match status {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        409 => "Conflict",
        429 => "TooManyRequests",
        500 => "InternalServerError",
        503 => "ServiceUnavailable",
        _ => "BadRequest",
    }
}

/// The error of a failed deployment, with its failures structured: what a parent sees.
pub fn structured(id: &str, failures: &[Failure]) -> AzureError {
    let error = AzureError::new(409, "DeploymentFailed", AT_LEAST_ONE).target(id);
    failures.iter().fold(error, |error, failure| error.detail(failure.detail()))
}

/// The error of a failed deployment as its GET and its `operationStatuses` tell it: each failure is JSON text, indented,
/// with CRLF, in `details[].message` (recorded by Azure/mpf).
pub fn as_text(failures: &[Failure]) -> Value {
    let details: Vec<Value> = failures
        .iter()
        .map(|failure| json!({"code": failure.status_code(), "message": failure.text()}))
        .collect();
    json!({"code": "DeploymentFailed", "message": AT_LEAST_ONE, "details": details})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nested_failure_is_text_once_and_structured_below() {
        let leaf = refused(AzureError::new(409, "RoleAssignmentExists", "it is there"));
        let inner = structured("/nested", &[leaf]);
        let outer = Failure::Nested(Box::new(inner));
        let told = as_text(std::slice::from_ref(&outer));
        let detail = &told["details"][0];
        assert_eq!(detail["code"], "Conflict");
        let text = detail["message"].as_str().unwrap();
        assert!(text.contains("\r\n"));
        let parsed: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parsed["error"]["code"], "ResourceDeploymentFailure");
        assert_eq!(parsed["error"]["details"][0]["target"], "/nested");
        assert_eq!(parsed["error"]["details"][0]["details"][0]["code"], "RoleAssignmentExists");
        let operation = outer.status_message();
        assert_eq!(operation["error"]["code"], "DeploymentFailed");
        assert_eq!(operation["error"]["details"][0]["code"], "RoleAssignmentExists");
    }

    #[test]
    fn a_refusal_keeps_its_status_as_a_word() {
        let leaf = refused(AzureError::new(403, "AuthorizationFailed", "no"));
        assert_eq!(leaf.status_code(), "Forbidden");
        assert_eq!(leaf.status_message()["error"]["code"], "AuthorizationFailed");
    }
}
