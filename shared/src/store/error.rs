//! What can go wrong with DynamoDB, in the words of a task store.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;

use crate::aws::{ReadFailure, chain};
use crate::task::Invalid;

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// This user has no such task: there never was one, or it has been deleted.
    NotFound,
    /// The task is there, in another version than the precondition names.
    VersionMismatch,
    /// There is a task with the id of the new one, or the tombstone of one.
    AlreadyExists,
    /// The idempotency key was used for another request.
    KeyReused,
    /// The idempotency key is being used at this moment.
    KeyInFlight,
    /// The task was deleted so long ago that it cannot be restored.
    RestoreExpired,
    /// A recurring task needs a due date, and this one would have none.
    DueRequired,
    /// The task does not recur, or is completed, or the last one of its series.
    NoNextOccurrence,
    /// Another item of the same atomic batch was refused.
    NotAttempted,
    /// A field names a task, or is about one, that is not as it must be.
    Field(&'static str, Invalid),
    /// The atomic batch writes more tasks than a transaction takes, with those that its writes bring about.
    BatchTooLarge,
    /// The sync token was given to another user.
    ForeignSyncToken,
    /// The sync token is older than deletions are remembered.
    SyncTokenExpired,
    /// The tasks have been erased since the sync token was given.
    Erased,
    /// The user's tasks have reached DynamoDB's bound of 10 GB a partition with local indexes.
    Full,
    /// DynamoDB throttles, fails, or does not answer in time. The cause is for the log. A write may have been done.
    Unavailable(String),
    /// What should not happen. The cause is for the log.
    Unexpected(String),
}

impl StoreError {
    pub(super) fn unexpected(cause: impl Into<String>) -> Self {
        Self::Unexpected(cause.into())
    }

    /// Why DynamoDB did not do an action of a transaction. `None` if it was not this action's fault, or if its condition
    /// failed: then the item says why.
    pub(super) fn from_cancellation(code: &str) -> Option<Self> {
        let cause = format!("the transaction was canceled: {code}");
        match code {
            "None" | "ConditionalCheckFailed" => None,
            "ItemCollectionSizeLimitExceeded" => Some(Self::Full),
            "TransactionConflict" | "ProvisionedThroughputExceeded" | "ThrottlingError" => {
                Some(Self::Unavailable(cause))
            }
            _ => Some(Self::Unexpected(cause)),
        }
    }
}

/// Why a transaction was canceled: a reason for each action, which may be "None".
///
/// # Errors
/// Any other failure.
pub(super) fn cancellation_reasons(
    error: SdkError<TransactWriteItemsError, HttpResponse>,
) -> Result<Vec<CancellationReason>, StoreError> {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
            Ok(canceled.cancellation_reasons().to_vec())
        }
        _ => Err(error.into()),
    }
}

/// Error codes that mean "not now" (DynamoDB's developer guide, "Error handling"). Any status of 500 and above means it
/// as well.
const TRANSIENT: [&str; 9] = [
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "ReplicatedWriteConflictException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

impl<E> From<SdkError<E, HttpResponse>> for StoreError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let SdkError::ServiceError(context) = &error else {
            return match error {
                SdkError::ConstructionFailure(_) => Self::Unexpected(chain(&error)),
                _ => Self::Unavailable(chain(&error)),
            };
        };
        let code = context.err().code().unwrap_or("unknown");
        let status = context.raw().status();
        // The message may repeat what the caller sent, so the code has to do.
        let cause = format!("{code} with status {}", status.as_u16());
        match code {
            "ItemCollectionSizeLimitExceededException" => Self::Full,
            _ if TRANSIENT.contains(&code) || status.is_server_error() => Self::Unavailable(cause),
            // A success that cannot be read was cut off on its way.
            _ if status.is_success() => Self::Unavailable(cause),
            _ => Self::Unexpected(cause),
        }
    }
}

impl<E> From<ReadFailure<E>> for StoreError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn from(failure: ReadFailure<E>) -> Self {
        match failure {
            ReadFailure::Sdk(error) => (*error).into(),
            ReadFailure::Malformed { column } => {
                Self::Unavailable(format!("an answer is malformed at column {column}"))
            }
        }
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use aws_sdk_dynamodb::error::ErrorMetadata;
    use aws_sdk_dynamodb::operation::get_item::GetItemError;

    use super::*;

    fn answered(status: u16, code: &str) -> StoreError {
        let error = GetItemError::generic(ErrorMetadata::builder().code(code).build());
        SdkError::service_error(error, HttpResponse::new(status.try_into().unwrap(), "".into())).into()
    }

    #[test]
    fn temporary_and_permanent_errors_differ() {
        let unavailable = |cause: &str| StoreError::Unavailable(cause.to_owned());
        assert_eq!(answered(400, "ItemCollectionSizeLimitExceededException"), StoreError::Full);
        for code in TRANSIENT {
            assert_eq!(answered(400, code), unavailable(&format!("{code} with status 400")));
        }
        assert_eq!(answered(500, "Anything"), unavailable("Anything with status 500"));
        assert_eq!(answered(200, "Truncated"), unavailable("Truncated with status 200"));
        let refused = StoreError::Unexpected("ValidationException with status 400".to_owned());
        assert_eq!(answered(400, "ValidationException"), refused);
    }

    #[test]
    fn unsent_request_is_a_server_fault() {
        type Failure = SdkError<GetItemError, HttpResponse>;
        assert!(matches!(Failure::construction_failure("no table").into(), StoreError::Unexpected(_)));
        assert!(matches!(Failure::timeout_error("too late").into(), StoreError::Unavailable(_)));
    }
}
