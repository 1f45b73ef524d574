//! Rows as record batches: decoding returns a batch or an error and never panics. A batch has the
//! values of a [`Row`], in every form of the rows.

use arrow_array::{Array, ArrayRef, RecordBatch, cast::AsArray, types::*};
use arrow_schema::{DataType, TimeUnit};
use jiff::{SignedDuration, Timestamp, civil};
use rowfeed_rows::{Columns, RawRows, Row, Value, decode_rows};

use rowfeed::{Page, source::ResultId};
use rowfeed_arrow::PageExt as _;

/// Returns whether the rows decode into a batch.
#[allow(unreachable_pub)]
pub fn agree(columns: &Columns, rows: &str) -> Result<(), rowfeed::Error> {
    let Ok(raw) = RawRows::from_json(rows.to_owned()) else {
        return Ok(());
    };
    let page = Page::new("", ResultId::new(""), 0, columns.clone(), raw);
    let batch = page.record_batch();
    for every in [1, 3] {
        agree_with_spaced(columns, &page, &batch, every);
    }
    let batch = batch?;
    let rows = match decode_rows::<Row>(columns, page.raw().as_str(), 0) {
        Ok(rows) => rows,
        Err(error) => panic!("what a batch can be made of is no row: {error}"),
    };
    assert_eq!(batch.num_rows(), rows.len());
    compare(&batch, &rows);
    Ok(())
}

/// Cells with a blank before them are read through serde, with the same result.
fn agree_with_spaced(
    columns: &Columns,
    page: &Page,
    batch: &Result<RecordBatch, rowfeed::Error>,
    every: usize,
) {
    let spaced = spaced(page.raw().as_str(), every);
    let Ok(raw) = RawRows::from_json(spaced.clone()) else {
        panic!("blanks made this other than JSON: {spaced}");
    };
    let page = Page::new("", ResultId::new(""), 0, columns.clone(), raw);
    match (batch, page.record_batch()) {
        (Ok(batch), Ok(other)) => assert_eq!(*batch, other, "{spaced}"),
        (Err(error), Err(other)) => assert_eq!(error.kind(), other.kind(), "{spaced}"),
        (Ok(_), Err(error)) => panic!("with blanks the rows are an error: {error}: {spaced}"),
        (Err(error), Ok(_)) => panic!("with blanks the rows are no error: {error}: {spaced}"),
    }
}

/// Returns the rows with a blank before each cell, or before every n-th cell.
fn spaced(rows: &str, every: usize) -> String {
    let mut spaced = String::with_capacity(rows.len() * 2);
    let mut cells = 0_usize;
    let (mut depth, mut in_object) = (0_usize, false);
    let (mut in_string, mut is_escaped) = (false, false);
    for char in rows.chars() {
        spaced.push(char);
        if in_string {
            in_string = is_escaped || char != '"';
            is_escaped = !is_escaped && char == '\\';
            continue;
        }
        let is_before_cell = match char {
            '"' => {
                in_string = true;
                false
            }
            '[' | '{' => {
                depth += 1;
                if depth == 2 {
                    in_object = char == '{';
                }
                depth == 2
            }
            ']' | '}' => {
                depth = depth.saturating_sub(1);
                false
            }
            ',' => depth == 2 && !in_object,
            ':' => depth == 2 && in_object,
            _ => false,
        };
        if is_before_cell {
            if cells.is_multiple_of(every) {
                spaced.push(' ');
            }
            cells += 1;
        }
    }
    spaced
}

fn compare(batch: &RecordBatch, rows: &[Row]) {
    for (at, row) in rows.iter().enumerate() {
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            let value = row.get(field.name()).unwrap_or(&Value::Null);
            assert!(
                same(value, array, at),
                "row {at}, {}: {value:?} is not {:?}",
                field,
                array.slice(at, 1)
            );
        }
    }
}

