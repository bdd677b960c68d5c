//! How a client is told that it does not get what it asked for: as JSON, with what to do.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use lifespan_plugin_api::bus::BusError;
use lifespan_plugin_api::prelude::*;
use serde_json::json;

/// A status, the reason, and what helps.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    reason: String,
    hint: Option<String>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, reason: impl Into<String>) -> Refusal {
        Refusal { status, reason: reason.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Refusal {
        self.hint = Some(hint.into());
        self
    }
}

impl From<BusError> for Refusal {
    fn from(error: BusError) -> Refusal {
        let status = match error {
            BusError::Unknown(_) => StatusCode::NOT_FOUND,
            BusError::Name(_) => StatusCode::BAD_REQUEST,
            BusError::Closed(_) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Refusal::new(status, error.to_string())
    }
}

impl From<PublishError> for Refusal {
    fn from(error: PublishError) -> Refusal {
        let status = match error {
            PublishError::Decode { .. } => StatusCode::BAD_REQUEST,
            PublishError::Claimed { .. } => StatusCode::CONFLICT,
            PublishError::Closed { .. }
            | PublishError::Stuck { .. }
            | PublishError::Full { .. } => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Refusal::new(status, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({ "error": self.reason });
        if let Some(hint) = self.hint {
            body["hint"] = hint.into();
        }
        (self.status, Json(body)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_is_no_fault_of_the_server() {
        let refusal = Refusal::from(BusError::Closed("topic `score` is closed".to_owned()));
        assert_eq!(refusal.status, StatusCode::SERVICE_UNAVAILABLE);
    }
}
