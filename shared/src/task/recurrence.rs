//! How a task recurs: the rule, and the date of the next occurrence. The rule of a task that is only read stays text.

mod rule;
mod zone;

use std::time::SystemTime;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};

use self::rule::{End, Rule};
use self::zone::{Shown, Zone};
use super::{Due, Invalid, TaskId};

/// How a task recurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recurrence {
    /// When.
    pub rule: RecurrenceRule,
    /// Whose clock counts; `None` for UTC.
    pub time_zone: Option<TimeZone>,
    /// What the next occurrence is counted from.
    pub from: CountedFrom,
}

/// The JSON of the HTTP contract.
impl Serialize for Recurrence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Recurrence", 3)?;
        object.serialize_field("rule", self.rule.as_str())?;
        object.serialize_field("time_zone", &self.time_zone.as_ref().map(TimeZone::as_str))?;
        object.serialize_field("from", self.from.as_str())?;
        object.end()
    }
}

/// What the next occurrence of a task is counted from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CountedFrom {
    /// From the due date of this one: the next date of the rule that has not passed.
    #[default]
    Due,
    /// From the day on which this one is completed.
    Completion,
}

impl CountedFrom {
    /// Reads what [`Self::as_str`] writes.
    ///
    /// # Errors
    /// Names both.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text {
            "due" => Ok(Self::Due),
            "completion" => Ok(Self::Completion),
            _ => Err(Invalid("must be due or completion")),
        }
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Completion => "completion",
        }
    }
}

/// The text of a rule: of RFC 5545's `RRULE`, what is of whole days, in upper case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecurrenceRule(String);

impl RecurrenceRule {
    /// Takes the text if it is a rule that matches some date.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.to_ascii_uppercase();
        if Rule::parse(&text)?.matches_ever(None) { Ok(Self(text)) } else { Err(NEVER) }
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const NEVER: Invalid = Invalid("must match a date after the due date");

/// The name of a time zone of the IANA database, such as `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeZone(String);

impl TimeZone {
    /// Takes the name of a zone.
    ///
    /// # Errors
    /// Says what a time zone must be.
    pub fn parse(name: &str) -> Result<Self, Invalid> {
        let is_known = Zone::find(name).is_some();
        is_known
            .then(|| Self(name.to_owned()))
            .ok_or(Invalid("must be the IANA name of a time zone such as Europe/Berlin"))
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a task stands among the occurrences of a recurring task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The name that they have in common.
    pub id: TaskId,
    /// Which one it is, from 1.
    pub occurrence: u64,
    /// How it goes on. `None` once it was completed: the next one has it.
    pub recurrence: Option<Recurrence>,
}

/// When the next occurrence is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextDue {
    /// Its due date.
    pub due: Due,
    /// Whether the clock skips its time of day on that date, so that it does not say when later ones are due.
    pub is_shifted: bool,
}

/// An occurrence, as far as the date of the next one depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Occurrence<'a> {
    /// Which one it is, from 1.
    pub number: u64,
    /// When it is due.
    pub due: &'a Due,
    /// When it would be due if it had not been moved by itself: what the rule counts from.
    pub anchor: &'a Due,
}

impl Recurrence {
    /// Checks it against the due date of the task.
    ///
    /// # Errors
    /// [`Invalid`] if it never matches a date after that.
    pub fn check(&self, due: &Due) -> Result<(), Invalid> {
        let first = self.read(due).map(|(date, _)| date);
        let is_right = first.is_some() && self.parsed().is_some_and(|rule| rule.matches_ever(first));
        if is_right { Ok(()) } else { Err(NEVER) }
    }

    /// When the next occurrence is due after this one, if it is completed, or skipped, at `now`. `None` if this one is the last.
    #[must_use]
    pub fn next(&self, from: CountedFrom, this: Occurrence<'_>, now: SystemTime) -> Option<NextDue> {
        let rule = self.parsed()?;
        if matches!(rule.end, End::Count(count) if this.number >= count) {
            return None;
        }
        let now = OffsetDateTime::from(now);
        let today = self.zone().local(now)?.date();
        let ((anchor, time), (due, _)) = (self.read(this.anchor)?, self.read(this.due)?);
        let (first, mut after) = match from {
            // What is due today has not passed.
            CountedFrom::Due => (anchor, anchor.max(due).max(today.previous_day()?)),
            CountedFrom::Completion => (today, today),
        };
        // A time of day may have passed today, and tomorrow's, if the clocks differ.
        for _ in 0..4 {
            let date = rule.next(first, after)?;
            let (shown, is_over) = match time {
                None => (None, matches!(rule.end, End::Until(until) if date > until.date())),
                Some(time) => {
                    let shown = self.zone().moment(PrimitiveDateTime::new(date, time))?;
                    (Some(shown), matches!(rule.end, End::Until(until) if shown.moment > until))
                }
            };
            if is_over || matches!(rule.end, End::UntilDay(until) if date > until) {
                return None;
            }
            let Some(Shown { moment, is_skipped }) = shown else {
                return Some(NextDue { due: Due::on(date), is_shifted: false });
            };
            if from == CountedFrom::Completion || moment > now {
                return Some(NextDue { due: Due::at(moment)?, is_shifted: is_skipped });
            }
            after = date;
        }
        None
    }

    /// As the store keeps it.
    pub(crate) fn to_store(&self) -> String {
        let zone = self.time_zone.as_ref().map_or("-", TimeZone::as_str);
        format!("{} {zone} {}", self.from.as_str(), self.rule.as_str())
    }

    /// Takes back what [`Self::to_store`] gave.
    pub(crate) fn from_store(text: &str) -> Option<Self> {
        let (from, text) = text.split_once(' ')?;
        let (zone, rule) = text.split_once(' ')?;
        let time_zone = (zone != "-").then(|| TimeZone(zone.to_owned()));
        Some(Self { rule: RecurrenceRule(rule.to_owned()), time_zone, from: CountedFrom::parse(from).ok()? })
    }

    fn parsed(&self) -> Option<Rule> {
        Rule::parse(self.rule.as_str()).ok()
    }

    fn zone(&self) -> Zone {
        self.time_zone.as_ref().and_then(|zone| Zone::find(zone.as_str())).unwrap_or(Zone::UTC)
    }

    /// The date of a due date by the series' clock, and its time of day if it has one.
    fn read(&self, due: &Due) -> Option<(Date, Option<Time>)> {
        if let Ok(date) = Date::parse(due.as_str(), format_description!("[year]-[month]-[day]")) {
            return Some((date, None));
        }
        let local = self.zone().local(due.moment()?)?;
        Some((local.date(), Some(local.time())))
    }
}
