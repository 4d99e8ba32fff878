//! A task as an item of the table `tasks`, mapped by hand: this is where a list of tasks spends its time.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::SystemTime;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use uuid::Uuid;

use super::StoreError;
use crate::task::{Description, Due, NewTask, Priority, Tag, Tags, Task, TaskId, Timestamp, Title, Version};

/// Attributes by name.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The attributes of both tables.
pub(super) mod attribute {
    pub(in crate::store) const USER_ID: &str = "user_id";
    pub(in crate::store) const TASK_ID: &str = "task_id";
    pub(in crate::store) const TITLE: &str = "title";
    pub(in crate::store) const DESCRIPTION: &str = "description";
    pub(in crate::store) const COMPLETED_AT: &str = "completed_at";
    pub(in crate::store) const PRIORITY: &str = "priority";
    pub(in crate::store) const DUE: &str = "due";
    pub(in crate::store) const TAGS: &str = "tags";
    pub(in crate::store) const CREATED_AT: &str = "created_at";
    pub(in crate::store) const UPDATED_AT: &str = "updated_at";
    pub(in crate::store) const VERSION: &str = "version";
    /// The sort key of an open task in the index `open_by_due`. A completed task is not in it.
    pub(in crate::store) const OPEN_DUE: &str = "open_due";
    /// What `open_due` is, or would be if the task were open: reopening copies it, so that it needs no read.
    pub(in crate::store) const DUE_KEY: &str = "due_key";
    /// The sort key of the index `by_updated`.
    pub(in crate::store) const UPDATED: &str = "updated";
    /// The call that wrote the item last.
    pub(in crate::store) const WRITE_ID: &str = "write_id";
    /// The call that wrote the item before that one. A new task has none.
    pub(in crate::store) const WRITE_ID_2: &str = "write_id_2";
    /// The call that wrote the item before those two; until there is one, the first of all.
    pub(in crate::store) const WRITE_ID_3: &str = "write_id_3";
    /// The calls that wrote the item last, the latest first. They are three, so that a call finds its own write also if
    /// two others have come after it: between two attempts of one call there are tenths of a second, seldom a second,
    /// and in that time people make no third write of a task. Each takes 26 bytes of every item and of its index entries.
    pub(in crate::store) const WRITE_IDS: [&str; 3] = [WRITE_ID, WRITE_ID_2, WRITE_ID_3];
    pub(in crate::store) const DELETED_AT: &str = "deleted_at";
    /// When DynamoDB may remove the item, in seconds since the epoch.
    pub(in crate::store) const EXPIRES_AT: &str = "expires_at";
    pub(in crate::store) const IDEMPOTENCY_KEY: &str = "idempotency_key";
    pub(in crate::store) const FINGERPRINT: &str = "fingerprint";

    /// What a task is read from, as a projection: a third of an item serves keys, indexes and conditions. None of these
    /// names is one of DynamoDB's reserved words.
    pub(in crate::store) const OF_A_TASK: &str =
        "task_id, title, description, completed_at, priority, due, tags, created_at, updated_at, version";
}

/// A new task, before its owner's partition is known to it.
pub(super) struct CreatedTask {
    pub(super) task: Task,
    pub(super) item: Item,
    pub(super) write_id: AttributeValue,
}

pub(super) fn created(new: NewTask, now: SystemTime) -> CreatedTask {
    let id = TaskId::new();
    let now = Timestamp::from(now);
    let write_id = new_write_id();
    let due_key = due_key(new.due.as_ref(), id);

    let mut item = key(id);
    let mut set = |name: &str, value| item.insert(name.to_owned(), value);
    set(attribute::TITLE, text(new.title.as_str()));
    set(attribute::PRIORITY, text(new.priority.as_str()));
    set(attribute::TAGS, tags(&new.tags));
    set(attribute::CREATED_AT, text(now.as_str()));
    set(attribute::UPDATED_AT, text(now.as_str()));
    set(attribute::UPDATED, text(updated(&now, id)));
    set(attribute::VERSION, number(1));
    set(attribute::WRITE_ID, write_id.clone());
    set(attribute::OPEN_DUE, text(due_key.as_str()));
    set(attribute::DUE_KEY, text(due_key));
    if let Some(description) = &new.description {
        set(attribute::DESCRIPTION, text(description.as_str()));
    }
    if let Some(due) = &new.due {
        set(attribute::DUE, text(due.as_str()));
    }

    let NewTask { title, description, priority, due, tags } = new;
    let (created_at, updated_at) = (now.clone(), now);
    let task =
        Task { id, title, description, completed_at: None, priority, due, tags, created_at, updated_at, version: 1 };
    CreatedTask { task, item, write_id }
}

/// The attributes that a task is made of, as they come out of an item one after another: each is looked at once, because
/// looking ten of them up would hash ten names for each task.
#[derive(Default)]
pub(super) struct TaskAttributes {
    id: Found<TaskId>,
    title: Found<Title>,
    description: Found<Description>,
    completed_at: Found<Timestamp>,
    priority: Found<Priority>,
    due: Found<Due>,
    tags: Found<Tags>,
    created_at: Found<Timestamp>,
    updated_at: Found<Timestamp>,
    version: Found<Version>,
}

/// Whether an attribute was there, and if so, what it says; `Some(None)` if it was not this store that wrote it.
type Found<T> = Option<Option<T>>;

