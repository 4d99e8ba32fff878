//! JSON bodies, read field by field so that one answer names everything that is wrong.

use std::collections::HashSet;
use std::time::SystemTime;

use serde_json::{Map, Value};

use super::problem::{DUE_REQUIRED, FieldError, Problem};
use crate::json;
use crate::store::{Action, Batch, BatchItem, Destination, Guard, IdempotencyKey, Precondition};
use crate::task::{
    Completion, CountedFrom, Description, Due, Invalid, NewTask, Patch, Position, Priority, Recurrence, RecurrenceRule,
    Replacement, Tag, Tags, TaskChanges, TaskId, TimeZone, Title, Version,
};

/// What a request body can be read as.
pub trait FromBody: Sized {
    /// The media types that it may come in.
    const MEDIA_TYPES: &'static [&'static str];

    /// The longest body, in bytes.
    const MAX_BYTES: usize = 64 * 1024;

    /// Takes the fields that it knows. `fields` notes what is wrong with them; `None` if one is missing without which there
    /// is no value.
    #[doc(hidden)]
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self>;
}

const JSON: &[&str] = &["application/json"];
/// RFC 7396.
const JSON_OR_MERGE_PATCH: &[&str] = &["application/json", "application/merge-patch+json"];

/// Reads a body that was sent to the task with this id, if it was sent to a task.
pub(super) fn parse<T: FromBody>(bytes: &[u8], task_id: Option<&str>) -> Result<T, Problem> {
    let members: Map<String, Value> =
        json::from_slice(bytes).map_err(|error| Problem::not_json(why_not_json(&error)))?;
    let mut fields = Fields { members, task_id, errors: Vec::new() };
    let value = T::from_fields(&mut fields);
    let errors = fields.finish(unknown_in_task);
    match value {
        Some(value) if errors.is_empty() => Ok(value),
        _ => Err(Problem::invalid_fields(errors)),
    }
}

/// `serde_json` says where, which helps. Sometimes it also quotes what it found there, which does not belong in an answer.
fn why_not_json(error: &serde_json::Error) -> String {
    if error.is_data() {
        return "The body must be one JSON object that names no member twice.".to_owned();
    }
    format!("The body is not JSON: see line {}, column {}.", error.line(), error.column())
}

impl FromBody for NewTask {
    const MEDIA_TYPES: &'static [&'static str] = JSON;

    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let title = fields.required("title", title);
        let description = fields.optional("description", nullable(description)).flatten();
        let priority = fields.optional("priority", priority).unwrap_or_default();
        let known_errors = fields.errors.len();
        let due = fields.optional("due", nullable(due)).flatten();
        let is_due_wrong = fields.errors.len() > known_errors;
        let tags = fields.optional("tags", tags).unwrap_or_default();
        let parent_id = fields.optional("parent_id", nullable(id)).flatten();
        let position = fields.optional("position", nullable(position)).flatten();
        let recurrence = fields.patch_object("recurrence", recurrence);
        fields.check_recurrence(&recurrence, &if is_due_wrong { Patch::Keep } else { Patch::from(due.clone()) });
        let recurrence = if let Patch::Set(recurrence) = recurrence { Some(recurrence) } else { None };
        if parent_id.is_some() && recurrence.is_some() {
            fields.errors.push(FieldError::at("recurrence", None, "cannot be set on a subtask"));
        }
        Some(Self { title: title?, description, priority, due, tags, parent_id, position, recurrence })
    }
}

/// The members of a task that no client sets, but for its id.
const SET_BY_THE_SERVER: [&str; 6] = ["completed_at", "created_at", "updated_at", "version", "series_id", "occurrence"];

/// A task can be sent back as it was read: what only the server sets may be there, and is ignored.
impl FromBody for Replacement {
    const MEDIA_TYPES: &'static [&'static str] = JSON;

    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        fields.check_id();
        for name in SET_BY_THE_SERVER {
            fields.members.remove(name);
        }
        let completed = fields.optional("completed", boolean).unwrap_or_default();
        Some(Self { content: NewTask::from_fields(fields)?, completed })
    }
}

