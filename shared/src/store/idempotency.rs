//! Creates that can be repeated: a key remembers for a day which task it made.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};

use super::item::{self, Item, attribute, number, text};
use super::write_id::{WriteId, fingerprint};
use super::{IS_ABSENT, StoreError, UserTasks};
use crate::task::{Invalid, NewTask, Replacement, Task, TaskId};

/// How long a key is remembered.
const KEY_LIFETIME: Duration = Duration::from_hours(24);

/// What a client names a write with, so that repeating it does nothing twice: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Takes the text if it keeps the bounds.
    ///
    /// # Errors
    /// Says what a key must be.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if !(1..=255).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Invalid("must be 1 to 255 visible ASCII characters"));
        }
        Ok(Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl UserTasks<'_> {
    /// Puts the task and what its key stands for in one transaction: both are there or neither. The SDK repeats a
    /// transaction under the same client request token, which makes its own retries harmless.
    pub(super) async fn put_once(
        &self,
        new: NewTask,
        key: &IdempotencyKey,
        now: SystemTime,
    ) -> Result<Task, StoreError> {
        let task = Replacement { content: new, completed: false };
        let fingerprint = hex(fingerprint("create", &task.clone().into()).as_ref());
        let created = item::created(TaskId::new(), task, WriteId::new(), now);
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();

        let record = Item::from([
            (attribute::IDEMPOTENCY_KEY.to_owned(), text(key.0.as_str())),
            (attribute::FINGERPRINT.to_owned(), text(fingerprint.as_str())),
            (attribute::TASK_ID.to_owned(), text(created.task.id.to_string())),
            (attribute::EXPIRES_AT.to_owned(), number((now + KEY_LIFETIME).as_secs())),
        ]);
        // DynamoDB removes what has expired up to days late, so an expired record counts as absent.
        let put_record = Put::builder()
            .table_name(&self.store.idempotency_table)
            .set_item(Some(self.owned(record)))
            .condition_expression("attribute_not_exists(idempotency_key) OR expires_at < :now")
            .expression_attribute_values(":now", number(now.as_secs()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put_task = Put::builder()
            .table_name(&self.store.tasks_table)
            .set_item(Some(self.owned(created.item)))
            .condition_expression(IS_ABSENT);

        let mut transaction = self.store.client.transact_write_items();
        for put in [put_record, put_task] {
            let put = put.build().map_err(|error| StoreError::unexpected(error.to_string()))?;
            transaction = transaction.transact_items(TransactWriteItem::builder().put(put).build());
        }
        let Err(error) = transaction.send().await else { return Ok(created.task) };
        match Cancellation::of(&error) {
            Some(Cancellation::KeyUsed { fingerprint: used_for, task_id }) if used_for == fingerprint => {
                if task_id == created.task.id { Ok(created.task) } else { self.get(task_id).await }
            }
            Some(Cancellation::KeyUsed { .. }) => Err(StoreError::KeyReused),
            Some(Cancellation::Conflict) => Err(StoreError::KeyInFlight),
            Some(Cancellation::Full) => Err(StoreError::Full),
            Some(Cancellation::Throttled) => Err(StoreError::Unavailable("the transaction was throttled".to_owned())),
            None => Err(error.into()),
        }
    }
}

/// Why DynamoDB cancelled the transaction.
pub(super) enum Cancellation {
    KeyUsed { fingerprint: String, task_id: TaskId },
    Conflict,
    Full,
    Throttled,
}

impl Cancellation {
    pub(super) fn of(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> Option<Self> {
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
            return None;
        };
        cancelled.cancellation_reasons().iter().find_map(|reason| match reason.code()? {
            "ConditionalCheckFailed" => Self::key_used(reason),
            "TransactionConflict" => Some(Self::Conflict),
            "ItemCollectionSizeLimitExceeded" => Some(Self::Full),
            "ProvisionedThroughputExceeded" | "ThrottlingError" => Some(Self::Throttled),
            _ => None,
        })
    }

    fn key_used(reason: &CancellationReason) -> Option<Self> {
        let record = reason.item()?;
        let fingerprint = record.get(attribute::FINGERPRINT)?.as_s().ok()?.clone();
        let task_id = TaskId::parse(record.get(attribute::TASK_ID)?.as_s().ok()?)?;
        Some(Self::KeyUsed { fingerprint, task_id })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
