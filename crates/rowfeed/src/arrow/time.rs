//! Dates, times and spans from their text, exactly.

use std::fmt;

use arrow_schema::TimeUnit;
use serde::de::{Deserializer, Error, Visitor};

use crate::decode::{AS_SENT, Parts, Zone};

type Read<T> = Result<T, &'static str>;

const NOT_A_DATE: &str = "this is not a date";
const TOO_FINE: &str = "the time is finer than the type, which would lose the end of it";
const TOO_FAR: &str = "the type does not reach as far";

/// Reads a cell by its text as it was sent.
#[inline]
pub(super) fn read<'de, D, T>(cell: D, read: impl FnOnce(&str) -> Read<T>) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    cell.deserialize_newtype_struct(AS_SENT, ByText(read))
}

struct ByText<F>(F);

impl<'de, T, F: FnOnce(&str) -> Read<T>> Visitor<'de> for ByText<F> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a date or time")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, cell: D) -> Result<T, D::Error> {
        cell.deserialize_str(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}

/// The days since 1970 of a date, or of a midnight in UTC.
pub(super) fn date(text: &str) -> Read<i32> {
    let parts = Parts::of(text).ok_or(NOT_A_DATE)?;
    if !matches!(parts.zone, Zone::Absent | Zone::Utc) {
        return Err("a date would lose the time zone");
    }
    if !matches!(parts.time, None | Some(("00:00:00", ""))) {
        return Err("a date would lose the time of day");
    }
    days(parts.date).and_then(|days| i32::try_from(days).map_err(|_| TOO_FAR))
}

/// A date and time since 1970. With a zone it is a point in time, and one that does not say its zone
/// is in UTC.
pub(super) fn timestamp(text: &str, unit: TimeUnit, has_zone: bool) -> Read<i64> {
    let parts = Parts::of(text).ok_or("this is not a date with a time")?;
    let offset = match parts.zone {
        Zone::Absent | Zone::Utc => 0,
        Zone::Offset(offset) if has_zone => seconds_of_offset(offset)?,
        Zone::Offset(_) => return Err("a timestamp without a zone would lose the offset"),
        Zone::Named(_) => return Err("a timestamp would lose the name of the time zone"),
    };
    let (clock, fraction) = parts.time.unwrap_or(("00:00:00", ""));
    let seconds = days(parts.date)? * 86_400 + seconds_of_day(clock)? - offset;
    in_units(seconds, fraction, unit)
}

/// A time of day since midnight.
pub(super) fn time(text: &str, unit: TimeUnit) -> Read<i64> {
    let (clock, fraction) = split_fraction(text).ok_or("this is not a time of day")?;
    in_units(seconds_of_day(clock)?, fraction, unit)
}

/// A span of time: `2 03:04:05.321` as Trino writes it, or ISO 8601 without years and months.
pub(super) fn duration(text: &str, unit: TimeUnit) -> Read<i64> {
    let unsigned = text.strip_prefix('-');
    let is_negative = unsigned.is_some();
    let unsigned = unsigned.unwrap_or(text);
    let span = match unsigned.strip_prefix('P') {
        Some(iso) => iso_duration(iso),
        None => days_and_clock(unsigned),
    };
    let (seconds, fraction) = span.ok_or("this is not a span of days and seconds")?;
    let span = in_units(seconds, fraction, unit)?;
    Ok(if is_negative { -span } else { span })
}

/// The months of a span: `1-3` as Trino writes it, years and months.
pub(super) fn months(text: &str) -> Read<i32> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let months = unsigned.split_once('-').and_then(|(years, months)| {
        let months = number(months).filter(|months| *months < 12)?;
        number(years)?.checked_mul(12)?.checked_add(months)
    });
    let months = months.ok_or("this is not a span of years and months")?;
    let months = if unsigned.len() < text.len() {
        -months
    } else {
        months
    };
    i32::try_from(months).map_err(|_| TOO_FAR)
}

