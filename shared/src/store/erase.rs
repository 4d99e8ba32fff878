//! Erasure: deletes everything that is stored about a user, and leaves marks from which other devices learn of it.
//!
//! Tombstones are deleted as well, so changes cannot say which tasks are gone. An erasure leaves two *marks* instead: tombstones
//! under reserved ids, both with the time of the erasure. The first mark sorts before every other item of the index by last
//! write, and the second sorts at the time of the erasure. A device that reads all changes sees the first mark, and its sync
//! token keeps that time. A device that returns with an older token sees the second mark, whose time its token lacks, so it
//! has to start over.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::types::{DeleteRequest, Put, TransactWriteItem, WriteRequest};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::batch::BATCH_WITHIN;
use super::error::cancellation_reasons;
use super::item::{Item, attribute, key, number, text, updated};
use super::write::TOMBSTONE_LIFETIME;
use super::{StoreError, UserTasks};
use crate::aws;
use crate::task::{TaskId, Timestamp};

/// The mark that is the first item of the index.
pub(super) const FIRST_MARK: TaskId = TaskId::reserved(0);
/// The mark at the time of the erasure.
pub(super) const MARK: TaskId = TaskId::reserved(1);

/// How many items `BatchWriteItem` takes.
const ITEMS_A_BATCH: i32 = 25;
/// How many batches one call deletes. Small tasks take some three units each, so this is about as much as [`MAX_UNITS`].
const MAX_BATCHES: usize = 80;
/// After how many write units a call stops: a partition takes a thousand a second. The last batch can go beyond it, by 4,500 units
/// if its tasks are of the largest size.
const MAX_UNITS: f64 = 6_000.0;
/// How long to wait after DynamoDB has left something of a batch, for the first time in a row. The second pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// What a call may still do.
struct Budget {
    batches: usize,
    units: f64,
    until: Instant,
}

impl Budget {
    fn is_spent(&self) -> bool {
        self.batches == 0 || self.units <= 0.0 || Instant::now() >= self.until
    }
}

/// The sort key of an item of either table.
#[derive(Deserialize)]
struct SortKey {
    #[serde(alias = "task_id", alias = "idempotency_key")]
    value: Text,
}

#[derive(Deserialize)]
enum Text {
    S(String),
}

impl UserTasks<'_> {
    /// Deletes tasks, tombstones and idempotency records, as many as one call may, and says whether there may be more. Repeated
    /// until there are none, it has deleted everything that was there at the first call. For every 25 items one `Query` and one
    /// `BatchWriteItem`; at the end a transaction, for the marks.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and [`StoreError::Unexpected`]: some of it may have been deleted.
    pub async fn erase(&self) -> Result<bool, StoreError> {
        let mut budget = Budget { batches: MAX_BATCHES, units: MAX_UNITS, until: Instant::now() + BATCH_WITHIN };
        let (tasks, records) = (&self.store.tasks_table, &self.store.idempotency_table);
        // Keys of clients are visible characters, which a space sorts before.
        let has_more = self.clear(tasks, attribute::TASK_ID, &MARK.to_string(), &mut budget).await?
            || self.clear(records, attribute::IDEMPOTENCY_KEY, " ", &mut budget).await?;
        // Also if there is more: a device that has read in the meantime must not keep what has been deleted since.
        self.mark().await?;
        Ok(has_more)
    }

    /// Deletes the items of a table behind this sort key, and says whether there may be more.
    async fn clear(&self, table: &str, sort_key: &str, after: &str, budget: &mut Budget) -> Result<bool, StoreError> {
        let mut pause = FIRST_PAUSE;
        while !budget.is_spent() {
            let request = self.store.client.query().table_name(table).consistent_read(true).limit(ITEMS_A_BATCH);
            let request = request
                .projection_expression(sort_key)
                .key_condition_expression(format!("user_id = :user_id AND {sort_key} > :after"))
                .expression_attribute_values(":user_id", text(self.user.id()))
                .expression_attribute_values(":after", text(after));
            let found = aws::query::<SortKey>(request).await?;
            if found.items.is_empty() {
                return Ok(false);
            }
            let is_done = self.delete_all(table, sort_key, found.items, budget).await?;
            if is_done && found.last_evaluated_key.is_none() {
                return Ok(false);
            }
            // What DynamoDB has left is found again.
            if !is_done {
                sleep(pause).await;
                pause *= 2;
            }
        }
        Ok(true)
    }

    /// Deletes these items, and says whether DynamoDB has deleted all of them.
    async fn delete_all(
        &self,
        table: &str,
        sort_key: &str,
        items: Vec<SortKey>,
        budget: &mut Budget,
    ) -> Result<bool, StoreError> {
        let deletion = |SortKey { value: Text::S(value) }| {
            let key = self.owned(Item::from([(sort_key.to_owned(), text(value))]));
            let deletion = DeleteRequest::builder().set_key(Some(key)).build();
            deletion.map(|deletion| WriteRequest::builder().delete_request(deletion).build())
        };
        let deletions: Result<Vec<_>, _> = items.into_iter().map(deletion).collect();
        let deletions = deletions.map_err(|error| StoreError::unexpected(error.to_string()))?;
        // The meter of `aws` asks for the units of every request.
        let output = self.store.client.batch_write_item().request_items(table, deletions).send().await?;
        budget.batches -= 1;
        budget.units -= output.consumed_capacity().iter().filter_map(|table| table.capacity_units()).sum::<f64>();
        Ok(output.unprocessed_items().is_none_or(|tables| tables.values().all(Vec::is_empty)))
    }

    /// Says that an erasure has happened, to all whose tokens are older. Both marks or none: with one of another time, nobody could
    /// read all changes. The first one stays longer, because it alone says nothing.
    async fn mark(&self) -> Result<(), StoreError> {
        let now = SystemTime::now();
        let at = Timestamp::from(now);
        let mut transaction = self.store.client.transact_write_items();
        for (id, position, lifetime) in
            [(FIRST_MARK, &Timestamp::from(UNIX_EPOCH), 2 * TOMBSTONE_LIFETIME), (MARK, &at, TOMBSTONE_LIFETIME)]
        {
            let expires_at = (now + lifetime).duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            let mut mark = key(id);
            mark.extend(
                [
                    (attribute::DELETED_AT, text(at.as_str())),
                    (attribute::UPDATED_AT, text(position.as_str())),
                    (attribute::UPDATED, text(updated(position, id))),
                    (attribute::VERSION, number(1)),
                    (attribute::EXPIRES_AT, number(expires_at)),
                ]
                .map(|(name, value)| (name.to_owned(), value)),
            );
            let put = Put::builder().table_name(&self.store.tasks_table).set_item(Some(self.owned(mark)));
            let put = put.build().map_err(|error| StoreError::unexpected(error.to_string()))?;
            transaction = transaction.transact_items(TransactWriteItem::builder().put(put).build());
        }
        let Err(error) = transaction.send().await else { return Ok(()) };
        let reasons = cancellation_reasons(error)?;
        let reason = reasons.iter().find_map(|reason| StoreError::from_cancellation(reason.code()?));
        Err(reason.unwrap_or_else(|| StoreError::unexpected("the transaction was canceled for no reason")))
    }
}
