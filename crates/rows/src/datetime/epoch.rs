//! Dates and times as days and seconds since 1970.

/// The value of a text, or the reason why it is invalid.
pub type Read<T> = Result<T, &'static str>;

/// The reason why a text is not a date.
pub const NOT_A_DATE: &str = "this is not a date";

/// Returns the seconds since midnight of `13:21:10`.
///
/// # Errors
///
/// The text has another layout, or there is no such time of day.
pub fn seconds_of_day(clock: &str) -> Read<i64> {
    let (hours, minutes, seconds) = clock_parts(clock).ok_or("this is not a time of day")?;
    match hours < 24 && minutes < 60 && seconds < 60 {
        true => Ok(hours * 3_600 + minutes * 60 + seconds),
        false => Err("there is no such time of day"),
    }
}

fn clock_parts(clock: &str) -> Option<(i64, i64, i64)> {
    match clock.as_bytes() {
        [h, i, b':', m, n, b':', s, t] => Some((two(*h, *i)?, two(*m, *n)?, two(*s, *t)?)),
        _ => None,
    }
}

/// Returns the seconds that `+03`, `+03:00` or `+03:00:00` is ahead of UTC.
///
/// # Errors
///
/// The text has another layout.
pub fn seconds_of_offset(offset: &str) -> Read<i64> {
    const UNKNOWN: &str = "this is not an offset from UTC";
    let mut padded = *b"00:00:00";
    let digits = offset
        .strip_prefix(['+', '-'])
        .filter(|digits| digits.len() >= 2);
    let digits = digits.ok_or(UNKNOWN)?;
    let room = padded.get_mut(..digits.len()).ok_or(UNKNOWN)?;
    room.copy_from_slice(digits.as_bytes());
    let padded = std::str::from_utf8(&padded).map_err(|_| UNKNOWN)?;
    let seconds = seconds_of_day(padded).map_err(|_| UNKNOWN)?;
    Ok(if offset.starts_with('-') {
        -seconds
    } else {
        seconds
    })
}

/// The last year that has a place in the text of a service: six digits.
const MAX_YEAR: i64 = 999_999;

/// Returns the days since 1970 of `2021-06-07`, in the proleptic Gregorian calendar. The year may have
/// a sign and up to six digits.
///
/// # Errors
///
/// The text has another layout, or there is no such date.
pub fn days(date: &str) -> Read<i64> {
    let place = date.len().checked_sub(6).ok_or(NOT_A_DATE)?;
    let (year, rest) = date.split_at_checked(place).ok_or(NOT_A_DATE)?;
    let [b'-', a, b, b'-', c, d] = rest.as_bytes() else {
        return Err(NOT_A_DATE);
    };
    let (month, day) = two(*a, *b).zip(two(*c, *d)).ok_or(NOT_A_DATE)?;
    let unsigned = year.strip_prefix(['-', '+']).unwrap_or(year);
    let number = number(unsigned).filter(|year| *year <= MAX_YEAR);
    let number = number.ok_or(NOT_A_DATE)?;
    let year = if year.starts_with('-') {
        -number
    } else {
        number
    };
    if !(1..=12).contains(&month) || !(1..=days_of(month, year)).contains(&day) {
        return Err("there is no such date");
    }
    // If a year begins in March, its leap day is at the end.
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Ok(era * 146_097 + day_of_era - 719_468)
}

fn days_of(month: i64, year: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn two(ten: u8, one: u8) -> Option<i64> {
    let (ten, one) = (ten.wrapping_sub(b'0'), one.wrapping_sub(b'0'));
    (ten < 10 && one < 10).then(|| i64::from(ten * 10 + one))
}

/// Returns the value of digits without a sign; `None` for any other text.
#[must_use]
pub fn number(digits: &str) -> Option<i64> {
    let is_known = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_known.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_not_a_date_is_an_error() {
        for text in [
            "",
            "-",
            "6-07",
            "-06-07",
            "--2021-06-07",
            "+-2021-06-07",
            "é6-07",
            "2021-6é-07",
            "1000000-01-01",
            "9223372036854775807-01-01",
            "99999999999999999999-01-01",
        ] {
            assert_eq!(days(text), Err(NOT_A_DATE), "{text}");
        }
        assert_eq!(days("1970-01-01"), Ok(0));
        assert_eq!(days("+999999-12-31"), Ok(364_522_971));
        assert_eq!(days("-999999-01-01"), Ok(-365_961_662));
        assert_eq!(days("2021-02-29"), Err("there is no such date"));
    }

    #[test]
    fn text_that_is_not_a_time_or_an_offset_is_an_error() {
        for text in [
            "", "1", "é", "12:30", "12:30:4", "12:30:é", "+", "+é", "+03:0é", "+3",
        ] {
            assert!(seconds_of_day(text).is_err(), "{text}");
            assert!(seconds_of_offset(text).is_err(), "{text}");
        }
        assert_eq!(seconds_of_offset("-03:30"), Ok(-12_600));
    }
}