/// `2DT3H4M5.321S`, behind its `P`.
fn iso_duration(mut rest: &str) -> Option<(i64, &str)> {
    let (mut seconds, mut fraction, mut is_time, mut is_empty) = (0_i64, "", false, true);
    // Each unit once, the larger first.
    let mut units = [
        ('W', 604_800),
        ('D', 86_400),
        ('H', 3_600),
        ('M', 60),
        ('S', 1),
    ]
    .as_slice();
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix('T') {
            (rest, is_time) = (time, !is_time);
            is_time.then_some(())?;
            continue;
        }
        let end = rest.find(|char: char| char.is_ascii_alphabetic())?;
        let (amount, name) = (&rest[..end], rest[end..].chars().next()?);
        let at = units.iter().position(|(unit, _)| *unit == name)?;
        let of_time = !matches!(name, 'W' | 'D');
        (of_time == is_time).then_some(())?;
        let (_, factor) = units[at];
        units = &units[at + 1..];
        let (whole, part) = amount.split_once('.').unwrap_or((amount, ""));
        if whole.len() < amount.len() {
            let known = name == 'S' && !part.is_empty();
            (known && part.bytes().all(|byte| byte.is_ascii_digit())).then_some(())?;
            fraction = part.trim_end_matches('0');
        }
        seconds = number(whole)?.checked_mul(factor)?.checked_add(seconds)?;
        rest = &rest[end + 1..];
        is_empty = false;
    }
    (!is_empty).then_some((seconds, fraction))
}

/// `2 03:04:05.321`
fn days_and_clock(text: &str) -> Option<(i64, &str)> {
    let (days, clock) = text.split_once(' ')?;
    let (clock, fraction) = split_fraction(clock)?;
    let days = number(days)?.checked_mul(86_400)?;
    let seconds = days.checked_add(seconds_of_day(clock).ok()?)?;
    Some((seconds, fraction))
}

/// `HH:MM:SS` and the digits behind it, without the zeros at their end.
fn split_fraction(text: &str) -> Option<(&str, &str)> {
    let (clock, rest) = text.split_at_checked(8)?;
    let fraction = match rest.strip_prefix('.') {
        Some(digits) if !digits.is_empty() => digits,
        None if rest.is_empty() => "",
        _ => return None,
    };
    let is_known = fraction.bytes().all(|byte| byte.is_ascii_digit());
    is_known.then(|| (clock, fraction.trim_end_matches('0')))
}

/// Seconds and the digits of a part of one, in a unit.
#[inline]
fn in_units(seconds: i64, fraction: &str, unit: TimeUnit) -> Read<i64> {
    let (places, factor) = match unit {
        TimeUnit::Second => (0, 1),
        TimeUnit::Millisecond => (3, 1_000),
        TimeUnit::Microsecond => (6, 1_000_000),
        TimeUnit::Nanosecond => (9, 1_000_000_000),
    };
    if fraction.len() > places {
        return Err(TOO_FINE);
    }
    let mut part = fraction
        .bytes()
        .fold(0, |part, digit| part * 10 + i64::from(digit - b'0'));
    for _ in fraction.len()..places {
        part *= 10;
    }
    let all = i128::from(seconds) * i128::from(factor) + i128::from(part);
    i64::try_from(all).map_err(|_| TOO_FAR)
}

fn seconds_of_day(clock: &str) -> Read<i64> {
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

/// `+03`, `+03:00` and `+03:00:00`.
fn seconds_of_offset(offset: &str) -> Read<i64> {
    const UNKNOWN: &str = "this is not an offset from UTC";
    let mut padded = *b"00:00:00";
    let digits = offset.as_bytes().get(1..).ok_or(UNKNOWN)?;
    let room = padded.get_mut(..digits.len()).ok_or(UNKNOWN)?;
    room.copy_from_slice(digits);
    let padded = std::str::from_utf8(&padded).map_err(|_| UNKNOWN)?;
    let seconds = seconds_of_day(padded).map_err(|_| UNKNOWN)?;
    Ok(if offset.starts_with('-') {
        -seconds
    } else {
        seconds
    })
}

/// The days since 1970 of `2021-06-07`, in the Gregorian calendar however long ago.
fn days(date: &str) -> Read<i64> {
    let (year, rest) = date.split_at_checked(date.len() - 6).ok_or(NOT_A_DATE)?;
    let [b'-', a, b, b'-', c, d] = rest.as_bytes() else {
        return Err(NOT_A_DATE);
    };
    let (month, day) = two(*a, *b).zip(two(*c, *d)).ok_or(NOT_A_DATE)?;
    let unsigned = year.trim_start_matches(['-', '+']);
    let number = number(unsigned).ok_or(NOT_A_DATE)?;
    let year = if year.starts_with('-') {
        -number
    } else {
        number
    };
    if !(1..=12).contains(&month) || !(1..=days_of(month, year)).contains(&day) {
        return Err("there is no such date");
    }
    // Years that begin in March have their leap day at the end.
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

/// Digits as a number; no sign.
fn number(digits: &str) -> Option<i64> {
    let is_known = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_known.then(|| digits.parse().ok()).flatten()
}
