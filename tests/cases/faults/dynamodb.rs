//! Rows of the table: what fails between a function and DynamoDB.

use std::iter::repeat_n;

use shared::aws::ATTEMPT_TIMEOUT;
use tests::{Api, ENDPOINT, Fault, SECRET_SETTINGS, Signer};

use super::table::{Pending, Row, retried, timed, wrongs};
use crate::calls::{Call, Client, Left};

const GROUP: &str = "DynamoDB";

/// Somewhere that nobody listens.
const NOWHERE: &str = "http://127.0.0.1:1";

/// What a fault that lasts comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The client sees nothing of it.
    Unseen,
    /// 503, and the call is not done.
    NotDone,
    /// 503, and the call is done.
    Done,
    /// One of the two: a time-out is near, and the machine may be busy.
    UnseenOrDone,
}

/// A fault in words, and what it comes to if it lasts.
fn faults() -> [(&'static str, Fault, Outcome); 15] {
    let (in_time, too_late) = (ATTEMPT_TIMEOUT * 2 / 3, ATTEMPT_TIMEOUT * 4 / 3);
    [
        ("throttles the table", Fault::Error(400, "ProvisionedThroughputExceededException"), Outcome::NotDone),
        ("throttles the account", Fault::Error(400, "ThrottlingException"), Outcome::NotDone),
        ("answers 500", Fault::Error(500, "InternalServerError"), Outcome::NotDone),
        ("answers 503", Fault::Error(503, "ServiceUnavailable"), Outcome::NotDone),
        ("resets the connection", Fault::Reset, Outcome::NotDone),
        ("hangs", Fault::Hang, Outcome::NotDone),
        ("does it after it was given up", Fault::Late(too_late), Outcome::UnseenOrDone),
        ("answers slowly, in time", Fault::Slow(in_time), Outcome::UnseenOrDone),
        ("answers too slowly", Fault::Slow(too_late), Outcome::UnseenOrDone),
        ("answers in drops, in time", Fault::Dribble(in_time), Outcome::UnseenOrDone),
        ("answers in drops, too slowly", Fault::Dribble(too_late), Outcome::UnseenOrDone),
        ("does it and hangs", Fault::NoAnswer, Outcome::Done),
        ("does it and loses the answer", Fault::LostAnswer, Outcome::Done),
        ("does it and truncates the answer", Fault::Truncated, Outcome::Done),
        ("does it and garbles the answer", Fault::Garbled, Outcome::Done),
    ]
}

/// Every fault once and lasting, and connections that are refused.
pub(super) fn rows_a_call() -> usize {
    faults().len() * 2 + 1
}

/// Every fault, once and lasting, of every call.
pub(super) fn rows(api: &Api) -> Vec<Pending<'_>> {
    let mut rows: Vec<Pending<'_>> = Vec::new();
    for call in Call::ALL {
        for (name, fault, outcome) in faults() {
            rows.push(Box::pin(once(api, name, fault, call)));
            rows.push(Box::pin(lasting(api, name, fault, outcome, call)));
        }
        rows.push(Box::pin(refusing(api, call)));
    }
    rows
}

async fn once(api: &Api, name: &str, fault: Fault, call: Call) -> Row {
    let api = api.another_with(&SECRET_SETTINGS).await;
    let client = client(&api, &format!("{name} once"), call).await;
    api.wire.fail_next(before_a_write(call).chain([fault]));
    // The SDK does not try again what was answered, though in no words that it understands.
    let outcome = if fault == Fault::Garbled { Outcome::Done } else { Outcome::Unseen };
    row(&api, &api, format!("{name}, once"), &client, call, outcome).await
}

async fn lasting(api: &Api, name: &str, fault: Fault, outcome: Outcome, call: Call) -> Row {
    let api = api.another_with(&SECRET_SETTINGS).await;
    let client = client(&api, &format!("{name} lasting"), call).await;
    api.wire.fail_next(before_a_write(call));
    api.wire.fail_all(fault);
    row(&api, &api, format!("{name}, lasting"), &client, call, outcome).await
}

/// What happens to the requests of a call before its first write: nothing, so that it is the write that fails.
fn before_a_write(call: Call) -> impl Iterator<Item = Fault> {
    repeat_n(Fault::None, if call.reads() { 0 } else { call.operation().reads_first() })
}

/// No connection can be made, so that there is no wire to spoil.
async fn refusing(api: &Api, call: Call) -> Row {
    let api = api.another_with(&SECRET_SETTINGS).await;
    let client = client(&api, "refuses", call).await;
    let cut_off = api.another_with(&[&SECRET_SETTINGS[..], &[(ENDPOINT, NOWHERE)]].concat()).await;
    row(&cut_off, &api, "refuses connections, lasting".to_owned(), &client, call, Outcome::NotDone).await
}

async fn client(api: &Api, user: &str, call: Call) -> Client {
    let user = format!("{user}-{call:?}").replace([' ', ','], "-");
    let client = Client::new(api, &user, &Signer::default().token(&user), call).await;
    api.wire.take();
    client
}

/// Calls through `api`, which is spoiled, and retries through `healed`.
async fn row(api: &Api, healed: &Api, fault: String, client: &Client, call: Call, outcome: Outcome) -> Row {
    let (answer, time) = timed(client.call(api)).await;
    let requests = api.wire.take().len();
    api.wire.settle().await;
    let left = client.left(api);
    let mut wrong = wrongs(answer.as_ref(), time, client, &left, api);
    let status = answer.map(|answer| answer.outcome().0);
    let done = if call.reads() { Left::Untouched } else { Left::Done };
    let expected = match outcome {
        Outcome::Unseen => status == Some(call.success()) && left == done,
        Outcome::NotDone => status == Some(503) && left == Left::Untouched,
        Outcome::Done => status == Some(503) && left == done,
        Outcome::UnseenOrDone => [Some(call.success()), Some(503)].contains(&status) && left == done,
    };
    if !expected {
        wrong.push(format!("expected was {outcome:?}"));
    }
    // A toggle may have to ask a second time; whatever is asked is tried three times.
    if requests > 6 {
        wrong.push(format!("{requests} requests"));
    }
    let (requests, after_retry) = ([requests, 0], left.clone());
    let row = Row { group: GROUP, fault, call, status, requests, time, left, retry: None, after_retry, wrong };
    retried(row, client, healed).await
}
