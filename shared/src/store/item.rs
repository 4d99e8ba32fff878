//! A task as an item of the table `tasks`, mapped by hand: this is where a list of tasks spends its time.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::time::SystemTime;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::write_id::WriteId;
use super::{Cursor, IdempotencyKey, StoreError};
use crate::aws::Value;
use crate::json::Text;
use crate::task::{
    DeletedTask, Description, Due, NewTask, Position, Priority, Recurrence, Replacement, Series, Tag, Tags, Task,
    TaskId, Timestamp, Title, Version,
};

/// Attributes by name.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The attributes of an item that is made here.
#[derive(Debug)]
pub(super) struct NewItem(Vec<(&'static str, AttributeValue)>);

impl NewItem {
    /// Its attributes, with its partition key.
    pub(super) fn of(mut self, user_id: &str) -> Vec<(&'static str, AttributeValue)> {
        self.0.push((attribute::USER_ID, text(user_id)));
        self.0
    }
}

impl From<NewItem> for Item {
    fn from(NewItem(attributes): NewItem) -> Self {
        attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

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
    /// The sort key of the index `by_state`: open tasks by due date, completed ones by completion. No tombstone has one.
    pub(in crate::store) const STATE_KEY: &str = "state_key";
    /// What `state_key` is while the task is open. A completed task keeps it, so that reopening needs no read.
    pub(in crate::store) const DUE_KEY: &str = "due_key";
    /// What `state_key` is while the task is completed. An open task has none.
    pub(in crate::store) const DONE_KEY: &str = "done_key";
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
    /// The rule by which an open task recurs. A completed one has passed it on.
    pub(in crate::store) const RECURRENCE: &str = "recurrence";
    /// Which occurrence of which series it is, while it has a recurrence.
    pub(in crate::store) const SERIES: &str = "series";
    /// The same once it has passed the recurrence on.
    pub(in crate::store) const PAST_SERIES: &str = "past_series";
    /// What later occurrences have instead of a part that was changed for this one only: by the name of the part.
    pub(in crate::store) const OF_THE_SERIES: [(&str, &str); 5] = [
        (TITLE, SERIES_TITLE),
        (DESCRIPTION, SERIES_DESCRIPTION),
        (PRIORITY, SERIES_PRIORITY),
        (TAGS, SERIES_TAGS),
        (DUE, SERIES_DUE),
    ];
    pub(in crate::store) const SERIES_TITLE: &str = "series_title";
    /// Empty if later ones have none.
    pub(in crate::store) const SERIES_DESCRIPTION: &str = "series_description";
    pub(in crate::store) const SERIES_PRIORITY: &str = "series_priority";
    pub(in crate::store) const SERIES_TAGS: &str = "series_tags";
    /// What the rule counts from.
    pub(in crate::store) const SERIES_DUE: &str = "series_due";
    /// Whether only tasks that recur, or did, have the attribute. None of these names is a reserved word.
    pub(in crate::store) fn is_of_a_series(name: &str) -> bool {
        name.starts_with(SERIES) || [RECURRENCE, PAST_SERIES].contains(&name)
    }

    /// The task that this one is a subtask of. It never changes.
    pub(in crate::store) const PARENT_ID: &str = "parent_id";
    /// The position in its owner's order. DynamoDB reserves the word itself.
    pub(in crate::store) const POSITION: &str = "task_position";
    /// The sort key of the index `by_position`: of an open task that has a position and no parent.
    pub(in crate::store) const POSITION_KEY: &str = "position_key";
    /// The sort key of the index `by_parent`: of every subtask, which keeps it when it is completed or deleted.
    pub(in crate::store) const CHILD_KEY: &str = "child_key";
    /// There if a subtask was deleted with its parent, which is then restored with it.
    pub(in crate::store) const DELETED_WITH: &str = "deleted_with";
    /// How many subtasks a task was ever given; absent if none. A write of a task and its subtasks demands the number that
    /// it found, so that it misses none.
    pub(in crate::store) const HAS_SUBTASKS: &str = "has_subtasks";
    pub(in crate::store) const DELETED_AT: &str = "deleted_at";
    /// When DynamoDB may remove the item, in seconds since the epoch.
    pub(in crate::store) const EXPIRES_AT: &str = "expires_at";
    /// What a deleted task keeps as long as it can be restored: all but what its tombstone needs.
    pub(in crate::store) const CONTENT: [&str; 14] = [
        TITLE,
        DESCRIPTION,
        COMPLETED_AT,
        PRIORITY,
        DUE,
        TAGS,
        PARENT_ID,
        POSITION,
        CREATED_AT,
        DUE_KEY,
        DONE_KEY,
        CHILD_KEY,
        HAS_SUBTASKS,
        PAST_SERIES,
    ];
    pub(in crate::store) const IDEMPOTENCY_KEY: &str = "idempotency_key";
    pub(in crate::store) const FINGERPRINT: &str = "fingerprint";

    /// What a task is read from, as a projection: a third of an item serves keys, indexes and conditions. None of these
    /// names is one of DynamoDB's reserved words.
    pub(in crate::store) const OF_A_TASK: &str = "task_id, title, description, completed_at, priority, due, tags, \
         created_at, updated_at, version, parent_id, task_position, recurrence, series, past_series";
    /// What a task or a tombstone is read from.
    pub(in crate::store) const OF_A_CHANGE: &str = "task_id, title, description, completed_at, priority, due, tags, \
         created_at, updated_at, version, parent_id, task_position, recurrence, series, past_series, deleted_at";
}

/// A new task, before its owner's partition is known to it.
pub(super) struct CreatedTask {
    pub(super) task: Task,
    pub(super) item: NewItem,
    pub(super) write_id: WriteId,
}

/// A new task under an id of the client's own.
pub(super) fn new(id: TaskId, new: Replacement, key: Option<&IdempotencyKey>) -> CreatedTask {
    let write_id = WriteId::of(key, id, "create", &new.clone().into());
    created(id, new, write_id, SystemTime::now())
}

pub(super) fn created(id: TaskId, new: Replacement, write_id: WriteId, now: SystemTime) -> CreatedTask {
    let Replacement { content: mut new, completed } = new;
    let recurrence = new.recurrence.take().filter(|_| !completed);
    let series = recurrence.map(|recurrence| Box::new(Series { id, occurrence: 1, recurrence: Some(recurrence) }));
    let now = Timestamp::from(now);
    let completed_at = completed.then(|| now.clone());
    let due_key = due_key(new.due.as_ref(), id);
    let done_key = completed_at.as_ref().map(|at| done_key(at, id));

    let mut item = Vec::with_capacity(16);
    let mut set = |name, value| item.push((name, value));
    set(attribute::TASK_ID, text(id.to_string()));
    set(attribute::TITLE, text(new.title.as_str()));
    set(attribute::PRIORITY, text(new.priority.as_str()));
    set(attribute::TAGS, tags(&new.tags));
    set(attribute::CREATED_AT, text(now.as_str()));
    set(attribute::UPDATED_AT, text(now.as_str()));
    set(attribute::UPDATED, text(updated(&now, id)));
    set(attribute::VERSION, number(1));
    set(attribute::WRITE_ID, write_id.value());
    set(attribute::STATE_KEY, text(done_key.as_ref().unwrap_or(&due_key).as_str()));
    if let Some((at, done_key)) = completed_at.as_ref().zip(done_key) {
        set(attribute::COMPLETED_AT, text(at.as_str()));
        set(attribute::DONE_KEY, text(done_key));
    }
    set(attribute::DUE_KEY, text(due_key));
    if let Some(description) = &new.description {
        set(attribute::DESCRIPTION, text(description.as_str()));
    }
    if let Some(due) = &new.due {
        set(attribute::DUE, text(due.as_str()));
    }
    if let Some(Series { id, occurrence, recurrence: Some(recurrence) }) = series.as_deref() {
        set(attribute::RECURRENCE, text(recurrence.to_store()));
        set(attribute::SERIES, series_key(*id, *occurrence));
    }

    if let Some(position) = &new.position {
        set(attribute::POSITION, text(position.as_str()));
    }
    match (new.parent_id, &new.position) {
        (Some(parent), position) => {
            set(attribute::PARENT_ID, text(parent.to_string()));
            set(
                attribute::CHILD_KEY,
                text(child_key(&parent.to_string(), position.as_ref().map(Position::as_str), id)),
            );
        }
        (None, Some(position)) if !completed => {
            set(attribute::POSITION_KEY, text(position_key(position.as_str(), id)));
        }
        (None, _) => {}
    }

    let NewTask { title, description, priority, due, tags, parent_id, position, .. } = new;
    let (created_at, updated_at) = (now.clone(), now);
    let task = Task {
        id,
        title,
        description,
        completed_at,
        priority,
        due,
        tags,
        parent_id,
        position,
        created_at,
        updated_at,
        version: 1,
        series,
    };
    CreatedTask { task, item: NewItem(item), write_id }
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
    parent_id: Found<TaskId>,
    position: Found<Position>,
    created_at: Found<Timestamp>,
    updated_at: Found<Timestamp>,
    version: Found<Version>,
    deleted_at: Found<Timestamp>,
    /// Of few tasks, so that the others are small.
    series: Option<Box<SeriesAttributes>>,
}

#[derive(Default)]
struct SeriesAttributes {
    recurrence: Found<Recurrence>,
    place: Found<(TaskId, u64)>,
}

/// What an item of the index by last write shows.
#[derive(Debug)]
pub(super) enum Change {
    Task(Task),
    Deleted(DeletedTask),
}

/// Whether an attribute was there, and if so, what it says; `Some(None)` if it was not this store that wrote it.
type Found<T> = Option<Option<T>>;

impl TaskAttributes {
    /// Takes an attribute that a task is made of, and passes over any other.
    #[inline]
    pub(super) fn set(&mut self, name: &str, value: Value<'_>) {
        match name {
            attribute::TASK_ID => self.id = Some(as_text(value).and_then(|text| TaskId::parse(&text))),
            attribute::TITLE => self.title = Some(as_owned_text(value).map(Title::from_store)),
            attribute::DESCRIPTION => self.description = Some(as_owned_text(value).map(Description::from_store)),
            attribute::COMPLETED_AT => self.completed_at = Some(as_owned_text(value).map(Timestamp::from_store)),
            attribute::PRIORITY => self.priority = Some(as_text(value).and_then(|text| Priority::parse(&text).ok())),
            attribute::DUE => self.due = Some(as_owned_text(value).map(Due::from_store)),
            attribute::TAGS => self.tags = Some(as_tags(value)),
            attribute::PARENT_ID => self.parent_id = Some(as_text(value).and_then(|text| TaskId::parse(&text))),
            attribute::POSITION => self.position = Some(as_owned_text(value).map(Position::from_store)),
            attribute::CREATED_AT => self.created_at = Some(as_owned_text(value).map(Timestamp::from_store)),
            attribute::UPDATED_AT => self.updated_at = Some(as_owned_text(value).map(Timestamp::from_store)),
            attribute::VERSION => self.version = Some(as_number(value)),
            attribute::DELETED_AT => self.deleted_at = Some(as_owned_text(value).map(Timestamp::from_store)),
            attribute::RECURRENCE => {
                let recurrence = as_text(value).and_then(|text| Recurrence::from_store(&text));
                self.series.get_or_insert_default().recurrence = Some(recurrence);
            }
            attribute::SERIES | attribute::PAST_SERIES => {
                let place = as_text(value).and_then(|text| series_place(&text));
                self.series.get_or_insert_default().place = Some(place);
            }
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
            parent_id: optional(attribute::PARENT_ID, self.parent_id)?,
            position: optional(attribute::POSITION, self.position)?,
            created_at: required(attribute::CREATED_AT, self.created_at)?,
            updated_at: required(attribute::UPDATED_AT, self.updated_at)?,
            version: required(attribute::VERSION, self.version)?,
            series: self.series.map(|series| series.series().map(Box::new)).transpose()?,
        })
    }

    /// The task, if it is not deleted.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a tombstone, and as [`Self::task`].
    pub(super) fn task_unless_deleted(self) -> Result<Task, StoreError> {
        if self.deleted_at.is_some() { Err(StoreError::NotFound) } else { self.task() }
    }

    /// Which task it is, and in which version.
    ///
    /// # Errors
    /// As [`Self::task`].
    pub(super) fn version(self) -> Result<(TaskId, Version), StoreError> {
        Ok((required(attribute::TASK_ID, self.id)?, required(attribute::VERSION, self.version)?))
    }

    /// Which task it is, and its position.
    ///
    /// # Errors
    /// As [`Self::task`].
    pub(super) fn place(self) -> Result<(TaskId, Position), StoreError> {
        Ok((required(attribute::TASK_ID, self.id)?, required(attribute::POSITION, self.position)?))
    }

    /// Where the index by state has the task, whether it is completed, and its tags.
    ///
    /// # Errors
    /// As [`Self::task`].
    pub(super) fn tagged(self) -> Result<(Cursor, bool, Tags), StoreError> {
        let completed_at = optional(attribute::COMPLETED_AT, self.completed_at)?;
        let (id, due) = (required(attribute::TASK_ID, self.id)?, optional(attribute::DUE, self.due)?);
        let tags = required(attribute::TAGS, self.tags)?;
        let is_completed = completed_at.is_some();
        Ok((Cursor::by_state(id, due, completed_at), is_completed, tags))
    }

    /// The task, or its tombstone.
    ///
    /// # Errors
    /// As [`Self::task`].
    pub(super) fn change(self) -> Result<Change, StoreError> {
        if self.deleted_at.is_none() {
            return self.task().map(Change::Task);
        }
        Ok(Change::Deleted(DeletedTask {
            id: required(attribute::TASK_ID, self.id)?,
            deleted_at: required(attribute::DELETED_AT, self.deleted_at)?,
            version: required(attribute::VERSION, self.version)?,
        }))
    }
}

impl SeriesAttributes {
    fn series(self) -> Result<Series, StoreError> {
        let (id, occurrence) = required(attribute::SERIES, self.place)?;
        Ok(Series { id, occurrence, recurrence: optional(attribute::RECURRENCE, self.recurrence)? })
    }
}

#[inline]
fn required<T>(name: &'static str, found: Found<T>) -> Result<T, StoreError> {
    found.flatten().ok_or_else(|| StoreError::unexpected(format!("attribute {name} is missing or malformed")))
}

#[inline]
fn optional<T>(name: &'static str, found: Found<T>) -> Result<Option<T>, StoreError> {
    found.map(|value| required(name, Some(value))).transpose()
}

#[inline]
fn as_text(value: Value<'_>) -> Option<Cow<'_, str>> {
    if let Value::S(text) = value { Some(text) } else { None }
}

#[inline]
fn as_owned_text(value: Value<'_>) -> Option<String> {
    as_text(value).map(Cow::into_owned)
}

fn as_number(value: Value<'_>) -> Option<u64> {
    if let Value::N(digits) = value { digits.parse().ok() } else { None }
}

fn as_tags(value: Value<'_>) -> Option<Tags> {
    let Value::L(values) = value else { return None };
    values
        .into_iter()
        .map(|value| as_owned_text(value).map(Tag::from_store))
        .collect::<Option<_>>()
        .map(Tags::from_store)
}

impl From<Item> for TaskAttributes {
    fn from(item: Item) -> Self {
        let mut attributes = Self::default();
        for (name, value) in item {
            attributes.set(&name, value.into());
        }
        attributes
    }
}

/// An item of an answer, read as JSON.
impl<'de> Deserialize<'de> for TaskAttributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Attributes;

        impl<'de> Visitor<'de> for Attributes {
            type Value = TaskAttributes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an item")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TaskAttributes, A::Error> {
                let mut attributes = TaskAttributes::default();
                while let Some((Text(name), value)) = map.next_entry::<Text<'_>, Value<'_>>()? {
                    attributes.set(&name, value);
                }
                Ok(attributes)
            }
        }

        deserializer.deserialize_map(Attributes)
    }
}

