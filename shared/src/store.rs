//! Where tasks are kept: the one place that talks to DynamoDB. A task is reached through [`UserTasks`] alone, which
//! puts its owner's id into the partition key of every request.

mod access;
mod batch;
mod changes;
mod cursor;
mod erase;
mod error;
mod export;
mod idempotency;
mod item;
mod linked;
mod list;
mod order;
mod recurrence;
mod settings;
mod subtasks;
mod tags;
mod write;
mod write_id;

use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;

pub use self::batch::{Action, Batch, BatchItem, Done, Row};
pub use self::changes::{Changes, ChangesQuery, InvalidSyncToken, OVERLAP, Since, SyncToken};
pub use self::cursor::{Cursor, InvalidCursor};
pub use self::error::StoreError;
pub use self::export::{Export, ExportQuery};
pub use self::idempotency::IdempotencyKey;
pub use self::list::{DueRange, ListQuery, Order, Page, Progress, Status};
pub use self::order::Destination;
pub use self::settings::StoreSettings;
pub use self::tags::{TagCount, TagsPage, TagsQuery};

use self::item::{CreatedTask, Item, NewItem, TaskAttributes, attribute, key, text};
use self::write::{Outcome, Write};
use self::write_id::{Memory, WriteId};
use crate::auth::AuthenticatedUser;
use crate::aws::{self, Connector, ReadFailure, WarmUp};
use crate::task::{Completion, NewTask, Replacement, Task, TaskChanges, TaskId, Version};

const IS_ABSENT: &str = "attribute_not_exists(task_id)";

/// All tasks, of which it gives nobody more than their own.
#[derive(Debug, Clone)]
pub struct TaskStore {
    client: Client,
    tasks_table: String,
    idempotency_table: String,
    access_table: Option<String>,
    /// For how long a deleted task can be restored.
    restorable: Duration,
    warm_up: WarmUp,
}

impl TaskStore {
    /// A store in the tables that the settings name, reached through `connector`.
    #[must_use]
    pub(crate) fn new(settings: StoreSettings, connector: &Connector) -> Self {
        Self {
            client: settings.aws.client(connector),
            warm_up: WarmUp::new(&settings.aws, connector),
            tasks_table: settings.tasks_table,
            idempotency_table: settings.idempotency_table,
            access_table: settings.access_table,
            restorable: settings.restorable,
        }
    }

    /// Opens a connection to DynamoDB, which the first request then finds open.
    pub(crate) async fn warm_up(&self) {
        self.warm_up.connect().await;
    }

    /// The tasks of this user, the only door to any.
    #[must_use]
    pub fn tasks_of(&self, user: AuthenticatedUser) -> UserTasks<'_> {
        UserTasks { store: self, user }
    }
}

/// The tasks of one authenticated user. Everything it does stays in that user's partition.
#[derive(Debug)]
pub struct UserTasks<'a> {
    store: &'a TaskStore,
    user: AuthenticatedUser,
}

/// What a client knows of a task that it wants to write (RFC 9110 §13.1.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing: any version will do.
    #[default]
    None,
    /// The task is in one of these versions. None of them, if the client named only what never was a version.
    Version(Vec<Version>),
}

impl From<Option<Version>> for Precondition {
    fn from(version: Option<Version>) -> Self {
        version.map_or(Self::None, |version| Self::Version(vec![version]))
    }
}

/// On what terms a client writes a task that is there.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// Which version it may be in.
    pub precondition: Precondition,
    /// Its name for this write. Repeated under the same name, among the task's last three writes, it answers as the
    /// first time and changes nothing.
    pub idempotency_key: Option<IdempotencyKey>,
}