/// Returns whether an array has the value at an index. JSON in text and Trino's spans are only
/// checked for NULL.
fn same(value: &Value, array: &ArrayRef, at: usize) -> bool {
    // Arrow has one NULL, whichever of several Optionals is empty.
    if let Value::Some(inner) = value {
        return same(inner, array, at);
    }
    if array.is_null(at) || *array.data_type() == DataType::Null {
        return value.is_null();
    }
    match (array.data_type(), value) {
        (_, Value::Null | Value::Unrepresentable) => false,
        (DataType::Boolean, value) => value.as_bool() == Some(array.as_boolean().value(at)),
        (DataType::Utf8, Value::Variant(name, inner)) if inner.is_null() => {
            name == array.as_string::<i32>().value(at)
        }
        (DataType::Utf8, value) => value
            .as_str()
            .is_none_or(|text| text == array.as_string::<i32>().value(at)),
        (DataType::Binary, value) => value.as_bytes() == Some(array.as_binary::<i32>().value(at)),
        (DataType::List(_), Value::List(list)) => {
            let held = array.as_list::<i32>().value(at);
            let mut pairs = list.iter().enumerate();
            held.len() == list.len() && pairs.all(|(at, value)| same(value, &held, at))
        }
        (DataType::List(_), Value::Map(map)) => {
            let held = array.as_list::<i32>().value(at);
            held.len() == map.len() && same_entries(map, held.as_struct().columns())
        }
        (DataType::Map(..), Value::Map(map)) => {
            let held = array.as_map().value(at);
            held.len() == map.len() && same_entries(map, held.columns())
        }
        (DataType::Struct(_), value) => same_members(value, array, at),
        // JSON in text.
        (DataType::List(_) | DataType::Map(..), value) => value.as_str().is_some(),
        _ => same_time(value, array, at).unwrap_or_else(|| same_number(value, array, at)),
    }
}

fn same_entries(map: &[(Value, Value)], held: &[ArrayRef]) -> bool {
    let mut entries = map.iter().enumerate();
    entries.all(|(at, (key, value))| same(key, &held[0], at) && same(value, &held[1], at))
}

fn same_members(value: &Value, array: &ArrayRef, at: usize) -> bool {
    let held = array.as_struct();
    let mut fields = held.fields().iter().zip(held.columns());
    match value {
        Value::Struct(members) => fields.all(|(field, held)| {
            let member = members.iter().find(|(name, _)| name == field.name());
            same(member.map_or(&Value::Null, |(_, value)| value), held, at)
        }),
        Value::List(members) => {
            members.len() == held.num_columns()
                && members
                    .iter()
                    .zip(fields)
                    .all(|(value, (_, held))| same(value, held, at))
        }
        Value::Variant(name, value) => fields.all(|(field, held)| match field.name() == name {
            true => match held.data_type() {
                DataType::Boolean if value.is_null() => held.as_boolean().value(at),
                DataType::Struct(inner) if inner.len() == 1 && inner[0].name() == "value" => {
                    held.is_valid(at) && same(value, held.as_struct().column(0), at)
                        || same(value, held, at)
                }
                _ => same(value, held, at),
            },
            false => held.is_null(at),
        }),
        value => value.as_str().is_some(),
    }
}

