//! Conditional writes of a task that is there, each one `UpdateItem` without a read before it.
//!
//! Every write leaves its own id on the item, which keeps the last three, and demands that it is not there yet. So a
//! retry, by the SDK after an answer was lost, or on the network by an attempt that comes late, finds its own write,
//! even if two others have come after it, and does nothing twice. So does a client that repeats a request under its
//! idempotency key, which the id then begins with.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::item::{self, Item, attribute, done_key, due_key, number, text, updated};
use super::write_id::{Memory, WriteId};
use super::{Guard, Precondition, StoreError};
use crate::task::{Completion, Description, Due, Patch, Priority, Replacement, TaskChanges, TaskId, Timestamp, Title};

/// How long a tombstone stays.
pub(super) const TOMBSTONE_LIFETIME: Duration = Duration::from_hours(30 * 24);

/// The state that a task must be in for a write.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Any,
    Open,
    Completed,
    /// Deleted, not before this, and with its content.
    DeletedSince(Timestamp),
}

/// What a write brings about beyond its own task, if that has one of these attributes: then it is one of several writes
/// that are done together (see [`super::linked`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    None,
    /// Completing: the next occurrence is made, and subtasks are completed.
    Completes,
    /// Deleting: subtasks are deleted.
    Deletes,
}

impl Links {
    /// What a task must not have for the write to be done by itself.
    fn attributes(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::Completes => &[attribute::RECURRENCE, attribute::HAS_SUBTASKS],
            Self::Deletes => &[attribute::HAS_SUBTASKS],
        }
    }
}

