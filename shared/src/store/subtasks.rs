//! Subtasks: tasks that have a parent, one level deep.
//!
//! A parent counts how many subtasks it was ever given. A write of a parent and its subtasks reads them, and demands in its
//! transaction that the number is still the one that it found before. So a subtask that is added meanwhile is either written
//! with the others, or refused because its parent is not open any more.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use tokio::time::sleep;

use super::cursor::Cursor;
use super::error::cancellation_reasons;
use super::item::{self, Item, TaskAttributes, attribute, number, text};
use super::linked::Companion;
use super::list::{ListQuery, MAX_PAGE_TEXT_BYTES, Page, Progress};
use super::write::{Links, Write, completing_with_parent, deleting_with_parent, restoring_with_parent};
use super::write_id::{Memory, WriteId};
use super::{StoreError, UserTasks, recurrence};
use crate::aws;
use crate::task::{Invalid, NewTask, Replacement, Task, TaskId};

/// The index of all subtasks, by parent and position.
pub(super) const BY_PARENT: &str = "by_parent";
/// How many subtasks a task is ever given, deleted ones included. So a write of all of them ends, and a list of them too.
const MAX_SUBTASKS: u64 = 1_000;
/// How many requests read all subtasks of a task: as many megabytes as they can have, with their tombstones.
const MAX_READS: usize = 64;
/// How long to wait, once and then twice and four times as long, while another request adds a subtask to the same parent.
const CONFLICT_PAUSE: Duration = Duration::from_millis(20);
const ATTEMPTS: u32 = 5;

const NOT_DELETED: &str = "attribute_not_exists(deleted_at)";
/// The field that names a parent.
const PARENT_ID: &str = "parent_id";

