//! Failures as clients see them (RFC 9457), each made in this one place. Causes stay behind, for the log.

use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;
use http::header::{HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;

use crate::auth::AuthError;
use crate::signals::{AuditEvent, Failure, Level};
use crate::store::StoreError;
use crate::task::Invalid;

/// A failed request: its status, its stable `code` for programs, and words for people.
#[derive(Debug)]
pub struct Problem {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) detail: Cow<'static, str>,
    pub(super) errors: Errors,
    cause: Option<Cow<'static, str>>,
    /// When to try again, where that makes sense.
    retry_after: Duration,
}

/// What exactly is wrong, where more than one thing can be.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Errors {
    None,
    Fields(Vec<FieldError>),
    Parameters(Vec<ParameterError>),
}

/// A field of the body, by its JSON pointer (RFC 6901).
#[derive(Debug, Serialize)]
pub(super) struct FieldError {
    pointer: String,
    detail: &'static str,
}

impl FieldError {
    pub(super) fn at(name: &str, index: Option<usize>, detail: &'static str) -> Self {
        let name = name.replace('~', "~0").replace('/', "~1");
        let pointer = index.map_or_else(|| format!("/{name}"), |index| format!("/{name}/{index}"));
        Self { pointer, detail }
    }

    /// What stands at this pointer.
    pub(super) fn whole(pointer: &str, detail: &'static str) -> Self {
        Self { pointer: pointer.to_owned(), detail }
    }

    /// The same of a field inside of the one at this pointer.
    pub(super) fn inside(self, pointer: &str) -> Self {
        Self { pointer: format!("{pointer}{}", self.pointer), ..self }
    }
}

/// A parameter of the query, or of the path.
#[derive(Debug, Serialize)]
pub(super) struct ParameterError {
    parameter: String,
    detail: &'static str,
}

impl ParameterError {
    pub(super) fn new(name: &str, invalid: Invalid) -> Self {
        Self { parameter: name.to_owned(), detail: invalid.0 }
    }
}