/// What becomes of a task's attributes, and on which conditions.
#[derive(Clone)]
pub(super) struct Write {
    pub(super) id: TaskId,
    pub(super) links: Links,
    write_id: WriteId,
    precondition: Precondition,
    state: State,
    set: Vec<(&'static str, Value)>,
    remove: Vec<&'static str>,
    returns: ReturnValue,
}

#[derive(Clone)]
enum Value {
    New(AttributeValue),
    /// What this attribute was before, or the value if it was absent.
    OldOr(&'static str, AttributeValue),
    CopyOf(&'static str),
    /// What the first attribute was before, or the second if it was absent.
    FirstOf(&'static str, &'static str),
}

/// A write and its conditions, in DynamoDB's words.
struct Expressions {
    update: String,
    condition: String,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

/// What a write that DynamoDB answered has done.
pub(super) enum Outcome {
    /// It was done, now or by an earlier attempt of the same call. This is the item after it, and after what others
    /// have written since; a tombstone, if they have deleted it.
    Done(Item),
    /// Nothing: the task is not in the state that the write demands. This is the item as it is.
    OtherState(Item),
    /// Nothing: the write concerns other tasks as well. This is the item as it is.
    Linked(Item),
}

/// A call that writes a task. Its attempts have one name: once one of them is done, the others come late.
struct Call<'a> {
    id: TaskId,
    write_id: WriteId,
    precondition: &'a Precondition,
    now: SystemTime,
}

impl<'a> Call<'a> {
    fn new(id: TaskId, operation: &str, changes: &TaskChanges, guard: &'a Guard) -> Self {
        let write_id = WriteId::of(guard.idempotency_key.as_ref(), id, operation, changes);
        Self { id, write_id, precondition: &guard.precondition, now: SystemTime::now() }
    }
}

/// Replaces all of a task that a client may set.
pub(super) fn replacing(id: TaskId, replacement: Replacement, guard: &Guard) -> Vec<Write> {
    let changes = replacement.into();
    vec![Write::changing(&Call::new(id, "replace", &changes, guard), &changes)]
}

/// Changes parts of a task: at least one.
pub(super) fn updating(id: TaskId, changes: &TaskChanges, guard: &Guard) -> Vec<Write> {
    vec![Write::changing(&Call::new(id, "update", changes, guard), changes)]
}

/// Completes or reopens a task. Only a toggle is a write in either state.
pub(super) fn completing(id: TaskId, completion: Completion, guard: &Guard) -> Vec<Write> {
    let (operation, completed) = match completion {
        Completion::Set(completed) => ("complete", Some(completed)),
        Completion::Toggle => ("toggle", None),
    };
    let call = Call::new(id, operation, &TaskChanges { completed, ..TaskChanges::default() }, guard);
    match completion {
        Completion::Set(true) => vec![Write::completing(&call)],
        Completion::Set(false) => vec![Write::reopening(&call)],
        Completion::Toggle => vec![Write::completing(&call), Write::reopening(&call)],
    }
}

/// Leaves a tombstone: which task it was, in which version, and when it was deleted. Its content stays there unless nobody
/// could restore it.
pub(super) fn deleting(id: TaskId, guard: &Guard, restorable: Duration) -> Vec<Write> {
    vec![Write::deleting(&Call::new(id, "delete", &TaskChanges::default(), guard), restorable)]
}

/// Makes a task of a tombstone again, for so long after its deletion.
pub(super) fn restoring(id: TaskId, guard: &Guard, restorable: Duration) -> Vec<Write> {
    vec![Write::restoring(&Call::new(id, "restore", &TaskChanges::default(), guard), restorable)]
}

impl Write {
    fn changing(call: &Call<'_>, changes: &TaskChanges) -> Self {
        let mut write = Self::new(call, State::Any);
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
            Patch::Clear => Some(due_key(None, call.id)),
            Patch::Set(due) => Some(due_key(Some(due), call.id)),
        };
        if let Some(due_key) = &due_key {
            write.set(attribute::DUE_KEY, text(due_key.as_str()));
        }
        match (changes.completed, due_key) {
            (Some(true), _) => write.complete(call),
            (Some(false), due_key) => {
                let due_key = due_key.map_or(Value::CopyOf(attribute::DUE_KEY), |due_key| Value::New(text(due_key)));
                write.set.push((attribute::STATE_KEY, due_key));
                write.remove.extend([attribute::COMPLETED_AT, attribute::DONE_KEY]);
            }
            // A completed task stays where its completion put it.
            (None, Some(due_key)) => {
                write.set.push((attribute::STATE_KEY, Value::OldOr(attribute::DONE_KEY, text(due_key))));
            }
            (None, None) => {}
        }
        write
    }

    fn completing(call: &Call<'_>) -> Self {
        let mut write = Self::new(call, State::Open);
        write.complete(call);
        write
    }

    fn reopening(call: &Call<'_>) -> Self {
        let mut write = Self::new(call, State::Completed);
        write.set.push((attribute::STATE_KEY, Value::CopyOf(attribute::DUE_KEY)));
        write.remove.extend([attribute::COMPLETED_AT, attribute::DONE_KEY]);
        write
    }

    fn deleting(call: &Call<'_>, restorable: Duration) -> Self {
        let mut write = Self::new(call, State::Any);
        write.links = Links::Deletes;
        let expires_at = (call.now + TOMBSTONE_LIFETIME).duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        write.set(attribute::DELETED_AT, text(Timestamp::from(call.now).as_str()));
        write.set(attribute::EXPIRES_AT, number(expires_at));
        write.remove.push(attribute::STATE_KEY);
        if restorable.is_zero() {
            write.remove.extend(attribute::CONTENT);
        }
        write.returns = ReturnValue::None;
        write
    }

    fn restoring(call: &Call<'_>, restorable: Duration) -> Self {
        let mut write = Self::new(call, State::DeletedSince(Timestamp::from(call.now - restorable)));
        write.set.push((attribute::STATE_KEY, Value::FirstOf(attribute::DONE_KEY, attribute::DUE_KEY)));
        write.remove.extend([attribute::DELETED_AT, attribute::EXPIRES_AT]);
        write
    }

    fn new(call: &Call<'_>, state: State) -> Self {
        let now = Timestamp::from(call.now);
        let mut write = Self {
            id: call.id,
            links: Links::None,
            write_id: call.write_id.clone(),
            precondition: call.precondition.clone(),
            state,
            set: Vec::with_capacity(12),
            remove: Vec::new(),
            returns: ReturnValue::AllNew,
        };
        write.set(attribute::UPDATED, text(updated(&now, call.id)));
        write.set(attribute::UPDATED_AT, text(now.as_str()));
        write
    }

    /// Completes the task now, unless it is completed already: then it keeps the time at which it was.
    fn complete(&mut self, call: &Call<'_>) {
        self.links = Links::Completes;
        let now = Timestamp::from(call.now);
        let done_key = done_key(&now, call.id);
        for (target, source, value) in [
            (attribute::COMPLETED_AT, attribute::COMPLETED_AT, now.as_str()),
            (attribute::DONE_KEY, attribute::DONE_KEY, &done_key),
            (attribute::STATE_KEY, attribute::DONE_KEY, &done_key),
        ] {
            self.set.push((target, Value::OldOr(source, text(value))));
        }
    }

    /// The same write of the item as it was found, and of no later version: one of several that are done together.
    pub(super) fn pinned(&self, found: &Item) -> Self {
        let precondition = Precondition::from(Some(item::version(found).unwrap_or_default()));
        Self { links: Links::None, precondition, ..self.clone() }
    }

    /// The item after a write that was pinned to it.
    pub(super) fn applied(&self, found: &Item) -> Item {
        let mut item = found.clone();
        let [last, second, third] = attribute::WRITE_IDS;
        let first = self.write_id.value();
        let [moved, next] = [last, second].map(|name| found.get(name).cloned());
        item.insert(third.to_owned(), next.unwrap_or_else(|| first.clone()));
        item.extend(moved.map(|moved| (second.to_owned(), moved)));
        item.insert(last.to_owned(), first);
        item.insert(attribute::VERSION.to_owned(), number(item::version(found).unwrap_or_default() + 1));
        for (name, value) in &self.set {
            let value = match value {
                Value::New(value) => Some(value),
                Value::OldOr(source, value) => found.get(*source).or(Some(value)),
                Value::CopyOf(source) => found.get(*source),
                Value::FirstOf(first, second) => found.get(*first).or_else(|| found.get(*second)),
            };
            item.extend(value.map(|value| ((*name).to_owned(), value.clone())));
        }
        for name in &self.remove {
            item.remove(*name);
        }
        item
    }

    pub(super) fn set(&mut self, name: &'static str, value: AttributeValue) {
        self.set.push((name, Value::New(value)));
    }

    fn patch<T>(&mut self, name: &'static str, patch: &Patch<T>, as_str: fn(&T) -> &str) {
        match patch {
            Patch::Keep => {}
            Patch::Clear => self.remove.push(name),
            Patch::Set(value) => self.set(name, text(as_str(value))),
        }
    }

    /// As a request that has its key.
    pub(super) fn request(&self, request: UpdateItemFluentBuilder) -> UpdateItemFluentBuilder {
        let Expressions { update, condition, names, values } = self.expressions();
        request
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .return_values(self.returns.clone())
    }

    /// As an action of a transaction that has its key.
    pub(super) fn action(&self, action: UpdateBuilder) -> UpdateBuilder {
        let Expressions { update, condition, names, values } = self.expressions();
        action
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
    }

    fn expressions(&self) -> Expressions {
        // Every name stands behind a placeholder, because some are reserved words.
        // What stands on the right is as it was before the update.
        let mut update = String::from(
            "SET #version = #version + :one, #write_id_3 = if_not_exists(#write_id_2, #write_id), \
             #write_id_2 = #write_id, #write_id = :write_id",
        );
        let mut names: HashMap<String, String> = HashMap::new();
        let mut name = |name: &'static str| names.insert(format!("#{name}"), name.to_owned());
        let mut values =
            HashMap::from([(":one".to_owned(), number(1)), (":write_id".to_owned(), self.write_id.value())]);
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
                Value::OldOr(source, value) => {
                    name(source);
                    values.insert(format!(":{target}"), value.clone());
                    format!("if_not_exists(#{source}, :{target})")
                }
                Value::CopyOf(source) => {
                    name(source);
                    format!("#{source}")
                }
                Value::FirstOf(first, second) => {
                    name(first);
                    name(second);
                    format!("if_not_exists(#{first}, #{second})")
                }
            };
            update.push_str(&format!(", #{target} = {value}"));
        }
        for (index, target) in self.remove.iter().enumerate() {
            name(target);
            update.push_str(if index == 0 { " REMOVE " } else { ", " });
            update.push_str(&format!("#{target}"));
        }

