//! Whether a value fits the declared type of its column, and how it is written.

use rowfeed_client::rows::{Column, LogicalType, datetime::Parts};

use super::{BinaryFormat, WideNumbers, cell::Cell};

/// How values are written that the service documents no format for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Formats {
    /// Whether text stands for numbers and booleans, too.
    pub(super) parses_text: bool,
    pub(super) wide: WideNumbers,
    pub(super) binary: BinaryFormat,
}

/// A value as a file holds it.
#[derive(Debug, PartialEq)]
pub(super) enum Token {
    Null,
    /// JSON that is not text: a number, `true`, a list.
    Raw(String),
    Text(String),
}

const MAX_UINT256: &str =
    "115792089237316195423570985008687907853269984665640564039457584007913129639935";
const MAX_INT256: &str =
    "57896044618658097711785492504343953926634992332820282019728792003956564819967";
const MIN_INT256: &str =
    "57896044618658097711785492504343953926634992332820282019728792003956564819968";

/// The largest integers that a double holds exactly.
const EXACT_IN_DOUBLE: i128 = 1 << 53;

impl Formats {
    /// # Errors
    ///
    /// What the column expects, and what the row has.
    pub(super) fn token(self, column: &Column, cell: Cell) -> Result<Token, String> {
        if cell == Cell::Null {
            return Ok(Token::Null);
        }
        let cell = match self.parses_text {
            true => parsed(column, cell),
            false => cell,
        };
        let kind = cell.kind();
        let unfit = |expected: &str| {
            let name = column.type_name().unwrap_or("undeclared");
            format!("expected {expected} (the column is {name}), found {kind}")
        };
        match (column.column_type().logical(), cell) {
            (LogicalType::Boolean, Cell::Bool(value)) => Ok(Token::Raw(value.to_string())),
            (LogicalType::Boolean, _) => Err(unfit("true or false")),
            (LogicalType::Integer { bits, signed }, cell) => {
                let bits = bits.unwrap_or(256);
                let digits = match cell {
                    Cell::Integer(digits) => digits,
                    Cell::Text(text) => match text.strip_prefix("0x") {
                        Some(hex) if bits > 64 => decimal_of_hex(hex).ok_or_else(|| {
                            unfit("an integer, or hexadecimal text of at most 256 bits")
                        })?,
                        _ => text,
                    },
                    _ => return Err(unfit("an integer, or text with its digits")),
                };
                if !is_integer(&digits) {
                    return Err(unfit("an integer, or text with its digits"));
                }
                if !in_range(&digits, bits, *signed) {
                    let sign = if *signed { "signed" } else { "unsigned" };
                    return Err(format!("{digits} does not fit {bits} {sign} bits"));
                }
                Ok(match bits > 64 && self.wide == WideNumbers::Text {
                    true => Token::Text(digits),
                    false => Token::Raw(canonical(&digits)),
                })
            }
            (LogicalType::Decimal { precision, scale }, Cell::Integer(text) | Cell::Text(text)) => {
                check_decimal(&text, precision.unwrap_or(38), *scale)
                    .map_err(|said| format!("{said} ({})", unfit("a decimal")))?;
                Ok(match self.wide {
                    WideNumbers::Text => Token::Text(text),
                    WideNumbers::Number => Token::Raw(canonical(&text)),
                })
            }
            (LogicalType::Decimal { .. }, _) => {
                Err(unfit("a decimal as text or an integer, which is exact"))
            }
            (LogicalType::Float { .. }, Cell::Float(value)) if value.is_finite() => {
                let text = serde_json::to_string(&value);
                text.map(Token::Raw).map_err(|error| error.to_string())
            }
            (LogicalType::Float { .. }, Cell::Float(_)) => Err(unfit(
                "a finite number; how Dune takes NaN and infinity is not established",
            )),
            (LogicalType::Float { .. }, Cell::Integer(digits)) => match digits.parse::<i128>() {
                Ok(value) if value.abs() <= EXACT_IN_DOUBLE => Ok(Token::Raw(digits)),
                _ => Err(format!("{digits} has more digits than a double holds")),
            },
            (LogicalType::Float { .. }, _) => Err(unfit("a number")),
            (LogicalType::Bytes, Cell::Bytes(bytes)) => Ok(Token::Text(self.binary.write(&bytes))),
            (LogicalType::Bytes, Cell::Text(text)) => match bytes_of_hex(&text) {
                Some(bytes) => Ok(Token::Text(self.binary.write(&bytes))),
                None => Err(unfit(
                    "bytes, or text of 0x and an even number of hexadecimal digits",
                )),
            },
            (LogicalType::Bytes, Cell::Nested(_)) => Err(unfit(
                "bytes (serialize Vec<u8> with serde_bytes) or text such as 0x01ff",
            )),
            (LogicalType::Bytes, _) => Err(unfit("bytes, or text such as 0x01ff")),
            (LogicalType::Date, Cell::Text(text)) => match Parts::of(&text) {
                Some(parts) if parts.time.is_none() && parts.days().is_ok() => {
                    Ok(Token::Text(text))
                }
                _ => Err(unfit("a date such as 2026-11-21")),
            },
            (LogicalType::Date, _) => Err(unfit("a date as text, such as 2026-11-21")),
            (LogicalType::Timestamp { .. }, Cell::Text(text)) => match Parts::of(&text) {
                // The form in which Dune returns times becomes RFC 3339.
                Some(parts) if parts.days().is_ok() && is_clock(&parts) => {
                    Ok(Token::Text(match text.strip_suffix(" UTC") {
                        Some(civil) => civil.replacen(' ', "T", 1) + "Z",
                        None => text,
                    }))
                }
                _ => Err(unfit("a time such as 2026-11-21T20:35:00Z")),
            },
            (LogicalType::Timestamp { .. }, _) => {
                Err(unfit("a time as text, such as 2026-11-21T20:35:00Z"))
            }
            (LogicalType::Json, Cell::Text(json) | Cell::Nested(json)) => Ok(Token::Text(json)),
            (
                LogicalType::Text | LogicalType::Time { .. } | LogicalType::Interval(_),
                Cell::Text(text),
            ) => Ok(Token::Text(text)),
            (LogicalType::Text | LogicalType::Time { .. } | LogicalType::Interval(_), _) => {
                Err(unfit("text"))
            }
            (LogicalType::List(_), Cell::Nested(json)) if json.starts_with('[') => {
                Ok(Token::Raw(json))
            }
            (LogicalType::List(_), _) => Err(unfit("a list")),
            (
                LogicalType::Map(_) | LogicalType::Struct(_) | LogicalType::Tuple(_),
                Cell::Nested(json),
            ) => Ok(Token::Raw(json)),
            (LogicalType::Map(_) | LogicalType::Struct(_) | LogicalType::Tuple(_), _) => {
                Err(unfit("a map or a struct"))
            }
            // A type that rowfeed does not know: the service decides.
            (_, Cell::Bytes(bytes)) => Ok(Token::Text(self.binary.write(&bytes))),
            (_, Cell::Float(value)) if !value.is_finite() => Err(unfit("a finite number")),
            (_, Cell::Float(value)) => Ok(Token::Raw(value.to_string())),
            (_, Cell::Bool(value)) => Ok(Token::Raw(value.to_string())),
            (_, Cell::Integer(json) | Cell::Nested(json)) => Ok(Token::Raw(json)),
            (_, Cell::Text(text)) => Ok(Token::Text(text)),
            // Returned above.
            (_, Cell::Null) => Ok(Token::Null),
        }
    }
}

