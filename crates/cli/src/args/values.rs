//! Values of arguments.

use std::{fmt, str::FromStr, time::Duration};

use arrow_schema::{DataType, TimeUnit};
use clap::ValueEnum;

/// A time such as `90s`, `10m`, `1h 30m`, `1d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; expected a time such as 90s, 10m or 1d"))?;
    match time.is_zero() {
        true => Err("the time is zero; expected a time such as 90s, 10m or 1d".to_owned()),
        false => Ok(time),
    }
}

/// `name=value`.
pub(super) fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// The id of a query at Dune, alone or in a URL of its page.
pub(super) fn dune_query(text: &str) -> Result<i64, String> {
    const EXPECTED: &str = "expected the number of a query, or its page https://dune.com/queries/…";
    let path = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let number = match path {
        None => text,
        Some(path) => {
            let mut parts = path.split(['/', '?', '#']);
            let host = parts.next().unwrap_or_default();
            let is_dune = host == "dune.com" || host.ends_with(".dune.com");
            match (is_dune, parts.next()) {
                (true, Some("queries" | "embeds")) => parts.next().unwrap_or_default(),
                _ => return Err(EXPECTED.to_owned()),
            }
        }
    };
    match number.parse::<i64>() {
        Ok(id) if id > 0 => Ok(id),
        _ => Err(EXPECTED.to_owned()),
    }
}

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ServiceName {
    Dune,
    Lightdash,
    #[value(alias = "yandex-query")]
    Yandex,
}

impl ServiceName {
    pub(crate) const ALL: [Self; 3] = [Self::Dune, Self::Lightdash, Self::Yandex];

    /// As it is written on the command line and in the file of profiles.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Dune => "dune",
            Self::Lightdash => "lightdash",
            Self::Yandex => "yandex",
        }
    }

    /// The service whose runs have ids of this form.
    pub(crate) fn of_run(id: &str) -> Option<Self> {
        const CROCKFORD: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let bytes = id.as_bytes();
        let is_uuid = bytes.len() == 36
            && bytes.iter().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => *byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            });
        let is_lower = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if is_uuid {
            Some(Self::Lightdash)
        } else if bytes.len() == 26 && bytes.iter().all(|byte| CROCKFORD.contains(byte)) {
            Some(Self::Dune)
        } else if bytes.len() == 20 && bytes.iter().all(is_lower) {
            Some(Self::Yandex)
        } else {
            None
        }
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dune => "Dune",
            Self::Lightdash => "Lightdash",
            Self::Yandex => "Yandex Query",
        })
    }
}

/// A column that is read as another type of Arrow: `price=decimal(38,9)`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TypeOverride {
    pub(crate) column: String,
    pub(crate) data_type: DataType,
    /// As it was given, for comparison with an export that was begun.
    pub(crate) text: String,
}

impl FromStr for TypeOverride {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (column, name) = text
            .rsplit_once('=')
            .filter(|(column, _)| !column.is_empty())
            .ok_or("expected COLUMN=TYPE")?;
        Ok(Self {
            column: column.to_owned(),
            data_type: data_type(name)?,
            text: text.to_owned(),
        })
    }
}

fn data_type(name: &str) -> Result<DataType, String> {
    let name = name.trim().to_ascii_lowercase();
    Ok(match name.as_str() {
        "boolean" | "bool" => DataType::Boolean,
        "int8" => DataType::Int8,
        "int16" => DataType::Int16,
        "int32" => DataType::Int32,
        "int64" => DataType::Int64,
        "uint8" => DataType::UInt8,
        "uint16" => DataType::UInt16,
        "uint32" => DataType::UInt32,
        "uint64" => DataType::UInt64,
        "float32" => DataType::Float32,
        "float64" => DataType::Float64,
        "text" => DataType::Utf8,
        "binary" => DataType::Binary,
        "date" => DataType::Date32,
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "timestamptz" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        other => decimal(other).ok_or_else(|| {
            format!(
                "there is no type {other:?}; expected boolean, int8 to int64, uint8 to uint64, \
                 float32, float64, decimal(P,S), text, binary, date, timestamp or timestamptz"
            )
        })?,
    })
}

fn decimal(name: &str) -> Option<DataType> {
    let digits = name.strip_prefix("decimal(")?.strip_suffix(')')?;
    let (precision, scale) = digits.split_once(',')?;
    let precision: u8 = precision.trim().parse().ok()?;
    let scale: i8 = scale.trim().parse().ok()?;
    let is_possible =
        (1..=76).contains(&precision) && scale >= 0 && scale.cast_unsigned() <= precision;
    is_possible.then_some(match precision {
        ..=38 => DataType::Decimal128(precision, scale),
        _ => DataType::Decimal256(precision, scale),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_query_of_dune_is_a_number_or_a_page() {
        for text in [
            "4132025",
            "https://dune.com/queries/4132025",
            "https://dune.com/queries/4132025/6958812?sidebar=none",
            "https://dune.com/embeds/4132025/1",
        ] {
            assert_eq!(dune_query(text), Ok(4_132_025), "{text}");
        }
        for text in [
            "",
            "0",
            "-3",
            "trades",
            "https://evil.com/queries/1",
            "https://dune.com/1",
        ] {
            assert!(dune_query(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_form_of_an_id_tells_the_service() {
        let of = ServiceName::of_run;
        assert_eq!(of("01HKZJ2683PHF9Q9PHHQ8FW4Q1"), Some(ServiceName::Dune));
        assert_eq!(of("csq0123456789abcdefg"), Some(ServiceName::Yandex));
        let uuid = "6c1f8a52-3b7e-4d0a-9c45-2e8f1a6b7d90";
        assert_eq!(of(uuid), Some(ServiceName::Lightdash));
        assert_eq!(of("4132025"), None);
    }

    #[test]
    fn a_type_is_one_of_arrow() {
        let price: TypeOverride = "price=decimal(38, 9)".parse().unwrap();
        assert_eq!(
            (price.column.as_str(), price.data_type),
            ("price", DataType::Decimal128(38, 9))
        );
        let wide: TypeOverride = "a=b=decimal(76,0)".parse().unwrap();
        assert_eq!(
            (wide.column.as_str(), wide.data_type),
            ("a=b", DataType::Decimal256(76, 0))
        );
        for text in [
            "price",
            "=text",
            "price=decimal(77,0)",
            "price=decimal(5,6)",
            "price=money",
        ] {
            assert!(text.parse::<TypeOverride>().is_err(), "{text}");
        }
    }
}
