//! Tasks and their parts: pure values. A part that exists is valid, because its `parse` is the only way to make it
//! from outside.

mod position;
mod recurrence;

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use time::format_description::FormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, UtcOffset};
use uuid::Uuid;

pub use self::position::Position;
pub use self::recurrence::{CountedFrom, NextDue, Occurrence, Recurrence, RecurrenceRule, Series, TimeZone};

/// Why a value was refused, in words for the person who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalid(pub &'static str);

/// A task as its owner sees it. It has no owner field: the partition that it lies in is the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its name, unique for its owner.
    pub id: TaskId,
    /// What is to be done.
    pub title: Title,
    /// More about it.
    pub description: Option<Description>,
    /// When it was completed; `None` while it is open.
    pub completed_at: Option<Timestamp>,
    /// How much it matters.
    pub priority: Priority,
    /// When it should be done.
    pub due: Option<Due>,
    /// Free labels, in the order they were given.
    pub tags: Tags,
    /// The task that it is a subtask of.
    pub parent_id: Option<TaskId>,
    /// Where it is in its owner's order.
    pub position: Option<Position>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// 1 when it was created, and one more with every write.
    pub version: Version,
    /// Where it stands in its series, if it recurs or did.
    pub series: Option<Box<Series>>,
}

/// The JSON of the HTTP contract.
impl Serialize for Task {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = if self.series.is_some() { 16 } else { 13 };
        let mut object = serializer.serialize_struct("Task", members)?;
        object.serialize_field("id", &self.id)?;
        object.serialize_field("title", &self.title)?;
        object.serialize_field("description", &self.description)?;
        object.serialize_field("completed", &self.completed_at.is_some())?;
        object.serialize_field("completed_at", &self.completed_at)?;
        object.serialize_field("priority", self.priority.as_str())?;
        object.serialize_field("due", &self.due)?;
        object.serialize_field("tags", &self.tags)?;
        if let Some(parent_id) = &self.parent_id {
            object.serialize_field("parent_id", parent_id)?;
        }
        if let Some(position) = &self.position {
            object.serialize_field("position", position)?;
        }
        object.serialize_field("created_at", &self.created_at)?;
        object.serialize_field("updated_at", &self.updated_at)?;
        object.serialize_field("version", &self.version)?;
        if let Some(series) = &self.series {
            object.serialize_field("recurrence", &series.recurrence)?;
            object.serialize_field("series_id", &series.id)?;
            object.serialize_field("occurrence", &series.occurrence)?;
        }
        object.end()
    }
}

impl Task {
    /// How many bytes its texts have in UTF-8. They are what a client chooses the size of.
    pub(crate) fn text_bytes(&self) -> usize {
        let description = self.description.as_ref().map_or(0, |description| description.0.len());
        let recurrence = self.series.as_ref().and_then(|series| series.recurrence.as_ref());
        let rule = recurrence.map_or(0, |recurrence| recurrence.rule.as_str().len());
        self.title.0.len() + description + rule + self.tags.iter().map(|tag| tag.0.len()).sum::<usize>()
    }
}

/// What is left of a task that was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeletedTask {
    /// Its name, which no other task gets.
    pub id: TaskId,
    /// When it was deleted.
    pub deleted_at: Timestamp,
    /// One more than that of the task when it was deleted.
    pub version: Version,
}

/// How often a task has been written. Its `ETag` is made of it.
pub type Version = u64;

/// What a client says of a task when it creates it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// See [`Task::title`].
    pub title: Title,
    /// See [`Task::description`].
    pub description: Option<Description>,
    /// See [`Task::priority`].
    pub priority: Priority,
    /// See [`Task::due`].
    pub due: Option<Due>,
    /// See [`Task::tags`].
    pub tags: Tags,
    /// See [`Task::parent_id`]. It never changes.
    pub parent_id: Option<TaskId>,
    /// See [`Task::position`].
    pub position: Option<Position>,
    /// How it recurs. A task that is created as completed does not.
    pub recurrence: Option<Recurrence>,
}

/// What a client says of a task when it replaces it: all that a client may set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// What a new task has as well.
    pub content: NewTask,
    /// Whether it is completed.
    pub completed: bool,
}

