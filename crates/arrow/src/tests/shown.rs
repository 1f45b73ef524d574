//! The values of an array as text, independent of the code that built it.

use arrow_array::{Array, ArrayRef, cast::AsArray, types::*};
use arrow_schema::{DataType, IntervalUnit, TimeUnit};
use jiff::{Timestamp, civil};

/// All values.
pub(super) fn shown(array: &ArrayRef) -> String {
    let values: Vec<_> = (0..array.len()).map(|row| value(array, row)).collect();
    values.join(" | ")
}

/// One value.
pub(super) fn value(array: &ArrayRef, row: usize) -> String {
    if array.is_null(row) || *array.data_type() == DataType::Null {
        return "NULL".to_owned();
    }
    macro_rules! primitive {
        ($type:ty) => {
            array.as_primitive::<$type>().value(row)
        };
    }
    match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Int8 => primitive!(Int8Type).to_string(),
        DataType::Int16 => primitive!(Int16Type).to_string(),
        DataType::Int32 => primitive!(Int32Type).to_string(),
        DataType::Int64 => primitive!(Int64Type).to_string(),
        DataType::UInt8 => primitive!(UInt8Type).to_string(),
        DataType::UInt16 => primitive!(UInt16Type).to_string(),
        DataType::UInt32 => primitive!(UInt32Type).to_string(),
        DataType::UInt64 => primitive!(UInt64Type).to_string(),
        DataType::Float32 => format!("{:?}", primitive!(Float32Type)),
        DataType::Float64 => format!("{:?}", primitive!(Float64Type)),
        DataType::Decimal32(..) => array.as_primitive::<Decimal32Type>().value_as_string(row),
        DataType::Decimal64(..) => array.as_primitive::<Decimal64Type>().value_as_string(row),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Decimal256(..) => array.as_primitive::<Decimal256Type>().value_as_string(row),
        DataType::Utf8 => format!("{:?}", array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => format!("{:?}", array.as_string::<i64>().value(row)),
        DataType::Utf8View => format!("{:?}", array.as_string_view().value(row)),
        DataType::Binary => hex(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => hex(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => hex(array.as_binary_view().value(row)),
        DataType::Date32 => date(primitive!(Date32Type)),
        DataType::Timestamp(unit, zone) => {
            let (value, second) = match unit {
                TimeUnit::Second => (primitive!(TimestampSecondType), 1),
                TimeUnit::Millisecond => (primitive!(TimestampMillisecondType), 1_000),
                TimeUnit::Microsecond => (primitive!(TimestampMicrosecondType), 1_000_000),
                TimeUnit::Nanosecond => (primitive!(TimestampNanosecondType), 1_000_000_000),
            };
            timestamp(value, second, zone.is_some())
        }
        DataType::Time64(TimeUnit::Microsecond) => time(primitive!(Time64MicrosecondType) * 1_000),
        DataType::Time64(_) => time(primitive!(Time64NanosecondType)),
        DataType::Duration(unit) => match unit {
            TimeUnit::Second => format!("{} s", primitive!(DurationSecondType)),
            TimeUnit::Millisecond => format!("{} ms", primitive!(DurationMillisecondType)),
            TimeUnit::Microsecond => format!("{} µs", primitive!(DurationMicrosecondType)),
            TimeUnit::Nanosecond => format!("{} ns", primitive!(DurationNanosecondType)),
        },
        DataType::Interval(IntervalUnit::YearMonth) => {
            format!("{} months", primitive!(IntervalYearMonthType))
        }
        DataType::List(_) => format!("[{}]", shown(&array.as_list::<i32>().value(row))),
        DataType::Struct(fields) => {
            let fields = fields.iter().zip(array.as_struct().columns());
            let members = fields.map(|(field, member)| {
                let value = value(member, row);
                format!("{}: {value}", field.name())
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let entries = map.value(row);
            let entries = (0..entries.len()).map(|entry| {
                let (key, held) = (entries.column(0), entries.column(1));
                format!("{} => {}", value(key, entry), value(held, entry))
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => panic!("{other} is not read"),
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

/// Beyond year 9999, where jiff's calendar ends, returns the number.
fn date(days: i32) -> String {
    let epoch = civil::date(1970, 1, 1);
    let span = jiff::Span::new().try_days(days);
    let date = span.and_then(|span| epoch.checked_add(span));
    date.map_or_else(|_| format!("day {days}"), |date| date.to_string())
}

fn timestamp(value: i64, second: i64, has_zone: bool) -> String {
    let (seconds, part) = (value.div_euclid(second), value.rem_euclid(second));
    let nanos = i32::try_from(part * (1_000_000_000 / second)).unwrap();
    match Timestamp::new(seconds, nanos) {
        Ok(at) if has_zone => at.to_string(),
        Ok(at) => at.to_zoned(jiff::tz::TimeZone::UTC).datetime().to_string(),
        Err(_) => format!("tick {value}"),
    }
}

fn time(nanos: i64) -> String {
    let time = civil::Time::midnight();
    time.wrapping_add(jiff::Span::new().nanoseconds(nanos))
        .to_string()
}
