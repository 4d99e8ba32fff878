//! Arbitrary responses of DynamoDB.

use kit::{Answers, Event, Operation};
use serde_json::{Value, json};

use crate::api::{API, TOKEN};
use crate::{TASK_ID, USER};

/// Input: the letter of an operation (`k` for a creation with an idempotency key, `a` for an atomic batch), a letter for the
/// HTTP status (`O` means 200 for all responses), and the body of DynamoDB's first response.
///
/// The client's response must follow the contract.
pub fn database(input: &[u8]) {
    let Some((&[operation, status], body)) = input.split_first_chunk() else { return };
    let Some((operation, event)) = request_to(operation) else { return };
    let (status, times) = match status {
        b'e' => (400, 1),
        b'f' => (500, 1),
        b'm' => (301, 1),
        b'O' => (200, usize::MAX),
        _ => (200, 1),
    };
    let (answer, asked) = API.with(|api| {
        api.dynamodb_answers(Answers::Anything { status, body: body.to_vec(), times });
        api.call(operation, &event)
    });
    answer.check_success(operation);
    assert!(![401, 403, 413, 415].contains(&answer.status), "{answer:?}");
    assert_eq!(asked.is_empty(), operation.asks().is_empty(), "{asked:?}");
    asked.iter().for_each(|asked| asked.must_be_of(USER));
}

/// A valid request to the operation with this letter.
fn request_to(letter: u8) -> Option<(Operation, String)> {
    let operation = match letter {
        b'k' => Operation::CreateTask,
        b'a' => Operation::BatchTasks,
        letter => Operation::lettered(letter)?,
    };
    let event = Event::anonymous(USER).bearer(&TOKEN.with(Clone::clone));
    let event = match letter {
        b'a' => event.json(&atomic_batch()),
        _ => event.of(operation, TASK_ID),
    };
    let event = if letter == b'k' { event.header("idempotency-key", "7f3a") } else { event };
    Some((operation, event.to_string()))
}

/// Whichever way its items are written in a transaction.
fn atomic_batch() -> Value {
    let [completed, new] = ["01990000-0000-7000-8000-000000000001", "01990000-0000-7000-8000-000000000002"];
    json!({ "atomic": true, "items": [
        { "op": "update", "id": TASK_ID, "changes": { "due": "2026-12-01" }, "idempotency_key": "7f3a" },
        { "op": "complete", "id": completed, "completed": true, "if_match": 3 },
        { "op": "create", "id": new, "task": { "title": "x" } },
    ] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_ends_although_dynamodb_never_does() {
        let updated = format!("2026-11-30T10:15:00.000Z#{TASK_ID}");
        let key = json!({ "user_id": { "S": USER }, "task_id": { "S": TASK_ID }, "updated": { "S": updated } });
        for scanned in ["", r#""ScannedCount":0,"#, r#""ScannedCount":-1,"#, r#""ScannedCount":1,"#] {
            for letter in ["l", "h"] {
                database(format!(r#"{letter}O{{"Items":[],{scanned}"LastEvaluatedKey":{key}}}"#).as_bytes());
            }
        }
    }
}
