//! Where the next page of a list begins: opaque text for clients, a position in their own partition for us. It carries
//! no user id and gives no right to anything.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

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
    /// The cursor after `task`. `None` if the list has no such task.
    pub(super) fn after(task: &Task, query: &ListQuery) -> Option<Self> {
        let place = match query.status {
            Status::All => Place::Table,
            Status::Open => Place::Open(task.due.clone()),
            Status::Completed => Place::Completed(task.completed_at.clone()?),
        };
        Some(Self { task_id: task.id, place })
    }

    /// The cursor at the key of an item that was read, whether or not the list shows it.
    pub(super) fn at(key: &Item, query: &ListQuery) -> Option<Self> {
        let text = |name| key.get(name)?.as_s().ok();
        let task_id = TaskId::parse(text(attribute::TASK_ID)?)?;
        let key = |state| Some(text(attribute::STATE_KEY)?.strip_prefix(state)?.split_once('#')?.0);
        let place = match query.status {
            Status::All => Place::Table,
            Status::Open => Place::Open(Due::parse(key(OPEN)?).ok()),
            Status::Completed => Place::Completed(Timestamp::parse(key(COMPLETED)?)?),
        };
        Some(Self { task_id, place })
    }

    /// The text that a client sends back.
    pub(super) fn encode(&self, query: &ListQuery) -> String {
        let (due, completed_at) = match &self.place {
            Place::Table => (None, None),
            Place::Open(due) => (due.as_ref().map(|due| due.as_str().to_owned()), None),
            Place::Completed(at) => (None, Some(at.as_str().to_owned())),
        };
        let text = Text { list: query.signature(), task_id: self.task_id.to_string(), due, completed_at };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&text).unwrap_or_default())
    }

    /// Reads a cursor that was given for the same list, which `query` describes.
    ///
    /// # Errors
    /// [`InvalidCursor`] for any other text.
    pub fn decode(text: &str, query: &ListQuery) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let parts: Text = serde_json::from_slice(&bytes).map_err(|_| InvalidCursor)?;
        let task_id = TaskId::parse(&parts.task_id).ok_or(InvalidCursor)?;
        let due = parts.due.as_deref().map(Due::parse).transpose().map_err(|_| InvalidCursor)?;
        let completed_at = parts.completed_at.as_deref().and_then(Timestamp::parse);
        let place = match query.status {
            Status::All => Place::Table,
            // DynamoDB refuses to start outside of what is asked for.
            Status::Open if query.due.includes(due.as_ref()) => Place::Open(due),
            Status::Open => return Err(InvalidCursor),
            Status::Completed => Place::Completed(completed_at.ok_or(InvalidCursor)?),
        };
        let cursor = Self { task_id, place };
        // Which list it belongs to is in the text, and there is one text for each position of a list.
        if cursor.encode(query) == text { Ok(cursor) } else { Err(InvalidCursor) }
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
    use crate::store::DueRange;

    #[test]
    fn cursor_has_one_spelling() {
        let query = ListQuery {
            status: Status::Open,
            limit: 50,
            priority: None,
            tag: None,
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
