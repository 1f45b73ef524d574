//! Values of columns that are not known at compile time.

use std::fmt;

use serde::{
    Serialize, Serializer,
    de::{
        Deserialize, Deserializer, EnumAccess, IgnoredAny, MapAccess, SeqAccess, VariantAccess,
        Visitor,
    },
};

use crate::{
    decode::{hooks, tag::Tag},
    row::Row,
};

/// Any value, with every digit that was sent.
///
/// The declared type of the column selects the variant. Without a declared type the cell's JSON
/// does. Text in the date and time variants is in rowfeed's normal form.
///
/// ```
/// use rowfeed_rows::{Columns, RawRows, Value};
///
/// fn shown(value: &Value) -> String {
///     match value {
///         Value::Null => "-".to_owned(),
///         Value::Integer(number) => number.to_string(),
///         Value::Float(number) => format!("{number:.2}"),
///         other => other.as_str().map_or_else(|| format!("{other:?}"), str::to_owned),
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let names = ["launched_on", "members", "note"];
/// let types = ["date", "bigint", "varchar"];
/// let columns = Columns::dune(&names, &types);
/// let rows = r#"[{"launched_on": "2023-08-09", "members": "7", "note": null}]"#;
/// let row: Vec<Value> = RawRows::from_json(rows)?.decode(&columns).next().ok_or("no row")??;
/// assert_eq!(row.iter().map(shown).collect::<Vec<_>>(), ["2023-08-09", "7", "-"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Default)]
#[non_exhaustive]
pub enum Value {
    /// NULL.
    #[default]
    Null,
    /// A boolean.
    Boolean(bool),
    /// An integer of up to 127 bits and a sign. A wider one is a [`Decimal`](Self::Decimal).
    Integer(i128),
    /// An exact number as it was sent, also a number with a fraction in a column without a declared
    /// type.
    Decimal(String),
    /// A floating-point number.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes, decoded.
    Bytes(Vec<u8>),
    /// `2024-09-28`.
    Date(String),
    /// A time of day.
    Time(String),
    /// `2021-06-07T13:21:10+00:00`, or without the offset if the column has no zone.
    Timestamp(String),
    /// A span of time as the service writes it; ISO 8601 for Yandex Query.
    Interval(String),
    /// A JSON document, as text.
    Json(String),
    /// A list, set or tuple.
    List(Vec<Value>),
    /// Keys with values.
    Map(Vec<(Value, Value)>),
    /// Named members, in the order of their declared type if it is known.
    Struct(Vec<(String, Value)>),
    /// The content of an Optional within an Optional of Yandex Query. NULL of the inner one is
    /// `Some(Null)`, NULL of the outer one is [`Null`](Self::Null).
    Some(Box<Value>),
    /// One alternative of a YQL variant: its name (or index) and its value.
    Variant(String, Box<Value>),
    /// A value that Yandex Query could not write as JSON and did not send: a `Uuid`, or text that
    /// is not UTF-8. The result contains it, so it is not NULL. Cast it in the query.
    Unrepresentable,
}

