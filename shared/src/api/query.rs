//! The query of a list.

use std::borrow::Cow;

use super::problem::{ParameterError, Problem};
use crate::store::{Cursor, DueRange, ListQuery, Status};
use crate::task::{Due, Invalid, Priority, Tag};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 100;
const UNKNOWN: Invalid = Invalid("is not a parameter of this request");

/// A name and a value, percent-decoded.
type Parameter<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Refuses every parameter: only lists have some.
pub(super) fn must_be_empty<'a>(parameters: impl Iterator<Item = Parameter<'a>>) -> Result<(), Problem> {
    let errors: Vec<_> = parameters.map(|(name, _)| ParameterError::new(&name, UNKNOWN)).collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid_parameters(errors)) }
}

/// Reads the parameters of a list, each at most once and none unknown.
pub(super) fn parse<'a>(parameters: impl Iterator<Item = Parameter<'a>>) -> Result<ListQuery, Problem> {
    let parameters: Vec<_> = parameters.collect();
    let mut query = ListQuery {
        status: Status::default(),
        limit: DEFAULT_LIMIT,
        priority: None,
        tag: None,
        due: DueRange::default(),
        cursor: None,
    };
    let mut cursor = None;
    let mut errors = Vec::new();
    for (index, (name, value)) in parameters.iter().enumerate() {
        let result = if parameters.iter().take(index).any(|(earlier, _)| earlier == name) {
            Err(Invalid("must be given once"))
        } else {
            match name.as_ref() {
                "status" => status(value).map(|status| query.status = status),
                "limit" => limit(value).map(|limit| query.limit = limit),
                "priority" => Priority::parse(value).map(|priority| query.priority = Some(priority)),
                "tag" => Tag::parse(value).map(|tag| query.tag = Some(tag)),
                "due_from" => Due::parse(value).map(|due| query.due.from = Some(due)),
                "due_before" => Due::parse(value).map(|due| query.due.before = Some(due)),
                "cursor" => {
                    cursor = Some(value);
                    Ok(())
                }
                _ => Err(UNKNOWN),
            }
        };
        errors.extend(result.err().map(|invalid| ParameterError::new(name, invalid)));
    }

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
        cursor.map(|text| Cursor::decode(text, &query)).transpose().map_err(|_| Problem::invalid_cursor())?;
    Ok(query)
}

fn status(text: &str) -> Result<Status, Invalid> {
    [Status::All, Status::Open, Status::Completed]
        .into_iter()
        .find(|status| status.as_str() == text)
        .ok_or(Invalid("must be all, open or completed"))
}

fn limit(text: &str) -> Result<usize, Invalid> {
    let digits = text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    let limit = if digits { text.parse().ok() } else { None };
    limit.filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or(Invalid("must be a number from 1 to 100"))
}
