//! The queries of lists.

use std::borrow::Cow;

use super::problem::{ParameterError, Problem};
use crate::search::Search;
use crate::store::{
    ChangesQuery, Cursor, DueRange, ExportQuery, ListQuery, Order, Since, Status, SyncToken, TagsQuery,
};
use crate::task::{Due, Invalid, Priority, Tag, TaskId};

const UNKNOWN: Invalid = Invalid("is not a parameter of this request");

/// A name and a value, percent-decoded.
type Parameter<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Refuses every parameter: only lists have some.
pub(super) fn must_be_empty<'a>(parameters: impl Iterator<Item = Parameter<'a>>) -> Result<(), Problem> {
    let errors: Vec<_> = parameters.map(|(name, _)| ParameterError::new(&name, UNKNOWN)).collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid_parameters(errors)) }
}

/// Reads the parameters of a list, each but `tag` at most once and none unknown.
pub(super) fn parse<'a>(parameters: impl Iterator<Item = Parameter<'a>>) -> Result<ListQuery, Problem> {
    let mut query = ListQuery {
        status: Status::default(),
        order: Order::default(),
        limit: 50,
        priority: None,
        search: Search::default(),
        due: DueRange::default(),
        cursor: None,
    };
    let (mut cursor, mut sort, mut parent, mut others) = (None, None, None, Vec::new());
    let mut errors = each(parameters, |name, value| {
        match name {
            "limit" | "cursor" | "sort" | "parent_id" => {}
            _ => others.push(name.to_owned()),
        }
        match name {
            "status" => query.status = status(value)?,
            "sort" => sort = Some(position(value)?),
            "parent_id" => parent = Some(TaskId::parse(value).ok_or(Invalid("must be the id of a task"))?),
            "limit" => query.limit = limit(value, 100, Invalid("must be a number from 1 to 100"))?,
            "priority" => query.priority = Some(Priority::parse(value)?),
            "q" => query.search.set_words(value)?,
            "tag" => query.search.add_tag(&Tag::parse(value)?)?,
            "due_from" => query.due.from = Some(Due::parse(value)?),
            "due_before" => query.due.before = Some(Due::parse(value)?),
            "cursor" => cursor = Some(value.to_owned()),
            _ => return Err(UNKNOWN),
        }
        Ok(())
    });

    query.order = match (sort, parent) {
        (Some(order), None) => order,
        (None, Some(parent)) => Order::Subtasks(parent),
        (None, None) => Order::Status,
        (Some(_), Some(_)) => {
            errors.push(ParameterError::new(
                "sort",
                Invalid("cannot be used with parent_id, whose list is in this order"),
            ));
            Order::Status
        }
    };
    let only = match query.order {
        Order::Status => None,
        Order::Position if query.status == Status::All && others.iter().all(|name| name != "status") => {
            query.status = Status::Open;
            None
        }
        Order::Position if query.status == Status::Open => None,
        Order::Position => {
            errors.push(ParameterError::new("status", Invalid("must be open with sort=position")));
            None
        }
        Order::Subtasks(_) => Some(Invalid("cannot be used with parent_id")),
    };
    errors.extend(only.iter().flat_map(|&only| others.iter().map(move |name| ParameterError::new(name, only))));

    let DueRange { from, before } = &query.due;
    if query.status != Status::Open {
        let needs_open = Invalid("can only be used with status=open");
        errors.extend(from.as_ref().map(|_| ParameterError::new("due_from", needs_open)));
        errors.extend(before.as_ref().map(|_| ParameterError::new("due_before", needs_open)));
    }
    if let (Some(from), Some(before)) = (from, before)
        && from >= before
    {
        errors.push(ParameterError::new("due_before", Invalid("must be later than due_from")));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid_parameters(errors));
    }
    query.cursor =
        cursor.map(|text| Cursor::decode(&text, &query)).transpose().map_err(|_| Problem::invalid_cursor())?;
    Ok(query)
}

