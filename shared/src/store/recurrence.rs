//! The next occurrence of a task: made in the transaction that completes this one, under an id that follows from the series
//! and from its number, so that there is only one, no matter who completes the task and how often.

use std::time::SystemTime;

use ring::digest::{SHA256, digest};

use super::item::{self, Item, TaskAttributes, attribute, series_key, text};
use super::write::{self, Skip, Write};
use super::write_id::WriteId;
use super::{Guard, Precondition, StoreError, UserTasks};
use crate::task::{CountedFrom, Due, NewTask, NextDue, Occurrence, Replacement, Series, Task, TaskId};

impl UserTasks<'_> {
    /// Moves a recurring task to the next date of its rule, as its next occurrence. Two requests: the task is read, and
    /// then written in the version that was read.
    ///
    /// # Errors
    /// [`StoreError::NoNextOccurrence`] if it does not recur, or is completed, or the last one, and as [`Self::replace`].
    pub async fn skip(&self, id: TaskId, guard: &Guard) -> Result<Task, StoreError> {
        for _ in 0..3 {
            let write = match self.skipping(id, guard).await? {
                Ok(write) => write,
                Err(done) => return done.task_unless_deleted(),
            };
            match self.write(&[write]).await {
                // Others have written it meanwhile, which the client said nothing against.
                Err(StoreError::VersionMismatch) if guard.precondition == Precondition::None => {}
                written => return written?.task_unless_deleted(),
            }
        }
        Err(StoreError::Unavailable("others change the task all the time".to_owned()))
    }

    /// The write that skips an occurrence of a task, which is read for that; or the task, if it was done before.
    pub(super) async fn skipping(
        &self,
        id: TaskId,
        guard: &Guard,
    ) -> Result<Result<Write, TaskAttributes>, StoreError> {
        let request = self.store.client.get_item().table_name(&self.store.tasks_table);
        let output = request.set_key(Some(self.key(id))).consistent_read(true).send().await?;
        let found = output.item.ok_or(StoreError::NotFound)?;
        write::skipping(id, guard, found, |found| skip(found, SystemTime::now()))
    }
}

/// What the next occurrence of an item is, and its date.
struct Next {
    /// The task as later occurrences are, due when the rule counts from.
    series: Item,
    id: TaskId,
    number: u64,
    due: NextDue,
    /// What the rule counts from, if that is not the due date.
    anchor: Option<Due>,
}

/// `None` if the item does not recur, or is the last occurrence.
fn next(item: &Item, from: Option<CountedFrom>, now: SystemTime) -> Result<Option<Next>, StoreError> {
    let series = of_the_series(item);
    let (this, later) = (item::task(item.clone())?, item::task(series.clone())?);
    let (Some(place), Some(due), Some(anchor)) = (this.series, this.due, later.due) else { return Ok(None) };
    let Series { id, occurrence: number, recurrence: Some(recurrence) } = *place else { return Ok(None) };
    let from = from.unwrap_or(recurrence.from);
    let next = recurrence.next(from, Occurrence { number, due: &due, anchor: &anchor }, now);
    Ok(next.map(|due| {
        let anchor = due.is_shifted.then_some(anchor);
        Next { series, id, number: number + 1, due, anchor }
    }))
}

/// The item of the next occurrence of a task that is completed now.
pub(super) fn next_occurrence(completed: &Item, now: SystemTime) -> Result<Option<Item>, StoreError> {
    let Some(next) = next(completed, None, now)? else { return Ok(None) };
    let Task { title, description, priority, tags, position, .. } = item::task(next.series)?;
    let due = Some(next.due.due);
    let content = NewTask { title, description, priority, due, tags, parent_id: None, position, recurrence: None };
    let new = Replacement { content, completed: false };
    let id = id(next.id, next.number);
    let mut item = Item::from(item::created(id, new, WriteId::new(), now).item);
    item.insert(attribute::SERIES.to_owned(), series_key(next.id, next.number));
    let recurrence = completed.get(attribute::RECURRENCE).cloned();
    item.extend(recurrence.map(|recurrence| (attribute::RECURRENCE.to_owned(), recurrence)));
    item.extend(next.anchor.map(|anchor| (attribute::SERIES_DUE.to_owned(), text(anchor.as_str()))));
    Ok(Some(item))
}

fn skip(found: &Item, now: SystemTime) -> Result<Option<Skip>, StoreError> {
    // Nothing was completed that the rule could count from.
    let next = next(found, Some(CountedFrom::Due), now)?;
    Ok(next.map(|next| Skip {
        place: series_key(next.id, next.number),
        series: next.series,
        due: next.due.due,
        anchor: next.anchor,
    }))
}

/// The item without what was changed for this occurrence only.
fn of_the_series(item: &Item) -> Item {
    let mut series = item.clone();
    for (name, of_the_series) in attribute::OF_THE_SERIES {
        if let Some(value) = series.remove(of_the_series) {
            series.insert(name.to_owned(), value);
        }
    }
    if series.get(attribute::DESCRIPTION).and_then(|value| value.as_s().ok()).is_some_and(String::is_empty) {
        series.remove(attribute::DESCRIPTION);
    }
    series
}

/// The id of an occurrence of a series.
fn id(series: TaskId, number: u64) -> TaskId {
    derived(series, &number.to_string())
}

/// The id of a subtask that is made anew for another occurrence: among the others, it comes where the one before it does.
pub(super) fn id_of_subtask(occurrence: TaskId, subtask: TaskId) -> TaskId {
    derived(subtask, &occurrence.to_string())
}

fn derived(from: TaskId, what: &str) -> TaskId {
    let hash = digest(&SHA256, format!("{from}#{what}").as_bytes());
    let mut first = [0; 16];
    first.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
    from.derived(first)
}
