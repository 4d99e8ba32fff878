//! Where the next page of a list begins: opaque text for clients, a position in their own partition for us. It carries
//! no user id and gives no right to anything.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::item::{COMPLETED, Item, OPEN, attribute, child_key, done_key, due_key, key, position_key, text};
use super::list::{ListQuery, Order, Status};
use crate::task::{Due, Position, Task, TaskId, Timestamp};

/// The last task of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    task_id: TaskId,
    place: Place,
}

/// Where that task is in what a list reads.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// In the table, by its id.
    Table,
    /// Among the open ones, by their due dates.
    Open(Option<Due>),
    /// Among the completed ones, by when they were.
    Completed(Timestamp),
    /// Among those in manual order, by position.
    Ordered(Position),
    /// Among the subtasks of a task, by position.
    Subtask(TaskId, Option<Position>),
}

impl Place {
    /// Where the index by state has a task.
    fn of(due: Option<Due>, completed_at: Option<Timestamp>) -> Self {
        completed_at.map_or(Self::Open(due), Self::Completed)
    }
}

/// The list that cursors of tags belong to.
const TAGS: &str = "tags";

/// A cursor that this API did not give for this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidCursor;

/// What the text of a cursor is made of. `list` is the list that it belongs to, in the words of [`ListQuery::signature`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    list: String,
    task_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<String>,
}

impl Cursor {
    /// The cursor after `task` in the list of this query.
    pub(super) fn after(task: &Task, query: &ListQuery) -> Self {
        let place = match (query.order, &task.position, query.status) {
            (Order::Subtasks(parent), position, _) => Place::Subtask(parent, position.clone()),
            (Order::Position, Some(position), _) => Place::Ordered(position.clone()),
            (_, _, Status::All) => Place::Table,
            (_, _, Status::Open | Status::Completed) => Place::of(task.due.clone(), task.completed_at.clone()),
        };
        Self { task_id: task.id, place }
    }

    /// The cursor after a task in the index by state.
    pub(super) fn by_state(task_id: TaskId, due: Option<Due>, completed_at: Option<Timestamp>) -> Self {
        Self { task_id, place: Place::of(due, completed_at) }
    }

    /// The cursor at the key of an item that was read, whether or not the list shows it.
    ///
    /// # Errors
    /// [`StoreError::Unexpected`] if it was not this store that wrote the item.
    pub(super) fn at(key: &Item) -> Result<Self, StoreError> {
        let text = |name| key.get(name)?.as_s().ok();
        let place = |key: &str| match key.strip_prefix(OPEN) {
            Some(rest) => Some(Place::Open(Due::parse(rest.split_once('#')?.0).ok())),
            None => Some(Place::Completed(Timestamp::parse(key.strip_prefix(COMPLETED)?.split_once('#')?.0)?)),
        };
        let position = |key: &str| Position::parse(key.split_once('#')?.0).ok();
        let subtask = |key: &str| {
            let (parent, rest) = key.split_once('#')?;
            Some(Place::Subtask(TaskId::parse(parent)?, position(rest)))
        };
        let place = match (text(attribute::STATE_KEY), text(attribute::POSITION_KEY), text(attribute::CHILD_KEY)) {
            (Some(key), ..) => place(key),
            (None, Some(key), _) => position(key).map(Place::Ordered),
            (None, None, Some(key)) => subtask(key),
            (None, None, None) => Some(Place::Table),
        };
        let cursor = || Some(Self { task_id: TaskId::parse(text(attribute::TASK_ID)?)?, place: place? });
        cursor().ok_or_else(|| StoreError::unexpected("a start key is malformed"))
    }

    /// The text that a client sends back.
    pub(super) fn encode(&self, query: &ListQuery) -> String {
        self.encode_for(query.signature())
    }

    /// The same, for a list of tags.
    pub(super) fn encode_of_tags(&self) -> String {
        self.encode_for(TAGS.to_owned())
    }