/// The task in an item.
///
/// # Errors
/// As [`TaskAttributes::task`].
pub(super) fn task(item: Item) -> Result<Task, StoreError> {
    TaskAttributes::from(item).task()
}

/// The task in an item that may be a tombstone.
///
/// # Errors
/// [`StoreError::NotFound`] if it is one, and as [`task`].
pub(super) fn task_unless_deleted(item: Item) -> Result<Task, StoreError> {
    TaskAttributes::from(item).task_unless_deleted()
}

/// The sort key of a task. Its partition key is put in by [`super::UserTasks`].
pub(super) fn key(id: TaskId) -> Item {
    HashMap::from([(attribute::TASK_ID.to_owned(), text(id.to_string()))])
}

/// By due date, tasks without one last; the id makes it unique, so that ties have one order. `~` sorts after every digit.
pub(super) fn due_key(due: Option<&Due>, id: TaskId) -> String {
    format!("{OPEN}{}#{id}", due.map_or(UNDATED, Due::as_str))
}

/// Which occurrence of which series a task is.
pub(super) fn series_key(id: TaskId, occurrence: u64) -> AttributeValue {
    text(format!("{id}#{occurrence}"))
}

/// Reads what [`series_key`] wrote.
pub(super) fn series_place(text: &str) -> Option<(TaskId, u64)> {
    let (id, occurrence) = text.split_once('#')?;
    Some((TaskId::parse(id)?, occurrence.parse().ok()?))
}

