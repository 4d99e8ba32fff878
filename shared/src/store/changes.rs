//! Changes: what a client that knows some state of its tasks must learn to know them as they are. One `Query` a page, of the
//! index by last write.
//!
//! A *pull* is the pages from one token that a client keeps to the next. The index is ordered by the clocks of those who
//! write, not by when a write lands. So a write can land behind what has been read already: its timestamp was taken before
//! it was sent, and by another clock. Therefore the next pull does not begin where this one ended, but [`OVERLAP`] before
//! the moment at which this one began. What lands after that moment has a later timestamp, so no change is missed, and
//! the changes of that time are given more than once.
//!
//! A token also has the erasure that was the last one when its first pull began (see [`super::erase`]). A pull that meets the
//! mark of another one ends in an error, because what the client knows may have been erased.
//!
//! For the same reason a pull is over as soon as it has read [`OVERLAP`] beyond that moment: everything that was written
//! before it began is behind then, and it ends however much is written meanwhile.

use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::erase::{FIRST_MARK, MARK};
use super::item::{Change, Item, TaskAttributes, attribute, text, updated};
use super::list::MAX_PAGE_TEXT_BYTES;
use super::write::TOMBSTONE_LIFETIME;
use super::{StoreError, UserTasks};
use crate::aws;
use crate::task::{DeletedTask, Task, TaskId, Timestamp};

/// How long DynamoDB takes a request after it was signed, which is done for each attempt. An attempt that was given up may
/// still be on its way: the kernel sends again what was not acknowledged, also after a connection was closed, and Lambda
/// may have frozen it with what it had to send.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-signing.html>
const SIGNATURE_LIFETIME: Duration = Duration::from_mins(5);
/// How long after its timestamp was taken a write may be signed for the last time: Lambda ends a function then. The answer
/// is given up before (see [`crate::app::ANSWER_WITHIN`]).
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(15);
/// How far the clocks of two instances may be apart, and DynamoDB's behind them when it does what it took. Amazon Time Sync
/// is made for an error of a millisecond. Clocks that nothing corrects drift by at most 50 millionths: two of them take five
/// days to be so far apart, and an instance lasts hours (`docs/decisions/0011-overlap-of-changes.md` has the sources). The
/// signature is no check of them: the SDK signs with DynamoDB's time.
const CLOCK_SKEW: Duration = Duration::from_secs(45);

/// How much of the time before a pull the next one reads again: whatever lands after a pull began has a timestamp that is not
/// older than this, by the reader's clock. It is the sum of how long an attempt can be under way after the timestamp
/// was taken, and of how far two clocks may be apart. `template.yaml` has the function's time-out (tested).
pub const OVERLAP: Duration = SIGNATURE_LIFETIME.saturating_add(FUNCTION_TIMEOUT).saturating_add(CLOCK_SKEW);

/// A page of changes, as a client asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangesQuery {
    /// What the client knows.
    pub since: Since,
    /// How many changes at most, 1 to 500.
    pub limit: usize,
}

/// From where on a client wants changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Since {
    /// From the beginning: all tasks.
    #[default]
    Beginning,
    /// From now on: a token and nothing else.
    Now,
    /// From where this token was given.
    Token(SyncToken),
}

/// Changes, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Tasks that were created or changed, the oldest change first.
    pub tasks: Vec<Task>,
    /// Tasks that were deleted, the oldest first.
    pub deleted: Vec<DeletedTask>,
    /// The token to come back with: at once, or later.
    pub next: String,
    /// Whether there are more changes already.
    pub has_more: bool,
}

/// Where a client is: opaque text for clients, a place in their own partition for us. It gives no right to anything, and names
/// its user only by a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncToken {
    user: String,
    /// When all tasks were erased, before the client read any.
    erased_at: Option<Timestamp>,
    place: Place,
}

/// A token that this API did not give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidSyncToken;

/// Where the next page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// Between two pulls: at this moment.
    Kept(Timestamp),
    /// Within a pull.
    Within(Pull, Position),
}

/// The change that was read last, by its key in the index.
type Position = (Timestamp, TaskId);

/// The pages from one token that a client keeps to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pull {
    /// Where the next pull begins: the overlap before this one began, but never before what that began with.
    floor: Timestamp,
    /// Whether it began with nothing, so that deletions from before it do not matter.
    is_first: bool,
}

/// What the text of a token is made of.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    list: String,
    user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_at: Option<String>,
    after: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pull: Option<PullText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PullText {
    task_id: String,
    floor: String,
    is_first: bool,
}

/// The list that tokens belong to.
const LIST: &str = "changes";

