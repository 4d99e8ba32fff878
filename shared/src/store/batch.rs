//! Many writes in one call: each for itself, or all of them or none.

mod transaction;

use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::sleep;

use super::{Guard, StoreError, UserTasks};
use crate::task::{Completion, Replacement, Task, TaskChanges, TaskId, Version};

/// How many requests of a batch are under way at a time. Each of them has a connection of its own, whose handshake is a
/// few milliseconds of processor time in a small function: with eight, a hundred writes take thirteen round trips, and
/// more would be made to wait by the thousand units a second that a partition takes.
const MAX_CONCURRENT: usize = 8;

/// When a batch stops: the time of an answer, [`crate::app::ANSWER_WITHIN`], less the three seconds that the issuer's keys
/// may take before it begins, and one to answer.
pub(super) const BATCH_WITHIN: Duration = Duration::from_secs(6);

/// Writes of a user's tasks, in the order in which they are asked for.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Whether all of them are to be done, or none. Then each is of another task.
    pub atomic: bool,
    /// At most [`Self::MAX_ITEMS`] of them.
    pub items: Vec<BatchItem>,
}

impl Batch {
    /// As many as DynamoDB takes in one transaction.
    pub const MAX_ITEMS: usize = 100;
}

/// One write.
#[derive(Debug, Clone)]
pub struct BatchItem {
    /// The task that it writes.
    pub id: TaskId,
    /// What it does.
    pub action: Action,
    /// On what terms.
    pub guard: Guard,
}

impl BatchItem {
    /// The parent of the subtask that it creates.
    fn parent(&self) -> Option<TaskId> {
        if let Action::Create(task) = &self.action { task.content.parent_id } else { None }
    }
}

/// What an item does to its task.
#[derive(Debug, Clone)]
pub enum Action {
    /// As [`UserTasks::create_as`].
    Create(Replacement),
    /// As [`UserTasks::update`].
    Update(TaskChanges),
    /// As [`UserTasks::complete`].
    Complete(bool),
    /// As [`UserTasks::skip`].
    Skip,
    /// As [`UserTasks::delete`].
    Delete,
    /// As [`UserTasks::restore`].
    Restore,
}

/// What became of an item.
#[derive(Debug)]
pub struct Row {
    /// The task of the item.
    pub id: TaskId,
    /// What was done to it. Nothing was, if it is an error, with the exception of [`StoreError::Unavailable`].
    pub result: Result<Done, StoreError>,
}

/// What was done to a task, and in which version it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It was created.
    Created(Version),
    /// It was written. A transaction does not tell the version.
    Written(Option<Version>),
    /// It was deleted.
    Deleted,
}

/// In the order of the items; `None` of what was not done in time.
type Results = Vec<Option<Result<Done, StoreError>>>;

/// Tasks, and the items that write them, each with its place in the batch.
type Related = (Vec<TaskId>, Vec<(usize, BatchItem)>);

impl UserTasks<'_> {
    /// Makes the writes of a batch, and tells of each what became of it, in their order. Those of one task, and of a parent
    /// and its new subtasks, are made one after another. One request a write, as by itself; an atomic batch is one
    /// transaction, and one more for whatever refuses it without a reason to refuse the batch: a write that was done before,
    /// or that is for another state of the task. What had no turn in time is [`StoreError::Unavailable`].
    pub async fn batch(&self, batch: Batch) -> Vec<Row> {
        let ids: Vec<_> = batch.items.iter().map(|item| item.id).collect();
        let results = if batch.atomic { self.all_or_none(batch.items).await } else { self.each(batch.items).await };
        let rows = ids.into_iter().zip(results);
        rows.map(|(id, result)| Row { id, result: result.unwrap_or_else(|| Err(out_of_time())) }).collect()
    }

    async fn each(&self, items: Vec<BatchItem>) -> Results {
        let mut results: Results = items.iter().map(|_| None).collect();
        let mut tasks: Vec<Related> = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            // A parent may be an earlier item, and is written for each of its new subtasks.
            let ids: Vec<_> = [Some(item.id), item.parent()].into_iter().flatten().collect();
            match tasks.iter_mut().find(|(others, _)| ids.iter().any(|id| others.contains(id))) {
                Some((others, items)) => {
                    others.extend(ids);
                    items.push((index, item));
                }
                None => tasks.push((ids, vec![(index, item)])),
            }
        }
        let in_order = |(_, items)| {
            let items = stream::iter(items);
            Box::pin(items.then(async |(index, item): (usize, BatchItem)| (index, self.single(item).await)))
        };
        let done = stream::iter(tasks).map(in_order).flatten_unordered(MAX_CONCURRENT);
        let mut done = done.take_until(Box::pin(sleep(BATCH_WITHIN)));
        while let Some((index, result)) = done.next().await {
            if let Some(slot) = results.get_mut(index) {
                *slot = Some(result);
            }
        }
        results
    }

    async fn single(&self, BatchItem { id, action, guard }: BatchItem) -> Result<Done, StoreError> {
        let written = |task: Task| Done::Written(Some(task.version));
        match action {
            Action::Create(task) => {
                let task = self.create_as(id, task, guard.idempotency_key.as_ref()).await?;
                Ok(Done::Created(task.version))
            }
            Action::Update(changes) => self.update(id, changes, &guard).await.map(written),
            Action::Complete(completed) => self.complete(id, Completion::Set(completed), &guard).await.map(written),
            Action::Skip => self.skip(id, &guard).await.map(written),
            Action::Delete => self.delete(id, &guard).await.map(|()| Done::Deleted),
            Action::Restore => self.restore(id, &guard).await.map(written),
        }
    }
}

fn out_of_time() -> StoreError {
    StoreError::Unavailable("the batch took too long".to_owned())
}