/// The value that text stands for in a column of numbers or booleans.
fn parsed(column: &Column, cell: Cell) -> Cell {
    let Cell::Text(text) = cell else { return cell };
    match column.column_type().logical() {
        LogicalType::Boolean if text.eq_ignore_ascii_case("true") => Cell::Bool(true),
        LogicalType::Boolean if text.eq_ignore_ascii_case("false") => Cell::Bool(false),
        // Only numbers as JSON writes them: Rust would also read `inf`.
        LogicalType::Float { .. } => match serde_json::from_str(&text) {
            Ok(value) => Cell::Float(value),
            Err(_) => Cell::Text(text),
        },
        LogicalType::List(_) | LogicalType::Map(_) | LogicalType::Struct(_) => {
            match serde_json::from_str::<serde_json::Value>(&text) {
                Ok(value) if value.is_array() || value.is_object() => Cell::Nested(text),
                _ => Cell::Text(text),
            }
        }
        _ => Cell::Text(text),
    }
}

impl BinaryFormat {
    fn write(self, bytes: &[u8]) -> String {
        use std::fmt::Write as _;
        let mut text = String::with_capacity(2 * bytes.len() + 2);
        if self == Self::PrefixedHex {
            text.push_str("0x");
        }
        for byte in bytes {
            // Writing into a `String` does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

fn is_clock(parts: &Parts<'_>) -> bool {
    let clock = parts.time.map(|(clock, _)| clock);
    clock.is_none_or(|clock| rowfeed_client::rows::datetime::seconds_of_day(clock).is_ok())
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Without zeros at the beginning, which JSON does not allow.
fn canonical(number: &str) -> String {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", number),
    };
    let trimmed = digits.trim_start_matches('0');
    let zero = if trimmed.is_empty() || trimmed.starts_with('.') {
        "0"
    } else {
        ""
    };
    format!("{sign}{zero}{trimmed}")
}

/// Whether an integer fits a width of 8 to 256 bits.
fn in_range(text: &str, bits: u16, signed: bool) -> bool {
    let negative = text.starts_with('-');
    let digits = text.trim_start_matches('-').trim_start_matches('0');
    if digits.is_empty() {
        return true;
    }
    if negative && !signed {
        return false;
    }
    if bits > 128 {
        let most = match (signed, negative) {
            (false, _) => MAX_UINT256,
            (true, false) => MAX_INT256,
            (true, true) => MIN_INT256,
        };
        return digits.len() < most.len() || (digits.len() == most.len() && digits <= most);
    }
    let Ok(value) = digits.parse::<u128>() else {
        return false;
    };
    let width = u32::from(bits) - u32::from(signed);
    let most = u128::MAX >> (128 - width);
    // There is one more negative number than there are positive ones.
    value <= most || (negative && value == most + 1)
}

fn check_decimal(text: &str, precision: u8, scale: i8) -> Result<(), String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = [whole, fraction]
        .iter()
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_number {
        return Err("the text is no decimal number".to_owned());
    }
    let scale = usize::try_from(scale).unwrap_or(0);
    let room = usize::from(precision).saturating_sub(scale);
    let (whole, fraction) = (
        whole.trim_start_matches('0'),
        fraction.trim_end_matches('0'),
    );
    if whole.len() > room || fraction.len() > scale {
        return Err(format!(
            "{text} has more digits than decimal({precision}, {scale})"
        ));
    }
    Ok(())
}

fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    let pairs = digits.chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        let is_pair = pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_pair.then(|| u8::from_str_radix(pair, 16).ok())?
    });
    pairs.collect()
}

