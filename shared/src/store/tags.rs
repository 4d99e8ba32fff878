//! Tags: which ones a user has, and on how many tasks.

use std::collections::BTreeMap;

use super::cursor::Cursor;
use super::item::{TaskAttributes, text};
use super::list::{BY_STATE, MAX_ITEMS_PER_REQUEST_OF_A_SEARCH, MAX_PAGE_TEXT_BYTES, MAX_REQUESTS};
use super::{StoreError, UserTasks};
use crate::aws;
use crate::search::folded;
use crate::task::Tag;

/// A page of tags, as a client asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagsQuery {
    /// Where the page begins; `None` for the first one.
    pub cursor: Option<Cursor>,
}

/// The tags of some tasks, and where the next tasks are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagsPage {
    /// In the order of their keys.
    pub tags: Vec<TagCount>,
    /// Where the next page begins; `None` on the last one.
    pub next_cursor: Option<String>,
}

/// A tag, and how many of the tasks that were read have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagCount {
    /// What all spellings of it have in common.
    pub key: String,
    /// As one of the tasks spells it.
    pub tag: Tag,
    /// How many open tasks.
    pub open: usize,
    /// How many completed ones.
    pub completed: usize,
}

/// What counting needs to know of a task.
const OF_TAGS: &str = "task_id, completed_at, due, tags";

impl UserTasks<'_> {
    /// Counts tags, strongly consistent: as many tasks as four requests read, of a thousand tasks or a megabyte each.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Unexpected`].
    pub async fn tags(&self, query: &TagsQuery) -> Result<TagsPage, StoreError> {
        let mut counts = BTreeMap::new();
        let mut text_bytes = 0;
        let mut cursor = query.cursor.clone();
        for _ in 0..MAX_REQUESTS {
            let request = self.store.client.query().table_name(&self.store.tasks_table).index_name(BY_STATE);
            let request = request.consistent_read(true).projection_expression(OF_TAGS);
            let request = request.key_condition_expression("user_id = :user_id");
            let request = request.limit(i32::try_from(MAX_ITEMS_PER_REQUEST_OF_A_SEARCH).unwrap_or(i32::MAX));
            let request = request.expression_attribute_values(":user_id", text(self.user.id()));
            let start = cursor.as_ref().map(|cursor| self.owned(cursor.start_key()));
            let answer = aws::query::<TaskAttributes>(request.set_exclusive_start_key(start)).await?;
            for attributes in answer.items {
                let (after, is_completed, tags) = attributes.tagged()?;
                for tag in tags.iter() {
                    let key = folded(tag.as_str());
                    let count = counts.entry(key).or_insert_with_key(|key| {
                        text_bytes += key.len() + tag.as_str().len();
                        TagCount { key: key.clone(), tag: tag.clone(), open: 0, completed: 0 }
                    });
                    *if is_completed { &mut count.completed } else { &mut count.open } += 1;
                }
                cursor = Some(after);
                if text_bytes > MAX_PAGE_TEXT_BYTES {
                    return Ok(TagsPage::new(counts, cursor));
                }
            }
            let Some(position) = answer.last_evaluated_key else { return Ok(TagsPage::new(counts, None)) };
            cursor = Some(Cursor::at(&position)?);
        }
        Ok(TagsPage::new(counts, cursor))
    }
}

impl TagsPage {
    fn new(counts: BTreeMap<String, TagCount>, cursor: Option<Cursor>) -> Self {
        let next_cursor = cursor.map(|cursor| cursor.encode_of_tags());
        Self { tags: counts.into_values().collect(), next_cursor }
    }
}
