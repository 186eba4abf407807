//! Dates and instants as seconds since 1970, in the one form that the API writes: `2025-04-25T09:39:56Z`.

pub(crate) const DAY: i64 = 86_400;

/// Days since 1970-01-01 of a date of the Gregorian calendar.
pub(crate) const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month and day of a day number.
pub(crate) const fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let day_of_era = day.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let part = (5 * day_of_year + 2) / 153;
    let month = if part < 10 { part + 3 } else { part - 9 };
    (year_of_era + era * 400 + if month <= 2 { 1 } else { 0 }, month, day_of_year - (153 * part + 2) / 5 + 1)
}

/// The 20 bytes of an instant. Years outside 0..=9999 don't occur: no literal and no row has them.
pub(crate) fn text(instant: i64) -> [u8; 20] {
    let (year, month, day) = civil(instant.div_euclid(DAY));
    let second = instant.rem_euclid(DAY);
    let digit = |n: i64| b'0' + (n.rem_euclid(10)) as u8;
    let pair = |n: i64| (digit(n / 10), digit(n));
    let ((y1, y2), (y3, y4)) = (pair(year / 100), pair(year % 100));
    let ((m1, m2), (d1, d2)) = (pair(month), pair(day));
    let ((h1, h2), (n1, n2), (s1, s2)) = (pair(second / 3600), pair(second / 60 % 60), pair(second % 60));
    [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2, b'Z']
}

/// Writes an instant onto a text.
pub(crate) fn push(out: &mut String, instant: i64) {
    out.extend(text(instant).iter().map(|byte| char::from(*byte)));
}

/// An instant as HTTP writes it: `Fri, 25 Apr 2025 09:39:56 GMT`.
pub(crate) fn http_date(instant: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, second) = (instant.div_euclid(DAY), instant.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let name = |names: &[&'static str], at: i64| usize::try_from(at).ok().and_then(|at| names.get(at).copied());
    format!(
        "{}, {day:02} {} {year:04} {:02}:{:02}:{:02} GMT",
        name(&DAYS, days.rem_euclid(7)).unwrap_or_default(),
        name(&MONTHS, month - 1).unwrap_or_default(),
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// Reads `2025-04-25`, `2025-04-25T09:39`, `2025-04-25T09:39:56` and those with a fraction or a `Z`; nothing else, as the
/// API knows no offsets.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let (year, month, day) = (number(parts.next()?, 4)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let start = days(year, month, day);
    if parts.next().is_some() || civil(start) != (year, month, day) {
        return None;
    }
    let Some(time) = time else { return Some(start * DAY) };
    let time = match time.split_once('.') {
        Some((time, fraction)) if fraction.bytes().all(|b| b.is_ascii_digit()) && !fraction.is_empty() => time,
        Some(_) => return None,
        None => time,
    };
    let mut parts = time.split(':');
    let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |second| number(second, 2))?;
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(start * DAY + hour * 3600 + minute * 60 + second)
}

fn number(text: &str, width: usize) -> Option<i64> {
    (text.len() == width && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants_are_written_and_read() {
        for (written, instant) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2016-08-20T18:04:26Z", 1_471_716_266),
            ("2024-02-29T23:59:59Z", 1_709_251_199),
            ("1900-01-01T00:00:00Z", -2_208_988_800),
        ] {
            assert_eq!(str::from_utf8(&text(instant)).unwrap(), written);
            assert_eq!(parse(written), Some(instant));
        }
    }

    #[test]
    fn an_instant_is_written_as_http_writes_it() {
        // The example of RFC 9110, and the first second.
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "2025",
            "2025-02-30",
            "2025-01-01T25:00:00Z",
            "2025-01-01T00:00:00+01:00",
            "today",
            "2025-1-1",
            "é025-01-01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
