//! Writes that concern more tasks than their own: one transaction, planned from the item that the refusal of the plain write
//! gave, and pinned to its version. If the task has been written meanwhile, all of it begins anew.

use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason, Put, TransactWriteItem, Update};
use tokio::time::sleep;

use super::error::cancellation_reasons;
use super::item::{Item, TaskAttributes, attribute, text};
use super::subtasks::parent_of;
use super::write::{Links, Outcome, Write};
use super::{IS_ABSENT, StoreError, UserTasks, recurrence};
use crate::task::{Invalid, TaskId};

const PARENT_IS_DELETED: Invalid = Invalid("must not be deleted: restore the parent first");
/// How many actions a transaction of DynamoDB takes.
const MAX_ACTIONS: usize = 100;
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
    Update(Box<Write>),
    /// The parent of a subtask that is restored: it must be there.
    Parent(TaskId),
}

impl Plan {
    /// How many actions of a transaction it takes.
    pub(super) fn len(&self) -> usize {
        1 + self.others.len()
    }

    /// Leaves out what it brings about for these tasks, which are written otherwise.
    pub(super) fn leave_out(&mut self, ids: &[AttributeValue]) {
        self.others.retain(|other| {
            let id = match other {
                Companion::Put(item) => item.get(attribute::TASK_ID).cloned(),
                Companion::Update(write) => Some(text(write.id.to_string())),
                Companion::Parent(_) => None,
            };
            id.is_none_or(|id| !ids.contains(&id))
        });
    }

    /// Takes note of why the transaction was cancelled, as far as this plan is the reason. `false` if it does not fit the
    /// tasks any more.
    ///
    /// # Errors
    /// Any other reason than a condition.
    pub(super) fn fits_after(&mut self, reasons: &[CancellationReason]) -> Result<bool, StoreError> {
        fits_after(Some(&self.own), &mut self.others, reasons)
    }
}

/// As [`Plan::fits_after`], of a transaction that may have no own write.
fn fits_after(
    own: Option<&Write>,
    others: &mut Vec<Companion>,
    reasons: &[CancellationReason],
) -> Result<bool, StoreError> {
    if let Some(error) = reasons.iter().find_map(|reason| StoreError::from_cancellation(reason.code()?)) {
        return Err(error);
    }
    let mut failed = reasons.iter().map(|reason| reason.code() == Some("ConditionalCheckFailed"));
    let mut fits = own.is_none() || !failed.next().unwrap_or_default();
    let mut is_orphan = false;
    others.retain(|other| match (failed.next().unwrap_or_default(), other) {
        (false, _) => true,
        (true, Companion::Put(_)) => false,
        (true, Companion::Update(_)) => {
            fits = false;
            true
        }
        (true, Companion::Parent(_)) => {
            is_orphan = true;
            true
        }
    });
    if is_orphan { Err(StoreError::Field("parent_id", PARENT_IS_DELETED)) } else { Ok(fits) }
}

impl UserTasks<'_> {
    /// Makes a write of an item that was found, and what it brings about. Gives the item as it is then; `None` if others
    /// were faster, so that the write must be tried again.
    pub(super) async fn write_linked(&self, write: &Write, found: &Item) -> Result<Option<TaskAttributes>, StoreError> {
        let mut plan = self.plan(write, found).await?;
        if plan.others.is_empty() {
            return match self.attempt(&plan.own).await {
                Ok(Outcome::Done(attributes)) => Ok(Some(attributes)),
                Ok(_) | Err(StoreError::VersionMismatch) => Ok(None),
                Err(error) => Err(error),
            };
        }
        // What does not fit into one transaction is written before it. Whatever ends this halfway leaves the task as it was,
        // and a repetition goes on with what is left.
        while plan.len() > MAX_ACTIONS {
            let mut first = plan.others.drain(..MAX_ACTIONS.min(plan.len() - MAX_ACTIONS)).collect();
            if !self.write_together(None, &mut first).await? {
                return Ok(None);
            }
        }
        let is_done = self.write_together(Some(&plan.own), &mut plan.others).await?;
        Ok(is_done.then(|| plan.after.into()))
    }

    /// Makes these writes in one transaction. `false` if others were faster.
    async fn write_together(&self, own: Option<&Write>, others: &mut Vec<Companion>) -> Result<bool, StoreError> {
        // Of two attempts, the second one is without new tasks whose ids are taken.
        for _ in 0..2 {
            let actions = self.all_actions(own, others)?;
            if actions.is_empty() {
                return Ok(true);
            }
            let request = self.store.client.transact_write_items().set_transact_items(Some(actions));
            let Err(error) = request.send().await else { return Ok(true) };
            let reasons = cancellation_reasons(error)?;
            if reasons.iter().any(|reason| reason.code() == Some("TransactionConflict")) {
                sleep(CONFLICT_PAUSE).await;
                return Ok(false);
            }
            if !fits_after(own, others, &reasons)? {
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// What a write of this item brings about.
    pub(super) async fn plan(&self, write: &Write, found: &Item) -> Result<Plan, StoreError> {
        let mut own = write.pinned(found);
        let mut others = self.writes_of_subtasks(write, found).await?;
        if write.links == Links::Restores {
            others.extend(parent_of(found).map(Companion::Parent));
        }
        let changed = own.applied(found);
        if changed.contains_key(attribute::COMPLETED_AT) && changed.contains_key(attribute::RECURRENCE) {
            let was_open = !found.contains_key(attribute::COMPLETED_AT);
            if was_open {
                let now = SystemTime::now();
                if let Some(mut next) = recurrence::next_occurrence(&changed, now)? {
                    others.extend(self.subtasks_of_next(found, &mut next, now).await?);
                    others.push(Companion::Put(next));
                }
            }
            own.pass_on(changed.get(attribute::SERIES).filter(|_| was_open));
        }
        let after = own.applied(found);
        Ok(Plan { own, others, after })
    }

    /// The actions of a transaction that carries out the plan, its own write first.
    pub(super) fn actions(&self, plan: &Plan) -> Result<Vec<TransactWriteItem>, StoreError> {
        self.all_actions(Some(&plan.own), &plan.others)
    }

    fn all_actions(&self, own: Option<&Write>, others: &[Companion]) -> Result<Vec<TransactWriteItem>, StoreError> {
        let own = own.map(|write| self.update_action(write));
        let others = others.iter().map(|other| match other {
            Companion::Put(item) => self.put_action(item.clone()),
            Companion::Update(write) => self.update_action(write),
            Companion::Parent(parent) => self.readopt_action(*parent),
        });
        own.into_iter().chain(others).collect()
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