impl FromBody for TaskChanges {
    const MEDIA_TYPES: &'static [&'static str] = JSON_OR_MERGE_PATCH;

    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let scope = fields.optional("scope", scope).unwrap_or_default();
        let due = fields.optional("due", nullable(due)).map_or(Patch::Keep, Patch::from);
        let recurrence = fields.patch_object("recurrence", recurrence);
        fields.check_recurrence(&recurrence, &due);
        let completed = fields.optional("completed", boolean);
        if scope == Scope::Occurrence && (completed.is_some() || recurrence != Patch::Keep) {
            let wrong = "must not be occurrence together with completed or recurrence";
            fields.errors.push(FieldError::at("scope", None, wrong));
        }
        let mut changes = Self {
            title: fields.optional("title", title),
            description: fields.optional("description", nullable(description)).map_or(Patch::Keep, Patch::from),
            completed,
            priority: fields.optional("priority", nullable(priority)).map(Option::unwrap_or_default),
            due,
            tags: fields.optional("tags", nullable(tags)).map(Option::unwrap_or_default),
            parent_id: None,
            position: fields.optional("position", nullable(position)).map_or(Patch::Keep, Patch::from),
            recurrence,
            this_only: false,
        };
        changes.this_only = scope == Scope::Occurrence && !changes.is_empty();
        Some(changes)
    }
}

/// What the changes of a recurring task are for.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Scope {
    /// This occurrence and all after it.
    #[default]
    Series,
    /// This one only.
    Occurrence,
}

fn recurrence(fields: &mut Fields<'_>) -> Option<Recurrence> {
    let rule = fields.required("rule", |value| RecurrenceRule::parse(&text(value)?));
    let time_zone = fields.optional("time_zone", nullable(|value| TimeZone::parse(&text(value)?))).flatten();
    let from = fields.optional("from", |value| CountedFrom::parse(&text(value)?)).unwrap_or_default();
    Some(Recurrence { rule: rule?, time_zone, from })
}

impl FromBody for Completion {
    const MEDIA_TYPES: &'static [&'static str] = JSON_OR_MERGE_PATCH;

    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        fields.required("completed", boolean).map(Self::Set)
    }
}

impl FromBody for Destination {
    const MEDIA_TYPES: &'static [&'static str] = JSON;

    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let before = fields.optional("before", nullable(id));
        let after = fields.optional("after", nullable(id));
        match (before, after) {
            (Some(before), None) => Some(Self::Before(before)),
            (None, Some(after)) => Some(Self::After(after)),
            (None, None) => {
                fields.errors.extend(
                    fields.errors.is_empty().then(|| FieldError::at("before", None, "is required, or else after")),
                );
                None
            }
            (Some(_), Some(_)) => {
                fields.errors.push(FieldError::at("after", None, "cannot be used with before"));
                None
            }
        }
    }
}

impl FromBody for Batch {
    const MEDIA_TYPES: &'static [&'static str] = JSON;
    const MAX_BYTES: usize = 1024 * 1024;

    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let atomic = fields.optional("atomic", boolean).unwrap_or_default();
        let items = fields.required("items", array_of_items)?;
        let mut tasks = HashSet::new();
        let mut read = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let pointer = format!("/items/{index}");
            let item = fields.inside(&pointer, item, None, unknown_in_item, batch_item);
            if let Some(BatchItem { id, .. }) = &item
                && !tasks.insert(*id)
                && atomic
            {
                let error = FieldError::at("id", None, "must not be named twice in an atomic batch");
                fields.errors.push(error.inside(&pointer));
            }
            read.push(item);
        }
        Some(Self { atomic, items: read.into_iter().collect::<Option<_>>()? })
    }
}

fn array_of_items(value: Value) -> Result<Vec<Value>, Invalid> {
    match value {
        Value::Array(items) if (1..=Batch::MAX_ITEMS).contains(&items.len()) => Ok(items),
        _ => Err(Invalid("must be an array of 1 to 100 items")),
    }
}

fn batch_item(fields: &mut Fields<'_>) -> Option<BatchItem> {
    let Some(operation) = fields.required("op", operation) else {
        // Without it, nothing says which other members belong there.
        fields.members.clear();
        return None;
    };
    let id = fields.required("id", if operation == Operation::Create { new_id } else { id });
    let idempotency_key = fields.optional("idempotency_key", idempotency_key);
    let precondition = match operation {
        Operation::Create => Precondition::None,
        _ => Precondition::from(fields.optional("if_match", version)),
    };
    let named = id.map(|id| id.to_string());
    let action = match operation {
        Operation::Create => fields.object("task", named.as_deref(), Replacement::from_fields).map(Action::Create),
        Operation::Update => fields.object("changes", None, TaskChanges::from_fields).map(Action::Update),
        Operation::Complete => fields.required("completed", boolean).map(Action::Complete),
        Operation::Skip => Some(Action::Skip),
        Operation::Delete => Some(Action::Delete),
        Operation::Restore => Some(Action::Restore),
    };
    let guard = Guard { precondition, idempotency_key };
    Some(BatchItem { id: id?, action: action?, guard })
}

/// What an item of a batch says that it does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Create,
    Update,
    Complete,
    Skip,
    Delete,
    Restore,
}

