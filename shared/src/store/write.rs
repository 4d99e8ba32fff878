//! Conditional writes of a task that is there, each one `UpdateItem` without a read before it.
//!
//! Every write leaves its own id on the item, which keeps the last three, and demands that it is not there yet. So a
//! retry, by the SDK after an answer was lost, or on the network by an attempt that comes late, finds its own write,
//! even if two others have come after it, and does nothing twice.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::item::{self, Item, attribute, due_key, is_written_by, new_write_id, number, text, updated};
use super::{Precondition, StoreError};
use crate::task::{Description, Due, Patch, Priority, Task, TaskChanges, TaskId, Timestamp, Title};

/// How long a tombstone stays.
pub(super) const TOMBSTONE_LIFETIME: Duration = Duration::from_hours(30 * 24);

/// The state that a task must be in for a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Any,
    Open,
    Completed,
}

/// What becomes of a task's attributes.
pub(super) struct Write {
    write_id: AttributeValue,
    state: State,
    set: Vec<(&'static str, Value)>,
    remove: Vec<&'static str>,
    returns: ReturnValue,
}

enum Value {
    New(AttributeValue),
    /// What it was before, or this if it was absent.
    OldOr(AttributeValue),
    CopyOf(&'static str),
}

/// What a write that DynamoDB answered has done.
pub(super) enum Outcome {
    /// It was done, now or by an earlier attempt of the same call. This is the item after it, and after what others
    /// have written since; a tombstone, if they have deleted it.
    Done(Item),
    /// Nothing: the task is not in the state that the write demands. This is the item as it is.
    OtherState(Item),
}

impl Outcome {
    pub(super) fn task(self) -> Result<Task, StoreError> {
        match self {
            Self::Done(item) => item::task_unless_deleted(item),
            Self::OtherState(_) => Err(StoreError::unexpected("a condition failed that always holds")),
        }
    }

    /// The task, whether it was written or is what it should become already.
    pub(super) fn task_as_it_is(self) -> Result<Task, StoreError> {
        let (Self::Done(item) | Self::OtherState(item)) = self;
        item::task_unless_deleted(item)
    }

    pub(super) fn done(self) -> Result<(), StoreError> {
        match self {
            Self::Done(_) => Ok(()),
            Self::OtherState(_) => Err(StoreError::unexpected("a condition failed that always holds")),
        }
    }
}

impl Write {
    /// Changes parts of a task. With another `due`, either the changes or `state` must say whether the task is open then,
    /// and so in the index of open ones.
    pub(super) fn changing(id: TaskId, changes: &TaskChanges, state: State, now: SystemTime) -> Self {
        let mut write = Self::new(id, state, now);
        if let Some(title) = &changes.title {
            write.set(attribute::TITLE, text(Title::as_str(title)));
        }
        write.patch(attribute::DESCRIPTION, &changes.description, Description::as_str);
        if let Some(priority) = changes.priority {
            write.set(attribute::PRIORITY, text(Priority::as_str(priority)));
        }
        if let Some(tags) = &changes.tags {
            write.set(attribute::TAGS, item::tags(tags));
        }
        write.patch(attribute::DUE, &changes.due, Due::as_str);
        let due_key = match &changes.due {
            Patch::Keep => None,
            Patch::Clear => Some(due_key(None, id)),
            Patch::Set(due) => Some(due_key(Some(due), id)),
        };
        if let Some(due_key) = &due_key {
            write.set(attribute::DUE_KEY, text(due_key.as_str()));
        }
        match (changes.completed, due_key) {
            (Some(true), _) => {
                let now = text(Timestamp::from(now).as_str());
                write.set.push((attribute::COMPLETED_AT, Value::OldOr(now)));
                write.remove.push(attribute::OPEN_DUE);
            }
            (Some(false), due_key) => {
                let due_key = due_key.map_or(Value::CopyOf(attribute::DUE_KEY), |due_key| Value::New(text(due_key)));
                write.set.push((attribute::OPEN_DUE, due_key));
                write.remove.push(attribute::COMPLETED_AT);
            }
            (None, Some(due_key)) if state == State::Open => write.set(attribute::OPEN_DUE, text(due_key)),
            (None, _) => {}
        }
        write
    }

    /// Completes an open task and takes it out of the index of open ones.
    pub(super) fn completing(id: TaskId, now: SystemTime) -> Self {
        let mut write = Self::new(id, State::Open, now);
        write.set(attribute::COMPLETED_AT, text(Timestamp::from(now).as_str()));
        write.remove.push(attribute::OPEN_DUE);
        write
    }

    /// Reopens a completed task and puts it into the index of open ones.
    pub(super) fn reopening(id: TaskId, now: SystemTime) -> Self {
        let mut write = Self::new(id, State::Completed, now);
        write.set.push((attribute::OPEN_DUE, Value::CopyOf(attribute::DUE_KEY)));
        write.remove.push(attribute::COMPLETED_AT);
        write
    }

    /// Leaves a tombstone: which task it was, in which version, and when it was deleted.
    pub(super) fn deleting(id: TaskId, now: SystemTime) -> Self {
        let mut write = Self::new(id, State::Any, now);
        let expires_at = (now + TOMBSTONE_LIFETIME).duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        write.set(attribute::DELETED_AT, text(Timestamp::from(now).as_str()));
        write.set(attribute::EXPIRES_AT, number(expires_at));
        write.remove = vec![
            attribute::TITLE,
            attribute::DESCRIPTION,
            attribute::COMPLETED_AT,
            attribute::PRIORITY,
            attribute::DUE,
            attribute::TAGS,
            attribute::CREATED_AT,
            attribute::OPEN_DUE,
            attribute::DUE_KEY,
        ];
        write.returns = ReturnValue::None;
        write
    }

