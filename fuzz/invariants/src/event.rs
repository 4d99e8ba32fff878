//! Events as the functions get them from Lambda.

use crate::answer::Answer;
use crate::api::{API, TOKEN};
use crate::{TASK_ID, USER};
use kit::{Answers, Operation, TaskState};
use serde::de::IgnoredAny;

/// Input: the letter of an operation, a digit for the state of the task, and an event with the placeholders `TOKEN` and
/// `TASK_ID`.
///
/// The response follows the contract and is never a server error, and other users' data is out of reach.
pub fn event(input: &[u8]) {
    TOKEN.with(|token| {
        let Some((operation, state, event)) = event_of(input, token, TASK_ID) else { return };
        let answer = call(operation, state, &event);
        let may_succeed = event.contains(token) || !operation.takes_token();
        assert!(may_succeed || [400, 401].contains(&answer.status), "{answer:?}");
    });
}

/// Parses an input of [`event`] into the operation, the digit, and the event. `None` if it is too short, names no
/// operation, or is not JSON.
pub fn event_of(input: &[u8], token: &str, task_id: &str) -> Option<(Operation, u8, String)> {
    let (&[operation, state], event) = input.split_first_chunk()?;
    let event = std::str::from_utf8(event).ok()?;
    let event = event.replace("TOKEN", token).replace("TASK_ID", task_id);
    // Lambda sends only JSON.
    serde_json::from_str::<IgnoredAny>(&event).ok()?;
    Some((Operation::lettered(operation)?, state, event))
}

/// Sends an event that has the token of [`USER`] or none, and checks the rules for all events.
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