pub(super) const DUE_REQUIRED: &str = "is required of a task that recurs";
const TOKEN_MISSING: &str = "token_missing";
/// How many errors an answer lists: enough for everything that a form can get wrong, and a bound for everything else.
const MAX_ERRORS: usize = 32;

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        let detail = detail.into();
        Self { status, code, detail, errors: Errors::None, cause: None, retry_after: Duration::from_secs(1) }
    }

    fn because(mut self, cause: impl Into<Cow<'static, str>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    pub(super) fn token_missing() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, TOKEN_MISSING, "Send a token as Authorization: Bearer <token>.")
    }

    pub(super) fn token_invalid(cause: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "token_invalid", "The token is not valid for this API.").because(cause)
    }

    fn token_expired() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "token_expired", "The token has expired. Get a new one.")
    }

    pub(crate) fn forbidden() -> Self {
        let detail = "The path names another user. Use your own user id, or me.";
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    pub(super) fn task_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "task_not_found", "This user has no such task.")
    }

    pub(super) fn invalid_task_id(invalid: Invalid) -> Self {
        let detail = format!("In the path, task_id {}.", invalid.0);
        let errors = Errors::Parameters(vec![ParameterError::new("task_id", invalid)]);
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_task_id", detail) }
    }

    pub(super) fn bad_header(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_header", detail)
    }

    pub(super) fn unreadable_request() -> Self {
        let detail = "The Host field, the path or the query of the request is malformed, or its body arrived damaged.";
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", detail).because("lambda_http cannot convert the event")
    }

    pub(super) fn not_an_event(line: usize, column: usize) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_event", "The function was not called by an API Gateway HTTP API.")
            .because(format!("not an event of payload format 2.0: line {line}, column {column}"))
    }

    pub(super) fn not_json(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_json", detail)
    }

    pub(super) fn invalid_parameters(mut errors: Vec<ParameterError>) -> Self {
        let first = errors.first().map(|error| format!("{} {}", error.parameter, error.detail));
        let detail = format!("In the query, {}.", one_of(errors.len(), first));
        errors.truncate(MAX_ERRORS);
        Self { errors: Errors::Parameters(errors), ..Self::new(StatusCode::BAD_REQUEST, "invalid_parameter", detail) }
    }

    pub(super) fn invalid_cursor() -> Self {
        let detail =
            "In the query, cursor must be the next_cursor of a page of the same list, with the same other parameters.";
        let errors = Errors::Parameters(vec![ParameterError::new("cursor", Invalid("does not belong to this list"))]);
        Self { errors, ..Self::new(StatusCode::BAD_REQUEST, "invalid_cursor", detail) }
    }

    pub(super) fn invalid_sync_token() -> Self {
        let detail = "In the query, since must be the next of an earlier page of this user's changes, or latest.";
        let errors =
            Errors::Parameters(vec![ParameterError::new("since", Invalid("is no token of this user's changes"))]);
        Self { errors, ..Self::new(StatusCode::BAD_REQUEST, "invalid_sync_token", detail) }
    }

    pub(super) fn unsupported_media_type(supported: &[&str]) -> Self {
        let detail =
            format!("Send the body with Content-Type: {} and without a Content-Encoding.", supported.join(" or "));
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    }

    pub(super) fn body_too_large(max_bytes: usize) -> Self {
        let detail = format!("The body must be at most {} KiB.", max_bytes / 1024);
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    }

    pub(super) fn invalid_fields(mut errors: Vec<FieldError>) -> Self {
        let first = errors.first().map(|error| format!("{} {}", error.pointer, error.detail));
        let detail = format!("In the body, {}.", one_of(errors.len(), first));
        errors.truncate(MAX_ERRORS);
        Self { errors: Errors::Fields(errors), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", detail) }
    }

    pub(crate) fn unavailable(cause: impl Into<Cow<'static, str>>) -> Self {
        let detail = "The service cannot answer right now. A write may have been done; try again.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).because(cause)
    }

    pub(crate) fn internal(cause: impl Into<Cow<'static, str>>) -> Self {
        let detail = "Something went wrong on our side. Quote the request_id when you ask about it.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).because(cause)
    }

    /// What this kind of failure tells a client besides its body. The challenge has at least one parameter, and names an
    /// error only if a token came (RFC 6750 §3 and §3.1).
    pub(super) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self.status {
            StatusCode::UNAUTHORIZED if self.code == TOKEN_MISSING => {
                Some((WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer realm="tasks""#)))
            }
            StatusCode::UNAUTHORIZED => {
                Some((WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer realm="tasks", error="invalid_token""#)))
            }
            // Whole seconds (RFC 9110 §10.2.3), and not too few.
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::CONFLICT => {
                let seconds = self.retry_after.as_secs_f64().ceil() as u64;
                Some((RETRY_AFTER, seconds.max(1).into()))
            }
            _ => None,
        }
    }

    /// What an auditor looks for, if access was refused.
    pub(crate) fn audit_event(&self) -> Option<AuditEvent> {
        match self.status {
            StatusCode::UNAUTHORIZED => Some(AuditEvent::TokenRefused),
            StatusCode::FORBIDDEN => Some(AuditEvent::AccessDenied),
            _ => None,
        }
    }

    /// What clients are told, and what the log is told: an error only of server faults.
    pub(super) fn into_parts(self) -> (Cow<'static, str>, Failure) {
        let Self { status, code, detail, cause, .. } = self;
        let level = match status {
            StatusCode::SERVICE_UNAVAILABLE => Level::Warn,
            _ if status.is_server_error() => Level::Error,
            _ => Level::Info,
        };
        (detail, Failure { status: status.as_u16(), code, cause, level })
    }
}

/// The first of some errors, in words, and how many others there are.
fn one_of(count: usize, first: Option<String>) -> String {
    let first = first.unwrap_or_default();
    if count > 1 { format!("{first}, and {} more", count - 1) } else { first }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Expired => Self::token_expired(),
            AuthError::KeysUnavailable { retry_after } => Self { retry_after, ..Self::unavailable(error.to_string()) },
            error => Self::token_invalid(error.to_string()),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::task_not_found(),
            StoreError::VersionMismatch => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "version_mismatch",
                "The task has changed: it is not in a version that If-Match names. Read it again.",
            ),
            StoreError::AlreadyExists => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "already_exists",
                "There is a task with this id, or there was one that has been deleted.",
            ),
            StoreError::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "This Idempotency-Key was used for another request. Use a new key for each request.",
            ),
            StoreError::KeyInFlight => Self::new(
                StatusCode::CONFLICT,
                "idempotency_key_in_flight",
                "A request with this Idempotency-Key is being worked on. Try again.",
            ),
            StoreError::ForeignSyncToken => Self::invalid_sync_token(),
            StoreError::SyncTokenExpired => Self::new(
                StatusCode::GONE,
                "sync_token_expired",
                "The token is older than deletions are remembered. Forget all tasks, and read them again without since.",
            ),
            StoreError::Erased => Self::new(
                StatusCode::GONE,
                "tasks_erased",
                "All tasks were erased. Forget them and what waits to be written to them, and read again without since.",
            ),
            StoreError::RestoreExpired => {
                Self::new(StatusCode::GONE, "restore_expired", "The task was deleted too long ago to be restored.")
            }
            StoreError::NotAttempted => Self::new(
                StatusCode::FAILED_DEPENDENCY,
                "not_attempted",
                "Another item of this atomic batch was refused.",
            ),
            StoreError::Field(name, Invalid(detail)) => Self::invalid_fields(vec![FieldError::at(name, None, detail)]),
            StoreError::DueRequired => Self::invalid_fields(vec![FieldError::at("due", None, DUE_REQUIRED)]),
            StoreError::NoNextOccurrence => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "no_next_occurrence",
                "The task does not recur, or this was its last occurrence, or it is completed.",
            ),
            StoreError::BatchTooLarge => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "batch_too_large",
                "With the tasks that belong to its tasks, this atomic batch writes more than 100. Send fewer items.",
            ),
            StoreError::Full => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "storage_full",
                "This user's tasks have reached the 10 GB that one user can store.",
            ),
            StoreError::Unavailable(cause) => Self::unavailable(cause),
            StoreError::Unexpected(cause) => Self::internal(cause),
        }
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;
    use crate::auth::Malformed;

    #[test]
    fn log_has_the_cause_and_errors_only_for_server_faults() {
        for (problem, expected, code, cause) in [
            (Problem::internal("a fault"), Level::Error, "internal", Some("a fault")),
            (StoreError::Full.into(), Level::Error, "storage_full", None),
            (Problem::unavailable("a time-out"), Level::Warn, "unavailable", Some("a time-out")),
            (
                AuthError::KeysUnavailable { retry_after: Duration::ZERO }.into(),
                Level::Warn,
                "unavailable",
                Some("there are no keys; the next fetch is due in 0 seconds"),
            ),
            (AuthError::BadSignature.into(), Level::Info, "token_invalid", Some("the signature does not match")),
            (
                AuthError::Malformed(Malformed::Segments).into(),
                Level::Info,
                "token_invalid",
                Some("the token does not have three segments"),
            ),
            (Problem::forbidden(), Level::Info, "forbidden", None),
        ] {
            let Failure { level, code: logged, cause: because, .. } = problem.into_parts().1;
            assert_eq!((level, logged, because.as_deref()), (expected, code, cause));
        }
    }

    #[test]
    fn retry_after_is_the_time_to_the_next_fetch() {
        for (milliseconds, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (29_500, "30")] {
            let retry_after = Duration::from_millis(milliseconds);
            let problem = Problem::from(AuthError::KeysUnavailable { retry_after });
            assert_eq!(problem.header(), Some((RETRY_AFTER, HeaderValue::from_static(seconds))), "{retry_after:?}");
        }
        assert_eq!(Problem::unavailable("x").header(), Some((RETRY_AFTER, HeaderValue::from_static("1"))));
    }
}
