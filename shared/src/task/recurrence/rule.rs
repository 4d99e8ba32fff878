//! Recurrence rules of RFC 5545 §3.3.10, of whole days: an own engine, because the kept crates bring regular expressions and
//! half a megabyte of time zones, and search without a bound for dates that never come.

use time::macros::format_description;
use time::{Date, Duration, Month, OffsetDateTime, PrimitiveDateTime, UtcOffset, Weekday};

use crate::task::Invalid;

/// How many days a search looks at: a hundred years of them.
const MAX_DAYS: u32 = 36_600;

/// A rule, apart from the date that it begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    frequency: Frequency,
    interval: u16,
    /// As bits, as are the next three; none for any.
    months: u16,
    month_days: u32,
    /// The last day of the month is bit 1.
    month_days_from_end: u32,
    /// Monday is bit 0.
    weekdays: u8,
    /// The second Tuesday, the last Friday.
    ordinals: Vec<(i8, Weekday)>,
    set_positions: Vec<i16>,
    week_start: Weekday,
    pub(super) end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// How a series ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Never,
    /// After so many occurrences.
    Count(u64),
    /// After this day.
    UntilDay(Date),
    /// After this moment.
    Until(OffsetDateTime),
}

const SYNTAX: Invalid = Invalid("must be an RFC 5545 rule of at most 255 bytes, such as FREQ=WEEKLY;BYDAY=MO,TH");
const FREQUENCY: Invalid = Invalid("must have FREQ=DAILY, WEEKLY, MONTHLY or YEARLY");
const UNSUPPORTED: Invalid =
    Invalid("may have FREQ, INTERVAL, BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS, WKST, UNTIL and COUNT, and no other part");
const REPEATED: Invalid = Invalid("must not name a part twice");
const INTERVAL: Invalid = Invalid("must have an INTERVAL from 1 to 999");
const BY_DAY: Invalid =
    Invalid("must have a BYDAY of weekdays such as MO, or such as 2TU or -1FR (up to 53) if FREQ is MONTHLY or YEARLY");
const BY_MONTH_DAY: Invalid =
    Invalid("must have a BYMONTHDAY from 1 to 31 or from -31 to -1, and none if FREQ is WEEKLY");
const BY_MONTH: Invalid = Invalid("must have a BYMONTH from 1 to 12");
const BY_SET_POS: Invalid = Invalid("must have a BYSETPOS from 1 to 366 or from -366 to -1, beside another BY part");
const WEEK_START: Invalid = Invalid("must have a WKST such as MO");
const UNTIL: Invalid = Invalid("must have an UNTIL such as 20271231 or 20271231T235959Z");
const COUNT: Invalid = Invalid("must have a COUNT from 1 to 9999");
const TWO_ENDS: Invalid = Invalid("must not have both UNTIL and COUNT");

impl Rule {
    /// How many bytes its text has at most.
    pub(super) const MAX_BYTES: usize = 255;

