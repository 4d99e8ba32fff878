//! Tokens of changes.

use kit::Operation;

use crate::cursor::{endless, parts, with_parameter};
use crate::request::in_uri;

/// A query, and on the second line the JSON of a token, or its text after a `=`. A token is refused, or it is the one text for
/// the place that it leads to, which one request reads from.
pub fn sync_token(input: &[u8]) {
    let Some((query, Some(token))) = parts(input) else { return };
    let (answer, asked) = endless(Operation::ListChanges, &with_parameter(query, "since", &token));
    match (answer.status, answer.code()) {
        (400, "invalid_request") => assert!(!in_uri(query), "{answer:?}"),
        (400, "invalid_sync_token" | "invalid_parameter") | (410, "sync_token_expired") => assert!(asked.is_empty()),
        (200, _) if token == "latest" => assert!(asked.is_empty()),
        (200, _) => {
            let [asked] = asked.as_slice() else { panic!("{asked:?}") };
            let after = asked.body["ExpressionAttributeValues"][":after"]["S"].as_str().expect("where a page begins");
            // DynamoDB stopped where it began: within a pull, that is where the token has led to.
            let next = answer.body["next"].as_str().expect("a token");
            let is_within = after.contains('#');
            assert!(!is_within || answer.body["has_more"] == false || next == token, "{answer:?}");
            // A pull that was read to its end is not begun again.
            assert!(is_within || answer.body["has_more"] == true || next == token, "{answer:?}");
            let (again, _) = endless(Operation::ListChanges, &with_parameter(query, "since", next));
            assert!([200, 410].contains(&again.status), "{again:?}");
        }
        _ => panic!("{answer:?}"),
    }
}

/// The query that an input of [`sync_token`] stands for. `None` if it has no token, or is not text.
pub fn changes_query_of(input: &[u8]) -> Option<String> {
    let (query, token) = parts(input)?;
    Some(with_parameter(query, "since", &token?))
}