impl UserTasks<'_> {
    /// Puts a new subtask, if its parent may have one. As [`UserTasks::put`] in what it gives.
    ///
    /// # Errors
    /// [`StoreError::Field`] if the parent is missing, completed, deleted, or itself a subtask.
    pub(super) async fn put_subtask(
        &self,
        parent: TaskId,
        item: Item,
        write_id: &WriteId,
    ) -> Result<Option<(Memory, Item)>, StoreError> {
        for attempt in 0..ATTEMPTS {
            let actions = vec![self.put_action(item.clone())?, self.adopt_action(parent, 1)?];
            let request = self.store.client.transact_write_items().set_transact_items(Some(actions));
            let Err(error) = request.send().await else { return Ok(None) };
            let reasons = cancellation_reasons(error)?;
            if reasons.iter().any(|reason| reason.code() == Some("TransactionConflict")) {
                sleep(CONFLICT_PAUSE * 2_u32.pow(attempt)).await;
                continue;
            }
            if let Some(error) = reasons.iter().find_map(|reason| StoreError::from_cancellation(reason.code()?)) {
                return Err(error);
            }
            let mut failed = reasons
                .into_iter()
                .map(|reason| (reason.code() == Some("ConditionalCheckFailed")).then(|| reason.item().cloned()));
            if let Some(Some(found)) = failed.next() {
                let found = found.unwrap_or_default();
                return Ok(Some((write_id.in_memory_of(&found), found)));
            }
            return Err(refused_parent(failed.next().flatten().flatten().as_ref()));
        }
        Err(StoreError::Unavailable("others add subtasks to the parent all the time".to_owned()))
    }

    /// Counts new subtasks at their parent, which must be there, open, and no subtask.
    pub(super) fn adopt_action(&self, parent: TaskId, count: u64) -> Result<TransactWriteItem, StoreError> {
        self.count_action(parent, count, " AND attribute_not_exists(completed_at) AND attribute_not_exists(parent_id)")
    }

    /// Counts a subtask that is restored at its parent, which must be there.
    pub(super) fn readopt_action(&self, parent: TaskId) -> Result<TransactWriteItem, StoreError> {
        self.count_action(parent, 1, "")
    }

    fn count_action(&self, parent: TaskId, count: u64, condition: &str) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder().table_name(&self.store.tasks_table).set_key(Some(self.key(parent)));
        let update = update
            .update_expression("ADD has_subtasks :count")
            .condition_expression(format!(
                "attribute_exists(task_id) AND attribute_not_exists(deleted_at){condition} \
                 AND (attribute_not_exists(has_subtasks) OR has_subtasks <= :most)",
            ))
            .expression_attribute_values(":count", number(count))
            .expression_attribute_values(":most", number(MAX_SUBTASKS.saturating_sub(count)))
            .return_values_on_condition_check_failure(AllOld)
            .build();
        let update = update.map_err(|error| StoreError::unexpected(error.to_string()))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// The writes of a task's subtasks that come with a write of this item: completing it completes the open ones, deleting
    /// it deletes all of them, and restoring it restores those that were deleted with it.
    pub(super) async fn writes_of_subtasks(&self, write: &Write, found: &Item) -> Result<Vec<Companion>, StoreError> {
        let is_completed = found.contains_key(attribute::COMPLETED_AT);
        let which = match write.links {
            // Once it is completed, its subtasks are on their own.
            Links::Completes | Links::CompletesRecurring if !is_completed => {
                "attribute_not_exists(deleted_at) AND attribute_not_exists(completed_at)"
            }
            Links::Deletes => NOT_DELETED,
            Links::Restores => "attribute_exists(deleted_with) AND attribute_exists(title)",
            Links::Completes | Links::CompletesRecurring | Links::None => return Ok(Vec::new()),
        };
        if !found.contains_key(attribute::HAS_SUBTASKS) {
            return Ok(Vec::new());
        }
        let (mut writes, mut start) = (Vec::new(), None);
        for _ in 0..MAX_READS {
            let request = self.query_of_subtasks(write.id, which).projection_expression("task_id, version");
            let answer = aws::query::<TaskAttributes>(request.set_exclusive_start_key(start)).await?;
            for attributes in answer.items {
                let (id, version) = attributes.version()?;
                writes.push(Companion::Update(Box::new(match write.links {
                    Links::Restores => restoring_with_parent(id, version),
                    Links::Deletes => deleting_with_parent(id, version, self.store.restorable),
                    Links::Completes | Links::CompletesRecurring | Links::None => completing_with_parent(id, version),
                })));
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(writes);
            }
        }
        Err(StoreError::unexpected("the subtasks of a task do not end"))
    }

    /// The subtasks of the next occurrence of a task: those that this one has, open again and without due dates, under ids
    /// that follow from its own.
    pub(super) async fn subtasks_of_next(
        &self,
        found: &Item,
        next: &mut Item,
        now: SystemTime,
    ) -> Result<Vec<Companion>, StoreError> {
        let id_of = |item: &Item| TaskId::parse(item.get(attribute::TASK_ID)?.as_s().ok()?);
        let (Some(parent), Some(next_parent), true) =
            (id_of(found), id_of(next), found.contains_key(attribute::HAS_SUBTASKS))
        else {
            return Ok(Vec::new());
        };
        let (mut subtasks, mut start) = (Vec::new(), None);
        for _ in 0..MAX_READS {
            let request = self.query_of_subtasks(parent, NOT_DELETED).projection_expression(attribute::OF_A_TASK);
            let answer = aws::query::<TaskAttributes>(request.set_exclusive_start_key(start)).await?;
            for attributes in answer.items {
                let Task { id, title, description, priority, tags, position, .. } = attributes.task()?;
                let parent_id = Some(next_parent);
                let content =
                    NewTask { title, description, priority, due: None, tags, parent_id, position, recurrence: None };
                let new = Replacement { content, completed: false };
                let created = item::created(recurrence::id_of_subtask(next_parent, id), new, WriteId::new(), now);
                subtasks.push(Companion::Put(created.item.into()));
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                if !subtasks.is_empty() {
                    next.insert(attribute::HAS_SUBTASKS.to_owned(), number(subtasks.len() as u64));
                }
                return Ok(subtasks);
            }
        }
        Err(StoreError::unexpected("the subtasks of a task do not end"))
    }

    /// A page of a task's subtasks, in their order, with the progress of all of them: one request, which reads all of them up
    /// to a megabyte. Beyond that, and on any other page than the first, there is no progress.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Unexpected`].
    pub(super) async fn list_subtasks(&self, parent: TaskId, query: &ListQuery) -> Result<Page, StoreError> {
        let start = query.cursor.as_ref().map(|cursor| self.owned(cursor.start_key()));
        let request = self.query_of_subtasks(parent, NOT_DELETED).projection_expression(attribute::OF_A_TASK);
        let answer = aws::query::<TaskAttributes>(request.set_exclusive_start_key(start)).await?;
        let mut progress = Progress { completed: 0, total: 0 };
        let mut page = Page { tasks: Vec::new(), next_cursor: None, progress: None };
        let mut text_bytes = 0;
        for attributes in answer.items {
            let task = attributes.task()?;
            progress.total += 1;
            progress.completed += usize::from(task.completed_at.is_some());
            text_bytes += task.text_bytes();
            match page.tasks.last() {
                Some(_) if page.next_cursor.is_some() => {}
                Some(last) if page.tasks.len() == query.limit || text_bytes > MAX_PAGE_TEXT_BYTES => {
                    page.next_cursor = Some(Cursor::after(last, query).encode(query));
                }
                _ => page.tasks.push(task),
            }
        }
        match &answer.last_evaluated_key {
            Some(position) if page.next_cursor.is_none() => {
                page.next_cursor = Some(Cursor::at(position)?.encode(query));
            }
            Some(_) => {}
            None => page.progress = query.cursor.is_none().then_some(progress),
        }
        Ok(page)
    }

    /// The request for those subtasks of a task that the condition holds of, in their order.
    fn query_of_subtasks(&self, parent: TaskId, which: &str) -> QueryFluentBuilder {
        let values = [(":user_id", self.user.id().to_owned()), (":parent", format!("{parent}#"))];
        let values: HashMap<_, _> = values.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect();
        let request = self.store.client.query().table_name(&self.store.tasks_table).index_name(BY_PARENT);
        request
            .consistent_read(true)
            .key_condition_expression("user_id = :user_id AND begins_with(child_key, :parent)")
            .filter_expression(which)
            .set_expression_attribute_values(Some(values))
    }
}

/// The parent of the subtask in this item.
pub(super) fn parent_of(item: &Item) -> Option<TaskId> {
    TaskId::parse(item.get(attribute::PARENT_ID)?.as_s().ok()?)
}

/// Why a task cannot be given a subtask, from its item.
pub(super) fn refused_parent(item: Option<&Item>) -> StoreError {
    let has = |name| item.is_some_and(|item| item.contains_key(name));
    let reason = if item.is_none() || has(attribute::DELETED_AT) {
        "must be the id of a task"
    } else if has(attribute::PARENT_ID) {
        "must not be a subtask itself"
    } else if has(attribute::COMPLETED_AT) {
        "must be an open task"
    } else {
        "must not have had 1,000 subtasks, which is the most"
    };
    StoreError::Field(PARENT_ID, Invalid(reason))
}