/// Reads the parameters of changes, each at most once and none unknown.
pub(super) fn parse_changes<'a>(parameters: impl Iterator<Item = Parameter<'a>>) -> Result<ChangesQuery, Problem> {
    let mut query = ChangesQuery { since: Since::default(), limit: 100 };
    let mut since = None;
    read_each(parameters, |name, value| {
        match name {
            "since" => since = Some(value.to_owned()),
            "limit" => query.limit = limit(value, 500, Invalid("must be a number from 1 to 500"))?,
            _ => return Err(UNKNOWN),
        }
        Ok(())
    })?;
    query.since = match since.as_deref() {
        None => Since::Beginning,
        Some("latest") => Since::Now,
        Some(token) => Since::Token(SyncToken::decode(token).map_err(|_| Problem::invalid_sync_token())?),
    };
    Ok(query)
}

/// Reads the parameters of an export, each at most once and none unknown.
pub(super) fn parse_export<'a>(parameters: impl Iterator<Item = Parameter<'a>>) -> Result<ExportQuery, Problem> {
    let mut query = ExportQuery { limit: 500, after: None };
    let mut cursor = None;
    read_each(parameters, |name, value| {
        match name {
            "cursor" => cursor = Some(value.to_owned()),
            "limit" => query.limit = limit(value, 500, Invalid("must be a number from 1 to 500"))?,
            _ => return Err(UNKNOWN),
        }
        Ok(())
    })?;
    query.after = cursor.map(|id| TaskId::parse(&id).ok_or_else(Problem::invalid_cursor)).transpose()?;
    Ok(query)
}

/// Reads the parameters of tags, each at most once and none unknown.
pub(super) fn parse_tags<'a>(parameters: impl Iterator<Item = Parameter<'a>>) -> Result<TagsQuery, Problem> {
    let mut cursor = None;
    read_each(parameters, |name, value| {
        match name {
            "cursor" => cursor = Some(value.to_owned()),
            _ => return Err(UNKNOWN),
        }
        Ok(())
    })?;
    let cursor = cursor.map(|text| Cursor::decode_of_tags(&text)).transpose().map_err(|_| Problem::invalid_cursor())?;
    Ok(TagsQuery { cursor })
}

/// Reads each parameter, and refuses those that are wrong.
fn read_each<'a>(
    parameters: impl Iterator<Item = Parameter<'a>>,
    read: impl FnMut(&str, &str) -> Result<(), Invalid>,
) -> Result<(), Problem> {
    let errors = each(parameters, read);
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid_parameters(errors)) }
}

/// Reads each parameter, and says what is wrong with which. None but `tag` may be repeated.
fn each<'a>(
    parameters: impl Iterator<Item = Parameter<'a>>,
    mut read: impl FnMut(&str, &str) -> Result<(), Invalid>,
) -> Vec<ParameterError> {
    let parameters: Vec<_> = parameters.collect();
    let mut errors = Vec::new();
    for (index, (name, value)) in parameters.iter().enumerate() {
        let is_repeated = name != "tag" && parameters.iter().take(index).any(|(earlier, _)| earlier == name);
        let result = if is_repeated { Err(Invalid("must be given once")) } else { read(name, value) };
        errors.extend(result.err().map(|invalid| ParameterError::new(name, invalid)));
    }
    errors
}

fn position(text: &str) -> Result<Order, Invalid> {
    if text == "position" { Ok(Order::Position) } else { Err(Invalid("must be position")) }
}

fn status(text: &str) -> Result<Status, Invalid> {
    [Status::All, Status::Open, Status::Completed]
        .into_iter()
        .find(|status| status.as_str() == text)
        .ok_or(Invalid("must be all, open or completed"))
}

fn limit(text: &str, max: usize, expected: Invalid) -> Result<usize, Invalid> {
    let digits = text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    let limit = if digits { text.parse().ok() } else { None };
    limit.filter(|limit| (1..=max).contains(limit)).ok_or(expected)
}
