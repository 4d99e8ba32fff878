//! Cursors and their queries.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kit::{Answers, Asked, Operation};
use serde_json::json;

use crate::USER;
use crate::answer::Answer;
use crate::api::{API, TOKEN};
use crate::request::in_uri;

/// Input: a query, and on the second line optionally a cursor, as its JSON or as `=` and its encoded form.
///
/// A cursor is rejected unless it is exactly what this list of tasks, or of tags, returns for that position. Without a
/// cursor, the list must accept the one that it returns.
pub fn cursor(input: &[u8]) {
    [Operation::ListTasks, Operation::ListTags].into_iter().for_each(|operation| check(operation, input));
}

fn check(operation: Operation, input: &[u8]) {
    let Some((query, Some(cursor))) = parts(input) else {
        return std::str::from_utf8(input).map_or((), |query| first_page(operation, query));
    };
    let (answer, asked) = endless(operation, &with_parameter(query, "cursor", &cursor));
    match answer.status {
        400 if answer.code() == "invalid_request" => assert!(!in_uri(query), "{answer:?}"),
        200 => {
            assert_eq!(answer.body["next_cursor"], cursor);
            assert!(asked.iter().all(|asked| asked.body["ExclusiveStartKey"].is_object()), "{asked:?}");
        }
        _ => {
            assert!(asked.is_empty() && ["invalid_cursor", "invalid_parameter"].contains(&answer.code()), "{answer:?}")
        }
    }
}

/// The query of an input of [`cursor`]. `None` if it is not UTF-8.
pub fn query_of(input: &[u8]) -> Option<String> {
    let (query, cursor) = parts(input)?;
    Some(cursor.map_or_else(|| query.to_owned(), |cursor| with_parameter(query, "cursor", &cursor)))
}

/// A query, and the text on the second line.
pub(crate) fn parts(input: &[u8]) -> Option<(&str, Option<String>)> {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let query = std::str::from_utf8(lines.next()?).ok()?;
    let cursor = lines.next().map(|line| match line.strip_prefix(b"=") {
        Some(text) => String::from_utf8_lossy(text).into_owned(),
        None => URL_SAFE_NO_PAD.encode(line),
    });
    Some((query, cursor))
}

pub(crate) fn with_parameter(query: &str, name: &str, value: &str) -> String {
    // What follows a `#` is no part of the query (RFC 3986 §3.5), and no client sends it.
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    let separator = if query.is_empty() { "" } else { "&" };
    let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    format!("{query}{separator}{name}={value}")
}

fn first_page(operation: Operation, query: &str) {
    let (answer, asked) = endless(operation, query);
    // No position exists in a list of tasks that are due before the first date.
    let is_empty =
        asked.iter().any(|asked| asked.body["ExpressionAttributeValues"][":before"]["S"] == "open#0000-01-01");
    let Some(next) = answer.body["next_cursor"].as_str().filter(|_| !is_empty) else { return };
    // A query that contains a cursor would get a second one.
    if form_urlencoded::parse(query.as_bytes()).all(|(name, _)| name != "cursor") {
        let (answer, _) = endless(operation, &with_parameter(query, "cursor", next));
        assert_eq!(answer.body["next_cursor"], next, "{answer:?}");
    }
}

/// What a list that never ends gives for a query, and what DynamoDB was asked.
pub(crate) fn endless(operation: Operation, query: &str) -> (Answer, Vec<Asked>) {
    let event = json!({
        "version": "2.0",
        "rawQueryString": query,
        "pathParameters": { "user_id": "me" },
        "headers": { "authorization": format!("Bearer {}", TOKEN.with(Clone::clone)) },
        "requestContext": { "http": { "method": "GET" } },
    });
    let (answer, asked) = API.with(|api| {
        api.dynamodb_answers(Answers::EndlessList);
        api.call(operation, &event.to_string())
    });
    answer.check(operation);
    for asked in &asked {
        asked.must_be_of(USER);
        asked.must_begin_in(USER);
    }
    (answer, asked)
}
