//! What goes over the control socket: one JSON object a line, a request and
//! its response.

use serde::{Deserialize, Serialize};

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// What runs where, and since when.
    Status,
    /// All counters.
    Stats,
    /// The flows that are open now.
    Flows {
        /// At most so many.
        limit: usize,
    },
    /// The rules in force and how often each was hit.
    Rules,
    /// Read the rules files again.
    Reload,
}

/// What the gateway answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// The exit code for the client: 0, or 2 when a reload was refused.
    pub code: u8,
    /// The answer, or `null`.
    pub data: serde_json::Value,
    /// What went wrong, ready to print.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
}

impl Response {
    /// A plain answer.
    pub fn of(data: serde_json::Value) -> Self {
        Self { code: 0, data, error: String::new() }
    }

    /// A refusal.
    pub fn refused(code: u8, error: impl ToString) -> Self {
        Self { code, data: serde_json::Value::Null, error: error.to_string() }
    }
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn requests_have_the_form_that_is_documented() {
        let text = serde_json::to_string(&Request::Flows { limit: 3 }).expect("a request is JSON");
        assert_eq!(text, r#"{"command":"flows","limit":3}"#);
        let parsed: Request = serde_json::from_str(r#"{"command":"reload"}"#).expect("a known command");
        assert_eq!(parsed, Request::Reload);
        assert!(serde_json::from_str::<Request>(r#"{"command":"format_disk"}"#).is_err());
    }
}