impl SyncToken {
    /// Reads a token that was given for changes, to whomever.
    ///
    /// # Errors
    /// [`InvalidSyncToken`] for any other text.
    pub fn decode(text: &str) -> Result<Self, InvalidSyncToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidSyncToken)?;
        let parts: Text = serde_json::from_slice(&bytes).map_err(|_| InvalidSyncToken)?;
        let timestamp = |text: &str| Timestamp::parse(text).ok_or(InvalidSyncToken);
        let after = timestamp(&parts.after)?;
        let place = match &parts.pull {
            None => Place::Kept(after),
            Some(PullText { task_id, floor, is_first }) => {
                let pull = Pull { floor: timestamp(floor)?, is_first: *is_first };
                Place::Within(pull, (after, TaskId::parse(task_id).ok_or(InvalidSyncToken)?))
            }
        };
        let erased_at = parts.erased_at.as_deref().map(timestamp).transpose()?;
        let token = Self { user: parts.user, erased_at, place };
        // Which list it belongs to is in the text, and there is one text for each place.
        if token.encode() == text { Ok(token) } else { Err(InvalidSyncToken) }
    }

    /// The text that a client sends back.
    fn encode(&self) -> String {
        let (after, pull) = match &self.place {
            Place::Kept(moment) => (moment, None),
            Place::Within(Pull { floor, is_first }, (after, task_id)) => {
                let floor = floor.as_str().to_owned();
                (after, Some(PullText { task_id: task_id.to_string(), floor, is_first: *is_first }))
            }
        };
        let erased_at = self.erased_at.as_ref().map(|at| at.as_str().to_owned());
        let (user, after) = (self.user.clone(), after.as_str().to_owned());
        let text = Text { list: LIST.to_owned(), user, erased_at, after, pull };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&text).unwrap_or_default())
    }
}

impl Place {
    /// The key in the index after which the next page begins. A moment alone sorts before all keys of that moment.
    fn key(&self) -> String {
        match self {
            Self::Kept(moment) => moment.as_str().to_owned(),
            Self::Within(_, (at, task_id)) => updated(at, *task_id),
        }
    }

    /// Whether a deletion that the client has not heard of may have been forgotten: its tombstone has a later timestamp
    /// than what was read last, and stays for its lifetime. The margin is for clocks, and for the time until it is read.
    fn has_expired(&self, now: SystemTime, margin: Duration) -> bool {
        let since = match self {
            Self::Within(Pull { floor, is_first: true }, (at, _)) => at.max(floor),
            Self::Within(_, (at, _)) | Self::Kept(at) => at,
        };
        since.time().is_none_or(|since| now + margin > since + TOMBSTONE_LIFETIME)
    }
}

impl Pull {
    /// The pull that a client begins or continues, by the reader's clock.
    fn from(place: Option<&Place>, now: SystemTime, overlap: Duration) -> Self {
        let begin = Timestamp::from(now - overlap);
        match place {
            None => Self { floor: begin, is_first: true },
            Some(Place::Kept(since)) => Self { floor: begin.max(since.clone()), is_first: false },
            Some(Place::Within(pull, _)) => pull.clone(),
        }
    }

    /// Where to go on after a page that ended with this change, or with the last one there is.
    fn next(self, reached: Option<Position>, overlap: Duration) -> Place {
        match reached {
            Some(position) if !self.is_behind(&position.0, overlap) => Place::Within(self, position),
            _ => Place::Kept(self.floor),
        }
    }

    /// Whether nothing that was written before this pull began is as late as this.
    fn is_behind(&self, at: &Timestamp, overlap: Duration) -> bool {
        let times = at.time().zip(self.floor.time());
        times.is_some_and(|(at, floor)| at > floor + overlap + overlap)
    }
}

/// What was read.
#[derive(Debug, Default)]
struct Page {
    tasks: Vec<Task>,
    deleted: Vec<DeletedTask>,
    /// The change that the page ends with, if there are more.
    reached: Option<Position>,
    /// When the last erasure was, if the index was read from its first item on.
    erased_at: Option<Timestamp>,
    /// When the erasure was whose mark lies among the changes.
    marked_at: Option<Timestamp>,
}

impl Page {
    /// Takes so many changes from an answer, and not many more bytes of text than a page of tasks may have.
    fn of(answer: aws::Answer<TaskAttributes>, limit: usize) -> Result<Self, StoreError> {
        let mut page = Self::default();
        let mut text_bytes = 0;
        let mut last = None;
        for attributes in answer.items {
            let change = match attributes.change()? {
                Change::Deleted(mark) if mark.id == FIRST_MARK => {
                    page.erased_at = Some(mark.deleted_at);
                    continue;
                }
                Change::Deleted(mark) if mark.id == MARK => {
                    page.marked_at = Some(mark.deleted_at);
                    continue;
                }
                change => change,
            };
            text_bytes += change.text_bytes();
            let is_full = page.tasks.len() + page.deleted.len() == limit || text_bytes > MAX_PAGE_TEXT_BYTES;
            if is_full && last.is_some() {
                return Ok(Self { reached: last, ..page });
            }
            last = Some(change.position());
            match change {
                Change::Task(task) => page.tasks.push(task),
                Change::Deleted(task) => page.deleted.push(task),
            }
        }
        // A megabyte was read, or marks are among the items. Where DynamoDB stopped need not be an item that it gave.
        if let Some(key) = answer.last_evaluated_key {
            let position = position(&key).ok_or_else(|| StoreError::unexpected("a start key is malformed"))?;
            page.reached = Some(position);
        }
        Ok(page)
    }

