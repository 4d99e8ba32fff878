//! What DynamoDB answers, or something in its place.

use serde_json::json;

use crate::api::Api;
use crate::stand_in::Answers;
use crate::{Operation, TASK_ID, USER, tokens};

thread_local! {
    static API: Api = Api::with_secret();
    static EVENTS: Vec<String> = events();
}

/// A letter for the operation, one for the status of HTTP, and the body of DynamoDB's first answer, or of each (`O`): whatever
/// it is, the client gets an answer by the contract.
pub fn database(input: &[u8]) {
    let Some((&[operation, status], body)) = input.split_first_chunk() else { return };
    let index = usize::from(operation) % EVENTS.with(Vec::len);
    let (status, times) = match status {
        b'e' => (400, 1),
        b'f' => (500, 1),
        b'm' => (301, 1),
        b'O' => (200, usize::MAX),
        _ => (200, 1),
    };
    // The last one is a second create: one with a key.
    let operation = Operation::ALL.get(index).copied().unwrap_or(Operation::CreateTask);
    let (answer, asked) = API.with(|api| {
        api.dynamodb_answers(Answers::Anything { status, body: body.to_vec(), times });
        EVENTS.with(|events| api.call(operation, &events[index]))
    });
    answer.check_success(operation);
    assert!(![401, 403, 413, 415].contains(&answer.status), "{answer:?}");
    assert!(!asked.is_empty());
    asked.iter().for_each(|asked| asked.must_be_of(USER));
}

/// A good request for each operation, and a create with a key.
fn events() -> Vec<String> {
    let event = |body: &str, key: Option<&str>| {
        let authorization = format!("Bearer {}", tokens::token(USER));
        let mut headers = json!({ "authorization": authorization, "content-type": "application/json" });
        if let Some(key) = key {
            headers["idempotency-key"] = json!(key);
        }
        let parameters = json!({ "user_id": USER, "task_id": TASK_ID });
        json!({ "version": "2.0", "pathParameters": parameters, "headers": headers, "body": body }).to_string()
    };
    let mut events: Vec<_> = Operation::ALL
        .map(|operation| match operation {
            Operation::CreateTask | Operation::ReplaceTask | Operation::UpdateTask => {
                event(r#"{"title":"Write the report","due":"2026-12-15"}"#, None)
            }
            _ => event("", None),
        })
        .into();
    events.push(event(r#"{"title":"Write the report"}"#, Some("7f3a")));
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_although_every_answer_says_that_it_goes_on() {
        let key = json!({ "user_id": { "S": USER }, "task_id": { "S": TASK_ID } });
        for scanned in ["", r#""ScannedCount":0,"#, r#""ScannedCount":-1,"#, r#""ScannedCount":1,"#] {
            database(format!(r#"iO{{"Items":[],{scanned}"LastEvaluatedKey":{key}}}"#).as_bytes());
        }
    }
}
