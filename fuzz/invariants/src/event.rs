//! Events as Lambda gives them to the functions: JSON, or what claims to be.

use crate::answer::Answer;
use crate::api::Api;
use crate::stand_in::{Answers, Asked, TaskState};
use crate::{TASK_ID, USER, tokens};
use kit::Operation;
use serde::de::IgnoredAny;

thread_local! {
    static API: Api = Api::with_secret();
    static TOKEN: String = tokens::token(USER);
}

/// The letter of an operation, a digit for what there is of the task, and an event, in which `TOKEN` and `TASK_ID` stand for
/// what a test has: the answer is one of the contract's, never of a failure of ours, and the data of others is out of reach.
pub fn event(input: &[u8]) {
    TOKEN.with(|token| {
        let Some((operation, state, event)) = event_of(input, token, TASK_ID) else { return };
        let answer = call(operation, state, &event);
        assert!(event.contains(token) || [400, 401].contains(&answer.status), "{answer:?}");
    });
}

/// The operation, a digit, and the event that an input of [`event`] stands for. `None` if it is too short, names no
/// operation, or is not JSON.
pub fn event_of(input: &[u8], token: &str, task_id: &str) -> Option<(Operation, u8, String)> {
    let (&[operation, state], event) = input.split_first_chunk()?;
    let event = std::str::from_utf8(event).ok()?;
    let event = event.replace("TOKEN", token).replace("TASK_ID", task_id);
    // Lambda sends JSON only.
    serde_json::from_str::<IgnoredAny>(&event).ok()?;
    Some((Operation::lettered(operation)?, state, event))
}

/// Sends an event of a request that only [`USER`] can have made, and checks all that must hold of any.
pub(crate) fn call(operation: Operation, state: u8, event: &str) -> Answer {
    let (answer, asked) = API.with(|api| {
        api.dynamodb_answers(Answers::Task(TaskState::named(state)));
        api.call(operation, event)
    });
    answer.check(operation);
    for asked in &asked {
        asked.must_be_of(USER);
        asked.must_begin_in(USER);
    }
    assert!(asked.is_empty() || ![401, 403].contains(&answer.status), "{answer:?}");
    answer
}

impl Asked {
    /// Checks that the request stays in this user's partition.
    pub(crate) fn must_be_of(&self, user: &str) {
        let Self { operation, body } = self;
        let partitions = match operation.as_str() {
            "GetItem" | "UpdateItem" => vec![&body["Key"]["user_id"]],
            "PutItem" => vec![&body["Item"]["user_id"]],
            "TransactWriteItems" => {
                let items = body["TransactItems"].as_array().expect("the items of a transaction");
                assert!(items.iter().all(|item| item.as_object().is_some_and(|item| item.len() == 1)), "{body}");
                items.iter().map(|item| &item["Put"]["Item"]["user_id"]).collect()
            }
            "Query" => {
                let condition = body["KeyConditionExpression"].as_str().unwrap_or_default();
                assert!(condition.split(" AND ").any(|part| part == "user_id = :user_id"), "{body}");
                vec![&body["ExpressionAttributeValues"][":user_id"]]
            }
            _ => panic!("DynamoDB is asked for {operation}"),
        };
        assert!(!partitions.is_empty() && partitions.iter().all(|partition| partition["S"] == user), "{body}");
    }

    /// Checks that a query begins in this user's partition, as far as it is ours to say: a further request begins where
    /// DynamoDB said that the one before it ended.
    pub(crate) fn must_begin_in(&self, user: &str) {
        let start = self.body.get("ExclusiveStartKey");
        assert!(start.is_none_or(|start| start["user_id"]["S"] == user), "{start:?}");
    }
}