impl Value {
    /// Returns whether this is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Returns the boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the integer, if this is one.
    pub fn as_integer(&self) -> Option<i128> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the number as a float, which may be rounded.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            #[expect(
                clippy::cast_precision_loss,
                reason = "the method says that it may round"
            )]
            Self::Integer(value) => Some(*value as f64),
            Self::Decimal(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    /// Returns the text of every variant that holds text: also decimals, dates and times, JSON.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text)
            | Self::Decimal(text)
            | Self::Date(text)
            | Self::Time(text)
            | Self::Timestamp(text)
            | Self::Interval(text)
            | Self::Json(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the bytes, if this is bytes.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Returns the elements, if this is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(elements) => Some(elements),
            _ => None,
        }
    }

    /// Returns whether this can be the key of a JSON object.
    fn is_scalar(&self) -> bool {
        !matches!(
            self,
            Self::Null
                | Self::Unrepresentable
                | Self::Bytes(_)
                | Self::List(_)
                | Self::Map(_)
                | Self::Struct(_)
                | Self::Some(_)
                | Self::Variant(..)
        )
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(hooks::VALUE, ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any value")
    }

    /// Decodes one of rowfeed's own cells, which know the declared type.
    fn visit_enum<A: EnumAccess<'de>>(self, cell: A) -> Result<Value, A::Error> {
        let (tag, cell) = cell.variant::<Tag>()?;
        Ok(match tag {
            Tag::Boolean => Value::Boolean(cell.newtype_variant()?),
            Tag::Integer => Value::Integer(cell.newtype_variant()?),
            Tag::Decimal => Value::Decimal(cell.newtype_variant()?),
            Tag::Float => Value::Float(cell.newtype_variant()?),
            Tag::Text => Value::Text(cell.newtype_variant()?),
            Tag::Bytes => Value::Bytes(cell.newtype_variant::<Blob>()?.0),
            Tag::Date => Value::Date(cell.newtype_variant()?),
            Tag::Time => Value::Time(cell.newtype_variant()?),
            Tag::Timestamp => Value::Timestamp(cell.newtype_variant()?),
            Tag::Interval => Value::Interval(cell.newtype_variant()?),
            Tag::Json => Value::Json(cell.newtype_variant()?),
            Tag::List => Value::List(cell.newtype_variant()?),
            Tag::Map => Value::Map(cell.newtype_variant::<Pairs>()?.0),
            Tag::Struct => Value::Struct(cell.newtype_variant::<Row>()?.into_iter().collect()),
            Tag::Some => Value::Some(cell.newtype_variant()?),
            Tag::Unrepresentable => cell
                .newtype_variant()
                .map(|IgnoredAny| Value::Unrepresentable)?,
            Tag::Variant => match cell.newtype_variant::<Row>()?.into_iter().next() {
                Some((name, value)) => Value::Variant(name, Box::new(value)),
                None => Value::Null,
            },
        })
    }

    /// Decodes from any other deserializer.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        Value::deserialize(inner)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(member) = members.next_entry()? {
            list.push(member);
        }
        Ok(Value::Struct(list))
    }
}

/// The content of `Value::Bytes`.
struct Blob(Vec<u8>);

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(BlobVisitor)
    }
}

struct BlobVisitor;

impl Visitor<'_> for BlobVisitor {
    type Value = Blob;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Blob, E> {
        Ok(Blob(bytes.to_owned()))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Blob, E> {
        Ok(Blob(bytes))
    }
}

/// The content of `Value::Map`.
struct Pairs(Vec<(Value, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("keys with values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

/// Serializes as plain data, with NULL and lost values as null. Integers beyond 64 bits become
/// text, since many formats lose or refuse them. In a text format such as JSON, bytes become `0x…`,
/// and floats that are not finite become their name. A map whose keys are not all scalars becomes a
/// list of pairs.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let readable = serializer.is_human_readable();
        match self {
            Self::Null | Self::Unrepresentable => serializer.serialize_unit(),
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => {
                if let Ok(value) = i64::try_from(*value) {
                    serializer.serialize_i64(value)
                } else if let Ok(value) = u64::try_from(*value) {
                    serializer.serialize_u64(value)
                } else {
                    serializer.collect_str(value)
                }
            }
            Self::Float(value) if readable && !value.is_finite() => serializer.collect_str(value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Bytes(bytes) if readable => serializer.collect_str(&Hex(bytes)),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::Text(text)
            | Self::Decimal(text)
            | Self::Date(text)
            | Self::Time(text)
            | Self::Timestamp(text)
            | Self::Interval(text)
            | Self::Json(text) => serializer.serialize_str(text),
            Self::List(elements) => serializer.collect_seq(elements),
            Self::Map(pairs) if pairs.iter().all(|(key, _)| key.is_scalar()) => {
                serializer.collect_map(pairs.iter().map(|(key, value)| (key, value)))
            }
            Self::Map(pairs) => serializer.collect_seq(pairs),
            Self::Struct(members) => {
                serializer.collect_map(members.iter().map(|(name, value)| (name, value)))
            }
            Self::Some(value) => value.serialize(serializer),
            Self::Variant(name, value) => serializer.collect_map([(name, value)]),
        }
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}
