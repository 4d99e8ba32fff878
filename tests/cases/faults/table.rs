//! Every fault of every operation, as a table: `target/faults.md`.
#![expect(clippy::print_stdout, reason = "the table is there to be read")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream;
use shared::app::ANSWER_WITHIN;
use tests::{Api, Operation, SECRET_SETTINGS};
use tokio::time::{Instant, timeout};

use super::{dynamodb, issuer};
use crate::calls::{Call, Client, Left};

/// Rows mostly wait, so that many are made at a time; more of them would keep each other from answering in time.
const ROWS_AT_A_TIME: usize = 32;

/// On a busy machine, so many rows may come out wrong because they kept each other from answering in time. They are made once more
/// without the others.
const DELAYED_AT_MOST: usize = 10;

/// A fault, an operation that it met, and what became of it.
pub(super) struct Row {
    /// Who fails.
    pub(super) group: &'static str,
    /// In which way.
    pub(super) fault: String,
    pub(super) call: Call,
    /// The status of the answer; `None` if there was none.
    pub(super) status: Option<u16>,
    /// How many requests DynamoDB was sent, and how many the issuer.
    pub(super) requests: [usize; 2],
    pub(super) time: Duration,
    pub(super) left: Left,
    /// What a retry is answered with.
    pub(super) retry: Option<u16>,
    pub(super) after_retry: Left,
    /// What is wrong with all this.
    pub(super) wrong: Vec<String>,
}

/// A row in the making.
pub(super) type Pending<'a> = LocalBoxFuture<'a, Row>;

impl Row {
    /// Makes a call, and notes what is wrong with the response in any row: a failure without a problem document or too late, or
    /// a success that disagrees with the table.
    pub(super) async fn of(group: &'static str, fault: String, client: &Client, api: &Api) -> Self {
        let begun = Instant::now();
        let answer = timeout(2 * ANSWER_WITHIN, client.call(api)).await.ok();
        let time = begun.elapsed();
        let requests = [api.wire.take().len(), 0];
        api.wire.settle().await;
        let (call, left, mut wrong) = (client.call, client.left(api), Vec::new());
        match answer.as_ref().map(|answer| (answer.outcome(), answer)) {
            None => wrong.push("no answer".to_owned()),
            Some(((status, _), answer)) if status == call.success() => wrong.extend(client.disagreement(answer, api)),
            // A result of a batch has no header fields.
            Some(((503, "unavailable"), answer)) if answer.status == 200 || answer.header("retry-after") == "1" => {}
            // Only an issuer in trouble makes this of a good token.
            Some(((401, "token_invalid"), _)) => {}
            Some((_, answer)) => wrong.push(format!("no problem of ours: {answer:?}")),
        }
        if time >= ANSWER_WITHIN {
            wrong.push(format!("answered after {time:?}"));
        }
        if let Left::Broken(how) = &left {
            wrong.push(how.clone());
        }
        let status = answer.map(|answer| answer.outcome().0);
        Self { group, fault, call, status, requests, time, after_retry: left.clone(), left, retry: None, wrong }
    }
}

/// The row, with what a retry through `healed` makes of it.
pub(super) async fn retried(mut row: Row, client: &Client, healed: &Api) -> Row {
    let Some((operation, event)) = client.retry() else { return row };
    let answer = healed.call(operation, &event).await;
    let (after_retry, wrong) = client.judge_retry(&answer, &row.left, healed);
    row.wrong.extend(wrong);
    Row { retry: Some(answer.outcome().0), after_retry, ..row }
}

/// These rows, by their places in the table.
async fn made(is_made: impl Fn(usize) -> bool) -> BTreeMap<usize, Row> {
    let api = Api::start_with(&SECRET_SETTINGS).await;
    let pending = dynamodb::rows(&api).into_iter().chain(issuer::rows(&api));
    let pending = pending.enumerate().filter(|(index, _)| is_made(*index));
    stream::iter(pending.map(async |(index, row)| (index, row.await))).buffer_unordered(ROWS_AT_A_TIME).collect().await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_answered_in_time_and_loses_nothing() {
    let mut rows = made(|_| true).await;
    let wrong: BTreeSet<usize> =
        rows.iter().filter(|(_, row)| !row.wrong.is_empty()).map(|(index, _)| *index).collect();
    if wrong.len() <= DELAYED_AT_MOST {
        wrong.iter().for_each(|index| println!("made again: {}", line(&rows[index])));
        rows.extend(made(|index| wrong.contains(&index)).await);
    }
    let rows: Vec<Row> = rows.into_values().collect();

    let table = table(&rows);
    println!("{table}");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    fs::write(target.join("faults.md"), table).unwrap();

    let wrong: Vec<_> = rows.iter().filter(|row| !row.wrong.is_empty()).map(line).collect();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.concat());
    let different: BTreeSet<_> = rows.iter().map(|row| (row.group, &row.fault, row.call.name())).collect();
    let expected =
        Call::all().count() * dynamodb::rows_a_call() + Operation::of_a_user().count() * issuer::rows_an_operation();
    assert_eq!((rows.len(), different.len()), (expected, expected), "no row drops out");
}

fn table(rows: &[Row]) -> String {
    let mut table = String::from("# Faults, and what becomes of them\n\n");
    table
        .push_str("| who fails | rows | answered with 500 | no answer | lost | longest |\n|---|---|---|---|---|---|\n");
    for group in rows.iter().map(|row| row.group).collect::<BTreeSet<_>>() {
        let rows: Vec<_> = rows.iter().filter(|row| row.group == group).collect();
        let count = |is_counted: fn(&Row) -> bool| rows.iter().filter(|row| is_counted(row)).count();
        let is_lost = |row: &Row| [&row.left, &row.after_retry].into_iter().any(|left| matches!(left, Left::Broken(_)));
        let longest = rows.iter().map(|row| row.time).max().unwrap_or_default().as_secs_f32();
        let (failed, hung) = (count(|row| row.status == Some(500)), count(|row| row.status.is_none()));
        let _ =
            writeln!(table, "| {group} | {} | {failed} | {hung} | {} | {longest:.1} s |", rows.len(), count(is_lost));
    }
    table.push_str("\n| who fails | how | operation | status | requests to DynamoDB, to the issuer | time | left | retry | left then |\n");
    table.push_str("|---|---|---|---|---|---|---|---|---|\n");
    rows.iter().for_each(|row| table.push_str(&line(row)));
    table
}

fn line(row: &Row) -> String {
    let status = |status: Option<u16>| status.map_or_else(|| "none".to_owned(), |status| status.to_string());
    let [to_dynamodb, to_issuer] = row.requests;
    format!(
        "| {} | {} | {} | {} | {to_dynamodb}, {to_issuer} | {:.2} s | {} | {} | {} |{}\n",
        row.group,
        row.fault,
        row.call.name(),
        status(row.status),
        row.time.as_secs_f32(),
        row.left.name(),
        status(row.retry),
        row.after_retry.name(),
        row.wrong.iter().map(|wrong| format!(" **{wrong}**")).collect::<String>()
    )
}
