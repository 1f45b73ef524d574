//! Time functions and casts of Trino, Postgres and YQL.

use jiff::civil::{DateTime, Time};
use jiff::{Span, Timestamp, ToSpan as _};
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value;

use super::functions::{text, wrong};
use crate::instant::Instant;

pub(super) fn add(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
    for name in ["now", "currentutctimestamp", "currentutcdatetime"] {
        connection.create_scalar_function(name, 0, flags, |_| Ok(now(TIMESTAMP)))?;
    }
    connection.create_scalar_function("currentutcdate", 0, flags, |_| Ok(now(DATE)))?;
    let flags = flags | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("date_trunc", 2, flags, |context| {
        let (Some(unit), Some(value)) = (text(context, 0), text(context, 1)) else {
            return Ok(None);
        };
        let (at, is_date) = read(&value).ok_or_else(|| no_time(&value))?;
        let at = truncated(at, &unit)
            .ok_or_else(|| wrong(format!("date_trunc does not know the unit {unit:?}")))?;
        Ok(Some(shown(at, is_date)))
    })?;
    connection.create_scalar_function(SHIFT, 3, flags, |context| {
        let (Some(value), Some(count), Some(unit)) =
            (text(context, 0), text(context, 1), text(context, 2))
        else {
            return Ok(None);
        };
        let (at, is_date) = read(&value).ok_or_else(|| no_time(&value))?;
        let span = count.parse().ok().and_then(|count| span(count, &unit));
        let span = span.ok_or_else(|| wrong(format!("{count} {unit} is not an interval")))?;
        let is_date = is_date && !is_below_a_day(&unit);
        Ok(Some(shown(at.saturating_add(span), is_date)))
    })?;
    for (name, is_lenient) in [(TRY_CAST, true), (CAST, false)] {
        connection.create_scalar_function(name, 2, flags, move |context| {
            let (Some(value), Some(kind)) = (text(context, 0), text(context, 1)) else {
                return Ok(Value::Null);
            };
            match cast(&value, &kind) {
                Some(Some(cast)) => Ok(cast),
                Some(None) if is_lenient => Ok(Value::Null),
                Some(None) => Err(wrong(format!("cannot cast {value:?} to {kind}"))),
                None => Err(wrong(format!("the sandbox does not cast to {kind}"))),
            }
        })?;
    }
    Ok(())
}

/// The functions for `time + interval`, `TRY_CAST`, and a CAST to a time.
pub(super) const SHIFT: &str = "sandbox_shift";
pub(super) const TRY_CAST: &str = "sandbox_try_cast";
pub(super) const CAST: &str = "sandbox_cast";

const TIMESTAMP: &str = "%Y-%m-%d %H:%M:%S.%3f";
const DATE: &str = "%Y-%m-%d";

fn now(format: &str) -> String {
    Timestamp::now().strftime(format).to_string()
}

fn no_time(value: &str) -> rusqlite::Error {
    wrong(format!("{value:?} is neither a date nor a timestamp"))
}

/// Parses a time. Returns whether it was written as a date.
fn read(text: &str) -> Option<(DateTime, bool)> {
    let text = text.trim().trim_end_matches(" UTC");
    let instant = Instant::parse(text)?;
    let at = format!(
        "{}T{}.{}",
        instant.date,
        instant.time,
        instant.fraction_of(6)
    );
    Some((at.parse().ok()?, text.len() == 10))
}

fn shown(at: DateTime, is_date: bool) -> String {
    at.strftime(if is_date { DATE } else { TIMESTAMP })
        .to_string()
}

