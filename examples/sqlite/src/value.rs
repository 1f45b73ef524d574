//! Converts a value for SQLite. SQLite has no NaN, so NaN becomes NULL.

use rowfeed::Value;
use rusqlite::{
    Error, Result,
    types::{ToSql, ToSqlOutput, ValueRef},
};

pub(crate) struct Cell<'a>(pub(crate) &'a Value);

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        let borrowed = match self.0 {
            Value::Null => ValueRef::Null,
            Value::Boolean(value) => ValueRef::Integer((*value).into()),
            Value::Integer(value) => match i64::try_from(*value) {
                Ok(value) => ValueRef::Integer(value),
                Err(_) => return Ok(value.to_string().into()),
            },
            Value::Float(value) => ValueRef::Real(*value),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
            other => match other.as_str() {
                Some(text) => ValueRef::Text(text.as_bytes()),
                None => return Ok(json(other)?.into()),
            },
        };
        Ok(ToSqlOutput::Borrowed(borrowed))
    }
}

fn json(value: &Value) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::ToSqlConversionFailure(error.into()))
}
