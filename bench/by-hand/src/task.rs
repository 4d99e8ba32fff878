//! Converts tasks from DynamoDB's JSON to the API's.

use std::borrow::Cow;

use serde::ser::Error;
use serde::{Deserialize, Serialize, Serializer};

use crate::Result;

/// A string attribute, written as a plain string.
#[derive(Deserialize)]
struct Text<'a> {
    #[serde(rename = "S", borrow)]
    text: Cow<'a, str>,
}

/// A number attribute, written as a plain number.
#[derive(Deserialize)]
struct Number<'a> {
    #[serde(rename = "N")]
    digits: &'a str,
}

/// A list of strings, written as a plain array.
#[derive(Deserialize)]
struct List<'a> {
    #[serde(rename = "L", borrow)]
    elements: Vec<Text<'a>>,
}

/// A task: read from the attributes of an item, and written as the API's JSON.
#[derive(Deserialize, Serialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Task<'a> {
    #[serde(rename(deserialize = "task_id"))]
    id: Text<'a>,
    title: Text<'a>,
    description: Option<Text<'a>>,
    #[serde(skip_deserializing)]
    completed: bool,
    completed_at: Option<Text<'a>>,
    priority: Text<'a>,
    due: Option<Text<'a>>,
    tags: List<'a>,
    created_at: Text<'a>,
    updated_at: Text<'a>,
    version: Number<'a>,
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl Serialize for Number<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.digits.parse().map_err(S::Error::custom)?)
    }
}

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.elements)
    }
}

/// Converts the response of `GetItem` to a task.
pub(crate) fn one(answer: &[u8]) -> Result<String> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(rename = "Item", borrow)]
        item: Task<'a>,
    }
    let Answer { item: mut task } = serde_json::from_slice(answer)?;
    task.completed = task.completed_at.is_some();
    Ok(serde_json::to_string(&task)?)
}

/// Converts the response of `Query` to a page.
pub(crate) fn page(answer: &[u8]) -> Result<String> {
    #[derive(Deserialize, Serialize)]
    struct Page<'a> {
        #[serde(rename(deserialize = "Items"), borrow)]
        tasks: Vec<Task<'a>>,
        #[serde(skip_deserializing)]
        next_cursor: Option<&'a str>,
    }
    let mut page: Page<'_> = serde_json::from_slice(answer)?;
    page.tasks.iter_mut().for_each(|task| task.completed = task.completed_at.is_some());
    Ok(serde_json::to_string(&page)?)
}

#[cfg(test)]
mod tests {
    use super::{one, page};

    #[test]
    fn item_becomes_a_task() -> crate::Result<()> {
        let text = |text: &str| format!(r#"{{"S":"{text}"}}"#);
        let item = format!(
            r#"{{"task_id":{0},"title":{0},"completed_at":{0},"priority":{0},"tags":{{"L":[{0}]}},"created_at":{0},"updated_at":{0},"version":{{"N":"3"}}}}"#,
            text("x")
        );
        let task = r#"{"id":"x","title":"x","description":null,"completed":true,"completed_at":"x","priority":"x","due":null,"tags":["x"],"created_at":"x","updated_at":"x","version":3}"#;
        assert_eq!(one(format!(r#"{{"Item":{item}}}"#).as_bytes())?, task);
        let expected = format!(r#"{{"tasks":[{task}],"next_cursor":null}}"#);
        assert_eq!(page(format!(r#"{{"Items":[{item}]}}"#).as_bytes())?, expected);
        Ok(())
    }
}
