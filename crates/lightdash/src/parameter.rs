//! A text is the value of a parameter: `.parameters([("region", "EU")])`.

use crate::types::ParameterValue;

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