impl UserTasks<'_> {
    /// Creates a task: one request. With an idempotency key it is one transaction, which a second request with the
    /// same key finds done: then the task is read and given as it is now.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`] if the key came with another task within its 24 hours, [`StoreError::KeyInFlight`] if
    /// it is being used at this moment, [`StoreError::NotFound`] if its task has been deleted since,
    /// and [`StoreError::Full`], [`StoreError::Unavailable`], [`StoreError::Unexpected`].
    pub async fn create(&self, task: NewTask, idempotency_key: Option<&IdempotencyKey>) -> Result<Task, StoreError> {
        let now = SystemTime::now();
        if let Some(key) = idempotency_key {
            return self.put_once(task, key, now).await;
        }
        let task = Replacement { content: task, completed: false };
        let CreatedTask { task, item, write_id } = item::created(TaskId::new(), task, WriteId::new(), now);
        match self.put(task.parent_id, item, &write_id).await? {
            // Whatever others have made of the task since, they did it later.
            None | Some((Memory::Done, _)) => Ok(task),
            Some(_) => Err(StoreError::unexpected("the id of a new task is taken")),
        }
    }

    /// Creates a task under an id of the client's own: one request. With an idempotency key a repetition, among the
    /// task's last three writes, is given the task as it is now.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] if there is a task with this id, or was one in the last 30 days,
    /// [`StoreError::KeyReused`] if one of its last three writes had the key, [`StoreError::NotFound`] if the task that
    /// an earlier request made has been deleted since, and as [`Self::create`].
    pub async fn create_as(
        &self,
        id: TaskId,
        task: Replacement,
        idempotency_key: Option<&IdempotencyKey>,
    ) -> Result<Task, StoreError> {
        if task.content.parent_id == Some(id) {
            return Err(subtasks::refused_parent(None));
        }
        let CreatedTask { task, item, write_id } = item::new(id, task, idempotency_key);
        match self.put(task.parent_id, item, &write_id).await? {
            None => Ok(task),
            Some((memory, item)) => created_before(memory, item),
        }
    }

    /// One task: one request, strongly consistent.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Unavailable`], [`StoreError::Unexpected`].
    pub async fn get(&self, id: TaskId) -> Result<Task, StoreError> {
        let request = aws::GetItem { table: &self.store.tasks_table, key: &self.key_attributes(id) };
        let found: Option<TaskAttributes> = request.send(&self.store.client).await?;
        found.ok_or(StoreError::NotFound)?.task_unless_deleted()
    }

    /// Replaces all of a task that a client may set. One request. A task that was completed before, and is so after it,
    /// keeps the time at which it was.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::VersionMismatch`], [`StoreError::KeyReused`] if one of the task's last
    /// three writes had the key and asked for something else, and as [`Self::create`].
    pub async fn replace(&self, id: TaskId, replacement: Replacement, guard: &Guard) -> Result<Task, StoreError> {
        self.write(&write::replacing(id, replacement, guard)).await?.task_unless_deleted()
    }

    /// Changes parts of a task. One request. Without any change the task is read and its version stays.
    ///
    /// # Errors
    /// As [`Self::replace`].
    pub async fn update(&self, id: TaskId, changes: TaskChanges, guard: &Guard) -> Result<Task, StoreError> {
        if changes.is_empty() {
            let task = self.get(id).await?;
            return if guard.precondition.allows(task.version) { Ok(task) } else { Err(StoreError::VersionMismatch) };
        }
        self.write(&write::updating(id, &changes, guard)).await?.task_unless_deleted()
    }

    /// Completes or reopens a task; one that is what it should become already stays as it is. One request; a toggle of a
    /// completed task takes two, because the first one finds out that it is completed.
    ///
    /// # Errors
    /// As [`Self::replace`].
    pub async fn complete(&self, id: TaskId, completion: Completion, guard: &Guard) -> Result<Task, StoreError> {
        self.write(&write::completing(id, completion, guard)).await?.task_unless_deleted()
    }

    /// Deletes a task: one request. A tombstone says for 30 days that it was deleted, and keeps its content, unless tasks
    /// cannot be restored.
    ///
    /// # Errors
    /// As [`Self::replace`].
    pub async fn delete(&self, id: TaskId, guard: &Guard) -> Result<(), StoreError> {
        self.write(&write::deleting(id, guard, self.store.restorable)).await.map(drop)
    }

    /// Brings a deleted task back as it was: one request. A task that is not deleted stays as it is.
    ///
    /// # Errors
    /// [`StoreError::RestoreExpired`] if it was deleted too long ago, and as [`Self::replace`].
    pub async fn restore(&self, id: TaskId, guard: &Guard) -> Result<Task, StoreError> {
        self.write(&write::restoring(id, guard, self.store.restorable)).await?.task_unless_deleted()
    }

    /// Puts a task that is new, or gives the item that has its id already, and what that remembers of this write: a retry
    /// of the SDK, after an answer was lost, finds the task of this very call.
    async fn put(
        &self,
        parent: Option<TaskId>,
        item: NewItem,
        write_id: &WriteId,
    ) -> Result<Option<(Memory, Item)>, StoreError> {
        if let Some(parent) = parent {
            return Box::pin(self.put_subtask(parent, item.into(), write_id)).await;
        }
        let item = item.of(self.user.id());
        let put = aws::PutItem { table: &self.store.tasks_table, item: &item, condition: IS_ABSENT };
        let Err(error) = put.send(&self.store.client).await else { return Ok(None) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(refusal)) => {
                let item = refusal.item().cloned().unwrap_or_default();
                Ok(Some((write_id.in_memory_of(&item), item)))
            }
            _ => Err((*error).into()),
        }
    }

    /// Makes a write of a task that is there, and gives the item as it is then. Of two writes it makes the one for the
    /// state that the task is in, and tries the first one first, because it is the usual one. One that is for a single
    /// state leaves a task of the other state as it is. One that concerns other tasks as well is refused, and then made
    /// together with theirs.
    async fn write(&self, writes: &[Write]) -> Result<TaskAttributes, StoreError> {
        // More than two attempts are needed only if others write the task between ours.
        for write in writes.iter().cycle().take(6) {
            match self.attempt(write).await? {
                Outcome::OtherState(_) if writes.len() > 1 => {}
                Outcome::Done(attributes) | Outcome::OtherState(attributes) => return Ok(attributes),
                Outcome::Linked(item) => {
                    if let Some(attributes) = Box::pin(self.write_linked(write, &item)).await? {
                        return Ok(attributes);
                    }
                }
            }
        }
        Err(StoreError::Unavailable("others change the task all the time".to_owned()))
    }

    async fn attempt(&self, write: &Write) -> Result<Outcome, StoreError> {
        let (table, key) = (&self.store.tasks_table, &self.key_attributes(write.id));
        let update = aws::UpdateItem { table, key, expressions: &write.expressions(), returns: &write.returns };
        let error = match update.send(&self.store.client).await {
            Ok(attributes) => return Ok(Outcome::Done(attributes.unwrap_or_default())),
            Err(error) => error,
        };
        if let ReadFailure::Sdk(error) = &error
            && let Some(UpdateItemError::ConditionalCheckFailedException(refusal)) = error.as_service_error()
        {
            return write.refused(refusal.item().cloned());
        }
        Err(error.into())
    }

    /// The primary key of a task of this user.
    fn key_attributes(&self, id: TaskId) -> [(&'static str, AttributeValue); 2] {
        [(attribute::USER_ID, text(self.user.id())), (attribute::TASK_ID, text(id.to_string()))]
    }

    /// The same as an item.
    fn key(&self, id: TaskId) -> Item {
        self.owned(key(id))
    }

    /// The same item in this user's partition.
    fn owned(&self, mut item: Item) -> Item {
        item.insert(attribute::USER_ID.to_owned(), AttributeValue::S(self.user.id().to_owned()));
        item
    }
}

/// The task that has the id of a new one, if this very write has made it.
fn created_before(memory: Memory, item: Item) -> Result<Task, StoreError> {
    match memory {
        Memory::Done => item::task_unless_deleted(item),
        Memory::KeyReused => Err(StoreError::KeyReused),
        Memory::None => Err(StoreError::AlreadyExists),
    }
}

impl Precondition {
    fn allows(&self, version: Version) -> bool {
        match self {
            Self::None => true,
            Self::Version(versions) => versions.contains(&version),
        }
    }
}