/// By completion.
pub(super) fn done_key(at: &Timestamp, id: TaskId) -> String {
    format!("{COMPLETED}{}#{id}", at.as_str())
}

/// By position; the id makes it unique, so that equal positions have one order. `#` sorts before every digit of a position.
pub(super) fn position_key(position: &str, id: TaskId) -> String {
    format!("{position}#{id}")
}

/// By parent, and then by position, subtasks without one last.
pub(super) fn child_key(parent: &str, position: Option<&str>, id: TaskId) -> String {
    format!("{parent}#{}#{id}", position.unwrap_or(UNDATED))
}

/// What the keys of open tasks in the index `by_state` begin with.
pub(super) const OPEN: &str = "open#";
/// What those of completed tasks begin with.
pub(super) const COMPLETED: &str = "completed#";

pub(super) const UNDATED: &str = "~";

/// The sort key of the index by last write.
pub(super) fn updated(at: &Timestamp, id: TaskId) -> String {
    format!("{}#{id}", at.as_str())
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

/// The version of an item, which a tombstone has as well.
pub(super) fn version(item: &Item) -> Option<Version> {
    item.get(attribute::VERSION)?.as_n().ok()?.parse().ok()
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;

    const ITEM: &str = r#"{"task_id":{"S":"01990000-0000-7000-8000-000000000000"},"title":{"S":"Buy \"milk\"\u0021"},
        "priority":{"S":"high"},"tags":{"L":[{"S":"home"},{"S":"\u00e4"}]},"created_at":{"S":"2026-11-21T10:30:00.123Z"},
        "updated_at":{"S":"2026-11-21T10:30:00.124Z"},"version":{"N":"3"},"due":{"S":"2026-11-30"},
        "write_id":{"B":"AZkAAAAA"},"user_id":{"S":"u"},"later":{"M":{"x":{"NULL":true}}}}"#;

    fn read(item: &str) -> Result<Task, StoreError> {
        serde_json::from_str::<TaskAttributes>(item).unwrap().task()
    }

    #[test]
    fn unknown_attributes_are_ignored() {
        let task = serde_json::to_value(read(ITEM).unwrap()).unwrap();
        let expected = serde_json::json!({
            "id": "01990000-0000-7000-8000-000000000000",
            "title": "Buy \"milk\"!",
            "description": null,
            "completed": false,
            "completed_at": null,
            "priority": "high",
            "due": "2026-11-30",
            "tags": ["home", "ä"],
            "created_at": "2026-11-21T10:30:00.123Z",
            "updated_at": "2026-11-21T10:30:00.124Z",
            "version": 3,
        });
        assert_eq!(task, expected);
    }

    #[test]
    fn malformed_item_names_its_attribute() {
        for (attribute, good, bad) in [
            ("task_id", r#""task_id":{"S":"01990000"#, r#""task_id":{"S":"0199"#),
            ("title", r#""title":{"S":"Buy \"milk\"\u0021"}"#, r#""title":{"N":"1"}"#),
            ("title", r#""title""#, r#""name""#),
            ("priority", "high", "urgent"),
            ("due", r#""due":{"S":"2026-11-30"}"#, r#""due":{}"#),
            ("description", r#""due""#, r#""description":{"BOOL":true},"due""#),
            ("tags", r#"{"S":"home"}"#, r#"{"N":"1"}"#),
            ("tags", r#""tags":{"L":[{"S":"home"},{"S":"\u00e4"}]}"#, r#""tags":{"S":"home"}"#),
            ("version", r#""version":{"N":"3"}"#, r#""version":{"N":"three"}"#),
        ] {
            let other = ITEM.replace(good, bad);
            assert_ne!(other, ITEM);
            let expected = StoreError::unexpected(format!("attribute {attribute} is missing or malformed"));
            assert_eq!(read(&other).unwrap_err(), expected, "{bad}");
        }
    }
}
