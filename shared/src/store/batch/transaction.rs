//! A batch that is done as a whole or not at all: one transaction of DynamoDB.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};
use tokio::time::timeout;

use super::{Action, BATCH_WITHIN, Batch, BatchItem, Done, Results};
use crate::store::error::cancellation_reasons;
use crate::store::item::{self, CreatedTask, Item, attribute, number, text};
use crate::store::linked::Plan;
use crate::store::subtasks::{parent_of, refused_parent};
use crate::store::write::{self, Outcome, Write};
use crate::store::write_id::WriteId;
use crate::store::{Guard, Precondition, StoreError, UserTasks, created_before};
use crate::task::{Completion, Invalid, TaskChanges, TaskId, Version};

const PARENT_IS_WRITTEN: Invalid = Invalid("must not be written by another item of the same atomic batch");

/// An item of the batch on its way through the transaction.
struct Member {
    id: TaskId,
    step: Step,
    guard: Guard,
    /// A write that concerns other tasks as well, and the item that it was refused for, until there is a plan for them.
    linked: Option<(Write, Item)>,
    plan: Option<Plan>,
    result: Option<Result<Done, StoreError>>,
}

enum Step {
    /// It changes nothing, and is no part of the transaction.
    Read,
    /// What to write depends on the task, which is read before.
    Skip,
    Create {
        item: Item,
        write_id: WriteId,
    },
    /// As in [`UserTasks::write`]: the first of these writes is the one to try.
    Write(Vec<Write>),
    Delete(Vec<Write>),
}