/// What becomes of a part that a task may be without.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// The task is without it.
    Clear,
    /// It is this.
    Set(T),
}

/// With a value it is set, and without one it is cleared.
impl<T> From<Option<T>> for Patch<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Set)
    }
}

/// What a client changes of a task. `None` leaves a part as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskChanges {
    /// See [`Task::title`].
    pub title: Option<Title>,
    /// See [`Task::description`].
    pub description: Patch<Description>,
    /// Whether it is completed.
    pub completed: Option<bool>,
    /// See [`Task::priority`].
    pub priority: Option<Priority>,
    /// See [`Task::due`].
    pub due: Patch<Due>,
    /// See [`Task::tags`].
    pub tags: Option<Tags>,
    /// Which parent the task must have, if it matters: this is no change.
    pub parent_id: Option<TaskId>,
    /// See [`Task::position`].
    pub position: Patch<Position>,
    /// How it recurs. A task needs a due date for that.
    pub recurrence: Patch<Recurrence>,
    /// Whether later occurrences are to be as they would be without these changes, if it recurs.
    pub this_only: bool,
}

impl TaskChanges {
    /// Whether nothing is changed at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A replacement changes everything, and clears what it does not have.
impl From<Replacement> for TaskChanges {
    fn from(replacement: Replacement) -> Self {
        let Replacement { content, completed } = replacement;
        let NewTask { title, description, priority, due, tags, parent_id, position, recurrence } = content;
        Self {
            title: Some(title),
            description: description.into(),
            completed: Some(completed),
            priority: Some(priority),
            due: due.into(),
            tags: Some(tags),
            parent_id,
            position: position.into(),
            recurrence: recurrence.into(),
            this_only: false,
        }
    }
}

/// What a client wants of a task's completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// Completed or open, whatever it is now.
    Set(bool),
    /// The other state than it has now.
    Toggle,
}

/// A task's id: a UUID of version 7 (RFC 9562), so that ids sort by creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(Uuid);

impl TaskId {
    /// A new id, greater than every one that this process made before.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a default id would not be the same twice")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// Reads the one spelling that [`fmt::Display`] writes: lower case, with hyphens. A task has one URL.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let uuid = Uuid::try_parse(text).ok()?;
        let id = Self(uuid);
        let canonical = uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text;
        (canonical && uuid.get_version_num() == 7).then_some(id)
    }

    /// Reads the id that a client made for a new task. Its clock may be fast, but not by more than a day: lists are in
    /// the order of ids.
    ///
    /// # Errors
    /// Says what an id must be.
    pub fn parse_new(text: &str, now: SystemTime) -> Result<Self, Invalid> {
        let id = Self::parse(text).ok_or(Invalid("must be a UUID of version 7 in lower case"))?;
        let (seconds, nanoseconds) = id.0.get_timestamp().map(|timestamp| timestamp.to_unix()).unwrap_or_default();
        let at = UNIX_EPOCH + Duration::new(seconds, nanoseconds);
        let is_in_time = UNIX_EPOCH < at && at <= now + Self::MAX_AHEAD;
        if is_in_time { Ok(id) } else { Err(Invalid("must not have a time of zero, or more than a day from now")) }
    }

    /// The id of a task that belongs to this one, made of a hash and the time of this one, so that it is always the same.
    pub(crate) fn derived(self, hash: [u8; 16]) -> Self {
        const TIME_AND_VERSION: u128 = 0xffff_ffff_ffff_f000_0000_0000_0000_0000;
        const VARIANT: u128 = 0xc000_0000_0000_0000;
        let fixed = TIME_AND_VERSION | VARIANT;
        Self(Uuid::from_u128(self.0.as_u128() & fixed | u128::from_be_bytes(hash) & !fixed))
    }

    /// An id with a time of zero, which no task has. It sorts before the ids of all tasks.
    pub(crate) const fn reserved(number: u8) -> Self {
        Self(Uuid::from_u128(0x7000_8000_0000_0000_0000 | number as u128))
    }

    const MAX_AHEAD: Duration = Duration::from_hours(24);
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl Serialize for TaskId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Its text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Takes back what [`Self::as_str`] gave to the store, where only valid values come from.
            pub(crate) fn from_store(text: String) -> Self {
                Self(text)
            }
        }
    };
}