fn truncated(at: DateTime, unit: &str) -> Option<DateTime> {
    let (date, time) = (at.date(), at.time());
    let of_day =
        |hour, minute, second| Some(date.to_datetime(Time::new(hour, minute, second, 0).ok()?));
    let first_of = |month| {
        let first = jiff::civil::Date::new(date.year(), month, 1).ok()?;
        Some(first.to_datetime(Time::midnight()))
    };
    match unit.to_ascii_lowercase().as_str() {
        "second" => of_day(time.hour(), time.minute(), time.second()),
        "minute" => of_day(time.hour(), time.minute(), 0),
        "hour" => of_day(time.hour(), 0, 0),
        "day" => of_day(0, 0, 0),
        "week" => {
            let since = i64::from(date.weekday().to_monday_zero_offset());
            Some(
                date.saturating_sub(since.days())
                    .to_datetime(Time::midnight()),
            )
        }
        "month" => first_of(date.month()),
        "quarter" => first_of((date.month() - 1) / 3 * 3 + 1),
        "year" => first_of(1),
        _ => None,
    }
}

/// Returns a span of `count` units; the unit may be plural. Returns `None` if the unit is unknown.
fn span(count: i64, unit: &str) -> Option<Span> {
    let span = Span::new();
    let unit = unit.to_ascii_lowercase();
    match unit.strip_suffix('s').unwrap_or(&unit) {
        "millisecond" => span.try_milliseconds(count),
        "second" => span.try_seconds(count),
        "minute" => span.try_minutes(count),
        "hour" => span.try_hours(count),
        "day" => span.try_days(count),
        "week" => span.try_weeks(count),
        "month" => span.try_months(count),
        "quarter" => span.try_months(count.checked_mul(3)?),
        "year" => span.try_years(count),
        _ => return None,
    }
    .ok()
}

/// Returns whether a word is a unit of an interval.
pub(super) fn is_unit(word: &str) -> bool {
    span(1, word).is_some()
}

fn is_below_a_day(unit: &str) -> bool {
    let unit = unit.to_ascii_lowercase();
    ["millisecond", "second", "minute", "hour"]
        .iter()
        .any(|below| unit.starts_with(below))
}

/// Casts a value. The outer `None` means an unknown type, the inner `None` a value that does not
/// fit.
fn cast(value: &str, kind: &str) -> Option<Option<Value>> {
    let kind = kind.to_ascii_lowercase();
    let name = kind.split('(').next().unwrap_or_default().trim();
    let trimmed = value.trim();
    let whole = || -> Option<i64> {
        let parsed = trimmed.parse::<i64>().ok();
        let rounded = || {
            let number = trimmed.parse::<f64>().ok()?.round();
            // a float of this magnitude converts without loss
            (number.abs() < 9e15).then_some(number as i64)
        };
        parsed.or_else(rounded)
    };
    let bits = |bits: u32| whole().filter(|number| number.unsigned_abs() < 1 << (bits - 1));
    Some(match name {
        "tinyint" | "int8" => bits(8).map(Value::Integer),
        "smallint" | "int16" => bits(16).map(Value::Integer),
        "integer" | "int" | "int32" => bits(32).map(Value::Integer),
        "bigint" | "int64" => whole().map(Value::Integer),
        "double" | "real" | "float" | "double precision" => trimmed.parse().ok().map(Value::Real),
        "decimal" | "numeric" | "uint256" | "int256" => {
            let is_number = trimmed.parse::<f64>().is_ok_and(f64::is_finite);
            is_number.then(|| Value::Text(trimmed.to_owned()))
        }
        "boolean" | "bool" => match trimmed.to_ascii_lowercase().as_str() {
            "true" | "t" | "1" => Some(Value::Integer(1)),
            "false" | "f" | "0" => Some(Value::Integer(0)),
            _ => None,
        },
        "varchar" | "char" | "text" | "utf8" | "string" => Some(Value::Text(value.to_owned())),
        "date" => read(value).map(|(at, _)| Value::Text(shown(at, true))),
        "timestamp" | "timestamp with time zone" | "timestamptz" | "datetime" => {
            read(value).map(|(at, _)| Value::Text(shown(at, false)))
        }
        _ => return None,
    })
}
