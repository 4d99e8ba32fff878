//! Lists: one `Query` a page, whose cost depends on the page and not on how many tasks there are.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;

use super::cursor::Cursor;
use super::item::{COMPLETED, OPEN, TaskAttributes, UNDATED, attribute, text};
use super::order::BY_POSITION;
use super::{StoreError, UserTasks};
use crate::aws;
use crate::search::Search;
use crate::task::{Due, Priority, Task, TaskId};

/// How many requests one API call makes at most. DynamoDB ends each with the task that reaches beyond a megabyte, which is
/// 268 read units: so a call reads 1,072 units at most, however large the tasks are, and then gives what it found and a
/// cursor to go on.
pub(super) const MAX_REQUESTS: usize = 4;
/// How many items a request reads at most, once the first one did not fill the page: four requests then read about a
/// thousand, which of tasks as people write them are a hundred and fifty units.
const MAX_ITEMS_PER_FURTHER_REQUEST: usize = 300;
/// The same of a search, which mostly finds little: four requests then read three thousand tasks as people write them.
pub(super) const MAX_ITEMS_PER_REQUEST_OF_A_SEARCH: usize = 1_000;
/// How many the second request reads at least, and every further one four times as many as the one before it, so that
/// there are few requests however unevenly the tasks lie.
const MIN_ITEMS_PER_FURTHER_REQUEST: usize = 25;
/// How many bytes of text the tasks of a page have at most. In the answer that Lambda takes, a byte is four at most: a
/// quote is escaped in the page's JSON, and what escapes it once more in the JSON around that. All else of a hundred tasks
/// is less than 100 kB. So an answer has 2.2 MB at most, of the 6 MB that Lambda takes, and 2.6 MB if it has five hundred
/// changes; and 4.2 MB if tasks have control characters, of seven bytes each, from before those were refused.
pub(super) const MAX_PAGE_TEXT_BYTES: usize = 512 * 1024;

/// The index that has open tasks by due date and completed ones by completion, and no tombstones.
pub(super) const BY_STATE: &str = "by_state";

/// Which tasks are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Status {
    /// All of them, newest first.
    #[default]
    All,
    /// Open ones by due date, those without one last.
    Open,
    /// Completed ones, the latest completion first.
    Completed,
}

impl Status {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Open => "open",
            Self::Completed => "completed",
        }
    }
}

/// Which list it is, and in which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Tasks by what their status says.
    #[default]
    Status,
    /// Open tasks that have a position and no parent, by position.
    Position,
    /// The subtasks of this task, by position, those without one last.
    Subtasks(TaskId),
}

/// How many subtasks a task has, deleted ones not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// How many of them are completed.
    pub completed: usize,
    /// How many there are.
    pub total: usize,
}

/// A range of due dates. With a bound, tasks without a due date are outside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DueRange {
    /// Not before this.
    pub from: Option<Due>,
    /// Before this, exclusively.
    pub before: Option<Due>,
}

impl DueRange {
    pub(super) fn includes(&self, due: Option<&Due>) -> bool {
        match due {
            Some(due) => {
                self.from.as_ref().is_none_or(|from| from <= due)
                    && self.before.as_ref().is_none_or(|before| due < before)
            }
            None => self.from.is_none() && self.before.is_none(),
        }
    }
}

/// A page of a list, as a client asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// Which tasks.
    pub status: Status,
    /// In which order.
    pub order: Order,
    /// How many at most, 1 to 100.
    pub limit: usize,
    /// Only those with this priority.
    pub priority: Option<Priority>,
    /// Only those with these words and tags.
    pub search: Search,
    /// Only those due then. For open tasks only.
    pub due: DueRange,
    /// Where the page begins; `None` for the first one.
    pub cursor: Option<Cursor>,
}

impl ListQuery {
    /// The list that the page belongs to, in words: two queries with the same words are pages of the same list.
    pub(super) fn signature(&self) -> String {
        let mut words = form_urlencoded::Serializer::new(String::new());
        words.append_pair("status", self.status.as_str()).append_pair("limit", &self.limit.to_string());
        let subtasks_of = if let Order::Subtasks(parent) = self.order { Some(parent.to_string()) } else { None };
        let optional = [
            ("sort", (self.order == Order::Position).then_some("position")),
            ("parent_id", subtasks_of.as_deref()),
            ("priority", self.priority.map(Priority::as_str)),
            ("due_from", self.due.from.as_ref().map(Due::as_str)),
            ("due_before", self.due.before.as_ref().map(Due::as_str)),
        ];
        words.extend_pairs(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
        if !self.search.is_empty() {
            words.extend_pairs(self.search.words().map(|text| ("q", text)));
            words.extend_pairs(self.search.tags().map(|tag| ("tag", tag)));
        }
        words.finish()
    }
}

/// Tasks, and where the next ones are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// At most as many as asked for.
    pub tasks: Vec<Task>,
    /// Where the next page begins; `None` on the last one.
    pub next_cursor: Option<String>,
    /// Of the first page of a task's subtasks, unless they are more than a megabyte.
    pub progress: Option<Progress>,
}

/// How many items to read for so many more tasks, if tasks go on lying as close as they did, and a quarter more: what is
/// read is paid for, and so is a request too many.
fn items_to_find(missing: usize, found: usize, items_read: usize) -> usize {
    match found {
        0 => usize::MAX,
        _ => (missing * items_read * 5).div_ceil(found * 4),
    }
}