    /// Reads the text of a rule, in upper case.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, Invalid> {
        if text.len() > Self::MAX_BYTES {
            return Err(SYNTAX);
        }
        let mut parts = Vec::with_capacity(9);
        for part in text.split(';') {
            let (name, value) = part.split_once('=').ok_or(SYNTAX)?;
            if parts.iter().any(|(other, _)| *other == name) {
                return Err(REPEATED);
            }
            parts.push((name, value));
        }
        let mut take = |name| {
            let index = parts.iter().position(|(other, _)| *other == name)?;
            Some(parts.swap_remove(index).1)
        };
        let frequency = match take("FREQ") {
            Some("DAILY") => Frequency::Daily,
            Some("WEEKLY") => Frequency::Weekly,
            Some("MONTHLY") => Frequency::Monthly,
            Some("YEARLY") => Frequency::Yearly,
            _ => return Err(FREQUENCY),
        };
        let mut rule = Self {
            frequency,
            interval: take("INTERVAL").map_or(Some(1), |text| number(text, 1..=999)).ok_or(INTERVAL)?,
            months: 0,
            month_days: 0,
            month_days_from_end: 0,
            weekdays: 0,
            ordinals: Vec::new(),
            set_positions: Vec::new(),
            week_start: take("WKST").map_or(Some(Weekday::Monday), weekday).ok_or(WEEK_START)?,
            end: match (take("COUNT"), take("UNTIL")) {
                (None, None) => End::Never,
                (Some(text), None) => End::Count(number(text, 1..=9999).ok_or(COUNT)?),
                (None, Some(text)) => until(text).ok_or(UNTIL)?,
                (Some(_), Some(_)) => return Err(TWO_ENDS),
            },
        };
        for text in take("BYMONTH").into_iter().flat_map(|list| list.split(',')) {
            rule.months |= 1 << number::<u16>(text, 1..=12).ok_or(BY_MONTH)?;
        }
        for text in take("BYMONTHDAY").into_iter().flat_map(|list| list.split(',')) {
            let (bits, day) = match text.strip_prefix('-') {
                None => (&mut rule.month_days, text),
                Some(day) => (&mut rule.month_days_from_end, day),
            };
            let day = number::<u32>(day, 1..=31).filter(|_| frequency != Frequency::Weekly);
            *bits |= 1 << day.ok_or(BY_MONTH_DAY)?;
        }
        for text in take("BYDAY").into_iter().flat_map(|list| list.split(',')) {
            rule.add_weekday(text).ok_or(BY_DAY)?;
        }
        let has_days = rule.months != 0 || rule.has_month_days() || rule.has_weekdays();
        for text in take("BYSETPOS").into_iter().flat_map(|list| list.split(',')) {
            let position = signed(text, 366).filter(|_| has_days);
            rule.set_positions.push(position.ok_or(BY_SET_POS)?);
        }
        if parts.is_empty() { Ok(rule) } else { Err(UNSUPPORTED) }
    }

    fn add_weekday(&mut self, text: &str) -> Option<()> {
        let (ordinal, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
        let day = weekday(day)?;
        if ordinal.is_empty() {
            self.weekdays |= 1 << day.number_days_from_monday();
        } else if self.frequency >= Frequency::Monthly {
            self.ordinals.push((i8::try_from(signed(ordinal, 53)?).ok()?, day));
        } else {
            return None;
        }
        Some(())
    }

    fn has_month_days(&self) -> bool {
        self.month_days | self.month_days_from_end != 0
    }

    fn has_weekdays(&self) -> bool {
        self.weekdays != 0 || !self.ordinals.is_empty()
    }

    /// The first date after `after` on which the rule matches, if it begins with `first`, which is not later. `None` if there
    /// is none in the next hundred years of days that the rule may match.
    pub(super) fn next(&self, first: Date, after: Date) -> Option<Date> {
        let rule = self.beginning(first);
        let mut days = MAX_DAYS;
        let mut matches = Vec::new();
        for period in rule.periods(first, after)?.. {
            matches.clear();
            let mut date = rule.start(first, period)?;
            let end = rule.end_of(date)?;
            while date < end {
                days = days.checked_sub(1)?;
                if rule.matches(date) {
                    matches.push(date);
                }
                date = date.next_day()?;
            }
            if let Some(next) = rule.positioned(&matches).filter(|date| *date > after).min() {
                return Some(next);
            }
        }
        None
    }

    /// Whether it ever matches after a date that it begins with; without one, after any date.
    pub(super) fn matches_ever(&self, first: Option<Date>) -> bool {
        match first {
            Some(first) => self.next(first, first).is_some(),
            None => {
                let first = Date::from_calendar_date(2024, Month::January, 1).ok();
                first.is_some_and(|first| Self { interval: 1, ..self.clone() }.next(first, first).is_some())
            }
        }
    }

    /// With what it takes from its first date: "monthly" is on the same day of the month.
    fn beginning(&self, first: Date) -> Self {
        let mut rule = self.clone();
        if rule.has_month_days() || rule.has_weekdays() {
            return rule;
        }
        match rule.frequency {
            Frequency::Daily => {}
            Frequency::Weekly => rule.weekdays = 1 << first.weekday().number_days_from_monday(),
            Frequency::Monthly => rule.month_days = 1 << first.day(),
            Frequency::Yearly => {
                rule.month_days = 1 << first.day();
                if rule.months == 0 {
                    rule.months = 1 << u8::from(first.month());
                }
            }
        }
        rule
    }

    /// Which period of the rule has this date, or is the last one before it.
    fn periods(&self, first: Date, after: Date) -> Option<i32> {
        let between = match self.frequency {
            Frequency::Daily => after.to_julian_day() - first.to_julian_day(),
            Frequency::Weekly => (after.to_julian_day() - self.week_of(first)?.to_julian_day()) / 7,
            Frequency::Monthly => month_number(after) - month_number(first),
            Frequency::Yearly => after.year() - first.year(),
        };
        Some(between.max(0) / i32::from(self.interval))
    }

    /// The first day of a period, the first of which has the rule's first date.
    fn start(&self, first: Date, period: i32) -> Option<Date> {
        let steps = period.checked_mul(i32::from(self.interval))?;
        match self.frequency {
            Frequency::Daily => first.checked_add(Duration::days(steps.into())),
            Frequency::Weekly => self.week_of(first)?.checked_add(Duration::weeks(steps.into())),
            Frequency::Monthly => {
                let month = month_number(first).checked_add(steps)?;
                let number = u8::try_from(month.rem_euclid(12) + 1).ok()?;
                Date::from_calendar_date(month.div_euclid(12), Month::try_from(number).ok()?, 1).ok()
            }
            Frequency::Yearly => Date::from_calendar_date(first.year().checked_add(steps)?, Month::January, 1).ok(),
        }
    }

    /// The day after the last one of a period that starts with this one.
    fn end_of(&self, start: Date) -> Option<Date> {
        match self.frequency {
            Frequency::Daily => start.next_day(),
            Frequency::Weekly => start.checked_add(Duration::weeks(1)),
            Frequency::Monthly => start.checked_add(Duration::days(start.month().length(start.year()).into())),
            Frequency::Yearly => Date::from_calendar_date(start.year() + 1, Month::January, 1).ok(),
        }
    }

    fn week_of(&self, date: Date) -> Option<Date> {
        let days = date.weekday().number_days_from_monday() + 7 - self.week_start.number_days_from_monday();
        date.checked_sub(Duration::days((days % 7).into()))
    }

    fn matches(&self, date: Date) -> bool {
        let from_end = date.month().length(date.year()) + 1 - date.day();
        let in_month = self.months == 0 || self.months >> u8::from(date.month()) & 1 == 1;
        let on_day = !self.has_month_days()
            || self.month_days >> date.day() & 1 == 1
            || self.month_days_from_end >> from_end & 1 == 1;
        let on_weekday = !self.has_weekdays()
            || self.weekdays >> date.weekday().number_days_from_monday() & 1 == 1
            || self.ordinals.iter().any(|(ordinal, weekday)| {
                date.weekday() == *weekday && self.ordinals_of(date).contains(&i16::from(*ordinal))
            });
        in_month && on_day && on_weekday
    }

    /// Which of its weekdays a date is, from the start and from the end: of its month, or of its year if the rule is yearly
    /// and names no month.
    fn ordinals_of(&self, date: Date) -> [i16; 2] {
        let (day, length) = match self.frequency {
            Frequency::Yearly if self.months == 0 => (date.ordinal(), time::util::days_in_year(date.year())),
            _ => (date.day().into(), date.month().length(date.year()).into()),
        };
        [((day - 1) / 7 + 1).cast_signed(), -((length - day) / 7 + 1).cast_signed()]
    }

    /// Those matches of a period that are at the positions of the rule.
    fn positioned<'a>(&'a self, matches: &'a [Date]) -> impl Iterator<Item = Date> + 'a {
        matches.iter().enumerate().filter_map(|(index, date)| {
            let at = |position: i16| match usize::from(position.unsigned_abs()) {
                from_start if position > 0 => index + 1 == from_start,
                from_end => index + from_end == matches.len(),
            };
            (self.set_positions.is_empty() || self.set_positions.iter().any(|&position| at(position))).then_some(*date)
        })
    }
}

