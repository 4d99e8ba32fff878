//! Converts tasks from DynamoDB's JSON to the API's.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer};

use crate::Result;

/// A string attribute, serialized as a plain string.
#[derive(Deserialize)]
struct Text<'a> {
    #[serde(rename = "S", borrow)]
    text: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Number<'a> {
    #[serde(rename = "N")]
    digits: &'a str,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(rename = "L", borrow)]
    elements: Vec<Text<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    task_id: Text<'a>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    description: Option<Text<'a>>,
    #[serde(borrow)]
    completed_at: Option<Text<'a>>,
    #[serde(borrow)]
    priority: Text<'a>,
    #[serde(borrow)]
    due: Option<Text<'a>>,
    #[serde(borrow)]
    tags: List<'a>,
    #[serde(borrow)]
    created_at: Text<'a>,
    #[serde(borrow)]
    updated_at: Text<'a>,
    #[serde(borrow)]
    version: Number<'a>,
}

#[derive(Serialize)]
struct Task<'a> {
    id: &'a Text<'a>,
    title: &'a Text<'a>,
    description: Option<&'a Text<'a>>,
    completed: bool,
    completed_at: Option<&'a Text<'a>>,
    priority: &'a Text<'a>,
    due: Option<&'a Text<'a>>,
    tags: &'a [Text<'a>],
    created_at: &'a Text<'a>,
    updated_at: &'a Text<'a>,
    version: u64,
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'a> Task<'a> {
    fn of(item: &'a Item<'a>) -> Result<Self> {
        Ok(Self {
            id: &item.task_id,
            title: &item.title,
            description: item.description.as_ref(),
            completed: item.completed_at.is_some(),
            completed_at: item.completed_at.as_ref(),
            priority: &item.priority,
            due: item.due.as_ref(),
            tags: &item.tags.elements,
            created_at: &item.created_at,
            updated_at: &item.updated_at,
            version: item.version.digits.parse()?,
        })
    }
}

/// Converts the response of `GetItem` to a task.
pub(crate) fn one(answer: &[u8]) -> Result<String> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(rename = "Item", borrow)]
        item: Item<'a>,
    }
    let answer: Answer<'_> = serde_json::from_slice(answer)?;
    Ok(serde_json::to_string(&Task::of(&answer.item)?)?)
}

/// Converts the response of `Query` to a page.
pub(crate) fn page(answer: &[u8]) -> Result<String> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(rename = "Items", borrow)]
        items: Vec<Item<'a>>,
    }
    #[derive(Serialize)]
    struct Page<'a> {
        tasks: Vec<Task<'a>>,
        next_cursor: Option<&'a str>,
    }
    let answer: Answer<'_> = serde_json::from_slice(answer)?;
    let tasks = answer.items.iter().map(Task::of).collect::<Result<_>>()?;
    Ok(serde_json::to_string(&Page { tasks, next_cursor: None })?)
}
