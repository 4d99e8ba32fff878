//! Paths and who may use them.

use serde_json::json;
use shared::api::{Request, Response};
use shared::app::App;

use crate::api::API;
use crate::request::decode;
use crate::tokens;

/// Users whose ids cover all allowed special characters.
const USERS: [&str; 3] = ["alice", "Me", "a-.9_~:@|Z"];

thread_local! {
    static TOKENS: [String; 3] = USERS.map(tokens::token);
}

/// Input: a digit for the caller, a letter for the gateway (`h` decodes path parameters), and the path's two
/// parameters, separated by a line feed.
///
/// Users reach only their own tasks, under their id or `me`, and only with a valid task id.
pub fn path(input: &[u8]) {
    let Some((&[caller, gateway], parameters)) = input.split_first_chunk() else { return };
    let Ok(parameters) = std::str::from_utf8(parameters) else { return };
    let (user, task) = parameters.split_once('\n').unwrap_or((parameters, ""));
    let caller = usize::from(caller) % USERS.len();
    let is_decoded = gateway == b'h';

    let route = if is_decoded { "GET /api/{user_id}/tasks/{task_id}" } else { "$default" };
    let event = json!({
        "version": "2.0",
        "pathParameters": { "user_id": user, "task_id": task },
        "headers": { "authorization": format!("Bearer {}", TOKENS.with(|tokens| tokens[caller].clone())) },
        "requestContext": { "routeKey": route },
    });
    let reach = async |app: &App, request: &Request| {
        let user = app.authenticate(request).await?;
        app.tasks_of(user, request)?;
        request.task_id()?;
        Ok(Response::no_content())
    };
    let answer = API.with(|api| api.answer(reach, &event.to_string()));

    let value = |parameter: &str| if is_decoded { parameter.to_owned() } else { decode(parameter) };
    let expected = match value(user) {
        user if user != "me" && user != USERS[caller] => 403,
        _ if is_task_id(&value(task)) => 204,
        _ => 404,
    };
    assert_eq!(answer.status, expected, "{answer:?}");
}

/// Whether a string is a UUID of version 7 (RFC 9562) in lowercase.
fn is_task_id(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'7',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}
