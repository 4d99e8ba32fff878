//! Where the next page of a list begins: opaque text for clients, a position in their own partition for us. It carries
//! no user id and gives no right to anything.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::item::{COMPLETED, Item, OPEN, attribute, done_key, due_key, key, text};
use super::list::{ListQuery, Status};
use crate::task::{Due, Task, TaskId, Timestamp};

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
}

impl Cursor {
    /// The cursor after `task` in the list of these.
    pub(super) fn after(task: &Task, status: Status) -> Self {
        let place = match status {
            Status::All => Place::Table,
            Status::Open | Status::Completed => Place::of(task.due.clone(), task.completed_at.clone()),
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
        let place = text(attribute::STATE_KEY).map_or(Some(Place::Table), |key| place(key));
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
        let (due, completed_at) = match &self.place {
            Place::Table => (None, None),
            Place::Open(due) => (due.as_ref().map(|due| due.as_str().to_owned()), None),
            Place::Completed(at) => (None, Some(at.as_str().to_owned())),
        };
        let text = Text { list, task_id: self.task_id.to_string(), due, completed_at };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&text).unwrap_or_default())
    }

    /// Reads a cursor that was given for the same list, which `query` describes.
    ///
    /// # Errors
    /// [`InvalidCursor`] for any other text.
    pub fn decode(text: &str, query: &ListQuery) -> Result<Self, InvalidCursor> {
        Self::decode_for(text, query.signature(), |due, completed_at| match query.status {
            Status::All => Some(Place::Table),
            // DynamoDB refuses to start outside of what is asked for.
            Status::Open => query.due.includes(due.as_ref()).then_some(Place::Open(due)),
            Status::Completed => completed_at.map(Place::Completed),
        })
    }

    /// Reads a cursor that was given for a list of tags.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn decode_of_tags(text: &str) -> Result<Self, InvalidCursor> {
        Self::decode_for(text, TAGS.to_owned(), |due, completed_at| Some(Place::of(due, completed_at)))
    }

    fn decode_for(
        text: &str,
        list: String,
        place: impl FnOnce(Option<Due>, Option<Timestamp>) -> Option<Place>,
    ) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let parts: Text = serde_json::from_slice(&bytes).map_err(|_| InvalidCursor)?;
        let task_id = TaskId::parse(&parts.task_id).ok_or(InvalidCursor)?;
        let due = parts.due.as_deref().map(Due::parse).transpose().map_err(|_| InvalidCursor)?;
        let completed_at = parts.completed_at.as_deref().and_then(Timestamp::parse);
        let cursor = Self { task_id, place: place(due, completed_at).ok_or(InvalidCursor)? };
        // Which list it belongs to is in the text, and there is one text for each position of a list.
        if cursor.encode_for(list) == text { Ok(cursor) } else { Err(InvalidCursor) }
    }

    /// The exclusive start key of a query, but for the partition.
    pub(super) fn start_key(&self) -> Item {
        let mut start = key(self.task_id);
        let state_key = match &self.place {
            Place::Table => return start,
            Place::Open(due) => due_key(due.as_ref(), self.task_id),
            Place::Completed(at) => done_key(at, self.task_id),
        };
        start.insert(attribute::STATE_KEY.to_owned(), text(state_key));
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
