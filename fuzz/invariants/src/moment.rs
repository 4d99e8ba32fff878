//! Dates and times of RFC 3339, with the calendar of chrono. The product uses another library.

use std::str::FromStr;

use chrono::{Datelike, NaiveDate, TimeDelta, Timelike};

/// Normalizes a due date; `Err` if it is invalid.
pub(crate) fn due(text: &str) -> Result<String, ()> {
    let date = text.get(..10).ok_or(())?;
    let separated = date.as_bytes()[4] == b'-' && date.as_bytes()[7] == b'-';
    let date = NaiveDate::from_ymd_opt(number(date, 0, 4)?, number(date, 5, 2)?, number(date, 8, 2)?);
    let date = date.filter(|_| separated).ok_or(())?;
    let rest = &text[10..];
    if rest.is_empty() {
        return Ok(text.to_owned());
    }
    let shape = rest.get(..9).ok_or(())?.as_bytes();
    if !shape[0].eq_ignore_ascii_case(&b't') || shape[3] != b':' || shape[6] != b':' {
        return Err(());
    }
    let second = number::<u32>(rest, 7, 2)?;
    let (fraction, offset) = match rest[9..].strip_prefix('.') {
        None => ("", &rest[9..]),
        Some(fraction) => fraction.split_at(fraction.bytes().take_while(u8::is_ascii_digit).count()),
    };
    if second > 60 || rest.as_bytes().get(9) == Some(&b'.') && fraction.is_empty() {
        return Err(());
    }
    let moment = date.and_hms_opt(number(rest, 1, 2)?, number(rest, 4, 2)?, second.min(59));
    let moment = moment.and_then(|local| local.checked_sub_signed(offset_of(offset).ok()?)).ok_or(())?;
    // A leap second is valid only at the end of a month in UTC. It is stored as the last millisecond before it.
    let is_last_minute = (moment.hour(), moment.minute()) == (23, 59)
        && moment.date().succ_opt().is_some_and(|next_day| next_day.day() == 1);
    if !(0..=9999).contains(&moment.year()) || second == 60 && !is_last_minute {
        return Err(());
    }
    let millis = if second == 60 { "999" } else { &format!("{fraction:0<3}")[..3] };
    Ok(format!("{}.{millis}Z", moment.format("%Y-%m-%dT%H:%M:%S")))
}

fn offset_of(offset: &str) -> Result<TimeDelta, ()> {
    if offset.eq_ignore_ascii_case("z") {
        return Ok(TimeDelta::zero());
    }
    let sign = match offset.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Err(()),
    };
    let (hours, minutes) = (number::<i64>(offset, 1, 2)?, number::<i64>(offset, 4, 2)?);
    if offset.len() != 6 || offset.as_bytes()[3] != b':' || hours > 23 || minutes > 59 {
        return Err(());
    }
    Ok(TimeDelta::minutes(sign * (hours * 60 + minutes)))
}

fn number<T: FromStr>(text: &str, start: usize, length: usize) -> Result<T, ()> {
    let digits = text.get(start..start + length).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).ok_or(())
}
