//! Computes the periods of relative filters: the last three days, the current month.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _};
use serde_json::Value;

/// A period from `from` (inclusive) to `before` (exclusive).
#[derive(Debug, PartialEq)]
pub(super) struct Bounds {
    pub(super) from: DateTime,
    pub(super) before: DateTime,
}

/// A unit of time of a filter.
#[derive(Clone, Copy)]
enum Unit {
    Milliseconds,
    Seconds,
    Minutes,
    Hours,
    Days,
    Weeks,
    Months,
    Quarters,
    Years,
}

/// The largest number of units of a filter.
const MOST: f64 = 1_000_000.0;

/// Returns the period of an operator with its value and settings at this time.
pub(super) fn bounds(
    operator: &str,
    count: Option<f64>,
    settings: &Value,
    now: Timestamp,
) -> Result<Bounds, String> {
    let unit = match settings["unitOfTime"].as_str() {
        None => Unit::Days,
        Some(name) => Unit::named(name).ok_or_else(|| format!("unknown unit of time {name:?}"))?,
    };
    let completed = settings["completed"] == true;
    let now = TimeZone::UTC.to_datetime(now);
    let start = unit.start(now);
    let after = |from: DateTime, units: i64| from.saturating_add(unit.span(units));
    if matches!(operator, "inTheCurrent" | "notInTheCurrent") {
        return Ok(Bounds {
            from: start,
            before: after(start, 1),
        });
    }
    let count = match count {
        None => 1,
        // the number of units is at most a million, which fits
        Some(count) if (0.0..=MOST).contains(&count) => count as i64,
        Some(count) => return Err(format!("{operator} takes a number of units, not {count}")),
    };
    let first = match completed {
        true => start,
        false => now,
    };
    Ok(match operator {
        "inTheNext" if completed => Bounds {
            from: after(start, 1),
            before: after(start, count + 1),
        },
        "inTheNext" => Bounds {
            from: first,
            before: after(first, count),
        },
        _ => Bounds {
            from: after(first, -count),
            before: first,
        },
    })
}

/// Returns the condition of `inPeriodToDate`: the part of every period up to the current day of the
/// period.
pub(super) fn to_date(field: &str, settings: &Value, now: Timestamp) -> Result<String, String> {
    let now = TimeZone::UTC.to_datetime(now);
    let unit = settings["unitOfTime"].as_str().unwrap_or_default();
    let since_start =
        |unit: Unit| now.date().duration_since(unit.start(now).date()).as_hours() / 24;
    let from_start = |days: i64| {
        let day = |sql: &str| format!("julianday(substr({sql}, 1, 10))");
        let start = day(&format!(
            "date_trunc('{}', {field})",
            unit.trim_end_matches('s')
        ));
        format!("({} - {start} <= {days})", day(field))
    };
    Ok(match unit {
        "years" => format!(
            "(CAST(strftime('%j', {field}) AS INTEGER) <= {})",
            now.day_of_year()
        ),
        "months" => format!(
            "(CAST(strftime('%d', {field}) AS INTEGER) <= {})",
            now.day()
        ),
        "quarters" => from_start(since_start(Unit::Quarters)),
        "weeks" => from_start(since_start(Unit::Weeks)),
        _ => {
            let message = "Period to date filter requires a unitOfTime setting (weeks, months, \
                           quarters, or years)";
            return Err(message.to_owned());
        }
    })
}