impl UserTasks<'_> {
    /// The results of all items: if one is refused, nothing is done but what an earlier request has done.
    pub(super) async fn all_or_none(&self, items: Vec<BatchItem>) -> Results {
        let mut members: Vec<_> = items.into_iter().map(|item| Member::new(item, self.store.restorable)).collect();
        let in_time = timeout(BATCH_WITHIN, self.transact(&mut members)).await.is_ok();
        let is_refused = in_time && members.iter().any(Member::is_refused);
        let result = |member: Member| member.result.or_else(|| is_refused.then_some(Err(StoreError::NotAttempted)));
        members.into_iter().map(result).collect()
    }

    /// Makes one transaction, and another one without the members that it finds done before, or with those that are in
    /// another state than the usual one written for that.
    async fn transact(&self, members: &mut [Member]) {
        let ids: Vec<_> = members.iter().map(|member| text(member.id.to_string())).collect();
        for member in members.iter_mut().filter(|member| matches!(member.step, Step::Read)) {
            let task = self.update(member.id, TaskChanges::default(), &member.guard).await;
            member.result = Some(task.map(|task| member.done(Some(task.version))));
        }
        for member in members.iter_mut().filter(|member| matches!(member.step, Step::Skip)) {
            match self.skipping(member.id, &member.guard).await {
                Ok(Ok(write)) => member.step = Step::Write(vec![write]),
                Ok(Err(done)) => {
                    member.result = Some(done.task_unless_deleted().map(|task| member.done(Some(task.version))))
                }
                Err(error) => member.result = Some(Err(error)),
            }
        }
        self.refuse_parents(members);
        // More than three are needed only if others complete and reopen the tasks between ours.
        for _ in 0..6 {
            if members.iter().any(Member::is_refused) {
                return;
            }
            let mut pending: Vec<_> = members.iter_mut().filter(|member| member.result.is_none()).collect();
            if pending.is_empty() {
                return;
            }
            for member in &mut pending {
                if let Err(error) = self.prepare(member).await {
                    member.result = Some(Err(error));
                    return;
                }
            }
            // DynamoDB takes one action of an item.
            pending.iter_mut().filter_map(|member| member.plan.as_mut()).for_each(|plan| plan.leave_out(&ids));
            let parents = parents_of(&pending);
            match self.send(&pending, &parents).await {
                Ok(None) => pending.into_iter().for_each(|member| member.result = Some(Ok(member.done(member.next())))),
                Ok(Some(reasons)) => {
                    let mut reasons = reasons.as_slice();
                    for member in &mut pending {
                        let (own, others) = reasons.split_at_checked(member.len()).unwrap_or((reasons, &[]));
                        member.cancelled(own);
                        reasons = others;
                    }
                    for (reason, parent) in reasons.iter().zip(parents.keys()) {
                        let subtasks = pending.iter_mut().filter(|member| member.parent() == Some(*parent));
                        subtasks.for_each(|member| member.parent_refused(reason));
                    }
                }
                Err(error) => pending.into_iter().for_each(|member| member.result = Some(Err(error.clone()))),
            }
        }
    }

    /// Refuses new subtasks whose parent is written by another item than one that creates it. A transaction writes each task
    /// once.
    fn refuse_parents(&self, members: &mut [Member]) {
        for index in 0..members.len() {
            let parent = members.get(index).and_then(|member| member.parent());
            let other = members.iter().find(|member| Some(member.id) == parent);
            let refusal = other.and_then(|other| match &other.step {
                Step::Create { item, .. } => {
                    let keys = [attribute::PARENT_ID, attribute::COMPLETED_AT];
                    keys.iter().any(|&key| item.contains_key(key)).then(|| refused_parent(Some(item)))
                }
                Step::Read => None,
                Step::Skip | Step::Write(_) | Step::Delete(_) => {
                    Some(StoreError::Field("parent_id", PARENT_IS_WRITTEN))
                }
            });
            if let (Some(refusal), Some(member)) = (refusal, members.get_mut(index)) {
                member.result = Some(Err(refusal));
            }
        }
    }

    /// Plans the write of a task that concerns others as well. What a member says of its own task goes before that.
    async fn prepare(&self, member: &mut Member) -> Result<(), StoreError> {
        let Some((write, found)) = member.linked.take() else { return Ok(()) };
        member.plan = Some(self.plan(&write, &found).await?);
        Ok(())
    }

    /// Sends a transaction of these members. If it is cancelled, each of its actions has a reason, which may be that there is
    /// none.
    async fn send(
        &self,
        members: &[&mut Member],
        parents: &BTreeMap<TaskId, u64>,
    ) -> Result<Option<Vec<CancellationReason>>, StoreError> {
        if members.iter().map(|member| member.len()).sum::<usize>() + parents.len() > Batch::MAX_ITEMS {
            return Err(StoreError::BatchTooLarge);
        }
        let mut actions = Vec::with_capacity(Batch::MAX_ITEMS);
        for member in members {
            let subtasks = members.iter().filter(|other| other.parent() == Some(member.id)).count();
            actions.extend(self.actions_of(member, subtasks as u64)?);
        }
        for (parent, subtasks) in parents {
            actions.push(self.adopt_action(*parent, *subtasks)?);
        }
        let request = self.store.client.transact_write_items().set_transact_items(Some(actions));
        let Err(error) = request.send().await else { return Ok(None) };
        cancellation_reasons(error).map(Some)
    }

    /// `subtasks` is how many subtasks a new task is given by other members.
    fn actions_of(&self, member: &Member, subtasks: u64) -> Result<Vec<TransactWriteItem>, StoreError> {
        if let Some(plan) = &member.plan {
            return self.actions(plan);
        }
        match &member.step {
            Step::Read | Step::Skip => Ok(Vec::new()),
            Step::Create { item, .. } => {
                let mut item = item.clone();
                item.extend((subtasks > 0).then(|| (attribute::HAS_SUBTASKS.to_owned(), number(subtasks))));
                self.put_action(item).map(|action| vec![action])
            }
            Step::Write(writes) | Step::Delete(writes) => {
                writes.first().map(|write| self.update_action(write)).into_iter().collect()
            }
        }
    }
}

/// The parents of new subtasks that are there already, with how many each is given.
fn parents_of(members: &[&mut Member]) -> BTreeMap<TaskId, u64> {
    let mut parents = BTreeMap::new();
    for parent in members.iter().filter_map(|member| member.parent()) {
        if members.iter().all(|member| member.id != parent) {
            *parents.entry(parent).or_default() += 1;
        }
    }
    parents
}

