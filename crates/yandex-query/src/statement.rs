//! Request bodies from a statement alone: `.body("SELECT 1")`.

use crate::types::{CreateQueryRequest, error::ConversionError};

impl TryFrom<&str> for CreateQueryRequest {
    type Error = ConversionError;

    fn try_from(statement: &str) -> Result<Self, Self::Error> {
        Self::builder().text(statement).try_into()
    }
}

impl TryFrom<String> for CreateQueryRequest {
    type Error = ConversionError;

    fn try_from(statement: String) -> Result<Self, Self::Error> {
        Self::builder().text(statement).try_into()
    }
}