/// An attribute's value, of the types that tasks are made of.
pub(super) enum Value<'a> {
    S(Cow<'a, str>),
    N(Cow<'a, str>),
    L(Vec<Self>),
    Other,
}

impl TaskAttributes {
    /// Takes an attribute that a task is made of, and passes over any other.
    pub(super) fn set(&mut self, name: &str, value: Value<'_>) {
        match name {
            attribute::TASK_ID => self.id = Some(value.text().and_then(|text| TaskId::parse(&text))),
            attribute::TITLE => self.title = Some(value.owned_text().map(Title::from_store)),
            attribute::DESCRIPTION => self.description = Some(value.owned_text().map(Description::from_store)),
            attribute::COMPLETED_AT => self.completed_at = Some(value.owned_text().map(Timestamp::from_store)),
            attribute::PRIORITY => self.priority = Some(value.text().and_then(|text| Priority::parse(&text).ok())),
            attribute::DUE => self.due = Some(value.owned_text().map(Due::from_store)),
            attribute::TAGS => self.tags = Some(value.tags()),
            attribute::CREATED_AT => self.created_at = Some(value.owned_text().map(Timestamp::from_store)),
            attribute::UPDATED_AT => self.updated_at = Some(value.owned_text().map(Timestamp::from_store)),
            attribute::VERSION => self.version = Some(value.number()),
            _ => {}
        }
    }

    /// The task.
    ///
    /// # Errors
    /// [`StoreError::Unexpected`] naming the attribute, if it was not this store that wrote the item.
    pub(super) fn task(self) -> Result<Task, StoreError> {
        Ok(Task {
            id: required(attribute::TASK_ID, self.id)?,
            title: required(attribute::TITLE, self.title)?,
            description: optional(attribute::DESCRIPTION, self.description)?,
            completed_at: optional(attribute::COMPLETED_AT, self.completed_at)?,
            priority: required(attribute::PRIORITY, self.priority)?,
            due: optional(attribute::DUE, self.due)?,
            tags: required(attribute::TAGS, self.tags)?,
            created_at: required(attribute::CREATED_AT, self.created_at)?,
            updated_at: required(attribute::UPDATED_AT, self.updated_at)?,
            version: required(attribute::VERSION, self.version)?,
        })
    }
}

fn required<T>(name: &'static str, found: Found<T>) -> Result<T, StoreError> {
    found.flatten().ok_or_else(|| StoreError::unexpected(format!("attribute {name} is missing or malformed")))
}

fn optional<T>(name: &'static str, found: Found<T>) -> Result<Option<T>, StoreError> {
    found.map(|value| required(name, Some(value))).transpose()
}

impl<'a> Value<'a> {
    fn text(self) -> Option<Cow<'a, str>> {
        if let Self::S(text) = self { Some(text) } else { None }
    }

    fn owned_text(self) -> Option<String> {
        self.text().map(Cow::into_owned)
    }

    fn number(self) -> Option<u64> {
        if let Self::N(digits) = self { digits.parse().ok() } else { None }
    }

    fn tags(self) -> Option<Tags> {
        let Self::L(values) = self else { return None };
        values
            .into_iter()
            .map(|value| value.owned_text().map(Tag::from_store))
            .collect::<Option<_>>()
            .map(Tags::from_store)
    }
}

impl From<AttributeValue> for Value<'_> {
    fn from(value: AttributeValue) -> Self {
        match value {
            AttributeValue::S(text) => Self::S(text.into()),
            AttributeValue::N(digits) => Self::N(digits.into()),
            AttributeValue::L(values) => Self::L(values.into_iter().map(Self::from).collect()),
            _ => Self::Other,
        }
    }
}

/// The task in an item.
///
/// # Errors
/// As [`TaskAttributes::task`].
fn task(item: Item) -> Result<Task, StoreError> {
    let mut attributes = TaskAttributes::default();
    for (name, value) in item {
        attributes.set(&name, value.into());
    }
    attributes.task()
}

/// The task in an item that may be a tombstone.
///
/// # Errors
/// [`StoreError::NotFound`] if it is one, and as [`task`].
pub(super) fn task_unless_deleted(item: Item) -> Result<Task, StoreError> {
    if item.contains_key(attribute::DELETED_AT) { Err(StoreError::NotFound) } else { task(item) }
}

/// The sort key of a task. Its partition key is put in by [`super::UserTasks`].
pub(super) fn key(id: TaskId) -> Item {
    HashMap::from([(attribute::TASK_ID.to_owned(), text(id.to_string()))])
}

/// By due date, tasks without one last; the id makes it unique, so that ties have one order. `~` sorts after every digit.
pub(super) fn due_key(due: Option<&Due>, id: TaskId) -> String {
    format!("{}#{id}", due.map_or(UNDATED, Due::as_str))
}

pub(super) const UNDATED: &str = "~";

/// The sort key of the index by last write.
pub(super) fn updated(at: &Timestamp, id: TaskId) -> String {
    format!("{}#{id}", at.as_str())
}

/// A name for one write, that no other has; in bytes, because a list is paid for by the size of its items.
pub(super) fn new_write_id() -> AttributeValue {
    AttributeValue::B(Blob::new(Uuid::now_v7().into_bytes()))
}

/// Whether the write with that name is one of the last three of this item.
pub(super) fn is_written_by(item: &Item, write_id: &AttributeValue) -> bool {
    attribute::WRITE_IDS.into_iter().any(|name| item.get(name) == Some(write_id))
}

pub(super) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(super) fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(super) fn tags(tags: &Tags) -> AttributeValue {
    AttributeValue::L(tags.iter().map(|tag| text(tag.as_str())).collect())
}

pub(super) fn as_number(value: &AttributeValue) -> Option<u64> {
    value.as_n().ok()?.parse().ok()
}
