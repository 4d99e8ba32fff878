//! Conditional writes of a task that is there, each one `UpdateItem` without a read before it.
//!
//! Every write leaves its own id on the item, which keeps the last three, and demands that it is not there yet. So a
//! retry, by the SDK after an answer was lost, or on the network by an attempt that comes late, finds its own write,
//! even if two others have come after it, and does nothing twice. So does a client that repeats a request under its
//! idempotency key, which the id then begins with.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::item::{
    self, Item, TaskAttributes, attribute, child_key, done_key, due_key, number, position_key, text, updated,
};
use super::write_id::{Memory, WriteId};
use super::{Guard, Precondition, StoreError};
use crate::aws::Expressions;
use crate::task::{
    Completion, Description, Due, Invalid, Patch, Position, Priority, Replacement, TaskChanges, TaskId, Timestamp,
    Title, Version,
};

const NOT_OF_A_SUBTASK: Invalid = Invalid("cannot be set on a subtask");
const PARENT_IS_FIXED: Invalid = Invalid("is fixed when the task is created");
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
    /// Open, and one of a series.
    Recurring,
}

/// What a write brings about beyond its own task, if that has one of these attributes: then it is one of several writes
/// that are done together (see [`super::linked`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    None,
    /// Completing: the next occurrence is made, and subtasks are completed.
    Completes,
    /// Completing a task that gets a recurrence with the same write.
    CompletesRecurring,
    /// Deleting: subtasks are deleted.
    Deletes,
    /// Restoring: subtasks that were deleted with it are restored, and a subtask's parent must be there.
    Restores,
}

impl Links {
    /// What a task must not have for the write to be done by itself.
    fn attributes(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::Completes | Self::CompletesRecurring => &[attribute::RECURRENCE, attribute::HAS_SUBTASKS],
            Self::Deletes => &[attribute::HAS_SUBTASKS],
            Self::Restores => &[attribute::HAS_SUBTASKS, attribute::PARENT_ID],
        }
    }
}

/// What a task needs for a write, which is an error if it lacks it: a recurring task has a due date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// It has a due date, because it is to recur.
    Due,
    /// It does not recur, because it loses its due date.
    NoRecurrence,
}