text! {
    /// 1 to 200 characters (Unicode scalar values) without control characters, trimmed.
    Title
}

impl Title {
    /// Trims the text and takes it if it keeps the bounds.
    ///
    /// # Errors
    /// Says what a title must be.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        one_line(text, 200).map(Self).ok_or(Invalid("must be 1 to 200 characters, without control characters"))
    }
}

text! {
    /// At most 10,000 characters, kept as they came. Of control characters it has only tabs and line feeds: all others
    /// take seven bytes in an answer, show as nothing, and are no part of what people write.
    Description
}

impl Description {
    /// Takes the text if it keeps the bounds.
    ///
    /// # Errors
    /// Says what a description must be.
    pub fn parse(text: String) -> Result<Self, Invalid> {
        let is_refused = |character: char| character.is_control() && !matches!(character, '\t' | '\n');
        if longer_than(&text, 10_000) || text.contains(is_refused) {
            return Err(Invalid(
                "must be at most 10000 characters, without control characters other than tab and line feed",
            ));
        }
        Ok(Self(text))
    }
}

text! {
    /// A calendar date (`2026-11-30`), or a moment in UTC with milliseconds (`2026-11-30T09:00:00.000Z`). As text they
    /// sort by time, a date before the moments of its day.
    Due
}

impl Due {
    /// Reads an RFC 3339 `full-date` or `date-time`; the latter is turned to UTC and cut to milliseconds.
    ///
    /// # Errors
    /// Says what a due date must be.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        const EXPECTED: Invalid = Invalid(
            "must be a date such as 2026-11-30 or an RFC 3339 date-time such as 2026-11-30T09:00:00Z, from year 0000 to 9999",
        );
        const FULL_DATE: &[FormatItem<'_>] = format_description!("[year]-[month]-[day]");
        // RFC 3339 wants a `T` (in either case) between date and time, which the parser does not insist on.
        match text.as_bytes().get(10) {
            None => Date::parse(text, FULL_DATE).map(|_| Self(text.to_owned())).map_err(|_| EXPECTED),
            Some(b'T' | b't') => {
                let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| EXPECTED)?;
                let utc = moment.checked_to_offset(UtcOffset::UTC).ok_or(EXPECTED)?;
                if (0..=9999).contains(&utc.year()) { Ok(Self(rfc3339_millis(utc))) } else { Err(EXPECTED) }
            }
            Some(_) => Err(EXPECTED),
        }
    }

    /// A calendar date.
    fn on(date: Date) -> Self {
        Self(format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day()))
    }

    /// A moment. `None` outside of the years 0000 to 9999.
    fn at(moment: OffsetDateTime) -> Option<Self> {
        let utc = moment.checked_to_offset(UtcOffset::UTC)?;
        (0..=9999).contains(&utc.year()).then(|| Self(rfc3339_millis(utc)))
    }

    /// The moment, if it is one.
    fn moment(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::parse(&self.0, &Rfc3339).ok()
    }
}

text! {
    /// A moment in UTC with milliseconds, as RFC 3339 writes it: `2026-11-21T10:30:00.123Z`.
    Timestamp
}

impl Timestamp {
    /// Reads what [`Self::as_str`] gives, and no other spelling.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let timestamp = Self(rfc3339_millis(moment));
        (timestamp.0 == text).then_some(timestamp)
    }

    /// The moment itself. `None` if the text came from elsewhere and is no timestamp.
    pub(crate) fn time(&self) -> Option<SystemTime> {
        OffsetDateTime::parse(&self.0, &Rfc3339).ok().map(SystemTime::from)
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self(rfc3339_millis(time.into()))
    }
}

