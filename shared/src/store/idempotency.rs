//! Creates that can be repeated: a key remembers for a day which task it made.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::types::{CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};

use super::error::cancellation_reasons;
use super::item::{self, Item, attribute, number, text};
use super::subtasks::refused_parent;
use super::write_id::{WriteId, fingerprint};
use super::{IS_ABSENT, StoreError, UserTasks};
use crate::hex::hex;
use crate::task::{Invalid, NewTask, Replacement, Task, TaskId};

/// Which action of the transaction is about the parent.
const PARENT: usize = 2;
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
            .set_item(Some(self.owned(created.item.into())))
            .condition_expression(IS_ABSENT);

        let mut transaction = self.store.client.transact_write_items();
        for put in [put_record, put_task] {
            let put = put.build().map_err(|error| StoreError::unexpected(error.to_string()))?;
            transaction = transaction.transact_items(TransactWriteItem::builder().put(put).build());
        }
        if let Some(parent) = created.task.parent_id {
            transaction = transaction.transact_items(self.adopt_action(parent, 1)?);
        }
        let Err(error) = transaction.send().await else { return Ok(created.task) };
        for (index, reason) in cancellation_reasons(error)?.into_iter().enumerate() {
            match (reason.code().unwrap_or_default(), record_in(&reason)) {
                // Another request is giving the parent a subtask.
                ("TransactionConflict", _) if index == PARENT => {
                    return Err(StoreError::Unavailable("the parent is being written".to_owned()));
                }
                ("ConditionalCheckFailed", _) if index == PARENT => return Err(refused_parent(reason.item())),
                (_, Some((used_for, task_id))) if used_for == fingerprint => {
                    return if task_id == created.task.id { Ok(created.task) } else { self.get(task_id).await };
                }
                (_, Some(_)) => return Err(StoreError::KeyReused),
                // Another request is using the key.
                ("TransactionConflict", None) => return Err(StoreError::KeyInFlight),
                (code, None) => StoreError::from_cancellation(code).map_or(Ok(()), Err)?,
            }
        }
        Err(StoreError::unexpected("the transaction was canceled for no reason"))
    }
}

/// The fingerprint and the task of the key's record, if that is the reason.
fn record_in(reason: &CancellationReason) -> Option<(&str, TaskId)> {
    let text = |name| reason.item()?.get(name)?.as_s().ok();
    Some((text(attribute::FINGERPRINT)?, TaskId::parse(text(attribute::TASK_ID)?)?))
}
