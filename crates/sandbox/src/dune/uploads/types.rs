//! The types of uploaded columns.

use serde_json::Value as Json;

use crate::service::Service;
use crate::sql::Database;
use crate::table::{ColumnType, Value, WireType};

/// The longest type name in bytes.
const MAX_TYPE: usize = 500;

/// The type of an uploaded column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum UploadType {
    Neutral(ColumnType),
    /// A type of Dune, such as `uint256`. Its values are JSON text.
    Own(String),
}

impl UploadType {
    /// Parses a type. An object, which describes an array or a row, is a type of Dune.
    pub(super) fn named(name: &Json) -> Option<Self> {
        if name.to_string().len() > MAX_TYPE {
            return None;
        }
        let text = match name {
            Json::String(text) => text.trim().to_ascii_lowercase(),
            Json::Object(_) => return Some(Self::Own(name.to_string())),
            _ => return None,
        };
        let column_type = match text.as_str() {
            "boolean" => ColumnType::Boolean,
            "integer" | "int" => ColumnType::Integer,
            "bigint" | "long" => ColumnType::BigInt,
            "double" | "real" | "float" => ColumnType::Double,
            "varchar" | "string" => ColumnType::Varchar,
            "varbinary" => ColumnType::Varbinary,
            "date" => ColumnType::Date,
            "timestamp" | "timestamp with time zone" => ColumnType::Timestamp,
            "" => return None,
            _ => return Some(decimal(&text).map_or(Self::Own(text), Self::Neutral)),
        };
        Some(Self::Neutral(column_type))
    }

    /// Infers the narrowest type that fits every field of a CSV column. Empty fields fit every
    /// type.
    pub(super) fn inferred<'a>(fields: impl Iterator<Item = &'a str> + Clone) -> Self {
        let candidates = [
            ColumnType::Boolean,
            ColumnType::BigInt,
            ColumnType::Double,
            ColumnType::Date,
            ColumnType::Timestamp,
        ];
        let some = fields.clone().any(|field| !field.is_empty());
        let fitting = candidates.into_iter().filter(|_| some).find(|candidate| {
            let candidate = Self::Neutral(*candidate);
            fields.clone().all(|field| candidate.of_text(field).is_ok())
        });
        Self::Neutral(fitting.unwrap_or(ColumnType::Varchar))
    }

    pub(super) fn declaration(&self, database: &Database) -> String {
        match self {
            Self::Neutral(column_type) => column_type.declaration(),
            Self::Own(name) => database.declare(&WireType {
                service: Service::Dune,
                name: name.clone(),
            }),
        }
    }

    pub(super) fn shown(&self) -> String {
        match self {
            Self::Neutral(column_type) => super::super::encode::type_name(*column_type),
            Self::Own(name) => name.clone(),
        }
    }

    /// Parses a field of a CSV file. An empty field is NULL.
    pub(super) fn of_text(&self, text: &str) -> Result<Value, String> {
        if text.is_empty() {
            return Ok(Value::Null);
        }
        let column_type = match self {
            Self::Own(_) => return Ok(Value::Text(crate::json::string(text))),
            Self::Neutral(column_type) => *column_type,
        };
        let wrong = || format!("{text:?} is not a valid {}", self.shown());
        Ok(match column_type {
            ColumnType::Boolean => match text.to_ascii_lowercase().as_str() {
                "true" => Value::Boolean(true),
                "false" => Value::Boolean(false),
                _ => return Err(wrong()),
            },
            ColumnType::Integer => Value::Integer(text.parse::<i32>().map_err(|_| wrong())?.into()),
            ColumnType::BigInt => Value::Integer(text.parse().map_err(|_| wrong())?),
            ColumnType::Double => Value::Double(text.parse().map_err(|_| wrong())?),
            ColumnType::Varbinary => Value::Bytes(bytes(text).ok_or_else(wrong)?),
            ColumnType::Date if text.len() == 10 => match crate::instant::Instant::parse(text) {
                Some(_) => text.into(),
                None => return Err(wrong()),
            },
            ColumnType::Date => return Err(wrong()),
            ColumnType::Timestamp => match crate::instant::Instant::parse(text) {
                Some(at) if at.fraction.is_empty() => format!("{} {}", at.date, at.time).into(),
                Some(at) => format!("{} {}.{}", at.date, at.time, at.fraction).into(),
                None => return Err(wrong()),
            },
            ColumnType::Decimal { .. } if text.parse::<f64>().is_err() => return Err(wrong()),
            ColumnType::Decimal { .. } | ColumnType::Varchar | ColumnType::Null => text.into(),
        })
    }

    /// Converts a value of a JSON object.
    pub(super) fn of_json(&self, value: &Json) -> Result<Value, String> {
        match (self, value) {
            (_, Json::Null) => Ok(Value::Null),
            (Self::Own(_), value) => Ok(Value::Text(value.to_string())),
            (_, Json::String(text)) if text.is_empty() => Ok(Value::Text(String::new())),
            (_, Json::String(text)) => self.of_text(text),
            (_, value) => self.of_text(&value.to_string()),
        }
    }
}

fn decimal(text: &str) -> Option<ColumnType> {
    let digits = text.strip_prefix("decimal(")?.strip_suffix(')')?;
    let (precision, scale) = digits.split_once(',')?;
    Some(ColumnType::Decimal {
        precision: precision
            .trim()
            .parse()
            .ok()
            .filter(|digits| (1..=38).contains(digits))?,
        scale: scale.trim().parse().ok().filter(|digits| *digits <= 38)?,
    })
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?;
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::UploadType;
    use crate::table::{ColumnType, Value};

    #[test]
    fn a_column_gets_the_narrowest_type_of_its_fields() {
        let inferred =
            |fields: &'static [&'static str]| match UploadType::inferred(fields.iter().copied()) {
                UploadType::Neutral(column_type) => column_type,
                UploadType::Own(name) => panic!("{name}"),
            };
        assert_eq!(inferred(&["1", "", "-9"]), ColumnType::BigInt);
        assert_eq!(inferred(&["1", "2.5"]), ColumnType::Double);
        assert_eq!(inferred(&["true", "FALSE"]), ColumnType::Boolean);
        assert_eq!(inferred(&["2024-05-01"]), ColumnType::Date);
        assert_eq!(inferred(&["2024-05-01 10:00:00"]), ColumnType::Timestamp);
        assert_eq!(inferred(&["1", "x"]), ColumnType::Varchar);
        assert_eq!(inferred(&["", ""]), ColumnType::Varchar);
    }

    #[test]
    fn values_must_fit_their_type() {
        let named = |name: &str| UploadType::named(&name.into()).unwrap();
        assert_eq!(
            named("varbinary").of_text("0x01ff"),
            Ok(Value::Bytes(vec![1, 255]))
        );
        assert!(named("varbinary").of_text("0x1").is_err());
        assert!(named("integer").of_text("3000000000").is_err());
        assert!(named("decimal(9, 2)").of_text("x").is_err());
        assert_eq!(
            named("UINT256").of_text("7"),
            Ok(Value::Text("\"7\"".to_owned()))
        );
        assert_eq!(
            named("timestamp").of_text("2024-05-01T10:00:00Z"),
            Ok("2024-05-01 10:00:00".into())
        );
        assert!(UploadType::named(&7.into()).is_none());
    }
}