impl Unit {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "milliseconds" => Self::Milliseconds,
            "seconds" => Self::Seconds,
            "minutes" => Self::Minutes,
            "hours" => Self::Hours,
            "days" => Self::Days,
            "weeks" => Self::Weeks,
            "months" => Self::Months,
            "quarters" => Self::Quarters,
            "years" => Self::Years,
            _ => return None,
        })
    }

    fn span(self, units: i64) -> Span {
        match self {
            Self::Milliseconds => units.milliseconds(),
            Self::Seconds => units.seconds(),
            Self::Minutes => units.minutes(),
            Self::Hours => units.hours(),
            Self::Days => units.days(),
            Self::Weeks => units.clamp(-500_000, 500_000).weeks(),
            Self::Months => units.clamp(-100_000, 100_000).months(),
            Self::Quarters => (3 * units).clamp(-100_000, 100_000).months(),
            Self::Years => units.clamp(-10_000, 10_000).years(),
        }
    }

    /// Returns the start of the unit that contains a time. Weeks start on Monday.
    fn start(self, at: DateTime) -> DateTime {
        let time = at.time();
        let date = at.date();
        let midnight = |date: jiff::civil::Date| date.to_datetime(Time::midnight());
        let cut = |hour, minute, second| {
            let cut = Time::new(hour, minute, second, 0).unwrap_or(time);
            date.to_datetime(cut)
        };
        let month = |month| {
            let first = jiff::civil::Date::new(date.year(), month, 1);
            midnight(first.unwrap_or(date))
        };
        match self {
            Self::Milliseconds => at,
            Self::Seconds => cut(time.hour(), time.minute(), time.second()),
            Self::Minutes => cut(time.hour(), time.minute(), 0),
            Self::Hours => cut(time.hour(), 0, 0),
            Self::Days => midnight(date),
            Self::Weeks => {
                let since = i64::from(date.weekday().to_monday_zero_offset());
                midnight(date.saturating_sub(since.days()))
            }
            Self::Months => month(date.month()),
            Self::Quarters => month((date.month() - 1) / 3 * 3 + 1),
            Self::Years => month(1),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::bounds;

    #[test]
    fn each_operator_has_its_period() {
        // a Wednesday
        let now = "2024-05-15T10:30:00Z".parse().unwrap();
        for (operator, count, unit, completed, expected) in [
            (
                "inThePast",
                3.0,
                "days",
                false,
                "2024-05-12T10:30:00 2024-05-15T10:30:00",
            ),
            (
                "inThePast",
                3.0,
                "days",
                true,
                "2024-05-12T00:00:00 2024-05-15T00:00:00",
            ),
            (
                "notInThePast",
                1.0,
                "months",
                true,
                "2024-04-01T00:00:00 2024-05-01T00:00:00",
            ),
            (
                "inTheNext",
                2.0,
                "hours",
                false,
                "2024-05-15T10:30:00 2024-05-15T12:30:00",
            ),
            (
                "inTheNext",
                1.0,
                "weeks",
                true,
                "2024-05-20T00:00:00 2024-05-27T00:00:00",
            ),
            (
                "inTheCurrent",
                1.0,
                "weeks",
                false,
                "2024-05-13T00:00:00 2024-05-20T00:00:00",
            ),
            (
                "inTheCurrent",
                1.0,
                "quarters",
                false,
                "2024-04-01T00:00:00 2024-07-01T00:00:00",
            ),
            (
                "notInTheCurrent",
                1.0,
                "years",
                false,
                "2024-01-01T00:00:00 2025-01-01T00:00:00",
            ),
        ] {
            let settings = json!({ "unitOfTime": unit, "completed": completed });
            let found = bounds(operator, Some(count), &settings, now).unwrap();
            let shown = format!("{} {}", found.from, found.before);
            assert_eq!(shown, expected, "{operator} {unit}");
        }
        let to_date = |unit: &str| super::to_date("f", &json!({ "unitOfTime": unit }), now);
        assert_eq!(
            to_date("months").unwrap(),
            "(CAST(strftime('%d', f) AS INTEGER) <= 15)"
        );
        assert_eq!(
            to_date("years").unwrap(),
            "(CAST(strftime('%j', f) AS INTEGER) <= 136)"
        );
        assert!(to_date("weeks").unwrap().ends_with(" <= 2)"));
        assert!(to_date("quarters").unwrap().ends_with(" <= 44)"));
        assert!(to_date("days").is_err());
        for count in [-1.0, 1e18, f64::NAN] {
            assert!(bounds("inThePast", Some(count), &json!({}), now).is_err());
        }
        let settings = json!({ "unitOfTime": "moons" });
        assert!(bounds("inTheCurrent", None, &settings, now).is_err());
        for unit in ["weeks", "months", "quarters", "years"] {
            let settings = json!({ "unitOfTime": unit });
            assert!(bounds("inTheNext", Some(1e6), &settings, now).is_ok());
        }
    }
}