    /// The last erasure that the client knows of once it has this page.
    ///
    /// # Errors
    /// [`StoreError::Erased`] if it is not the one whose mark lies here.
    fn last_erasure(&self, since: &Since) -> Result<Option<Timestamp>, StoreError> {
        let known = match since {
            Since::Token(token) => &token.erased_at,
            Since::Beginning | Since::Now => &self.erased_at,
        };
        let is_another = self.marked_at.is_some() && self.marked_at != *known;
        if is_another { Err(StoreError::Erased) } else { Ok(known.clone()) }
    }
}

impl Change {
    pub(super) fn id(&self) -> TaskId {
        match self {
            Self::Task(task) => task.id,
            Self::Deleted(task) => task.id,
        }
    }

    fn position(&self) -> Position {
        match self {
            Self::Task(task) => (task.updated_at.clone(), task.id),
            // A tombstone is not written again, unless it becomes a task.
            Self::Deleted(task) => (task.deleted_at.clone(), task.id),
        }
    }

    pub(super) fn text_bytes(&self) -> usize {
        match self {
            Self::Task(task) => task.text_bytes(),
            Self::Deleted(_) => 0,
        }
    }
}

/// The change at a key of the index.
fn position(key: &Item) -> Option<Position> {
    let (at, task_id) = key.get(attribute::UPDATED)?.as_s().ok()?.split_once('#')?;
    Some((Timestamp::parse(at)?, TaskId::parse(task_id)?))
}

impl UserTasks<'_> {
    /// A page of changes, strongly consistent: one request, which ends with the change that reaches beyond a megabyte; none
    /// at all from now on. A client that has had the last page knows every task as it was when it asked for the first one,
    /// or later; a task that was written meanwhile may be missing, and is in the next pull.
    ///
    /// # Errors
    /// [`StoreError::ForeignSyncToken`], [`StoreError::SyncTokenExpired`], [`StoreError::Erased`],
    /// [`StoreError::Unavailable`], [`StoreError::Unexpected`].
    pub async fn changes(&self, query: &ChangesQuery) -> Result<Changes, StoreError> {
        // Before anything is read: what lands later may be missed by this page, and must not be by the next pull.
        let now = SystemTime::now();
        let user = hash(self.user.id());
        let place = match &query.since {
            Since::Beginning => None,
            Since::Now => {
                let place = Place::Kept(Timestamp::from(now - OVERLAP));
                return Ok(Changes::new(Page::default(), SyncToken { user, erased_at: None, place }));
            }
            Since::Token(token) if token.user != user => return Err(StoreError::ForeignSyncToken),
            Since::Token(token) if token.place.has_expired(now, OVERLAP) => return Err(StoreError::SyncTokenExpired),
            Since::Token(token) => Some(&token.place),
        };
        // One more than the page takes tells whether there are more.
        let request =
            self.changed_after(place.map(Place::key)).limit(i32::try_from(query.limit + 1).unwrap_or(i32::MAX));
        let mut page = Page::of(aws::query(request).await?, query.limit)?;
        let erased_at = page.last_erasure(&query.since)?;
        let place = Pull::from(place, now, OVERLAP).next(page.reached.take(), OVERLAP);
        Ok(Changes::new(page, SyncToken { user, erased_at, place }))
    }

    /// The request for what changed after this key, or ever.
    fn changed_after(&self, key: Option<String>) -> QueryFluentBuilder {
        let request = self.store.client.query().table_name(&self.store.tasks_table).index_name("by_updated");
        let request = request.consistent_read(true).projection_expression(attribute::OF_A_CHANGE);
        let request = request.expression_attribute_values(":user_id", text(self.user.id()));
        match key {
            None => request.key_condition_expression("user_id = :user_id"),
            Some(key) => request
                .key_condition_expression("user_id = :user_id AND updated > :after")
                .expression_attribute_values(":after", text(key)),
        }
    }
}

impl Changes {
    fn new(Page { tasks, deleted, .. }: Page, token: SyncToken) -> Self {
        let has_more = matches!(token.place, Place::Within(..));
        Self { tasks, deleted, next: token.encode(), has_more }
    }
}

/// Short, because it only has to tell a mistake.
fn hash(user_id: &str) -> String {
    let digest = digest(&SHA256, user_id.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.as_ref().first_chunk::<8>().copied().unwrap_or_default())
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests;