impl UserTasks<'_> {
    /// A page of tasks, strongly consistent. One request; more only where a search, a filter, or tombstones leave the page
    /// unfilled, and then four at most. The page ends early where its texts, or what was read for it, are large.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Unexpected`].
    pub async fn list(&self, query: &ListQuery) -> Result<Page, StoreError> {
        if let Order::Subtasks(parent) = query.order {
            return Box::pin(self.list_subtasks(parent, query)).await;
        }
        let mut tasks: Vec<Task> = Vec::with_capacity(query.limit);
        let mut text_bytes = 0;
        let mut start = query.cursor.as_ref().map(|cursor| self.owned(cursor.start_key()));
        let (mut requests, mut items_read) = (0, 0);
        // One more than the page takes tells whether there is another page.
        let wanted = query.limit + 1;
        let mut items_to_read = wanted;
        let mut at_least = MIN_ITEMS_PER_FURTHER_REQUEST;
        let searches = !query.search.is_empty();
        let at_most = if searches { MAX_ITEMS_PER_REQUEST_OF_A_SEARCH } else { MAX_ITEMS_PER_FURTHER_REQUEST };
        loop {
            let request = self.query(query).limit(i32::try_from(items_to_read).unwrap_or(i32::MAX));
            let answer = aws::query::<TaskAttributes>(request.set_exclusive_start_key(start)).await?;
            requests += 1;
            items_read += answer.scanned_count;
            for attributes in answer.items {
                let task = attributes.task()?;
                if searches && !query.search.finds(&task) {
                    continue;
                }
                text_bytes += task.text_bytes();
                if let Some(last) = tasks.last()
                    && (tasks.len() == query.limit || text_bytes > MAX_PAGE_TEXT_BYTES)
                {
                    let next_cursor = Some(Cursor::after(last, query).encode(query));
                    return Ok(Page { tasks, next_cursor, progress: None });
                }
                tasks.push(task);
            }
            start = answer.last_evaluated_key;

            let Some(position) = &start else { return Ok(Page { tasks, next_cursor: None, progress: None }) };
            let has_read_a_megabyte = !searches && answer.scanned_count < items_to_read;
            if requests == MAX_REQUESTS || has_read_a_megabyte {
                let next_cursor = Some(Cursor::at(position)?.encode(query));
                return Ok(Page { tasks, next_cursor, progress: None });
            }
            items_to_read = items_to_find(wanted - tasks.len(), tasks.len(), items_read).clamp(at_least, at_most);
            at_least = at_most.min(4 * at_least);
        }
    }

    /// The request for a page, but for where it begins and how much it reads.
    fn query(&self, query: &ListQuery) -> QueryFluentBuilder {
        let request = self.store.client.query().table_name(&self.store.tasks_table).consistent_read(true);
        let mut key_condition = String::from("user_id = :user_id");
        let mut filters: Vec<&str> = Vec::new();
        let mut values = HashMap::from([(":user_id".to_owned(), text(self.user.id()))]);
        let mut value = |name: &str, text: &str| values.insert(name.to_owned(), AttributeValue::S(text.to_owned()));

        let request = match query.status {
            Status::Open if query.order == Order::Position => request.index_name(BY_POSITION),
            Status::Open => {
                // No key in the index is just a date: a bound itself is never equal to one, so that `BETWEEN`, which
                // includes its bounds, leaves out what is due at `before`.
                let (from, before) = (query.due.from.as_ref().map(Due::as_str), query.due.before.as_ref());
                if from.is_none() && before.is_none() {
                    key_condition.push_str(" AND begins_with(state_key, :state)");
                    value(":state", OPEN);
                } else {
                    key_condition.push_str(" AND state_key BETWEEN :from AND :before");
                    value(":from", &format!("{OPEN}{}", from.unwrap_or_default()));
                    value(":before", &format!("{OPEN}{}", before.map_or(UNDATED, Due::as_str)));
                }
                request.index_name(BY_STATE)
            }
            Status::All => {
                filters.push("attribute_not_exists(deleted_at)");
                request.scan_index_forward(false)
            }
            Status::Completed => {
                key_condition.push_str(" AND begins_with(state_key, :state)");
                value(":state", COMPLETED);
                request.index_name(BY_STATE).scan_index_forward(false)
            }
        };
        if let Some(priority) = query.priority {
            filters.push("priority = :priority");
            value(":priority", priority.as_str());
        }
        request
            .projection_expression(attribute::OF_A_TASK)
            .key_condition_expression(key_condition)
            .set_filter_expression((!filters.is_empty()).then(|| filters.join(" AND ")))
            .set_expression_attribute_values(Some(values))
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;

    #[test]
    fn next_read_is_sized_by_share_of_hits() {
        assert_eq!(items_to_find(10, 5, 100), 250);
        assert_eq!(items_to_find(1, 3, 7), 3);
        assert_eq!(items_to_find(10, 0, 100), usize::MAX);
    }

    #[test]
    fn due_range_excludes_its_end() {
        let due = |text: &str| Due::parse(text).unwrap();
        let range =
            |from: Option<&str>, before: Option<&str>| DueRange { from: from.map(due), before: before.map(due) };
        for (range, inside, outside) in [
            (range(Some("2026-11-02"), None), &["2026-11-02", "2027-01-01"][..], &["2026-11-01"][..]),
            (range(None, Some("2026-11-02")), &["2026-11-01"], &["2026-11-02", "2026-11-03"]),
            (
                range(Some("2026-11-02"), Some("2026-11-04")),
                &["2026-11-02", "2026-11-03"],
                &["2026-11-01", "2026-11-04"],
            ),
        ] {
            assert!(inside.iter().all(|text| range.includes(Some(&due(text)))), "{range:?}");
            assert!(!outside.iter().any(|text| range.includes(Some(&due(text)))), "{range:?}");
            assert!(!range.includes(None), "{range:?}");
        }
        assert!(range(None, None).includes(None));
    }
}