    fn encode_for(&self, list: String) -> String {
        let (due, completed_at, position) = match &self.place {
            Place::Table => (None, None, None),
            Place::Open(due) => (due.as_ref().map(Due::as_str), None, None),
            Place::Completed(at) => (None, Some(at.as_str()), None),
            Place::Ordered(position) => (None, None, Some(position.as_str())),
            Place::Subtask(_, position) => (None, None, position.as_ref().map(Position::as_str)),
        };
        let [due, completed_at, position] = [due, completed_at, position].map(|text| text.map(str::to_owned));
        let text = Text { list, task_id: self.task_id.to_string(), due, completed_at, position };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&text).unwrap_or_default())
    }

    /// Reads a cursor that was given for the same list, which `query` describes.
    ///
    /// # Errors
    /// [`InvalidCursor`] for any other text.
    pub fn decode(text: &str, query: &ListQuery) -> Result<Self, InvalidCursor> {
        Self::decode_for(text, query.signature(), |due, completed_at, position| match (query.order, query.status) {
            (Order::Subtasks(parent), _) => Some(Place::Subtask(parent, position)),
            (Order::Position, _) => position.map(Place::Ordered),
            (Order::Status, Status::All) => Some(Place::Table),
            // DynamoDB refuses to start outside of what is asked for.
            (Order::Status, Status::Open) => query.due.includes(due.as_ref()).then_some(Place::Open(due)),
            (Order::Status, Status::Completed) => completed_at.map(Place::Completed),
        })
    }

    /// Reads a cursor that was given for a list of tags.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn decode_of_tags(text: &str) -> Result<Self, InvalidCursor> {
        Self::decode_for(text, TAGS.to_owned(), |due, completed_at, _| Some(Place::of(due, completed_at)))
    }

    fn decode_for(
        text: &str,
        list: String,
        place: impl FnOnce(Option<Due>, Option<Timestamp>, Option<Position>) -> Option<Place>,
    ) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let parts: Text = serde_json::from_slice(&bytes).map_err(|_| InvalidCursor)?;
        let task_id = TaskId::parse(&parts.task_id).ok_or(InvalidCursor)?;
        let due = parts.due.as_deref().map(Due::parse).transpose().map_err(|_| InvalidCursor)?;
        let completed_at = parts.completed_at.as_deref().and_then(Timestamp::parse);
        let position = parts.position.as_deref().and_then(|text| Position::parse(text).ok());
        let cursor = Self { task_id, place: place(due, completed_at, position).ok_or(InvalidCursor)? };
        // Which list it belongs to is in the text, and there is one text for each position of a list.
        if cursor.encode_for(list) == text { Ok(cursor) } else { Err(InvalidCursor) }
    }

    /// The exclusive start key of a query, but for the partition.
    pub(super) fn start_key(&self) -> Item {
        let id = self.task_id;
        let (name, key_of_index) = match &self.place {
            Place::Table => return key(id),
            Place::Open(due) => (attribute::STATE_KEY, due_key(due.as_ref(), id)),
            Place::Completed(at) => (attribute::STATE_KEY, done_key(at, id)),
            Place::Ordered(position) => (attribute::POSITION_KEY, position_key(position.as_str(), id)),
            Place::Subtask(parent, position) => {
                let position = position.as_ref().map(Position::as_str);
                (attribute::CHILD_KEY, child_key(&parent.to_string(), position, id))
            }
        };
        let mut start = key(id);
        start.insert(name.to_owned(), text(key_of_index));
        start
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;
    use crate::search::Search;
    use crate::store::DueRange;

    #[test]
    fn cursor_has_one_spelling() {
        let query = ListQuery {
            status: Status::Open,
            order: Order::Status,
            limit: 50,
            priority: None,
            search: Search::default(),
            due: DueRange::default(),
            cursor: None,
        };
        let decode = |json: &str| {
            let cursor = Cursor::decode(&URL_SAFE_NO_PAD.encode(json), &query);
            cursor.map(|cursor| matches!(cursor.place, Place::Open(Some(_))))
        };
        let list = r#""list":"status=open&limit=50""#;
        let task = r#""task_id":"01990000-0000-7000-8000-000000000000""#;
        let due = r#""due":"2026-11-30T09:00:00.000Z""#;
        assert_eq!(decode(&format!("{{{list},{task}}}")), Ok(false));
        assert_eq!(decode(&format!("{{{list},{task},{due}}}")), Ok(true));
        for other in [
            format!("{{{task},{list}}}"),
            format!("{{{list}, {task}}}"),
            format!(r#"{{{list},{task},"due":null}}"#),
            format!(r#"{{{list},{task},"completed_at":"2026-11-30T09:00:00.000Z"}}"#),
            format!(r#"{{{list},{task},"due":"2026-11-30T10:00:00+01:00"}}"#),
            format!(r#"{{"\u006cist":"status=open&limit=50",{task}}}"#),
            r#"["status=open&limit=50","01990000-0000-7000-8000-000000000000"]"#.to_owned(),
        ] {
            assert_eq!(decode(&other), Err(InvalidCursor), "{other}");
        }
    }
}
