//! Values of parameters: `.param("region", "EU")`, `.parameters([("region", "EU")])`.

use crate::{builder, types::ParameterValue};

/// Integers beyond this lose digits in the server, which reads numbers as doubles.
const MOST_EXACT: u64 = 1 << 53;

impl From<&str> for ParameterValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for ParameterValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for ParameterValue {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<i32> for ParameterValue {
    fn from(value: i32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<u32> for ParameterValue {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<Vec<&str>> for ParameterValue {
    fn from(texts: Vec<&str>) -> Self {
        Self::Texts(texts.into_iter().map(str::to_owned).collect())
    }
}

impl From<&[&str]> for ParameterValue {
    fn from(texts: &[&str]) -> Self {
        texts.to_vec().into()
    }
}

impl<const N: usize> From<[&str; N]> for ParameterValue {
    fn from(texts: [&str; N]) -> Self {
        Vec::from(texts).into()
    }
}

impl<const N: usize> From<[String; N]> for ParameterValue {
    fn from(texts: [String; N]) -> Self {
        Self::Texts(texts.into())
    }
}

impl<const N: usize> From<[f64; N]> for ParameterValue {
    fn from(values: [f64; N]) -> Self {
        Self::Numbers(values.into())
    }
}

impl<const N: usize> From<[i32; N]> for ParameterValue {
    fn from(values: [i32; N]) -> Self {
        Self::Numbers(values.into_iter().map(f64::from).collect())
    }
}

/// Returns the parameter unless the server would read another value.
pub(crate) fn exact(name: &str, value: ParameterValue) -> Result<ParameterValue, String> {
    let numbers = match &value {
        ParameterValue::Number(number) => std::slice::from_ref(number),
        ParameterValue::Numbers(numbers) => numbers,
        ParameterValue::Integer(integer) if integer.unsigned_abs() > MOST_EXACT => {
            return Err(format!(
                "the parameter `{name}`: {integer} is beyond 2^53, and Lightdash reads numbers as \
                 doubles; give the digits as text"
            ));
        }
        _ => &[],
    };
    match numbers.iter().find(|number| !number.is_finite()) {
        None => Ok(value),
        Some(number) => Err(format!(
            "the parameter `{name}`: {number} is not a finite number"
        )),
    }
}

macro_rules! params {
    ($($(#[$gate:meta])? $builder:ident,)*) => {$(
        $(#[$gate])?
        impl builder::$builder {
            /// Sets the value of one parameter of the project or the explore: a text, a number, or
            /// several of either. `parameters` replaces all of them.
            pub fn param(mut self, name: impl Into<String>, value: impl Into<ParameterValue>) -> Self {
                let name = name.into();
                self.body = self.body.and_then(|mut body| {
                    let value = exact(&name, value.into())?;
                    if let Ok(parameters) = &mut body.parameters {
                        parameters.insert(name, value);
                    }
                    Ok(body)
                });
                self
            }
        }
    )*};
}

params! {
    ExecuteAsyncMetricQuery,
    ExecuteAsyncSavedChartQuery,
    ExecuteAsyncDashboardChartQuery,
    ExecuteAsyncUnderlyingDataQuery,
    ExecuteAsyncSqlQuery,
    CompileQuery,
    #[cfg(feature = "merge-queries")] ExecuteAsyncMergeQuery,
    #[cfg(feature = "merge-queries")] ExecuteAsyncComposeMergeQuery,
    #[cfg(feature = "merge-queries")] ExecuteAsyncComposeSqlQuery,
}
