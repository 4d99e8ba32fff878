//! Events as Lambda gives them to the functions: JSON, or what claims to be.

use crate::answer::Answer;
use crate::api::Api;
use crate::{TASK_ID, USER, tokens};
use kit::{Answers, Operation, TaskState};
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