fn month_number(date: Date) -> i32 {
    date.year() * 12 + i32::from(u8::from(date.month())) - 1
}

/// A number without a sign, within these bounds.
fn number<T: TryFrom<u16> + PartialOrd>(text: &str, bounds: std::ops::RangeInclusive<u16>) -> Option<T> {
    let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u16>().ok())??;
    bounds.contains(&number).then(|| T::try_from(number).ok())?
}

/// A number that may have a sign and is not zero.
fn signed(text: &str, largest: u16) -> Option<i16> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let number = number::<i16>(digits, 1..=largest)?;
    Some(if text.starts_with('-') { -number } else { number })
}

fn weekday(text: &str) -> Option<Weekday> {
    const NAMES: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    let days = u8::try_from(NAMES.iter().position(|name| *name == text)?).ok()?;
    Some(Weekday::Monday.nth_next(days))
}

fn until(text: &str) -> Option<End> {
    const DAY: &[time::format_description::BorrowedFormatItem<'_>] = format_description!("[year][month][day]");
    const MOMENT: &[time::format_description::BorrowedFormatItem<'_>] =
        format_description!("[year][month][day]T[hour][minute][second]Z");
    if text.len() == 8 {
        return Date::parse(text, DAY).ok().map(End::UntilDay);
    }
    let moment = PrimitiveDateTime::parse(text, MOMENT).ok()?;
    Some(End::Until(moment.assume_offset(UtcOffset::UTC)))
}
