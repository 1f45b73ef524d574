//! Functions for `#[serde(deserialize_with = "…")]`, for fields whose type does not determine the
//! form of the value.
//!
//! Each works for any type and its containers: `T`, `Option<T>`, `Vec<T>`. With another
//! deserializer than rowfeed's they change nothing.

use std::{fmt, marker::PhantomData};

use serde::de::{Deserialize, Deserializer, Visitor};

use crate::{
    datetime::normal::{self, Wish},
    decode::bytes,
    types::ColumnType,
};

/// The form in which to present text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    AsDeclared,
    AssumeUtc,
    Date,
    Civil,
    Utf8,
    /// As it was sent, in any column.
    AsSent,
}

const ASSUME_UTC: &str = "$rowfeed_rows::assume_utc";
const MIDNIGHT_AS_DATE: &str = "$rowfeed_rows::midnight_as_date";
const WITHOUT_OFFSET: &str = "$rowfeed_rows::without_offset";
const UTF8: &str = "$rowfeed_rows::utf8";
pub(crate) const AS_SENT: &str = "$rowfeed::as_sent";

impl Form {
    /// Returns whether even a variant is read as it was sent.
    pub(crate) fn is_as_sent(self) -> bool {
        self == Self::AsSent
    }

    /// Returns the form that a helper requests by the name of its newtype.
    #[inline]
    pub(crate) fn named(name: &str) -> Option<Self> {
        if !name.starts_with('$') {
            return None;
        }
        match name {
            ASSUME_UTC => Some(Self::AssumeUtc),
            MIDNIGHT_AS_DATE => Some(Self::Date),
            WITHOUT_OFFSET => Some(Self::Civil),
            UTF8 => Some(Self::Utf8),
            AS_SENT => Some(Self::AsSent),
            _ => None,
        }
    }
}

/// Reads a date and time without a zone as UTC.
///
/// A Dune `timestamp` or a date has no offset in its text, so `chrono::DateTime<Utc>`,
/// `jiff::Timestamp` and `time`'s RFC 3339 refuse it. A date becomes its midnight. A text with an
/// offset keeps it.
///
/// # Errors
///
/// The errors of `T`.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Block {
///     #[serde(deserialize_with = "rowfeed_rows::field::assume_utc")]
///     mined: Option<jiff::Timestamp>,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let name = [String::from("mined")];
/// # let columns = rowfeed_rows::Columns::dune(&name, ["timestamp"]);
/// let json = r#"[{"mined": "2022-05-04 12:30:00.000"}]"#; // a `timestamp` of Dune
/// let row: Block = rowfeed_rows::RowDecoder::new(&columns, json, 0).next().ok_or("no row")??;
/// assert_eq!(row.mined, Some("2022-05-04T12:30:00Z".parse()?));
/// # Ok(())
/// # }
/// ```
pub fn assume_utc<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_newtype_struct(ASSUME_UTC, Transparent(PhantomData))
}

/// Presents midnight UTC as a date.
///
/// A truncated timestamp (`date_trunc('day', …)`) is a timestamp to the service. Its text has a
/// time, which `chrono::NaiveDate` and `time::Date` refuse (`jiff::civil::Date` accepts it). Any
/// other time of day stays in the text, so `T` returns an error instead of losing it.
///
/// # Errors
///
/// The errors of `T`.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Day {
///     #[serde(deserialize_with = "rowfeed_rows::field::midnight_as_date")]
///     day: chrono::NaiveDate,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let name = [String::from("day")];
/// # let types = ["timestamp with time zone".to_owned()];
/// # let columns = rowfeed_rows::Columns::dune(&name, &types);
/// let json = r#"[{"day": "2024-09-28 00:00:00.000 UTC"}]"#; // `date_trunc('day', …)`
/// let row: Day = rowfeed_rows::RowDecoder::new(&columns, json, 0).next().ok_or("no row")??;
/// assert_eq!(row.day.to_string(), "2024-09-28");
/// # Ok(())
/// # }
/// ```
pub fn midnight_as_date<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_newtype_struct(MIDNIGHT_AS_DATE, Transparent(PhantomData))
}

/// Presents a UTC instant as its date and time without the offset, for `chrono::NaiveDateTime` and
/// `time::PrimitiveDateTime` (`jiff::civil::DateTime` accepts the offset).
///
/// # Errors
///
/// The errors of `T`.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Block {
///     #[serde(deserialize_with = "rowfeed_rows::field::without_offset")]
///     mined: chrono::NaiveDateTime,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let name = [String::from("mined")];
/// # let types = ["timestamp with time zone".to_owned()];
/// # let columns = rowfeed_rows::Columns::dune(&name, &types);
/// let json = r#"[{"mined": "2021-06-07 13:21:10.000 UTC"}]"#;
/// let row: Block = rowfeed_rows::RowDecoder::new(&columns, json, 0).next().ok_or("no row")??;
/// assert_eq!(row.mined.to_string(), "2021-06-07 13:21:10");
/// # Ok(())
/// # }
/// ```
pub fn without_offset<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_newtype_struct(WITHOUT_OFFSET, Transparent(PhantomData))
}

/// Reads a column of bytes as text.
///
/// Yandex Query's `String`, which is the type of its string literals, holds bytes and is sent as
/// base64. Without this function a Rust `String` gets the base64 text.
///
/// # Errors
///
/// The errors of `T`, and one that names the cell if the bytes are not UTF-8.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Person {
///     #[serde(deserialize_with = "rowfeed_rows::field::utf8")]
///     name: String,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let columns = [("name".to_owned(), "String".to_owned())].into_iter();
/// # let columns = rowfeed_rows::Columns::yandex_query(columns);
/// let json = r#"[["QWRh"]]"#; // 'Ada' of Yandex Query
/// let row: Person = rowfeed_rows::RowDecoder::new(&columns, json, 0).next().ok_or("no row")??;
/// assert_eq!(row.name, "Ada");
/// # Ok(())
/// # }
/// ```
pub fn utf8<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_newtype_struct(UTF8, Transparent(PhantomData))
}

/// Returns the text in a column of bytes; `None` in any other column.
pub(crate) fn utf8_text(text: &str, declared: &ColumnType) -> Result<Option<String>, &'static str> {
    if !declared.is_bytes() {
        return Ok(None);
    }
    match bytes::decode(text, declared)? {
        Some(bytes) => String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| "the bytes are not UTF-8: use `Vec<u8>`"),
        None => Ok(None),
    }
}

/// Returns advice for a type that refused the date or time in a cell.
pub(crate) fn advice(declared: &ColumnType, sent: &str) -> Option<&'static str> {
    let wish = Wish::of(declared)?;
    let text = sent.trim_matches(['[', ']', '"']);
    normal::is_date(text).then_some(())?;
    let normalized = normal::normalize(text, wish);
    let presented = normalized.as_ref().map_or(text, normal::Normal::as_str);
    Some(match normal::is_civil(presented) {
        true => "the cell has no time zone: `assume_utc` takes it as UTC",
        false => {
            "the cell is an instant: `midnight_as_date` and `without_offset` \
             present it to types for dates and civil times"
        }
    })
}

struct Transparent<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Transparent<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<T, D::Error> {
        T::deserialize(inner)
    }
}