/// The members of a body that are not taken yet, and what was wrong with those that were.
pub struct Fields<'a> {
    members: Map<String, Value>,
    /// The id of the task that the path names.
    task_id: Option<&'a str>,
    errors: Vec<FieldError>,
}

impl Fields<'_> {
    fn required<T, E: Into<Errors>>(&mut self, name: &str, parse: impl Fn(Value) -> Result<T, E>) -> Option<T> {
        if !self.members.contains_key(name) {
            self.errors.push(FieldError::at(name, None, "is required"));
        }
        self.optional(name, parse)
    }

    /// The field, unless it is absent or wrong. A wrong one is noted, and the request refused whatever the others are.
    fn optional<T, E: Into<Errors>>(&mut self, name: &str, parse: impl Fn(Value) -> Result<T, E>) -> Option<T> {
        let wrong = match parse(self.members.remove(name)?) {
            Ok(value) => return Some(value),
            Err(wrong) => wrong.into().0,
        };
        self.errors.extend(wrong.into_iter().map(|(index, Invalid(detail))| FieldError::at(name, index, detail)));
        None
    }

    /// Takes the member `id`, which must be that of the task that the path names.
    fn check_id(&mut self) {
        if self.members.remove("id").is_some_and(|id| id.as_str().is_none() || id.as_str() != self.task_id) {
            self.errors.push(FieldError::at("id", None, "must be the id of the task"));
        }
    }

    /// A member that is an object, which `null` clears.
    fn patch_object<T>(&mut self, name: &str, read: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> Patch<T> {
        match self.members.remove(name) {
            None => Patch::Keep,
            Some(Value::Null) => Patch::Clear,
            Some(value) => {
                let value = self.inside(&format!("/{name}"), value, None, unknown_in_item, read);
                value.map_or(Patch::Keep, Patch::Set)
            }
        }
    }

    /// Checks that a task that recurs has a due date, and a rule that matches a later one.
    fn check_recurrence(&mut self, recurrence: &Patch<Recurrence>, due: &Patch<Due>) {
        match (recurrence, due) {
            (Patch::Set(_), Patch::Clear) => self.errors.push(FieldError::at("due", None, DUE_REQUIRED)),
            (Patch::Set(recurrence), Patch::Set(due)) => {
                if let Err(Invalid(detail)) = recurrence.check(due) {
                    self.errors.push(FieldError::whole("/recurrence/rule", detail));
                }
            }
            _ => {}
        }
    }

    /// A member that is an object. `task_id` is the id of the task that it is about.
    fn object<T>(
        &mut self,
        name: &str,
        task_id: Option<&str>,
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Option<T> {
        let value = self.required(name, Ok::<_, Invalid>)?;
        self.inside(&format!("/{name}"), value, task_id, unknown_in_task, read)
    }

    /// The object at this pointer, with what is wrong with it.
    fn inside<T>(
        &mut self,
        pointer: &str,
        value: Value,
        task_id: Option<&str>,
        unknown: fn(&str) -> &'static str,
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Option<T> {
        let Value::Object(members) = value else {
            self.errors.push(FieldError::whole(pointer, "must be an object"));
            return None;
        };
        let mut fields = Fields { members, task_id, errors: Vec::new() };
        let value = read(&mut fields);
        let errors = fields.finish(unknown);
        let is_right = errors.is_empty();
        self.errors.extend(errors.into_iter().map(|error| error.inside(pointer)));
        value.filter(|_| is_right)
    }

    /// What is wrong, with everything that nobody took.
    fn finish(mut self, unknown: fn(&str) -> &'static str) -> Vec<FieldError> {
        for name in self.members.keys() {
            self.errors.push(FieldError::at(name, None, unknown(name)));
        }
        self.errors
    }
}

/// What is wrong with a field, or with its elements.
struct Errors(Vec<(Option<usize>, Invalid)>);

impl From<Invalid> for Errors {
    fn from(invalid: Invalid) -> Self {
        Self(vec![(None, invalid)])
    }
}

fn unknown_in_task(name: &str) -> &'static str {
    match name {
        "completed" => "cannot be set when a task is created",
        "parent_id" => "is fixed when the task is created",
        name if name == "id" || SET_BY_THE_SERVER.contains(&name) => "is set by the server",
        _ => "is not a field of this request",
    }
}

fn unknown_in_item(_name: &str) -> &'static str {
    "is not a field of this item"
}

/// The same field, which `null` clears.
fn nullable<T, E>(parse: impl Fn(Value) -> Result<T, E>) -> impl Fn(Value) -> Result<Option<T>, E> {
    move |value| if value.is_null() { Ok(None) } else { parse(value).map(Some) }
}

fn boolean(value: Value) -> Result<bool, Invalid> {
    value.as_bool().ok_or(Invalid("must be true or false"))
}

