//! Where tasks are kept: the one place that talks to DynamoDB. A task is reached through [`UserTasks`] alone, which
//! puts its owner's id into the partition key of every request.

mod changes;
mod cursor;
mod error;
mod idempotency;
mod item;
mod list;
mod settings;
mod write;

use std::time::SystemTime;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;

pub use self::changes::{Changes, ChangesQuery, InvalidSyncToken, OVERLAP, Since, SyncToken};
pub use self::cursor::{Cursor, InvalidCursor};
pub use self::error::StoreError;
pub use self::idempotency::IdempotencyKey;
pub use self::list::{DueRange, ListQuery, Page, Status};
pub use self::settings::StoreSettings;

use self::item::{CreatedTask, Item, attribute, key};
use self::write::{Outcome, State, Write};
use crate::auth::AuthenticatedUser;
use crate::aws::{Connector, WarmUp};
use crate::task::{Completion, NewTask, Patch, Replacement, Task, TaskChanges, TaskId, Version};

const IS_ABSENT: &str = "attribute_not_exists(task_id)";

/// All tasks, of which it gives nobody more than their own.
#[derive(Debug, Clone)]
pub struct TaskStore {
    client: Client,
    tasks_table: String,
    idempotency_table: String,
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
        match idempotency_key {
            None => self.put(item::created(task, now)).await,
            Some(key) => self.put_once(task, key, now).await,
        }
    }

    /// One task: one request, strongly consistent.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Unavailable`], [`StoreError::Unexpected`].
    pub async fn get(&self, id: TaskId) -> Result<Task, StoreError> {
        let request = self.store.client.get_item().table_name(&self.store.tasks_table);
        let output = request.set_key(Some(self.key(id))).consistent_read(true).send().await?;
        output.item.map_or(Err(StoreError::NotFound), item::task_unless_deleted)
    }

    /// Replaces all of a task that a client may set. One request. A task that was completed before, and is so after it,
    /// keeps the time at which it was.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::VersionMismatch`], and as [`Self::create`].
    pub async fn replace(
        &self,
        id: TaskId,
        replacement: Replacement,
        precondition: &Precondition,
    ) -> Result<Task, StoreError> {
        self.update(id, replacement.into(), precondition).await
    }

    /// Changes parts of a task. One request, two where `due` alone changes and the task is completed. Without any change
    /// the task is read and its version stays.
    ///
    /// # Errors
    /// As [`Self::replace`].
    pub async fn update(
        &self,
        id: TaskId,
        changes: TaskChanges,
        precondition: &Precondition,
    ) -> Result<Task, StoreError> {
        if changes.is_empty() {
            let task = self.get(id).await?;
            return if precondition.allows(task.version) { Ok(task) } else { Err(StoreError::VersionMismatch) };
        }
        let now = SystemTime::now();
        if changes.due == Patch::Keep || changes.completed.is_some() {
            return self.write(id, &Write::changing(id, &changes, State::Any, now), precondition).await?.task();
        }
        // Only an open task is in the index by due date, and most that get a new date are open.
        let writes = [State::Open, State::Completed].map(|state| Write::changing(id, &changes, state, now));
        self.write_in_either(id, precondition, writes).await
    }

    /// Completes or reopens a task; one that is what it should become already stays as it is. One request; a toggle of a
    /// completed task takes two, because the first one finds out that it is completed.
    ///
    /// # Errors
    /// As [`Self::replace`].
    pub async fn complete(
        &self,
        id: TaskId,
        completion: Completion,
        precondition: &Precondition,
    ) -> Result<Task, StoreError> {
        let now = SystemTime::now();
        let (completing, reopening) = (Write::completing(id, now), Write::reopening(id, now));
        match completion {
            Completion::Set(true) => self.write(id, &completing, precondition).await?.task_as_it_is(),
            Completion::Set(false) => self.write(id, &reopening, precondition).await?.task_as_it_is(),
            Completion::Toggle => self.write_in_either(id, precondition, [completing, reopening]).await,
        }
    }

    /// Deletes a task: one request. Its content is gone at once; a tombstone says for 30 days that it was deleted.
    ///
    /// # Errors
    /// As [`Self::replace`].
    pub async fn delete(&self, id: TaskId, precondition: &Precondition) -> Result<(), StoreError> {
        self.write(id, &Write::deleting(id, SystemTime::now()), precondition).await?.done()
    }

    /// Puts a task that is new. A retry of the SDK, after an answer was lost, finds the task of this very call, and
    /// answers as the first attempt did: whatever others have made of the task since, they did it later.
    async fn put(&self, created: CreatedTask) -> Result<Task, StoreError> {
        let CreatedTask { task, item, write_id } = created;
        let request = self.store.client.put_item().table_name(&self.store.tasks_table);
        let request = request.set_item(Some(self.owned(item))).condition_expression(IS_ABSENT);
        let Err(error) = request.return_values_on_condition_check_failure(AllOld).send().await else { return Ok(task) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(refusal)) => {
                let ours = refusal.item().is_some_and(|item| item::is_written_by(item, &write_id));
                if ours { Ok(task) } else { Err(StoreError::unexpected("the id of a new task is taken")) }
            }
            _ => Err(error.into()),
        }
    }

    /// Makes a write in the state that the task is in: the first one is tried first, because it is the usual one.
    async fn write_in_either(
        &self,
        id: TaskId,
        precondition: &Precondition,
        [usual, other]: [Write; 2],
    ) -> Result<Task, StoreError> {
        let other = other.instead_of(&usual);
        // More than two attempts are needed only if others complete and reopen the task between ours.
        for write in [&usual, &other].into_iter().cycle().take(6) {
            match self.write(id, write, precondition).await? {
                Outcome::Done(item) => return item::task_unless_deleted(item),
                Outcome::OtherState(_) => {}
            }
        }
        Err(StoreError::Unavailable("others change the task's state all the time".to_owned()))
    }

    /// Makes one conditional write of a task that is there.
    async fn write(&self, id: TaskId, write: &Write, precondition: &Precondition) -> Result<Outcome, StoreError> {
        let request = self.store.client.update_item().table_name(&self.store.tasks_table);
        let request = write.apply(request.set_key(Some(self.key(id))), precondition);
        match request.return_values_on_condition_check_failure(AllOld).send().await {
            Ok(output) => Ok(Outcome::Done(output.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => {
                    write.refused(refusal.item().cloned(), precondition)
                }
                _ => Err(error.into()),
            },
        }
    }

    /// The primary key of a task of this user.
    fn key(&self, id: TaskId) -> Item {
        self.owned(key(id))
    }

    /// The same item in this user's partition.
    fn owned(&self, mut item: Item) -> Item {
        item.insert(attribute::USER_ID.to_owned(), AttributeValue::S(self.user.id().to_owned()));
        item
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
