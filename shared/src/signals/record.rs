//! What is known of a request that is being answered.

use std::borrow::Cow;
use std::cell::RefCell;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Level, TraceContext};

tokio::task_local! {
    static RECORD: RefCell<Record>;
}

/// What its line will say of a request.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(super) latency: Duration,
    pub(crate) request_id: String,
    pub(crate) function: String,
    /// The route key of API Gateway, such as `GET /api/{user_id}/tasks`. Never a path.
    pub(crate) route: Option<String>,
    pub(crate) source_ip: Option<String>,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) status: u16,
    pub(crate) failure: Option<Failure>,
    /// Different failures of items of a batch, and how often each occurred.
    pub(super) failed_items: Vec<FailedItems>,
    /// The hash of the authenticated user.
    pub(crate) user: Option<String>,
    /// The hash of another user that the path names.
    pub(crate) path_user: Option<String>,
    pub(crate) audit: Option<AuditEvent>,
    pub(crate) dynamodb: DynamoDbUsage,
    /// How many fetches of the issuer's keys failed.
    pub(crate) key_set_failures: u32,
}

/// Why a request, or an item of a batch, failed.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    /// For operators, never for clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<Cow<'static, str>>,
    #[serde(skip)]
    pub(crate) level: Level,
}

#[derive(Debug, Serialize)]
pub(super) struct FailedItems {
    #[serde(flatten)]
    pub(super) failure: Failure,
    count: u32,
}

/// What an auditor looks for. The line of the request says who, from where, and with which status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditEvent {
    /// 401: no token, or one that was refused.
    TokenRefused,
    /// 403: the path names another user.
    AccessDenied,
    /// A user's tasks were exported, as far as the status says so.
    TasksExported,
    /// A user's tasks were erased, as far as the status says so.
    TasksErased,
}

/// What a request used of DynamoDB.
#[derive(Debug, Default)]
pub(crate) struct DynamoDbUsage {
    /// Calls of the SDK, each of which sends one request or more.
    calls: u32,
    pub(super) requests: u32,
    answered: u32,
    pub(super) throttles: u32,
    pub(super) read_units: f64,
    pub(super) write_units: f64,
    running: u32,
    running_since: Option<Instant>,
    waited: Duration,
}

impl Record {
    /// Adds the failure of an item. A hundred items that fail alike are one entry.
    pub(crate) fn item_failed(&mut self, failure: Failure) {
        match self.failed_items.iter_mut().find(|items| items.failure == failure) {
            Some(items) => items.count += 1,
            None => self.failed_items.push(FailedItems { failure, count: 1 }),
        }
    }
}

impl DynamoDbUsage {
    pub(crate) fn call_begins(&mut self) {
        self.calls += 1;
        self.running += 1;
        self.running_since.get_or_insert_with(Instant::now);
    }

    pub(crate) fn call_ends(&mut self) {
        self.running = self.running.saturating_sub(1);
        if self.running == 0 {
            self.waited = self.time();
            self.running_since = None;
        }
    }

    pub(crate) fn request_begins(&mut self) {
        self.requests += 1;
    }

    /// DynamoDB did what the last request asked, or refused it because of its condition.
    pub(crate) fn was_answered(&mut self) {
        self.answered += 1;
    }

    /// An answer that seemed complete was not.
    pub(crate) fn was_malformed(&mut self) {
        self.answered = self.answered.saturating_sub(1);
    }

    pub(crate) fn was_throttled(&mut self) {
        self.throttles += 1;
    }

    pub(crate) fn consumed(&mut self, read_units: f64, write_units: f64) {
        self.read_units += read_units;
        self.write_units += write_units;
    }

    pub(super) fn retries(&self) -> u32 {
        self.requests.saturating_sub(self.calls)
    }

    pub(super) fn errors(&self) -> u32 {
        self.requests.saturating_sub(self.answered)
    }

    /// How long at least one call was under way.
    pub(super) fn time(&self) -> Duration {
        self.waited + self.running_since.map(|since| since.elapsed()).unwrap_or_default()
    }
}

/// Runs a future and returns what it noted as well.
pub(crate) async fn recorded<T>(future: impl Future<Output = T>) -> (T, Record) {
    let begun = Instant::now();
    let (result, record) = RECORD.scope(RefCell::default(), async { (future.await, RECORD.with(RefCell::take)) }).await;
    (result, Record { latency: begun.elapsed(), ..record })
}

/// Changes the record of the request that is being answered. Does nothing outside of a request.
pub(crate) fn note(change: impl FnOnce(&mut Record)) {
    let _ = RECORD.try_with(|record| change(&mut record.borrow_mut()));
}
