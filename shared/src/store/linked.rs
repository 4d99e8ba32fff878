//! Writes that concern more tasks than their own: one transaction, planned from the item that the refusal of the plain write
//! gave, and pinned to its version. If the task has been written meanwhile, all of it begins anew.

use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason, Put, TransactWriteItem, Update};
use tokio::time::sleep;

use super::error::cancellation_reasons;
use super::item::{Item, attribute};
use super::write::Write;
use super::{IS_ABSENT, StoreError, UserTasks, recurrence};

/// How long to wait for another transaction that is writing the same tasks.
const CONFLICT_PAUSE: Duration = Duration::from_millis(20);

/// A write and what it brings about, in one transaction.
pub(super) struct Plan {
    own: Write,
    others: Vec<Companion>,
    /// The item of the task once it is done.
    pub(super) after: Item,
}

/// A write of another task that comes with a write.
pub(super) enum Companion {
    /// A new task. Left out if there is one with its id.
    Put(Item),
    /// A change of a task, on the conditions that it has.
    #[expect(dead_code, reason = "subtasks are written with it")]
    Update(Write),
}

impl Plan {
    /// How many actions of a transaction it takes.
    pub(super) fn len(&self) -> usize {
        1 + self.others.len()
    }

    /// Does without new tasks that have one of these ids, which are written otherwise.
    pub(super) fn leave_out(&mut self, ids: &[AttributeValue]) {
        self.others.retain(|other| {
            let Companion::Put(item) = other else { return true };
            !item.get(attribute::TASK_ID).is_some_and(|id| ids.contains(id))
        });
    }

    /// Takes note of why the transaction was cancelled, as far as this plan is the reason. `false` if it does not fit the
    /// tasks any more.
    ///
    /// # Errors
    /// Any other reason than a condition.
    pub(super) fn fits_after(&mut self, reasons: &[CancellationReason]) -> Result<bool, StoreError> {
        if let Some(error) = reasons.iter().find_map(|reason| StoreError::from_cancellation(reason.code()?)) {
            return Err(error);
        }
        let mut failed = reasons.iter().map(|reason| reason.code() == Some("ConditionalCheckFailed"));
        let mut fits = !failed.next().unwrap_or_default();
        self.others.retain(|other| match (failed.next().unwrap_or_default(), other) {
            (false, _) => true,
            (true, Companion::Put(_)) => false,
            (true, Companion::Update(_)) => {
                fits = false;
                true
            }
        });
        Ok(fits)
    }
}

impl UserTasks<'_> {
    /// Makes a write of an item that was found, and what it brings about. Gives the item as it is then; `None` if others
    /// were faster, so that the write must be tried again.
    pub(super) async fn write_linked(&self, write: &Write, found: &Item) -> Result<Option<Item>, StoreError> {
        let mut plan = self.plan(write, found).await?;
        // Of two attempts, the second one is without a new task whose id is taken.
        for _ in 0..2 {
            let request = self.store.client.transact_write_items();
            let Err(error) = request.set_transact_items(Some(self.actions(&plan)?)).send().await else {
                return Ok(Some(plan.after));
            };
            let reasons = cancellation_reasons(error)?;
            if reasons.iter().any(|reason| reason.code() == Some("TransactionConflict")) {
                sleep(CONFLICT_PAUSE).await;
                return Ok(None);
            }
            if !plan.fits_after(&reasons)? {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// What a write of this item brings about.
    pub(super) async fn plan(&self, write: &Write, found: &Item) -> Result<Plan, StoreError> {
        let mut own = write.pinned(found);
        let mut others = Vec::new();
        let changed = own.applied(found);
        if changed.contains_key(attribute::COMPLETED_AT) && changed.contains_key(attribute::RECURRENCE) {
            let was_open = !found.contains_key(attribute::COMPLETED_AT);
            if was_open {
                others.extend(recurrence::next_occurrence(&changed, SystemTime::now())?.map(Companion::Put));
            }
            own.pass_on(changed.get(attribute::SERIES).filter(|_| was_open));
        }
        let after = own.applied(found);
        Ok(Plan { own, others, after })
    }

    /// The actions of a transaction that carries out the plan, its own write first.
    pub(super) fn actions(&self, plan: &Plan) -> Result<Vec<TransactWriteItem>, StoreError> {
        let others = plan.others.iter().map(|other| match other {
            Companion::Put(item) => self.put_action(item.clone()),
            Companion::Update(write) => self.update_action(write),
        });
        [self.update_action(&plan.own)].into_iter().chain(others).collect()
    }

    /// Puts a task that is new.
    pub(super) fn put_action(&self, item: Item) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder().table_name(&self.store.tasks_table).set_item(Some(self.owned(item)));
        let put = put.condition_expression(IS_ABSENT).return_values_on_condition_check_failure(AllOld).build();
        let put = put.map_err(|error| StoreError::unexpected(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Writes a task that is there.
    pub(super) fn update_action(&self, write: &Write) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder().table_name(&self.store.tasks_table).set_key(Some(self.key(write.id)));
        let update = write.action(update).return_values_on_condition_check_failure(AllOld).build();
        let update = update.map_err(|error| StoreError::unexpected(error.to_string()))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}