/// What becomes of a task's attributes, and on which conditions.
#[derive(Clone)]
pub(super) struct Write {
    pub(super) id: TaskId,
    pub(super) links: Links,
    write_id: WriteId,
    precondition: Precondition,
    state: State,
    /// The list that the task must be in.
    home: Option<Home>,
    /// What the task must not have, because its keys in the indexes of lists in manual order would follow from that. With
    /// it, the write is made of the item as it was found.
    unless: Vec<&'static str>,
    /// How many subtasks the task must have been given, if it was any.
    subtasks: Option<AttributeValue>,
    needs: Needs,
    set: Vec<(&'static str, Value)>,
    remove: Vec<&'static str>,
    pub(super) returns: ReturnValue,
}

/// The list of a parent's subtasks, or that of tasks without one.
#[derive(Debug, Clone)]
pub(super) struct Home {
    pub(super) parent: Option<TaskId>,
    /// What a task of another list means.
    pub(super) otherwise: StoreError,
}

#[derive(Clone)]
enum Value {
    New(AttributeValue),
    /// What this attribute was before, or the value if it was absent.
    OldOr(&'static str, AttributeValue),
    /// What it was before; if it was absent, what that attribute is, or an empty text if that is absent too.
    OldOrOf(&'static str),
    CopyOf(&'static str),
    /// What the first attribute was before, or the second if it was absent.
    FirstOf(&'static str, &'static str),
}

/// What a write that DynamoDB answered has done.
pub(super) enum Outcome {
    /// It was done, now or by an earlier attempt of the same call. This is the item after it, and after what others
    /// have written since; a tombstone, if they have deleted it.
    Done(TaskAttributes),
    /// Nothing: the task is not in the state that the write demands. This is the item as it is.
    OtherState(TaskAttributes),
    /// Nothing: the write concerns other tasks as well. This is the item as it is.
    Linked(Item),
}

/// An outcome, of an item.
type OutcomeOf = fn(Item) -> Outcome;

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
    let call = Call::new(id, "update", changes, guard);
    // Of a task that does not recur, "this one only" is all of it.
    let this_only = changes.this_only.then(|| Write::changing_this_only(&call, changes));
    this_only.into_iter().chain([Write::changing(&call, changes)]).collect()
}

/// Gives a task a position in this list. `operation` says what the client asked for.
pub(super) fn moving(id: TaskId, position: Position, home: Home, operation: &str, guard: &Guard) -> Vec<Write> {
    let call = Call::new(id, operation, &TaskChanges::default(), guard);
    let changes = TaskChanges { position: Patch::Set(position), parent_id: home.parent, ..TaskChanges::default() };
    vec![Write { home: Some(home), ..Write::changing(&call, &changes) }]
}

/// Completes a subtask together with its parent, if it is in this version.
pub(super) fn completing_with_parent(id: TaskId, version: Version) -> Write {
    Write::completing(&Call::new(id, "complete", &TaskChanges::default(), &Guard::default())).alone(version)
}

/// Deletes a subtask together with its parent, if it is in this version.
pub(super) fn deleting_with_parent(id: TaskId, version: Version, restorable: Duration) -> Write {
    let guard = Guard::default();
    let call = Call::new(id, "delete", &TaskChanges::default(), &guard);
    let mut write = Write::deleting(&call, restorable).alone(version);
    write.set(attribute::DELETED_WITH, AttributeValue::Bool(true));
    write
}

/// Restores a subtask together with its parent, if it is in this version: however long ago it was deleted, its parent can be.
pub(super) fn restoring_with_parent(id: TaskId, version: Version) -> Write {
    let guard = Guard::default();
    let call = Call::new(id, "restore", &TaskChanges::default(), &guard);
    let write = Write::restoring(&call, Duration::ZERO).alone(version);
    Write { state: State::DeletedSince(Timestamp::from(UNIX_EPOCH)), ..write }
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

/// What a skipped task becomes.
pub(super) struct Skip {
    /// The task as later occurrences are.
    pub(super) series: Item,
    /// When it is due then.
    pub(super) due: Due,
    /// What the rule counts from, if it is not that.
    pub(super) anchor: Option<Due>,
    /// Which occurrence it is then.
    pub(super) place: AttributeValue,
}

/// Moves a task that was found to the next date of its series, which `next` calculates unless that has ended. The outcome
/// instead, if there is nothing to do.
pub(super) fn skipping(
    id: TaskId,
    guard: &Guard,
    found: Item,
    next: impl FnOnce(&Item) -> Result<Option<Skip>, StoreError>,
) -> Result<Result<Write, TaskAttributes>, StoreError> {
    let call = Call::new(id, "skip", &TaskChanges::default(), guard);
    let examined = Write::new(&call, State::Recurring).outcome(&found)?;
    match examined.map(|outcome| outcome(found.clone())) {
        Some(Outcome::Done(attributes)) => return Ok(Err(attributes)),
        Some(_) => return Err(StoreError::NoNextOccurrence),
        None => {}
    }
    let next = next(&found)?.ok_or(StoreError::NoNextOccurrence)?;
    Ok(Ok(Write::skipping(&call, &found, &next).pinned(&found)))
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
        for (name, of_the_series) in attribute::OF_THE_SERIES {
            if write.writes(name) {
                write.remove.push(of_the_series);
            }
        }
        write.recur(changes);
        write.place(call.id, changes);
        write
    }

    /// Gives the task its position, and its keys in the indexes of lists in manual order as far as they follow from the
    /// changes.
    fn place(&mut self, id: TaskId, changes: &TaskChanges) {
        self.patch(attribute::POSITION, &changes.position, Position::as_str);
        let position = match &changes.position {
            Patch::Keep if changes.completed == Some(false) => return self.unless.push(attribute::POSITION),
            Patch::Keep => return,
            Patch::Clear => None,
            Patch::Set(position) => Some(position.as_str()),
        };
        let otherwise = StoreError::Field("parent_id", PARENT_IS_FIXED);
        if let Some(parent) = changes.parent_id {
            self.home = Some(Home { parent: Some(parent), otherwise });
            return self.set(attribute::CHILD_KEY, text(child_key(&parent.to_string(), position, id)));
        }
        self.unless.push(attribute::PARENT_ID);
        match (position, changes.completed) {
            (Some(position), Some(false)) => self.set(attribute::POSITION_KEY, text(position_key(position, id))),
            (Some(position), None) => {
                self.unless.push(attribute::COMPLETED_AT);
                self.set(attribute::POSITION_KEY, text(position_key(position, id)));
            }
            (None, None | Some(false)) => self.remove.push(attribute::POSITION_KEY),
            // Completing removes it.
            (_, Some(true)) => {}
        }
    }

    fn recur(&mut self, changes: &TaskChanges) {
        match &changes.recurrence {
            Patch::Keep if changes.due == Patch::Clear => self.needs = Needs::NoRecurrence,
            Patch::Keep => {}
            Patch::Clear => self.end_series(),
            Patch::Set(recurrence) => {
                if changes.due == Patch::Keep {
                    self.needs = Needs::Due;
                }
                if changes.completed == Some(true) {
                    self.links = Links::CompletesRecurring;
                }
                let otherwise = StoreError::Field("recurrence", NOT_OF_A_SUBTASK);
                self.home = Some(Home { parent: None, otherwise });
                self.set(attribute::RECURRENCE, text(recurrence.to_store()));
                self.set.push((attribute::SERIES, Value::OldOr(attribute::SERIES, item::series_key(TaskId::new(), 1))));
                self.remove.push(attribute::PAST_SERIES);
            }
        }
    }

    /// Leaves the task without a recurrence, and without what later occurrences would have.
    fn end_series(&mut self) {
        self.set.retain(|(name, _)| ![attribute::RECURRENCE, attribute::SERIES].contains(name));
        let of_the_series = attribute::OF_THE_SERIES.map(|(_, of_the_series)| of_the_series);
        for name in [attribute::RECURRENCE, attribute::SERIES].into_iter().chain(of_the_series) {
            if !self.writes(name) {
                self.remove.push(name);
            }
        }
    }

    /// Leaves it to the next occurrence to recur, and remembers which one of the series this task was.
    pub(super) fn pass_on(&mut self, series: Option<&AttributeValue>) {
        self.end_series();
        if let Some(series) = series {
            self.remove.retain(|name| *name != attribute::PAST_SERIES);
            self.set(attribute::PAST_SERIES, series.clone());
        }
    }

    /// The same changes, after which later occurrences are as they would be without them.
    fn changing_this_only(call: &Call<'_>, changes: &TaskChanges) -> Self {
        let mut write = Self::changing(call, changes);
        write.state = State::Recurring;
        for (name, of_the_series) in attribute::OF_THE_SERIES {
            if write.writes(name) {
                write.remove.retain(|name| *name != of_the_series);
                write.set.push((of_the_series, Value::OldOrOf(name)));
            }
        }
        write
    }

    /// Moves a task to the next date of its series, as which it was found.
    fn skipping(call: &Call<'_>, found: &Item, next: &Skip) -> Self {
        let mut write = Self::new(call, State::Recurring);
        for (name, of_the_series) in attribute::OF_THE_SERIES {
            if name != attribute::DUE && found.contains_key(of_the_series) {
                match next.series.get(name) {
                    Some(value) => write.set(name, value.clone()),
                    None => write.remove.push(name),
                }
                write.remove.push(of_the_series);
            }
        }
        let due_key = text(due_key(Some(&next.due), call.id));
        write.set(attribute::DUE, text(next.due.as_str()));
        write.set(attribute::DUE_KEY, due_key.clone());
        write.set(attribute::STATE_KEY, due_key);
        write.set(attribute::SERIES, next.place.clone());
        match &next.anchor {
            Some(anchor) => write.set(attribute::SERIES_DUE, text(anchor.as_str())),
            None => write.remove.push(attribute::SERIES_DUE),
        }
        write
    }

    /// Whether it sets or removes an attribute.
    fn writes(&self, name: &str) -> bool {
        self.set.iter().any(|(set, _)| *set == name) || self.remove.contains(&name)
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
        write.unless.push(attribute::POSITION);
        write
    }

    fn deleting(call: &Call<'_>, restorable: Duration) -> Self {
        let mut write = Self::new(call, State::Any);
        write.links = Links::Deletes;
        let expires_at = (call.now + TOMBSTONE_LIFETIME).duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        write.set(attribute::DELETED_AT, text(Timestamp::from(call.now).as_str()));
        write.set(attribute::EXPIRES_AT, number(expires_at));
        write.remove.extend([attribute::STATE_KEY, attribute::POSITION_KEY]);
        if restorable.is_zero() {
            write.remove.extend(attribute::CONTENT);
            write.end_series();
        }
        write.returns = ReturnValue::None;
        write
    }

    fn restoring(call: &Call<'_>, restorable: Duration) -> Self {
        let mut write = Self::new(call, State::DeletedSince(Timestamp::from(call.now - restorable)));
        write.set.push((attribute::STATE_KEY, Value::FirstOf(attribute::DONE_KEY, attribute::DUE_KEY)));
        write.remove.extend([attribute::DELETED_AT, attribute::EXPIRES_AT, attribute::DELETED_WITH]);
        write.links = Links::Restores;
        write.unless.push(attribute::POSITION);
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
            home: None,
            unless: Vec::new(),
            subtasks: None,
            needs: Needs::Nothing,
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
        self.remove.push(attribute::POSITION_KEY);
    }

    /// The same write of this version, whatever else the task has.
    fn alone(self, version: Version) -> Self {
        let precondition = Precondition::from(Some(version));
        Self { links: Links::None, unless: Vec::new(), precondition, ..self }
    }

    /// The same write of the item as it was found, and of no later version: one of several that are done together.
    pub(super) fn pinned(&self, found: &Item) -> Self {
        let mut write = self.clone().alone(item::version(found).unwrap_or_default());
        write.subtasks = found.get(attribute::HAS_SUBTASKS).cloned();
        let after = write.applied(found);
        let text_of = |name| after.get(name)?.as_s().ok().map(String::as_str);
        let is_key = |name: &str| [attribute::POSITION_KEY, attribute::CHILD_KEY].contains(&name);
        write.set.retain(|(name, _)| !is_key(name));
        write.remove.retain(|name| *name != attribute::POSITION_KEY);
        let is_open = !after.contains_key(attribute::COMPLETED_AT) && !after.contains_key(attribute::DELETED_AT);
        match (text_of(attribute::PARENT_ID), text_of(attribute::POSITION)) {
            (Some(parent), position) => write.set(attribute::CHILD_KEY, text(child_key(parent, position, self.id))),
            (None, Some(position)) if is_open => {
                write.set(attribute::POSITION_KEY, text(position_key(position, self.id)));
            }
            (None, _) => write.remove.push(attribute::POSITION_KEY),
        }
        write
    }

    /// The item after a write that was pinned to it.
    pub(super) fn applied(&self, found: &Item) -> Item {
        let mut item = found.clone();
        let [last, second, third] = attribute::WRITE_IDS;
        let moved = [(second, found.get(last)), (third, found.get(second).or(found.get(last)))];
        item.extend(moved.into_iter().filter_map(|(name, id)| Some((name.to_owned(), id?.clone()))));
        item.insert(last.to_owned(), self.write_id.value());
        item.insert(attribute::VERSION.to_owned(), number(item::version(found).unwrap_or_default() + 1));
        for (name, value) in &self.set {
            let value = match value {
                Value::New(value) => Some(value),
                Value::OldOr(source, value) => found.get(*source).or(Some(value)),
                Value::CopyOf(source) => found.get(*source),
                Value::FirstOf(first, second) => found.get(*first).or_else(|| found.get(*second)),
                Value::OldOrOf(source) => found.get(*name).or_else(|| found.get(*source)),
            };
            let value = value.cloned().unwrap_or_else(|| text(""));
            item.insert((*name).to_owned(), value);
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

    /// As an action of a transaction that has its key.
    pub(super) fn action(&self, action: UpdateBuilder) -> UpdateBuilder {
        let Expressions { update, condition, names, values } = self.expressions();
        let names = names.into_iter().map(|name| (format!("#{name}"), name.to_owned())).collect();
        let values = values.into_iter().map(|(name, value)| (format!(":{name}"), value)).collect();
        action
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
    }

    /// The write and its conditions, in DynamoDB's words.
    pub(super) fn expressions(&self) -> Expressions {
        // Names stand behind placeholders, because some are reserved words. Those that ordinary tasks lack, and that are removed
        // in case they are there, are none, and so a request is shorter.
        // What stands on the right is as it was before the update.
        let mut update = String::from(
            "SET #version = #version + :one, #write_id_3 = if_not_exists(#write_id_2, #write_id), \
             #write_id_2 = #write_id, #write_id = :write_id",
        );
        let mut names = Vec::with_capacity(24);
        let mut name = |name: &'static str| {
            if !names.contains(&name) {
                names.push(name);
            }
        };
        let mut values = Vec::with_capacity(12);
        let mut value = |name: &'static str, value| {
            if !values.iter().any(|(known, _)| known == name) {
                values.push((Cow::Borrowed(name), value));
            }
        };
        value("one", number(1));
        value("write_id", self.write_id.value());
        name(attribute::VERSION);
        for write_id in attribute::WRITE_IDS {
            name(write_id);
        }
        for (target, new) in &self.set {
            name(target);
            update.extend([", #", target, " = "]);
            match new {
                Value::New(new) => {
                    value(target, new.clone());
                    update.extend([":", target]);
                }
                Value::OldOr(source, new) => {
                    name(source);
                    value(target, new.clone());
                    update.extend(["if_not_exists(#", source, ", :", target, ")"]);
                }
                Value::CopyOf(source) => {
                    name(source);
                    update.extend(["#", source]);
                }
                Value::FirstOf(first, second) => {
                    name(first);
                    name(second);
                    update.extend(["if_not_exists(#", first, ", #", second, ")"]);
                }
                Value::OldOrOf(source) => {
                    name(source);
                    value("none", text(""));
                    update.extend(["if_not_exists(#", target, ", if_not_exists(#", source, ", :none))"]);
                }
            }
        }
        for (index, target) in self.remove.iter().enumerate() {
            update.push_str(if index == 0 { " REMOVE " } else { ", " });
            if attribute::is_of_a_series(target) {
                update.push_str(target);
            } else {
                name(target);
                update.extend(["#", target]);
            }
        }

        let mut condition = String::from(match &self.state {
            State::DeletedSince(oldest) => {
                value("oldest", text(oldest.as_str()));
                "attribute_exists(title) AND deleted_at >= :oldest"
            }
            State::Any | State::Open | State::Completed | State::Recurring => {
                "attribute_exists(task_id) AND attribute_not_exists(deleted_at)"
            }
        });
        let name_or_key = match self.write_id.key() {
            None => ":write_id",
            Some(key) => {
                value("key", key);
                ":key"
            }
        };
        for name in attribute::WRITE_IDS {
            // An attribute that is absent begins with nothing.
            condition.extend([" AND NOT begins_with(#", name, ", ", name_or_key, ")"]);
        }
        condition.push_str(match self.state {
            State::Any | State::DeletedSince(_) => "",
            State::Open => " AND attribute_not_exists(completed_at)",
            State::Completed => " AND attribute_exists(completed_at)",
            State::Recurring => " AND attribute_not_exists(completed_at) AND attribute_exists(recurrence)",
        });
        condition.push_str(match self.needs {
            Needs::Nothing => "",
            Needs::Due => " AND attribute_exists(due)",
            Needs::NoRecurrence => " AND attribute_not_exists(recurrence)",
        });
        if self.links == Links::CompletesRecurring {
            // No version is below 1: the condition fails and gives the item.
            condition.push_str(" AND #version < :one");
        }
        for name in self.links.attributes().iter().chain(&self.unless) {
            condition.extend([" AND attribute_not_exists(", *name, ")"]);
        }
        match &self.home {
            Some(Home { parent: Some(parent), .. }) => {
                condition.push_str(" AND parent_id = :parent_id");
                value(attribute::PARENT_ID, text(parent.to_string()));
            }
            Some(Home { parent: None, .. }) => condition.push_str(" AND attribute_not_exists(parent_id)"),
            None => {}
        }
        if let Some(subtasks) = &self.subtasks {
            condition.push_str(" AND has_subtasks = :has_subtasks");
            value(attribute::HAS_SUBTASKS, subtasks.clone());
        }
        if let Precondition::Version(versions) = &self.precondition {
            // No task ever has version 0: with no other version to match, the condition fails and gives the item.
            condition.push_str(" AND #version IN (");
            for (index, &version) in [0].iter().chain(versions).enumerate() {
                let name = format!("version_{index}");
                condition.extend([if index == 0 { ":" } else { ", :" }, &name]);
                values.push((name.into(), number(version)));
            }
            condition.push(')');
        }
        Expressions { update, condition, names, values }
    }

    /// Why the conditions failed, from the item as it was found: one answer tells it all.
    pub(super) fn refused(&self, found: Option<Item>) -> Result<Outcome, StoreError> {
        let item = found.ok_or(StoreError::NotFound)?;
        match self.outcome(&item)? {
            Some(outcome) => Ok(outcome(item)),
            None => Err(StoreError::unexpected("a condition failed that always holds")),
        }
    }

    /// What the write does to an item, unless it is done.
    fn outcome(&self, item: &Item) -> Result<Option<OutcomeOf>, StoreError> {
        match self.write_id.in_memory_of(item) {
            Memory::Done => return Ok(Some(|item| Outcome::Done(item.into()))),
            Memory::KeyReused => return Err(StoreError::KeyReused),
            Memory::None => {}
        }
        let is_deleted = item.contains_key(attribute::DELETED_AT);
        if is_deleted && !matches!(self.state, State::DeletedSince(_)) {
            return Err(StoreError::NotFound);
        }
        if !self.precondition.allows(item::version(item).unwrap_or_default()) {
            return Err(StoreError::VersionMismatch);
        }
        if self.subtasks.as_ref().is_some_and(|subtasks| item.get(attribute::HAS_SUBTASKS) != Some(subtasks)) {
            return Err(StoreError::VersionMismatch);
        }
        if let Some(Home { parent, otherwise }) = &self.home
            && item.get(attribute::PARENT_ID) != parent.map(|parent| text(parent.to_string())).as_ref()
        {
            return Err(otherwise.clone());
        }
        let has = |name| item.contains_key(name);
        let is_open = !has(attribute::COMPLETED_AT);
        let is_in_state = match &self.state {
            State::Any => true,
            State::Open => is_open,
            State::Completed => !is_open,
            State::Recurring => is_open && has(attribute::RECURRENCE),
            // The marks of an erasure are no tasks, and name no write.
            State::DeletedSince(_) if !has(attribute::WRITE_ID) => return Err(StoreError::NotFound),
            State::DeletedSince(oldest) if is_deleted => {
                let deleted_at = item.get(attribute::DELETED_AT).and_then(|at| at.as_s().ok());
                if !has(attribute::TITLE) || deleted_at.is_none_or(|at| at.as_str() < oldest.as_str()) {
                    return Err(StoreError::RestoreExpired);
                }
                true
            }
            State::DeletedSince(_) => false,
        };
        if !is_in_state {
            return Ok(Some(|item| Outcome::OtherState(item.into())));
        }
        if self.needs == Needs::Due && !has(attribute::DUE)
            || self.needs == Needs::NoRecurrence && has(attribute::RECURRENCE)
        {
            return Err(StoreError::DueRequired);
        }
        let is_linked = self.links == Links::CompletesRecurring
            || self.links.attributes().iter().chain(&self.unless).any(|name| has(*name));
        Ok(is_linked.then_some(Outcome::Linked))
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
    fn applied_write_leaves_the_ids_that_dynamodb_leaves() {
        let write = completing(TaskId::new(), Completion::Set(true), &Guard::default()).remove(0);
        let own = write.write_id.value();
        let [a, b, c] = ["a", "b", "c"].map(text);
        for (before, after) in
            [(vec![&a], [&own, &a, &a]), (vec![&a, &b], [&own, &a, &b]), (vec![&a, &b, &c], [&own, &a, &b])]
        {
            let names = attribute::WRITE_IDS.map(str::to_owned).into_iter();
            let found = names.zip(before.into_iter().cloned()).collect();
            let applied = write.applied(&found);
            assert_eq!(attribute::WRITE_IDS.map(|name| &applied[name]), after, "{found:?}");
        }
    }

    #[test]
    fn unconditional_write_is_not_silent() {
        let item = [(attribute::VERSION, number(1)), (attribute::COMPLETED_AT, text("2026-11-30T10:15:00.000Z"))];
        let item = Item::from(item.map(|(name, value)| (name.to_owned(), value)));
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
