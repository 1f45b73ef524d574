//! Request bodies from a statement alone: `.body("SELECT 1")`.

use crate::types::{SqlQueryRequest, error::ConversionError};

impl TryFrom<&str> for SqlQueryRequest {
    type Error = ConversionError;

    fn try_from(statement: &str) -> Result<Self, Self::Error> {
        Self::builder().sql(statement).try_into()
    }
}

impl TryFrom<String> for SqlQueryRequest {
    type Error = ConversionError;

    fn try_from(statement: String) -> Result<Self, Self::Error> {
        Self::builder().sql(statement).try_into()
    }
}
