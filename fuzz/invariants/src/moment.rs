//! Dates and times of RFC 3339, with independent calendar arithmetic.

/// Normalizes a due date; `Err` if it is invalid.
pub(crate) fn due(text: &str) -> Result<String, ()> {
    let date = text.get(..10).ok_or(())?;
    let (year, month, day) = (number(date, 0, 4)?, number(date, 5, 2)?, number(date, 8, 2)?);
    let separated = date.as_bytes()[4] == b'-' && date.as_bytes()[7] == b'-';
    if !separated || !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&day) {
        return Err(());
    }
    let rest = &text[10..];
    if rest.is_empty() {
        return Ok(text.to_owned());
    }
    let shape = rest.get(..9).ok_or(())?.as_bytes();
    if !shape[0].eq_ignore_ascii_case(&b't') || shape[3] != b':' || shape[6] != b':' {
        return Err(());
    }
    let (hour, minute, second) = (number(rest, 1, 2)?, number(rest, 4, 2)?, number(rest, 7, 2)?);
    let (fraction, offset) = match rest[9..].strip_prefix('.') {
        None => ("", &rest[9..]),
        Some(fraction) => fraction.split_at(fraction.bytes().take_while(u8::is_ascii_digit).count()),
    };
    if hour > 23 || minute > 59 || second > 60 || rest.as_bytes().get(9) == Some(&b'.') && fraction.is_empty() {
        return Err(());
    }
    let offset = offset_minutes(offset)?;

    // A leap second is valid only at the end of a month in UTC. It is stored as the last millisecond before it.
    let minutes = (days_since_year_0(year, month, day) * 24 + hour) * 60 + minute - offset;
    let (days, minute_of_day) = (minutes.div_euclid(1440), minutes.rem_euclid(1440));
    let (year, month, day) = civil(days)?;
    let millis = format!("{fraction:0<3}")[..3].to_owned();
    let (second, millis) = match second {
        60 if minute_of_day == 1439 && day == days_of(year, month) => (59, "999".to_owned()),
        60 => return Err(()),
        _ => (second, millis),
    };
    let (hour, minute) = (minute_of_day / 60, minute_of_day % 60);
    Ok(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis}Z"))
}

fn offset_minutes(offset: &str) -> Result<i64, ()> {
    if offset.eq_ignore_ascii_case("z") {
        return Ok(0);
    }
    let sign = match offset.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Err(()),
    };
    let (hours, minutes) = (number(offset, 1, 2)?, number(offset, 4, 2)?);
    if offset.len() != 6 || offset.as_bytes()[3] != b':' || hours > 23 || minutes > 59 {
        return Err(());
    }
    Ok(sign * (hours * 60 + minutes))
}

fn number(text: &str, start: usize, length: usize) -> Result<i64, ()> {
    let digits = text.get(start..start + length).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).ok_or(())
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_since_year_0(year: i64, month: i64, day: i64) -> i64 {
    // Year 0 was a leap year.
    let leap_years = if year == 0 { 0 } else { 1 + (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 };
    year * 365 + leap_years + (1..month).map(|month| days_of(year, month)).sum::<i64>() + day - 1
}

/// Year, month, and day, if the year has at most four digits.
fn civil(days: i64) -> Result<(i64, i64, i64), ()> {
    if days < 0 {
        return Err(());
    }
    // At most a few years too late, because no year is shorter.
    let mut year = days / 365;
    while days_since_year_0(year, 1, 1) > days {
        year -= 1;
    }
    if year > 9999 {
        return Err(());
    }
    let mut day = days - days_since_year_0(year, 1, 1);
    let mut month = 1;
    while day >= days_of(year, month) {
        day -= days_of(year, month);
        month += 1;
    }
    Ok((year, month, day + 1))
}