/// Returns `None` for text that is not a time, or a time out of jiff's range.
fn same_time(value: &Value, array: &ArrayRef, at: usize) -> Option<bool> {
    match (array.data_type(), value) {
        (DataType::Date32, Value::Date(text)) => {
            let days = array.as_primitive::<Date32Type>().value(at);
            let Ok(date) = text.parse::<civil::Date>() else {
                return Some(true);
            };
            let held = civil::date(1970, 1, 1).until(date).ok()?.get_days();
            Some(held == days)
        }
        (DataType::Timestamp(unit, _), Value::Timestamp(text)) => {
            let utc = |at: civil::DateTime| at.to_zoned(jiff::tz::TimeZone::UTC);
            let parsed = text.parse::<Timestamp>().or_else(|_| {
                let civil = text.parse::<civil::DateTime>();
                civil.and_then(utc).map(|at| at.timestamp())
            });
            let Ok(parsed) = parsed else {
                return Some(true);
            };
            Some(match unit {
                TimeUnit::Second => {
                    array.as_primitive::<TimestampSecondType>().value(at) == parsed.as_second()
                }
                TimeUnit::Millisecond => false,
                TimeUnit::Microsecond => {
                    let held = array.as_primitive::<TimestampMicrosecondType>().value(at);
                    held == parsed.as_microsecond()
                }
                TimeUnit::Nanosecond => {
                    let held = array.as_primitive::<TimestampNanosecondType>().value(at);
                    i128::from(held) == parsed.as_nanosecond()
                }
            })
        }
        (DataType::Time64(unit), Value::Time(text)) => {
            let nanos = match unit {
                TimeUnit::Microsecond => {
                    array.as_primitive::<Time64MicrosecondType>().value(at) * 1_000
                }
                _ => array.as_primitive::<Time64NanosecondType>().value(at),
            };
            let time = text.parse::<civil::Time>().ok()?;
            let since = civil::Time::midnight().duration_until(time);
            Some(since == SignedDuration::from_nanos(nanos))
        }
        (DataType::Duration(TimeUnit::Microsecond), Value::Interval(text)) => {
            let held = array.as_primitive::<DurationMicrosecondType>().value(at);
            let parsed = text.parse::<SignedDuration>();
            Some(parsed.map_or(true, |span| span.as_micros() == i128::from(held)))
        }
        (DataType::Duration(_) | DataType::Interval(_), Value::Interval(_)) => Some(true),
        _ => None,
    }
}

fn same_number(value: &Value, array: &ArrayRef, at: usize) -> bool {
    macro_rules! held {
        ($type:ty) => {
            array.as_primitive::<$type>().value(at)
        };
    }
    let integer: i128 = match array.data_type() {
        DataType::Int8 => held!(Int8Type).into(),
        DataType::Int16 => held!(Int16Type).into(),
        DataType::Int32 => held!(Int32Type).into(),
        DataType::Int64 => held!(Int64Type).into(),
        DataType::UInt8 => held!(UInt8Type).into(),
        DataType::UInt16 => held!(UInt16Type).into(),
        DataType::UInt32 => held!(UInt32Type).into(),
        DataType::UInt64 => held!(UInt64Type).into(),
        DataType::Float32 => {
            let (held, value) = (f64::from(held!(Float32Type)), value.as_f64());
            return value.is_some_and(|value| near(held, value, 1e-6));
        }
        DataType::Float64 => {
            let (held, value) = (held!(Float64Type), value.as_f64());
            return value.is_some_and(|value| near(held, value, 0.0));
        }
        DataType::Decimal128(..) => {
            let held = array.as_primitive::<Decimal128Type>().value_as_string(at);
            return same_digits(value, &held);
        }
        DataType::Decimal256(..) => {
            let held = array.as_primitive::<Decimal256Type>().value_as_string(at);
            return same_digits(value, &held);
        }
        _ => return false,
    };
    value.as_integer() == Some(integer)
}

fn near(held: f64, value: f64, part: f64) -> bool {
    // A 32-bit float has a smaller range.
    held == value
        || (held.is_nan() && value.is_nan())
        || (held - value).abs() <= value.abs() * part + part * 1e-38
}

fn same_digits(value: &Value, held: &str) -> bool {
    match value {
        Value::Integer(value) => plain(&value.to_string()) == plain(held),
        value => value
            .as_str()
            .is_some_and(|text| plain(text) == plain(held)),
    }
}

/// Returns the sign, the significant digits, and the exponent of ten.
fn plain(text: &str) -> Option<(bool, String, i64)> {
    let unsigned = text.trim_start_matches('-');
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let all = digits.trim_start_matches('0');
    let kept = all.trim_end_matches('0');
    if kept.is_empty() {
        return Some((false, String::new(), 0));
    }
    let zeros = i64::try_from(all.len() - kept.len()).ok()?;
    let power = exponent.parse::<i64>().ok()? - i64::try_from(fraction.len()).ok()? + zeros;
    Some((unsigned.len() < text.len(), kept.to_owned(), power))
}