    fn new(id: TaskId, state: State, now: SystemTime) -> Self {
        let now = Timestamp::from(now);
        let write_id = new_write_id();
        let mut write =
            Self { write_id, state, set: Vec::with_capacity(12), remove: Vec::new(), returns: ReturnValue::AllNew };
        write.set(attribute::UPDATED, text(updated(&now, id)));
        write.set(attribute::UPDATED_AT, text(now.as_str()));
        write
    }

    /// The same call's write in another state: once one of them is done, the other one is an attempt that comes late.
    pub(super) fn instead_of(self, other: &Self) -> Self {
        Self { write_id: other.write_id.clone(), ..self }
    }

    fn set(&mut self, name: &'static str, value: AttributeValue) {
        self.set.push((name, Value::New(value)));
    }

    fn patch<T>(&mut self, name: &'static str, patch: &Patch<T>, as_str: fn(&T) -> &str) {
        match patch {
            Patch::Keep => {}
            Patch::Clear => self.remove.push(name),
            Patch::Set(value) => self.set(name, text(as_str(value))),
        }
    }

    /// Puts the write and its conditions into a request that has its key.
    pub(super) fn apply(
        &self,
        request: UpdateItemFluentBuilder,
        precondition: &Precondition,
    ) -> UpdateItemFluentBuilder {
        // Every name stands behind a placeholder, because some are reserved words.
        // What stands on the right is as it was before the update.
        let mut update = String::from(
            "SET #version = #version + :one, #write_id_3 = if_not_exists(#write_id_2, #write_id), \
             #write_id_2 = #write_id, #write_id = :write_id",
        );
        let mut names: HashMap<String, String> = HashMap::new();
        let mut name = |name: &'static str| names.insert(format!("#{name}"), name.to_owned());
        let mut values =
            HashMap::from([(":one".to_owned(), number(1)), (":write_id".to_owned(), self.write_id.clone())]);
        name(attribute::VERSION);
        for write_id in attribute::WRITE_IDS {
            name(write_id);
        }
        for (target, value) in &self.set {
            name(target);
            let value = match value {
                Value::New(value) => {
                    values.insert(format!(":{target}"), value.clone());
                    format!(":{target}")
                }
                Value::OldOr(value) => {
                    values.insert(format!(":{target}"), value.clone());
                    format!("if_not_exists(#{target}, :{target})")
                }
                Value::CopyOf(source) => {
                    name(source);
                    format!("#{source}")
                }
            };
            update.push_str(&format!(", #{target} = {value}"));
        }
        for (index, target) in self.remove.iter().enumerate() {
            name(target);
            update.push_str(if index == 0 { " REMOVE " } else { ", " });
            update.push_str(&format!("#{target}"));
        }

        let mut condition = String::from("attribute_exists(task_id) AND attribute_not_exists(deleted_at)");
        for name in attribute::WRITE_IDS {
            // An attribute that is absent equals nothing.
            condition.push_str(&format!(" AND NOT #{name} = :write_id"));
        }
        condition.push_str(match self.state {
            State::Any => "",
            State::Open => " AND attribute_exists(open_due)",
            State::Completed => " AND attribute_not_exists(open_due)",
        });
        if let Precondition::Version(versions) = precondition {
            // No task ever has version 0: with no other version to match, the condition fails and gives the item.
            let placeholders: Vec<_> = (0..=versions.len()).map(|index| format!(":version_{index}")).collect();
            condition.push_str(&format!(" AND #version IN ({})", placeholders.join(", ")));
            values.extend(placeholders.into_iter().zip([0].iter().chain(versions).map(|&version| number(version))));
        }

        request
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .return_values(self.returns.clone())
    }

    /// Why the conditions failed, from the item as it was found: one answer tells it all.
    pub(super) fn refused(&self, found: Option<Item>, precondition: &Precondition) -> Result<Outcome, StoreError> {
        let item = found.ok_or(StoreError::NotFound)?;
        if is_written_by(&item, &self.write_id) {
            return Ok(Outcome::Done(item));
        }
        if item.contains_key(attribute::DELETED_AT) {
            return Err(StoreError::NotFound);
        }
        let version = item::version(&item).unwrap_or_default();
        if precondition.allows(version) { Ok(Outcome::OtherState(item)) } else { Err(StoreError::VersionMismatch) }
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;

    #[test]
    fn tombstone_stays_for_thirty_days() {
        let write = Write::deleting(TaskId::new(), UNIX_EPOCH + Duration::from_secs(1_000));
        let expires_at = write.set.iter().find(|(name, _)| *name == attribute::EXPIRES_AT);
        assert!(matches!(expires_at, Some((_, Value::New(AttributeValue::N(seconds)))) if seconds == "2593000"));
    }

    #[test]
    fn writes_keep_the_updated_index_in_order() {
        let id = TaskId::new();
        let write = Write::reopening(id, UNIX_EPOCH);
        let updated = write.set.iter().find(|(name, _)| *name == attribute::UPDATED);
        let expected = format!("1970-01-01T00:00:00.000Z#{id}");
        assert!(matches!(updated, Some((_, Value::New(AttributeValue::S(key)))) if *key == expected));
    }

    #[test]
    fn unconditional_write_is_not_silent() {
        assert!(matches!(Outcome::OtherState(Item::new()).task(), Err(StoreError::Unexpected(_))));
        assert!(matches!(Outcome::OtherState(Item::new()).done(), Err(StoreError::Unexpected(_))));
    }
}