        let mut condition = String::from(match &self.state {
            State::DeletedSince(oldest) => {
                values.insert(":oldest".to_owned(), text(oldest.as_str()));
                "attribute_exists(title) AND deleted_at >= :oldest"
            }
            State::Any | State::Open | State::Completed => {
                "attribute_exists(task_id) AND attribute_not_exists(deleted_at)"
            }
        });
        let name_or_key = match self.write_id.key() {
            None => ":write_id",
            Some(key) => {
                values.insert(":key".to_owned(), key);
                ":key"
            }
        };
        for name in attribute::WRITE_IDS {
            // An attribute that is absent begins with nothing.
            condition.push_str(&format!(" AND NOT begins_with(#{name}, {name_or_key})"));
        }
        condition.push_str(match self.state {
            State::Any | State::DeletedSince(_) => "",
            State::Open => " AND attribute_not_exists(completed_at)",
            State::Completed => " AND attribute_exists(completed_at)",
        });
        for name in self.links.attributes() {
            condition.push_str(&format!(" AND attribute_not_exists({name})"));
        }
        if let Precondition::Version(versions) = &self.precondition {
            // No task ever has version 0: with no other version to match, the condition fails and gives the item.
            let placeholders: Vec<_> = (0..=versions.len()).map(|index| format!(":version_{index}")).collect();
            condition.push_str(&format!(" AND #version IN ({})", placeholders.join(", ")));
            values.extend(placeholders.into_iter().zip([0].iter().chain(versions).map(|&version| number(version))));
        }
        Expressions { update, condition, names, values }
    }