/// Digit by digit, because every line of the log has a timestamp: `format!` takes several times as long.
fn rfc3339_millis(utc: OffsetDateTime) -> String {
    let (date, (hour, minute, second, millisecond)) = (utc.date(), utc.to_hms_milli());
    let mut text = String::with_capacity(24);
    for (number, first_place, end) in [
        (date.year().unsigned_abs(), 1_000, '-'),
        (u8::from(date.month()).into(), 10, '-'),
        (date.day().into(), 10, 'T'),
        (hour.into(), 10, ':'),
        (minute.into(), 10, ':'),
        (second.into(), 10, '.'),
        (millisecond.into(), 100, 'Z'),
    ] {
        let mut place = first_place;
        while place > 0 {
            text.extend(char::from_digit(number / place % 10, 10));
            place /= 10;
        }
        text.push(end);
    }
    text
}

/// How much a task matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Priority {
    /// Nobody said.
    #[default]
    None,
    /// Less than others.
    Low,
    /// Like most.
    Medium,
    /// More than others.
    High,
}

impl Priority {
    /// Reads what [`Self::as_str`] writes.
    ///
    /// # Errors
    /// Names the four.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text {
            "none" => Ok(Self::None),
            "low" => Ok(Self::Low),
            "medium" => Ok(Self::Medium),
            "high" => Ok(Self::High),
            _ => Err(Invalid("must be none, low, medium or high")),
        }
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

text! {
    /// A label: 1 to 50 characters without control characters, trimmed.
    Tag
}

impl Tag {
    /// Trims the text and takes it if it keeps the bounds.
    ///
    /// # Errors
    /// Says what a tag must be.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        one_line(text, 50).map(Self).ok_or(Invalid("must be 1 to 50 characters, without control characters"))
    }
}

/// At most 20 labels, no two the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Tags(Vec<Tag>);

impl Tags {
    /// How many tags a task may have.
    pub const MAX: usize = 20;

    /// Takes the tags if they are few enough and differ from each other.
    ///
    /// # Errors
    /// Says what is wrong with them as a whole.
    pub fn new(tags: Vec<Tag>) -> Result<Self, Invalid> {
        if tags.len() > Self::MAX {
            return Err(Invalid("must be at most 20 tags"));
        }
        let repeated =
            tags.iter().enumerate().any(|(index, tag)| tags.iter().take(index).any(|earlier| earlier == tag));
        if repeated { Err(Invalid("must not name a tag twice")) } else { Ok(Self(tags)) }
    }

    /// The tags, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.0.iter()
    }

    /// Takes back what [`Self::iter`] gave to the store.
    pub(crate) fn from_store(tags: Vec<Tag>) -> Self {
        Self(tags)
    }
}

fn one_line(text: &str, max_chars: usize) -> Option<String> {
    let text = text.trim();
    let fits = !text.is_empty() && !longer_than(text, max_chars) && !text.contains(char::is_control);
    fits.then(|| text.to_owned())
}

