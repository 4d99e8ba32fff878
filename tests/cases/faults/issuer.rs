//! Rows of the table: what fails between a function and the issuer.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Api, Fault, ISSUER, Issuer, Key, Signer};

use super::table::{Pending, Row, retried};
use crate::calls::{Call, Client, Left};

/// How long the key set is waited for.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

/// What is wrong with the issuer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Refuses,
    Answers(u16, &'static str),
    Redirects,
    Huge,
    Wire(Fault),
}

/// The one answer among the troubles that is believed: no key is valid.
const NO_KEYS: Trouble = Trouble::Answers(200, r#"{"keys":[]}"#);

fn troubles() -> [(&'static str, Trouble); 15] {
    // Far enough from the limit that a machine that stands still for a second makes no difference.
    let (in_time, too_late) = (FETCH_TIMEOUT / 2, FETCH_TIMEOUT * 5 / 3);
    [
        ("refuses connections", Trouble::Refuses),
        ("answers 500", Trouble::Answers(500, "")),
        ("answers 429", Trouble::Answers(429, "slow down")),
        ("is empty", Trouble::Answers(200, "")),
        ("has no keys", NO_KEYS),
        ("is no key set", Trouble::Answers(200, "<html>")),
        ("is larger than 1 MiB", Trouble::Huge),
        ("redirects", Trouble::Redirects),
        ("resets the connection", Trouble::Wire(Fault::Reset)),
        ("truncates the answer", Trouble::Wire(Fault::Truncated)),
        ("hangs", Trouble::Wire(Fault::Hang)),
        ("answers slowly, in time", Trouble::Wire(Fault::Slow(in_time))),
        ("answers too slowly", Trouble::Wire(Fault::Slow(too_late))),
        ("answers in drops, in time", Trouble::Wire(Fault::Dribble(in_time))),
        ("answers in drops, too slowly", Trouble::Wire(Fault::Dribble(too_late))),
    ]
}

/// What the function knows when the token comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// No key, ever.
    Nothing,
    /// The key that the token names.
    TheKey,
    /// Other keys.
    OtherKeys,
}

impl Known {
    const ALL: [Self; 3] = [Self::Nothing, Self::TheKey, Self::OtherKeys];
}

/// Every trouble, whatever the function knows; keys that rotate, a flood, and both in trouble.
pub(super) fn rows_an_operation() -> usize {
    troubles().len() * Known::ALL.len() + 3
}

/// Every trouble, whatever the function knows, of every operation; keys that change; and both servers in trouble.
pub(super) fn rows(api: &Api) -> Vec<Pending<'_>> {
    let mut rows: Vec<Pending<'_>> = Vec::new();
    for call in Call::repeatable() {
        for (name, trouble) in troubles() {
            for known in Known::ALL {
                rows.push(Box::pin(troubled(api, name, trouble, known, call)));
            }
        }
        rows.push(Box::pin(rotated(api, call)));
        rows.push(Box::pin(flooded(api, call)));
        rows.push(Box::pin(both_in_trouble(api, call)));
    }
    rows
}

async fn troubled(api: &Api, name: &str, trouble: Trouble, known: Known, call: Call) -> Row {
    let issuer = Issuer::publishing(&Signer::key_set()).await;
    let what_is_known = match known {
        Known::Nothing => "before the first key",
        Known::TheKey => "the key being known",
        Known::OtherKeys => "the key being unknown",
    };
    let fault = format!("{name}, {what_is_known}");
    let url = if trouble == Trouble::Refuses { "http://127.0.0.1:1" } else { issuer.wire.endpoint() };
    let function = function(api, url, (known != Known::Nothing).then(Signer::key_set)).await;
    let good = Signer::with(Key::Ed25519);
    let unknown = good.clone().header(json!({ "kid": "another" }));
    let client = Client::new(api, &fault, call).await;
    let client = client.signed_by(if known == Known::OtherKeys { &unknown } else { &good });
    match trouble {
        Trouble::Refuses => {}
        Trouble::Answers(status, body) => issuer.answers(status, body),
        Trouble::Redirects => issuer.redirects(),
        Trouble::Huge => {
            let mut key_set = Signer::key_set();
            key_set["padding"] = json!("x".repeat(1024 * 1024));
            issuer.answers(200, &key_set.to_string());
        }
        Trouble::Wire(fault) => issuer.wire.fail_all(fault),
    }

    // Slow is not too slow.
    let is_passable =
        matches!(trouble, Trouble::Wire(Fault::Slow(time) | Fault::Dribble(time)) if time < FETCH_TIMEOUT);
    let (status, fetches) = match known {
        _ if trouble == NO_KEYS => (401, 1),
        Known::Nothing if is_passable => (call.success(), 1),
        Known::Nothing => (503, 1),
        // Configured keys are asked for as well, and used if that fails.
        Known::TheKey => (call.success(), 1),
        Known::OtherKeys => (401, 1),
    };
    let fetches = if trouble == Trouble::Refuses { 0 } else { fetches };
    let begun = Instant::now();
    let mut row = row(&function, &issuer, fault, &client, (status, fetches)).await;

    // The failed fetch counts: another call right away is answered alike, and asks nobody. Without any keys the first pause
    // is half a second at least, and a busy machine may take longer to get here.
    if row.status.is_some_and(|status| status >= 400) {
        let again = client.call(&function).await.status;
        let is_right_away = begun.elapsed() < row.time + Duration::from_millis(500);
        let fetched = issuer.wire.take_operations().len();
        if Some(again) != row.status || (fetched > 0 && (status != 503 || is_right_away)) {
            row.wrong.push(format!("the second call is answered with {again}, after {fetched} fetches"));
        }
    }
    // The next process finds the issuer in good health.
    issuer.answers(200, &Signer::key_set().to_string());
    issuer.wire.settle().await;
    let healed = self::function(api, issuer.wire.endpoint(), None).await;
    let client = client.signed_by(&good);
    retried(row, &client, &healed).await
}

