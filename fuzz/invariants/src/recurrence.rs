//! Recurrence rules and the dates that they match.

use std::time::{Duration, UNIX_EPOCH};

use shared::task::{CountedFrom, Due, Occurrence, Recurrence, RecurrenceRule, TimeZone};

/// Input: a rule, a time zone (empty for none), a due date, and the hours since 1970 at which it is completed, each on a
/// line.
///
/// The next date is later, has not passed, and is what the rule says; and all of it ends.
pub fn recurrence(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.lines();
    let mut line = || lines.next().unwrap_or_default();
    let Ok(rule) = RecurrenceRule::parse(line()) else { return };
    let zone = line();
    let time_zone = TimeZone::parse(zone).ok();
    let (Ok(due), hours) = (Due::parse(line()), line().parse::<u32>().unwrap_or_default().min(70_000_000)) else {
        return;
    };
    let now = UNIX_EPOCH + Duration::from_secs(u64::from(hours) * 3600);
    let recurrence = Recurrence { rule, time_zone, from: CountedFrom::Due };
    assert!(recurrence.rule.as_str().len() <= 255);
    let this = Occurrence { number: 1, due: &due, anchor: &due };
    if let Some(next) = recurrence.next(CountedFrom::Due, this, now) {
        assert!(next.due > due, "{next:?} is not after {due:?}");
        assert_eq!(Due::parse(next.due.as_str()).as_ref(), Ok(&next.due));
        assert!(next.due.as_str().len() == due.as_str().len(), "{next:?} has a time if {due:?} has one");
        check_months(recurrence.rule.as_str(), &next.due, zone);
        assert!(recurrence.check(&due).is_ok());
    }
    let _ = recurrence.next(CountedFrom::Completion, this, now);
}

/// A date without a time is in one of the rule's months.
fn check_months(rule: &str, next: &Due, zone: &str) {
    let months = rule.split(';').find_map(|part| part.strip_prefix("BYMONTH="));
    if let (Some(months), 10) = (months, next.as_str().len()) {
        let month = next.as_str()[5..7].trim_start_matches('0');
        assert!(months.split(',').any(|one| one.trim_start_matches('0') == month), "{rule} in {zone}: {next:?}");
    }
}
