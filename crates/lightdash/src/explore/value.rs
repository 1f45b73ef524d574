//! Values that filters compare with.

use serde_json::{Number, Value};

/// Integers beyond this lose digits in the server, which compares numbers as doubles.
const MOST_EXACT: u64 = 1 << 53;

/// A value that a field is compared with: text, a number or a truth value. Dates and timestamps are
/// text in ISO 8601, such as `2024-05-01` or `2024-05-01T10:30:00Z`: `to_string()` of a date of jiff
/// or chrono and of `jiff::Timestamp`, and `to_rfc3339()` of `chrono::DateTime`.
///
/// The server reads numbers as doubles. An integer beyond 2^53 and a number that is not finite are
/// errors of the query.
#[derive(Clone, Debug)]
pub struct FilterValue(pub(super) Result<Value, String>);

/// One value, or several.
///
/// It is made from anything that [`FilterValue`] is made from, and from arrays, vectors and slices
/// of those.
#[derive(Clone, Debug)]
pub struct FilterValues(pub(super) Vec<FilterValue>);

impl From<&str> for FilterValue {
    fn from(text: &str) -> Self {
        Self(Ok(text.into()))
    }
}

impl From<String> for FilterValue {
    fn from(text: String) -> Self {
        Self(Ok(text.into()))
    }
}

impl From<&String> for FilterValue {
    fn from(text: &String) -> Self {
        Self(Ok(text.as_str().into()))
    }
}

impl From<bool> for FilterValue {
    fn from(value: bool) -> Self {
        Self(Ok(value.into()))
    }
}

impl From<f64> for FilterValue {
    fn from(value: f64) -> Self {
        let number = Number::from_f64(value).map(Value::Number);
        Self(number.ok_or_else(|| format!("{value} is not a finite number")))
    }
}

impl From<f32> for FilterValue {
    fn from(value: f32) -> Self {
        f64::from(value).into()
    }
}

impl FilterValue {
    fn integer(value: Value, magnitude: u64) -> Self {
        if magnitude > MOST_EXACT {
            return Self(Err(format!(
                "{value} is beyond 2^53, and Lightdash compares numbers as doubles; if the field \
                 is a text, give the digits as text"
            )));
        }
        Self(Ok(value))
    }
}

macro_rules! integers {
    ($($signed:ty)*; $($unsigned:ty)*) => {
        $(impl From<$signed> for FilterValue {
            fn from(value: $signed) -> Self {
                Self::integer(value.into(), i64::from(value).unsigned_abs())
            }
        })*
        $(impl From<$unsigned> for FilterValue {
            fn from(value: $unsigned) -> Self {
                Self::integer(value.into(), u64::from(value))
            }
        })*
    };
}
integers!(i8 i16 i32 i64; u8 u16 u32 u64);

macro_rules! single {
    ($($scalar:ty)*) => {
        $(impl From<$scalar> for FilterValues {
            fn from(value: $scalar) -> Self {
                Self(vec![value.into()])
            }
        })*
    };
}
single!(FilterValue &str String &String bool f32 f64 i8 i16 i32 i64 u8 u16 u32 u64);

impl<T: Into<FilterValue>, const N: usize> From<[T; N]> for FilterValues {
    fn from(values: [T; N]) -> Self {
        Self(values.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<FilterValue>> From<Vec<T>> for FilterValues {
    fn from(values: Vec<T>) -> Self {
        Self(values.into_iter().map(Into::into).collect())
    }
}

impl<T: Clone + Into<FilterValue>> From<&[T]> for FilterValues {
    fn from(values: &[T]) -> Self {
        values.to_vec().into()
    }
}