fn scope(value: Value) -> Result<Scope, Invalid> {
    match value.as_str() {
        Some("series") => Ok(Scope::Series),
        Some("occurrence") => Ok(Scope::Occurrence),
        _ => Err(Invalid("must be series or occurrence")),
    }
}

fn operation(value: Value) -> Result<Operation, Invalid> {
    match value.as_str() {
        Some("create") => Ok(Operation::Create),
        Some("update") => Ok(Operation::Update),
        Some("complete") => Ok(Operation::Complete),
        Some("skip") => Ok(Operation::Skip),
        Some("delete") => Ok(Operation::Delete),
        Some("restore") => Ok(Operation::Restore),
        _ => Err(Invalid("must be create, update, complete, skip, delete or restore")),
    }
}

fn id(value: Value) -> Result<TaskId, Invalid> {
    value.as_str().and_then(TaskId::parse).ok_or(Invalid("must be a UUID of version 7 in lower case"))
}

fn new_id(value: Value) -> Result<TaskId, Invalid> {
    TaskId::parse_new(&text(value)?, SystemTime::now())
}

fn version(value: Value) -> Result<Version, Invalid> {
    // In JSON, 3.0 is a whole number as well, and those up to here are the same to all programs (RFC 8259 §6).
    const LARGEST: f64 = 9_007_199_254_740_991.0;
    let whole = value.as_f64().filter(|number| number.fract() == 0.0 && (1.0..=LARGEST).contains(number));
    whole.map(|number| number as Version).ok_or(Invalid("must be a version: a whole number from 1 on"))
}

fn idempotency_key(value: Value) -> Result<IdempotencyKey, Invalid> {
    IdempotencyKey::parse(&text(value)?)
}

fn title(value: Value) -> Result<Title, Invalid> {
    Title::parse(&text(value)?)
}

fn description(value: Value) -> Result<Description, Invalid> {
    Description::parse(text(value)?)
}

fn priority(value: Value) -> Result<Priority, Invalid> {
    Priority::parse(&text(value)?)
}

fn due(value: Value) -> Result<Due, Invalid> {
    Due::parse(&text(value)?)
}

fn position(value: Value) -> Result<Position, Invalid> {
    Position::parse(&text(value)?)
}

fn tags(value: Value) -> Result<Tags, Errors> {
    let Value::Array(values) = value else { return Err(Invalid("must be an array of strings").into()) };
    let mut tags = Vec::with_capacity(values.len().min(Tags::MAX));
    let mut errors = Vec::new();
    for (index, value) in values.into_iter().enumerate() {
        match text(value).and_then(|text| Tag::parse(&text)) {
            Ok(tag) => tags.push(tag),
            Err(invalid) => errors.push((Some(index), invalid)),
        }
    }
    if errors.is_empty() { Ok(Tags::new(tags)?) } else { Err(Errors(errors)) }
}

fn text(value: Value) -> Result<String, Invalid> {
    if let Value::String(text) = value { Ok(text) } else { Err(Invalid("must be a string")) }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(body: &str) -> Problem {
        parse::<NewTask>(body.as_bytes(), None).unwrap_err()
    }

    #[test]
    fn malformed_json_is_located_and_never_quoted() {
        for (body, detail) in [
            ("{\n  secret}", "The body is not JSON: see line 2, column 3."),
            (r#"{"secret":1,"secret":2}"#, "The body must be one JSON object that names no member twice."),
            (r#"["secret"]"#, "The body must be one JSON object that names no member twice."),
        ] {
            assert_eq!(refused(body).detail, detail, "{body}");
        }
    }

    #[test]
    fn every_wrong_field_is_named() {
        let problem = refused(r#"{"tags":["a",1],"completed":true,"id":"x","version":1,"a/b~c":0}"#);
        assert_eq!(problem.detail, "In the body, /title is required, and 5 more.");
        let errors = json!([
            { "pointer": "/title", "detail": "is required" },
            { "pointer": "/tags/1", "detail": "must be a string" },
            { "pointer": "/a~1b~0c", "detail": "is not a field of this request" },
            { "pointer": "/completed", "detail": "cannot be set when a task is created" },
            { "pointer": "/id", "detail": "is set by the server" },
            { "pointer": "/version", "detail": "is set by the server" },
        ]);
        assert_eq!(serde_json::to_value(&problem.errors).unwrap(), errors);
        assert_eq!(refused("{}").detail, "In the body, /title is required.");
        let priority = refused(r#"{"title":"x","priority":"urgent"}"#);
        assert_eq!(priority.detail, "In the body, /priority must be none, low, medium or high.");
        assert_eq!(refused(r#"{"x":1}"#).detail, "In the body, /title is required, and 1 more.");
    }
}