impl Member {
    /// The item, where deleted tasks can be restored for so long.
    fn new(BatchItem { id, action, guard }: BatchItem, restorable: Duration) -> Self {
        let step = match action {
            Action::Create(task) => {
                let CreatedTask { item, write_id, .. } = item::new(id, task, guard.idempotency_key.as_ref());
                Step::Create { item: item.into(), write_id }
            }
            Action::Update(changes) if changes.is_empty() => Step::Read,
            Action::Update(changes) => Step::Write(write::updating(id, &changes, &guard)),
            Action::Complete(completed) => Step::Write(write::completing(id, Completion::Set(completed), &guard)),
            Action::Skip => Step::Skip,
            Action::Delete => Step::Delete(write::deleting(id, &guard, restorable)),
            Action::Restore => Step::Write(write::restoring(id, &guard, restorable)),
        };
        Self { id, step, guard, linked: None, plan: None, result: None }
    }

    fn is_refused(&self) -> bool {
        matches!(self.result, Some(Err(_)))
    }

    /// What was done, if the task is in this version after it.
    fn done(&self, version: Option<Version>) -> Done {
        match self.step {
            Step::Create { .. } => Done::Created(version.unwrap_or(1)),
            Step::Read | Step::Skip | Step::Write(_) => Done::Written(version),
            Step::Delete(_) => Done::Deleted,
        }
    }

    /// The version after the write, if the client knew the one before it.
    fn next(&self) -> Option<Version> {
        match &self.guard.precondition {
            Precondition::Version(versions) => versions.first()?.checked_add(1),
            Precondition::None => None,
        }
    }

    /// The parent of the subtask that it creates.
    fn parent(&self) -> Option<TaskId> {
        if let Step::Create { item, .. } = &self.step { parent_of(item) } else { None }
    }

    /// Takes a note of why its parent refused it, unless there is another reason, or it is there already.
    fn parent_refused(&mut self, reason: &CancellationReason) {
        if self.result.is_none() {
            self.result = match reason.code().unwrap_or("None") {
                "ConditionalCheckFailed" => Some(Err(refused_parent(reason.item()))),
                code => StoreError::from_cancellation(code).map(Err),
            };
        }
    }

    /// How many actions of the transaction are its own.
    fn len(&self) -> usize {
        self.plan.as_ref().map_or(1, Plan::len)
    }

    /// Takes a note of why the transaction was cancelled, as far as it was because of this member.
    fn cancelled(&mut self, reasons: &[CancellationReason]) {
        if let Some(plan) = &mut self.plan {
            match plan.fits_after(reasons) {
                Ok(true) => {}
                // Others have written the tasks: the plain write finds out what there is to do now.
                Ok(false) => self.plan = None,
                Err(error) => self.result = Some(Err(error)),
            }
            return;
        }
        for reason in reasons {
            self.result = match reason.code().unwrap_or("None") {
                "ConditionalCheckFailed" => self.refused(reason.item().cloned()).transpose(),
                code => StoreError::from_cancellation(code).map(Err),
            };
        }
    }

    /// What the item as it was found says of the write. `None` if it is to be tried for the other state.
    fn refused(&mut self, found: Option<Item>) -> Result<Option<Done>, StoreError> {
        let task = match &mut self.step {
            Step::Read | Step::Skip => return Ok(None),
            Step::Create { write_id, .. } => {
                let item = found.unwrap_or_default();
                created_before(write_id.in_memory_of(&item), item)?
            }
            Step::Write(writes) | Step::Delete(writes) => {
                let Some(write) = writes.first() else { return Ok(None) };
                match write.refused(found)? {
                    Outcome::OtherState(_) if writes.len() > 1 => {
                        writes.rotate_left(1);
                        return Ok(None);
                    }
                    Outcome::Linked(item) => {
                        self.linked = Some((write.clone(), item));
                        return Ok(None);
                    }
                    Outcome::Done(_) if matches!(self.step, Step::Delete(_)) => return Ok(Some(Done::Deleted)),
                    Outcome::Done(attributes) | Outcome::OtherState(attributes) => attributes.task_unless_deleted()?,
                }
            }
        };
        Ok(Some(self.done(Some(task.version))))
    }
}