/// The decimal digits of at most 256 bits: the form in which Ethereum libraries write numbers.
fn decimal_of_hex(hex: &str) -> Option<String> {
    if hex.is_empty() || hex.len() > 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    // Decimal digits, the lowest first.
    let mut decimal = vec![0_u8];
    for digit in hex.chars() {
        let mut carry = digit.to_digit(16)?;
        for place in &mut decimal {
            let value = u32::from(*place) * 16 + carry;
            *place = (value % 10) as u8;
            carry = value / 10;
        }
        while carry > 0 {
            decimal.push((carry % 10) as u8);
            carry /= 10;
        }
    }
    Some(
        decimal
            .iter()
            .rev()
            .map(|digit| char::from(b'0' + digit))
            .collect(),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rowfeed_client::rows::Columns;

    use super::*;

    const FORMATS: Formats = Formats {
        parses_text: false,
        wide: WideNumbers::Text,
        binary: BinaryFormat::PrefixedHex,
    };

    fn token<T: serde::Serialize>(type_name: &str, value: T) -> Result<Token, String> {
        let columns = Columns::dune(["c"], [type_name]);
        FORMATS.token(columns.iter().next().unwrap(), Cell::of(&value).unwrap())
    }

    fn raw(text: &str) -> Result<Token, String> {
        Ok(Token::Raw(text.to_owned()))
    }

    fn text(text: &str) -> Result<Token, String> {
        Ok(Token::Text(text.to_owned()))
    }

    #[test]
    fn values_keep_every_digit() {
        assert_eq!(token("bigint", i64::MIN), raw("-9223372036854775808"));
        assert_eq!(token("bigint", "007"), raw("7"));
        assert_eq!(token("tinyint", -128), raw("-128"));
        assert_eq!(
            token("uint256", u128::MAX),
            text("340282366920938463463374607431768211455")
        );
        assert_eq!(token("uint256", MAX_UINT256), text(MAX_UINT256));
        let hex = format!("0x{}", "f".repeat(64));
        assert_eq!(token("uint256", hex), text(MAX_UINT256));
        assert_eq!(token("uint256", "0x0"), text("0"));
        assert_eq!(
            token("uint256", "0xDe0b6b3a7640000"),
            text("1000000000000000000")
        );
        assert_eq!(
            token("int256", format!("-{MIN_INT256}")),
            text(&format!("-{MIN_INT256}"))
        );
        assert_eq!(
            token("decimal(38, 18)", "1.000000000000000001"),
            text("1.000000000000000001")
        );
        assert_eq!(token("decimal(3, 1)", "012.50"), text("012.50"));
        assert_eq!(token("double", 0.1), raw("0.1"));
        assert_eq!(token("real", 0.1_f32), raw("0.1"));
        assert_eq!(token("double", 7), raw("7"));
        assert_eq!(token("boolean", true), raw("true"));
        assert_eq!(token("varchar", "a\"b"), text("a\"b"));
        assert_eq!(token("varbinary", "0x01FF"), text("0x01ff"));
        assert_eq!(token("date", "2024-02-29"), text("2024-02-29"));
        for time in [
            "2024-05-01T10:00:00Z",
            "2024-05-01 10:00:00.123",
            "2024-05-01",
        ] {
            assert_eq!(token("timestamp", time), text(time));
        }
        let returned = token("timestamp", "2024-05-01 10:00:00.123 UTC");
        assert_eq!(returned, text("2024-05-01T10:00:00.123Z"));
        assert_eq!(token("array(bigint)", [1, 2]), raw("[1,2]"));
        assert_eq!(token("json", [1, 2]), text("[1,2]"));
        assert_eq!(token("tide", 7), raw("7"));
        assert_eq!(token("bigint", None::<i64>), Ok(Token::Null));
        let numbers = Formats {
            parses_text: false,
            wide: WideNumbers::Number,
            binary: BinaryFormat::Hex,
        };
        let columns = Columns::dune(["a", "b"], ["uint256", "varbinary"]);
        let [a, b] = [0, 1].map(|index| columns.iter().nth(index).unwrap());
        assert_eq!(numbers.token(a, Cell::Text("07".to_owned())), raw("7"));
        assert_eq!(numbers.token(b, Cell::Bytes(vec![1, 255])), text("01ff"));
    }

    #[test]
    fn a_value_that_does_not_fit_is_an_error_with_what_was_expected() {
        for (result, why) in [
            (token("bigint", u64::MAX), "does not fit 64 signed bits"),
            (token("integer", 1_i64 << 31), "does not fit 32 signed bits"),
            (token("tinyint", -129), "does not fit 8 signed bits"),
            (token("uint256", -1), "does not fit 256 unsigned bits"),
            (
                token("uint256", format!("1{MAX_UINT256}")),
                "does not fit 256",
            ),
            (
                token("int256", format!("-{MAX_UINT256}")),
                "does not fit 256 signed bits",
            ),
            (token("bigint", 1.0), "expected an integer"),
            (token("bigint", "1e3"), "expected an integer"),
            (token("bigint", ""), "expected an integer"),
            (token("uint256", "0x"), "hexadecimal text"),
            (
                token("uint256", format!("0x{}", "1".repeat(65))),
                "256 bits",
            ),
            (
                token("decimal(3, 1)", "12.55"),
                "more digits than decimal(3, 1)",
            ),
            (
                token("decimal(3, 1)", "123"),
                "more digits than decimal(3, 1)",
            ),
            (token("decimal(3, 1)", "1,5"), "no decimal number"),
            (token("decimal(3, 1)", 1.5), "which is exact"),
            (token("double", f64::NAN), "not established"),
            (token("double", f64::INFINITY), "not established"),
            (token("double", (1_i64 << 53) + 1), "than a double holds"),
            (
                token("double", "1.5"),
                "expected a number (the column is double), found text",
            ),
            (token("boolean", 1), "expected true or false"),
            (
                token("varchar", 1),
                "expected text (the column is varchar), found an integer",
            ),
            (token("varbinary", "01ff"), "0x and an even number"),
            (token("varbinary", "0x1"), "0x and an even number"),
            (token("varbinary", "0x+1"), "0x and an even number"),
            (token("varbinary", vec![1_u8]), "serde_bytes"),
            (token("date", "2023-02-29"), "expected a date"),
            (token("date", "2024-05-01 10:00:00"), "expected a date"),
            (token("date", "5"), "expected a date"),
            (token("timestamp", "2024-05-01 25:00:00"), "expected a time"),
            (token("timestamp", 1_700_000_000), "expected a time as text"),
            (token("array(bigint)", "[1]"), "expected a list"),
            (token("map(varchar, bigint)", 1), "expected a map"),
        ] {
            let said = result.unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn text_stands_for_other_values_only_if_that_is_set() {
        let lenient = Formats {
            parses_text: true,
            ..FORMATS
        };
        let token = |type_name: &str, text: &str| {
            let columns = Columns::dune(["c"], [type_name]);
            let column = columns.iter().next().unwrap();
            [FORMATS, lenient].map(|formats| formats.token(column, Cell::Text(text.to_owned())))
        };
        for (type_name, value, written) in [
            ("boolean", "TRUE", "true"),
            ("double", "1.50", "1.5"),
            ("double", "-2e3", "-2000.0"),
            ("array(bigint)", "[1, 2]", "[1, 2]"),
        ] {
            let [strict, lenient] = token(type_name, value);
            assert!(strict.is_err(), "{type_name}");
            assert_eq!(lenient, raw(written));
        }
        for (type_name, value) in [
            ("double", "inf"),
            ("double", "NaN"),
            ("double", "1,5"),
            ("double", "1e999"),
            ("boolean", "1"),
            ("array(bigint)", "7"),
        ] {
            assert!(token(type_name, value)[1].is_err(), "{type_name} {value}");
        }
        assert_eq!(token("varchar", "true")[1], text("true"));
    }
}