fn longer_than(text: &str, max_chars: usize) -> bool {
    text.chars().nth(max_chars).is_some()
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::fixtures::spellings;

    #[test]
    fn title_is_trimmed_and_bounded_in_characters() {
        assert_eq!(Title::parse("  Buy milk\t").unwrap().as_str(), "Buy milk");
        assert!(Title::parse(&"ä".repeat(200)).is_ok());
        for refused in ["", " \n ", "a\u{0}b", "a\nb", "\u{7f}", &"ä".repeat(201)] {
            assert!(Title::parse(refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn priority_has_one_of_four_names() {
        for name in ["none", "low", "medium", "high"] {
            assert_eq!(Priority::parse(name).unwrap().as_str(), name);
        }
        for refused in ["", "Medium", "urgent", " low"] {
            assert!(Priority::parse(refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn description_has_lines_and_ten_thousand_characters() {
        assert!(Description::parse(format!("a\n{}", "é".repeat(9_998))).is_ok());
        assert!(Description::parse("é".repeat(10_001)).is_err());
    }

    #[test]
    fn description_refuses_control_characters() {
        for allowed in ["\t\n", "", " \u{2028}\u{200b}\u{feff}🧀"] {
            assert_eq!(Description::parse(allowed.to_owned()).unwrap().as_str(), allowed);
        }
        for refused in ["\0", "a\r\nb", "\u{b}", "\u{c}", "\u{1b}[1m", "\u{1f}", "\u{7f}", "\u{80}", "\u{85}", "\u{9f}"]
        {
            assert!(Description::parse(refused.to_owned()).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn due_date_is_kept_in_one_spelling() {
        for (text, kept) in spellings::<HashMap<String, String>>("due dates") {
            assert_eq!(Due::parse(&text).unwrap().as_str(), kept);
        }
        for refused in spellings::<Vec<String>>("no due dates") {
            assert!(Due::parse(&refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn date_sorts_before_the_moments_of_its_day() {
        let sorted = ["2026-11-29T23:59:59Z", "2026-11-30", "2026-11-30T00:00:00Z", "2026-12-01"];
        let dues: Vec<_> = sorted.map(|text| Due::parse(text).unwrap()).into();
        assert!(dues.is_sorted());
    }

    #[test]
    fn tags_are_few_and_differ() {
        let tag = |text: &str| Tag::parse(text).unwrap();
        assert!(Tags::new((0..20).map(|n| tag(&n.to_string())).collect()).is_ok());
        assert!(Tags::new((0..21).map(|n| tag(&n.to_string())).collect()).is_err());
        assert!(Tags::new(vec![tag("home"), tag(" home ")]).is_err());
        assert!(Tag::parse(&"x".repeat(51)).is_err());
    }

    #[test]
    fn ids_sort_by_creation_and_have_one_spelling() {
        let ids: Vec<_> = (0..1_000).map(|_| TaskId::new().to_string()).collect();
        assert!(ids.is_sorted_by(|earlier, later| earlier < later));
        let first = TaskId::new();
        let text = first.to_string();
        assert_eq!(TaskId::parse(&text), Some(first));
        for refused in [text.to_uppercase(), text.replace('-', ""), format!("{{{text}}}"), String::new()] {
            assert_eq!(TaskId::parse(&refused), None, "{refused}");
        }
        assert_eq!(TaskId::parse("67e55044-10b1-426f-9247-bb680e5fe0c8"), None, "a random id, version 4");
    }

    #[test]
    fn new_id_is_at_most_a_day_ahead() {
        // 2026-11-21T10:30:00.123Z.
        let id = "019aa5f7-a25b-7000-8000-000000000000";
        let time = UNIX_EPOCH + Duration::from_millis(0x019a_a5f7_a25b);
        let day = Duration::from_hours(24);
        for now in [time - day, time, time + 1_000 * day] {
            assert_eq!(TaskId::parse_new(id, now).ok(), TaskId::parse(id));
        }
        let refused = TaskId::parse_new(id, time - day - Duration::from_millis(1));
        assert_eq!(refused, Err(Invalid("must not have a time of zero, or more than a day from now")));
        for text in ["none", "67e55044-10b1-426f-9247-bb680e5fe0c8", "ffffffff-ffff-7fff-bfff-ffffffffffff"] {
            assert!(TaskId::parse_new(text, time).is_err(), "{text}");
        }
    }

    #[test]
    fn reserved_ids_come_first_and_cannot_be_chosen() {
        let text = TaskId::reserved(1).to_string();
        assert_eq!(text, "00000000-0000-7000-8000-000000000001");
        assert_eq!(TaskId::parse(&text), Some(TaskId::reserved(1)));
        assert!(TaskId::parse_new(&text, UNIX_EPOCH).is_err());
        assert!(TaskId::parse_new("00000000-0001-7000-8000-000000000001", UNIX_EPOCH).is_ok());
    }

    #[test]
    fn timestamp_has_milliseconds() {
        let time = UNIX_EPOCH + Duration::from_millis(1_795_218_924_007);
        let timestamp = Timestamp::from(time);
        assert_eq!(timestamp.as_str(), "2026-11-20T23:55:24.007Z");
        assert_eq!(timestamp.time(), Some(time));
        assert_eq!(Timestamp::parse(timestamp.as_str()), Some(timestamp));
    }

    #[test]
    fn timestamp_has_one_spelling() {
        for refused in spellings::<Vec<String>>("no timestamps") {
            assert_eq!(Timestamp::parse(&refused), None, "{refused}");
        }
    }
}
