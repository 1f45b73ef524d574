//! Values of the parameters of saved queries: `.param("project", "lagoon")`.

use std::fmt::Display;

use serde_json::Value;

use crate::builder;

/// The value of a parameter of a saved query.
///
/// | kind at Dune | value |
/// |---|---|
/// | text | `&str`, `String` |
/// | number | an integer or a float, or its digits as text |
/// | date | [`Parameter::date`], [`Parameter::datetime`], or the same as text |
/// | list (one choice) | the choice as text |
/// | list (several choices) | an array, a vector or a slice of the above |
///
/// Numbers are sent as their digits, as Dune's own clients do, so that none is rounded.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter(Result<Value, String>);

impl Parameter {
    /// A date, at midnight: `2024-05-01 00:00:00`.
    ///
    /// The call of the operation fails if there is no such day, or if the year is outside 0 to 9999.
    pub fn date(year: i32, month: u32, day: u32) -> Self {
        Self::datetime(year, month, day, 0, 0, 0)
    }

    /// A date and a time, which Dune takes as UTC: `2024-05-01 10:30:00`.
    ///
    /// The call of the operation fails if there is no such day or time, or if the year is outside 0
    /// to 9999.
    pub fn datetime(year: i32, month: u32, day: u32, hour: u32, minute: u32, second: u32) -> Self {
        let text = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
        let is_date = (0..=9999).contains(&year) && (1..=days_in(year, month)).contains(&day);
        let is_time = hour < 24 && minute < 60 && second < 60;
        Self(match is_date && is_time {
            true => Ok(text.into()),
            false => Err(format!("there is no such date and time: {text}")),
        })
    }

    /// The value as JSON, for the body of a request.
    fn json(self, name: &str) -> Result<Value, String> {
        self.0
            .map_err(|flaw| format!("the parameter `{name}`: {flaw}"))
    }

    /// The value as text, for the query of a URL, which takes no list.
    fn text(self, name: &str) -> Result<String, String> {
        match self.json(name)? {
            Value::String(text) => Ok(text),
            _ => Err(format!(
                "the parameter `{name}`: the latest result cannot be selected by a list of values; \
                 run the query with execute_query()"
            )),
        }
    }
}

fn days_in(year: i32, month: u32) -> u32 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    }
}

impl From<&str> for Parameter {
    fn from(text: &str) -> Self {
        Self(Ok(text.into()))
    }
}

impl From<String> for Parameter {
    fn from(text: String) -> Self {
        Self(Ok(text.into()))
    }
}

impl From<&String> for Parameter {
    fn from(text: &String) -> Self {
        Self(Ok(text.as_str().into()))
    }
}

fn finite(value: impl Display, is_finite: bool) -> Parameter {
    Parameter(match is_finite {
        true => Ok(value.to_string().into()),
        false => Err(format!("{value} is not a finite number")),
    })
}

impl From<f64> for Parameter {
    fn from(value: f64) -> Self {
        finite(value, value.is_finite())
    }
}

impl From<f32> for Parameter {
    fn from(value: f32) -> Self {
        finite(value, value.is_finite())
    }
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl From<$integer> for Parameter {
            fn from(value: $integer) -> Self {
                Self(Ok(value.to_string().into()))
            }
        }
    )*};
}
integers!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

impl<T: Into<Parameter>> From<Vec<T>> for Parameter {
    fn from(values: Vec<T>) -> Self {
        let values = values.into_iter().map(|value| match value.into().0 {
            Ok(Value::Array(_)) => Err("a list has no lists in it".to_owned()),
            value => value,
        });
        Self(values.collect::<Result<Vec<_>, _>>().map(Value::Array))
    }
}

impl<T: Into<Parameter>, const N: usize> From<[T; N]> for Parameter {
    fn from(values: [T; N]) -> Self {
        Vec::from(values).into()
    }
}

impl<T: Clone + Into<Parameter>> From<&[T]> for Parameter {
    fn from(values: &[T]) -> Self {
        values.to_vec().into()
    }
}

macro_rules! in_body {
    ($($builder:ident)*) => {$(
        impl builder::$builder {
            /// Sets the value of one parameter of the query. `query_parameters` replaces all of
            /// them.
            pub fn param(mut self, name: impl Into<String>, value: impl Into<Parameter>) -> Self {
                let name = name.into();
                self.body = self.body.and_then(|mut body| {
                    let value = value.into().json(&name)?;
                    if let Ok(parameters) = &mut body.query_parameters {
                        parameters.insert(name, value);
                    }
                    Ok(body)
                });
                self
            }
        }
    )*};
}
in_body!(ExecuteQuery ExecuteQueryPipeline);

macro_rules! in_query {
    ($($builder:ident)*) => {$(
        impl builder::$builder {
            /// Selects the latest result that was computed with this value of a parameter. `params`
            /// replaces all of them.
            ///
            /// A list of values is an error: how Dune selects a result by one is not established.
            pub fn param(mut self, name: impl Into<String>, value: impl Into<Parameter>) -> Self {
                let name = name.into();
                self.params = self.params.and_then(|params| {
                    let mut params = params.unwrap_or_default();
                    params.insert(name.clone(), value.into().text(&name)?);
                    Ok(Some(params))
                });
                self
            }
        }
    )*};
}
in_query!(GetLatestQueryResult GetLatestQueryResultCsv);
