//! Parameter values from text: `.parameters([("region", "EU")])`.

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