/// A token of a key that is new, while the function has the keys of before.
async fn rotated(api: &Api, call: Call) -> Row {
    let issuer = Issuer::publishing(&only("ec")).await;
    let function = function(api, issuer.wire.endpoint(), Some(only("ed"))).await;
    let client = Client::new(api, "rotates", call).await.signed_by(&Signer::with(Key::P256));
    let mut row = row(&function, &issuer, "rotates the key".to_owned(), &client, (call.success(), 1)).await;
    // The key of before is withdrawn, and its tokens are refused without another fetch.
    let status = client.clone().signed_by(&Signer::with(Key::Ed25519)).call(&function).await.status;
    let fetched = issuer.wire.take_operations().len();
    if (status, fetched) != (401, 0) {
        row.wrong.push(format!("the withdrawn key is answered with {status}, after {fetched} fetches"));
    }
    retried(row, &client, &function).await
}

/// A good token amid a flood of tokens that name keys which nobody has.
async fn flooded(api: &Api, call: Call) -> Row {
    const FLOOD: usize = 50;
    let issuer = Issuer::publishing(&Signer::key_set()).await;
    let function = function(api, issuer.wire.endpoint(), None).await;
    let client = Client::new(api, "flooded", call).await.signed_by(&Signer::with(Key::Ed25519));
    let strangers: Vec<_> = (0..FLOOD)
        .map(|number| {
            let signer = Signer::with(Key::Ed25519).header(json!({ "kid": format!("unknown-{number}") }));
            client.clone().bearing(signer.token("stranger"))
        })
        .collect();
    let flood = join_all(strangers.iter().map(|stranger| stranger.call(&function)));
    let fault = "is asked for 50 unknown keys at once".to_owned();
    let (refused, mut row) = futures_util::join!(flood, row(&function, &issuer, fault, &client, (call.success(), 1)));
    let believed = refused.iter().filter(|answer| answer.status != 401).count();
    if believed > 0 {
        row.wrong.push(format!("{believed} unknown keys were not refused"));
    }
    retried(row, &client, &function).await
}

/// A slow issuer, and a DynamoDB that hangs.
async fn both_in_trouble(api: &Api, call: Call) -> Row {
    let issuer = Issuer::publishing(&Signer::key_set()).await;
    issuer.wire.fail_all(Fault::Slow(FETCH_TIMEOUT / 3));
    let function = function(api, issuer.wire.endpoint(), None).await;
    let client = Client::new(api, "both", call).await.signed_by(&Signer::with(Key::Ed25519));
    function.wire.fail_all(Fault::Hang);
    let row = row(&function, &issuer, "answers slowly, and DynamoDB hangs".to_owned(), &client, (503, 1)).await;
    retried(Row { group: "both", ..row }, &client, &function).await
}

/// The API with the keys of an issuer at this URL, and perhaps with some that are configured.
async fn function(api: &Api, issuer: &str, keys: Option<Value>) -> Api {
    let (url, keys) = (format!("{issuer}/jwks"), keys.map(|keys| keys.to_string()));
    let mut settings = vec![("BETTER_AUTH_URL", ISSUER), ("JWKS_URL", url.as_str())];
    settings.extend(keys.as_deref().map(|keys| ("JWKS", keys)));
    api.another_with(&settings).await
}

/// The published key with this id, alone.
fn only(id: &str) -> Value {
    let keys = Signer::key_set()["keys"].as_array().unwrap().clone();
    json!({ "keys": keys.into_iter().filter(|key| key["kid"] == id).collect::<Vec<_>>() })
}

/// The first call: `expected` is its status and the number of fetches.
async fn row(function: &Api, issuer: &Issuer, fault: String, client: &Client, expected: (u16, usize)) -> Row {
    let mut row = Row::of("issuer", fault, client, function).await;
    let fetches = issuer.wire.take_operations();
    row.requests[1] = fetches.len();
    if (row.status, fetches.len()) != (Some(expected.0), expected.1) {
        row.wrong.push(format!("expected was {expected:?}"));
    }
    if fetches.iter().any(|fetch| fetch != "GET /jwks") {
        row.wrong.push(format!("another URL was fetched: {fetches:?}"));
    }
    let is_done = expected.0 < 300 && !row.call.reads();
    if row.left != if is_done { Left::Done } else { Left::Untouched } {
        row.wrong.push(format!("left is {:?}", row.left));
    }
    if row.status == Some(401) && row.requests[0] > 0 {
        row.wrong.push("DynamoDB was asked".to_owned());
    }
    row
}
