//! Rows of the table: what fails between a function and DynamoDB.

use std::iter::repeat_n;

use shared::aws::ATTEMPT_TIMEOUT;
use tests::{Api, ENDPOINT, Fault, SECRET_SETTINGS, SWITCH_SETTINGS, Wire};

use super::table::{Pending, Row, retried};
use crate::calls::{Call, Client, Left};

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

/// What keeps the access switch from being read, for as long as it lasts.
const OF_THE_SWITCH: [(&str, Fault); 5] = [
    ("does not allow the switch", Fault::Error(400, "AccessDeniedException")),
    ("answers 500 for the switch", Fault::Error(500, "InternalServerError")),
    ("resets the connection for the switch", Fault::Reset),
    ("hangs for the switch", Fault::Hang),
    ("garbles the switch", Fault::Garbled),
];

/// Every fault once and lasting, two faults, the switch, and connections that are refused.
pub(super) fn rows_a_call() -> usize {
    faults().len() * 2 + 1 + OF_THE_SWITCH.len() + 1
}

/// Every fault of every call.
pub(super) fn rows(api: &Api) -> Vec<Pending<'_>> {
    let mut rows: Vec<Pending<'_>> = Vec::new();
    for call in Call::all() {
        for (name, fault, outcome) in faults() {
            // The SDK does not try again what was answered, though in no words that it understands.
            let once = if fault == Fault::Garbled { Outcome::Done } else { Outcome::Unseen };
            // It is the first write that fails, if it makes one.
            let before = repeat_n(Fault::None, if call.reads() { 0 } else { call.requests_before() });
            let first = before.clone().chain([fault]);
            let settings = &SECRET_SETTINGS;
            rows.push(Box::pin(spoiled(api, settings, format!("{name}, once"), call, once, move |wire| {
                wire.fail_next(first)
            })));
            rows.push(Box::pin(spoiled(api, settings, format!("{name}, lasting"), call, outcome, move |wire| {
                wire.fail_next(before);
                wire.fail_all(fault);
            })));
        }
        let before = repeat_n(Fault::None, if call.reads() { 0 } else { call.requests_before() });
        let two = before.chain([Fault::Truncated, Fault::Error(400, "ThrottlingException")]);
        let name = "truncates the answer, and then throttles".to_owned();
        rows.push(Box::pin(spoiled(api, &SECRET_SETTINGS, name, call, Outcome::Unseen, move |wire| {
            wire.fail_next(two)
        })));
        for (name, fault) in OF_THE_SWITCH {
            let fail = move |wire: &Wire| wire.fail_all(fault);
            rows.push(Box::pin(spoiled(api, &SWITCH_SETTINGS, name.to_owned(), call, Outcome::NotDone, fail)));
        }
        rows.push(Box::pin(refusing(api, call)));
    }
    rows
}

async fn spoiled(
    api: &Api,
    settings: &[(&str, &str)],
    fault: String,
    call: Call,
    outcome: Outcome,
    spoil: impl FnOnce(&Wire),
) -> Row {
    let api = api.another_with(settings).await;
    let client = Client::new(&api, &fault, call).await;
    spoil(&api.wire);
    row(&api, &api, fault, &client, outcome).await
}

/// No connection can be made, so that there is no wire to spoil.
async fn refusing(api: &Api, call: Call) -> Row {
    let api = api.another_with(&SECRET_SETTINGS).await;
    let client = Client::new(&api, "refuses", call).await;
    let cut_off = api.another_with(&[&SECRET_SETTINGS[..], &[(ENDPOINT, NOWHERE)]].concat()).await;
    row(&cut_off, &api, "refuses connections, lasting".to_owned(), &client, Outcome::NotDone).await
}

/// Calls through `api`, which is spoiled, and retries through `healed`.
async fn row(api: &Api, healed: &Api, fault: String, client: &Client, outcome: Outcome) -> Row {
    let mut row = Row::of("DynamoDB", fault, client, api).await;
    let done = if row.call.reads() { Left::Untouched } else { Left::Done };
    let (unseen, failed) = (row.status == Some(row.call.success()), row.status == Some(503));
    let expected = match outcome {
        Outcome::Unseen => unseen && row.left == done,
        Outcome::NotDone => failed && row.left == Left::Untouched,
        Outcome::Done => failed && row.left == done,
        Outcome::UnseenOrDone => (unseen || failed) && row.left == done,
    };
    if !expected {
        row.wrong.push(format!("expected was {outcome:?}"));
    }
    // A toggle may have to ask a second time; whatever is asked is tried three times.
    if row.requests[0] > 6 {
        row.wrong.push(format!("{} requests", row.requests[0]));
    }
    retried(row, client, healed).await
}
