//! Dates, times and durations from their text, without rounding.

use std::fmt;

use arrow_schema::TimeUnit;
use serde::de::{Deserializer, Error, Visitor};

use rowfeed_rows::{
    cells::text_as_sent,
    datetime::{NOT_A_DATE, Parts, Read, Zone, number, seconds_of_day, seconds_of_offset},
};

const TOO_FINE: &str = "the time has more digits than the type, which would lose some of them";
const TOO_FAR: &str = "the value is out of the range of the type";

/// Reads a cell by its text as it was sent.
#[inline]
pub(crate) fn read<'de, D, T>(cell: D, read: impl FnOnce(&str) -> Read<T>) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    text_as_sent(cell, ByText(read))
}

struct ByText<F>(F);

impl<'de, T, F: FnOnce(&str) -> Read<T>> Visitor<'de> for ByText<F> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a date or time")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}

/// Returns the days since 1970 of a date, or of a midnight in UTC.
pub(crate) fn date(text: &str) -> Read<i32> {
    let parts = Parts::of(text).ok_or(NOT_A_DATE)?;
    if !matches!(parts.zone, Zone::Absent | Zone::Utc) {
        return Err("a date would lose the time zone");
    }
    if !matches!(parts.time, None | Some(("00:00:00", ""))) {
        return Err("a date would lose the time of day");
    }
    parts
        .days()
        .and_then(|days| i32::try_from(days).map_err(|_| TOO_FAR))
}

/// Returns a date and time since 1970. With a zone it is a point in time, in UTC if the text has no
/// zone.
pub(crate) fn timestamp(text: &str, unit: TimeUnit, has_zone: bool) -> Read<i64> {
    let parts = Parts::of(text).ok_or("this is not a date with a time")?;
    let offset = match parts.zone {
        Zone::Absent | Zone::Utc => 0,
        Zone::Offset(offset) if has_zone => seconds_of_offset(offset)?,
        Zone::Offset(_) => return Err("a timestamp without a zone would lose the offset"),
        Zone::Named(_) => return Err("a timestamp would lose the name of the time zone"),
    };
    let (clock, fraction) = parts.time.unwrap_or(("00:00:00", ""));
    let seconds = parts.days()? * 86_400 + seconds_of_day(clock)? - offset;
    in_units(seconds, fraction, unit)
}

/// Returns a point in time in a unit; `None` if it is finer than the unit or out of range.
#[inline]
pub(crate) fn since_1970(seconds: i64, nanos: u32, unit: TimeUnit) -> Option<i64> {
    let (factor, fraction) = match unit {
        TimeUnit::Second => (1, 1_000_000_000),
        TimeUnit::Millisecond => (1_000, 1_000_000),
        TimeUnit::Microsecond => (1_000_000, 1_000),
        TimeUnit::Nanosecond => (1_000_000_000, 1),
    };
    if !nanos.is_multiple_of(fraction) {
        return None;
    }
    seconds
        .checked_mul(factor)?
        .checked_add((nanos / fraction).into())
}

/// Returns a time of day since midnight.
pub(crate) fn time(text: &str, unit: TimeUnit) -> Read<i64> {
    let (clock, fraction) = split_fraction(text).ok_or("this is not a time of day")?;
    in_units(seconds_of_day(clock)?, fraction, unit)
}

/// Returns a duration: `2 03:04:05.321` as Trino writes it, or ISO 8601 without years and months.
pub(crate) fn duration(text: &str, unit: TimeUnit) -> Read<i64> {
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

/// Returns the months of a span: `1-3` as Trino writes it, years and months.
pub(crate) fn months(text: &str) -> Read<i32> {
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

/// Parses `2DT3H4M5.321S`, the text after `P`.
fn iso_duration(mut rest: &str) -> Option<(i64, &str)> {
    let (mut seconds, mut fraction, mut is_time, mut is_empty) = (0_i64, "", false, true);
    // Each unit occurs at most once, the larger first.
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

/// Parses `2 03:04:05.321`.
fn days_and_clock(text: &str) -> Option<(i64, &str)> {
    let (days, clock) = text.split_once(' ')?;
    let (clock, fraction) = split_fraction(clock)?;
    let days = number(days)?.checked_mul(86_400)?;
    let seconds = days.checked_add(seconds_of_day(clock).ok()?)?;
    Some((seconds, fraction))
}

/// Splits `HH:MM:SS` from its fraction, without the zeros at the end.
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

/// Returns seconds and a fraction in a unit.
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