    /// Why the conditions failed, from the item as it was found: one answer tells it all.
    pub(super) fn refused(&self, found: Option<Item>) -> Result<Outcome, StoreError> {
        let item = found.ok_or(StoreError::NotFound)?;
        match self.write_id.in_memory_of(&item) {
            Memory::Done => return Ok(Outcome::Done(item)),
            Memory::KeyReused => return Err(StoreError::KeyReused),
            Memory::None => {}
        }
        let is_deleted = item.contains_key(attribute::DELETED_AT);
        if is_deleted && !matches!(self.state, State::DeletedSince(_)) {
            return Err(StoreError::NotFound);
        }
        if !self.precondition.allows(item::version(&item).unwrap_or_default()) {
            return Err(StoreError::VersionMismatch);
        }
        let is_open = !item.contains_key(attribute::COMPLETED_AT);
        match self.state {
            State::Open if !is_open => return Ok(Outcome::OtherState(item)),
            State::Completed if is_open => return Ok(Outcome::OtherState(item)),
            // The marks of an erasure are no tasks, and name no write.
            State::DeletedSince(_) if !item.contains_key(attribute::WRITE_ID) => return Err(StoreError::NotFound),
            State::DeletedSince(_) if is_deleted => return Err(StoreError::RestoreExpired),
            State::DeletedSince(_) => return Ok(Outcome::OtherState(item)),
            State::Any | State::Open | State::Completed => {}
        }
        if self.links.attributes().iter().any(|&name| item.contains_key(name)) {
            return Ok(Outcome::Linked(item));
        }
        Err(StoreError::unexpected("a condition failed that always holds"))
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;

    fn call(guard: &Guard, now: SystemTime) -> Call<'_> {
        Call { now, ..Call::new(TaskId::new(), "delete", &TaskChanges::default(), guard) }
    }

    fn set_by<'a>(write: &'a Write, name: &str) -> &'a AttributeValue {
        let value = write.set.iter().find_map(|(set, value)| (*set == name).then_some(value));
        let Some(Value::New(value)) = value else { panic!("{name} is not set") };
        value
    }

    #[test]
    fn tombstone_stays_for_thirty_days() {
        let guard = Guard::default();
        let write = Write::deleting(&call(&guard, UNIX_EPOCH + Duration::from_secs(1_000)), Duration::ZERO);
        assert_eq!(set_by(&write, attribute::EXPIRES_AT), &number(2_593_000));
    }

    #[test]
    fn writes_keep_the_updated_index_in_order() {
        let guard = Guard::default();
        let call = call(&guard, UNIX_EPOCH);
        let expected = text(format!("1970-01-01T00:00:00.000Z#{}", call.id));
        assert_eq!(set_by(&Write::reopening(&call), attribute::UPDATED), &expected);
    }

    #[test]
    fn unconditional_write_is_not_silent() {
        let names = [attribute::VERSION, attribute::COMPLETED_AT];
        let item = Item::from(names.map(|name| (name.to_owned(), number(1))));
        for (write, is_silent) in [
            (deleting(TaskId::new(), &Guard::default(), Duration::ZERO), false),
            (completing(TaskId::new(), Completion::Set(true), &Guard::default()), true),
        ] {
            let refused = write[0].refused(Some(item.clone()));
            let unexpected = matches!(refused, Err(StoreError::Unexpected(_)));
            assert_eq!(unexpected, !is_silent);
        }
    }
}
