//! Clocks of places, by IANA name: only what future tasks need, so that it takes a few kilobytes.

use time::{Date, Duration, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// Made by `xtask/recurrence/zones.py`, which says what a line has.
const ZONES: &str = include_str!("zones.txt");

/// The clock of a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Zone {
    rule: &'static str,
    /// What the rule does not say, as `=MOMENT:OFFSET`, the earliest first.
    announced: &'static str,
}

/// A moment at which the clock shows a local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) moment: OffsetDateTime,
    /// Whether the clock skips the local time, so that this is the moment as much later.
    pub(super) is_skipped: bool,
}

impl Zone {
    /// Greenwich all year round.
    pub(super) const UTC: Self = Self { rule: "0", announced: "" };

    /// The zone with this name. `None` if there is none.
    pub(super) fn find(name: &str) -> Option<Self> {
        ZONES.lines().find_map(|line| {
            let (rule, names) = line.split_once(' ')?;
            let (names, announced) = names.split_at(names.find('=').unwrap_or(names.len()));
            let is_named = !name.is_empty() && names.split(' ').any(|one| one == name);
            (is_named && !rule.starts_with('#')).then_some(Self { rule, announced })
        })
    }

    /// What the clock shows at a moment. `None` outside of the years 0000 to 9999.
    pub(super) fn local(self, moment: OffsetDateTime) -> Option<PrimitiveDateTime> {
        let local = moment.checked_to_offset(self.offset(moment)?)?;
        (0..=9999).contains(&local.year()).then(|| PrimitiveDateTime::new(local.date(), local.time()))
    }

    /// When the clock shows a local time, the first time if it does so twice.
    pub(super) fn moment(self, local: PrimitiveDateTime) -> Option<Shown> {
        // No two changes of a clock are within two days.
        let [before, after] = [-1, 1].map(|days| self.offset(local.checked_add(Duration::days(days))?.assume_utc()));
        let (before, after) = (before?, after?);
        for offset in [before, after] {
            let moment = local.assume_offset(offset);
            if self.offset(moment)? == offset {
                return Some(Shown { moment, is_skipped: false });
            }
        }
        Some(Shown { moment: local.assume_offset(before), is_skipped: true })
    }

    fn offset(self, moment: OffsetDateTime) -> Option<UtcOffset> {
        let seconds = moment.unix_timestamp();
        let mut announced = self.announced.split(' ').filter_map(|change| {
            let (from, offset) = change.strip_prefix('=')?.split_once(':')?;
            Some((from.parse::<i64>().ok()?, offset))
        });
        let mut current = announced.next().map(|(_, offset)| offset);
        loop {
            match announced.next() {
                Some((from, offset)) if from <= seconds => current = Some(offset),
                Some(_) => break,
                // Behind the last one, the rule holds.
                None => {
                    current = None;
                    break;
                }
            }
        }
        match current {
            Some(offset) => UtcOffset::from_whole_seconds(offset.parse().ok()?).ok(),
            None => self.offset_by_rule(moment),
        }
    }

    fn offset_by_rule(self, moment: OffsetDateTime) -> Option<UtcOffset> {
        let mut parts = self.rule.split(',');
        let mut offset = || UtcOffset::from_whole_seconds(parts.next()?.parse().ok()?).ok();
        let standard = offset()?;
        let Some(summer) = offset() else { return Some(standard) };
        let year = moment.checked_to_offset(standard)?.year();
        let starts = change(year, parts.next()?)?.assume_offset(standard);
        let ends = change(year, parts.next()?)?.assume_offset(summer);
        let is_summer =
            if starts < ends { starts <= moment && moment < ends } else { !(ends <= moment && moment < starts) };
        Some(if is_summer { summer } else { standard })
    }
}

/// When the clock changes in a year: on a weekday of a month, the fifth of which is the last, so many seconds after midnight.
fn change(year: i32, text: &str) -> Option<PrimitiveDateTime> {
    let (day, seconds) = text.split_once('/')?;
    let mut numbers = day.split('.').map(str::parse::<u8>);
    let mut number = || numbers.next()?.ok();
    let (month, week, weekday) = (Month::try_from(number()?).ok()?, number()?, number()?);
    let first = Date::from_calendar_date(year, month, 1).ok()?;
    let to_weekday = (7 + weekday - first.weekday().number_days_from_sunday()) % 7;
    let mut day = 1 + to_weekday + 7 * (week - 1);
    if day > month.length(year) {
        day -= 7;
    }
    first.replace_day(day).ok()?.with_time(Time::MIDNIGHT).checked_add(Duration::seconds(seconds.parse().ok()?))
}
