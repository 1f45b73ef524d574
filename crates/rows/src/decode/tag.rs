//! The variant of [`Value`] for a cell, passed as an enum whose variants are numbered.

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error as _, VariantAccess, Visitor,
    value::U8Deserializer,
};

use crate::{
    datetime::normal,
    decode::{
        bytes,
        cell::Cell,
        number::{self, Integer},
    },
    error::{DecodeError, Result},
    field::Form,
    types::{ColumnType, Encoding, LogicalType},
};

/// The variants of `Value` except Null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Boolean,
    Integer,
    Decimal,
    Float,
    Text,
    Bytes,
    Date,
    Time,
    Timestamp,
    Interval,
    Json,
    List,
    Map,
    Struct,
    Variant,
    Some,
    Unrepresentable,
}

const TAGS: [Tag; 17] = [
    Tag::Boolean,
    Tag::Integer,
    Tag::Decimal,
    Tag::Float,
    Tag::Text,
    Tag::Bytes,
    Tag::Date,
    Tag::Time,
    Tag::Timestamp,
    Tag::Interval,
    Tag::Json,
    Tag::List,
    Tag::Map,
    Tag::Struct,
    Tag::Variant,
    Tag::Some,
    Tag::Unrepresentable,
];

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let number = u8::deserialize(deserializer)?;
        TAGS.get(usize::from(number))
            .copied()
            .ok_or_else(|| D::Error::custom("no such value"))
    }
}

/// Passes the cell to a `Value`'s visitor, tagged.
pub(crate) fn visit<'de, V: Visitor<'de>>(cell: Cell<'_, '_, 'de>, visitor: V) -> Result<V::Value> {
    let mut cell = cell;
    while cell.optionals > 0 {
        cell.optionals -= 1;
        if cell.lex.peek()? == b'[' {
            cell.lex.open(b'[')?;
            let mut first = true;
            if !cell.lex.next_item(&mut first, b']')? {
                return visitor.visit_unit();
            }
            let inner = Cell {
                lex: &mut *cell.lex,
                declared: cell.declared,
                optionals: cell.optionals,
                form: Form::AsDeclared,
                null_is_lost: false,
            };
            let out = match inner.optionals {
                0 => visit(inner, visitor),
                _ => visitor.visit_enum(Tagged {
                    tag: Tag::Some,
                    content: inner,
                }),
            }?;
            if cell.lex.next_item(&mut first, b']')? {
                return Err(cell.lex.broken("an Optional holds more than one value"));
            }
            return Ok(out);
        }
    }
    match tag(&cell)? {
        Some(tag) => visitor.visit_enum(Tagged { tag, content: cell }),
        None if cell.null_is_lost => visitor.visit_enum(Tagged {
            tag: Tag::Unrepresentable,
            content: cell,
        }),
        None => {
            cell.lex.word("null")?;
            visitor.visit_unit()
        }
    }
}

/// Passes a whole row to a `Value`'s visitor.
pub(crate) fn visit_row<'de, D, V>(row: D, visitor: V) -> Result<V::Value>
where
    D: Deserializer<'de, Error = DecodeError>,
    V: Visitor<'de>,
{
    visitor.visit_enum(Tagged {
        tag: Tag::Struct,
        content: row,
    })
}

fn tag(cell: &Cell<'_, '_, '_>) -> Result<Option<Tag>> {
    let mut ahead = cell.lex.clone();
    Ok(Some(match ahead.peek()? {
        b'n' => return Ok(None),
        b't' | b'f' => Tag::Boolean,
        b'[' => match cell.declared.logical {
            LogicalType::Map(_) if cell.declared.encoding == Encoding::Pairs => Tag::Map,
            LogicalType::Struct(_) => Tag::Struct,
            LogicalType::Variant(_) => Tag::Variant,
            _ => Tag::List,
        },
        b'{' => match cell.declared.logical {
            LogicalType::Map(_) if cell.declared.encoding != Encoding::Pairs => Tag::Map,
            _ => Tag::Struct,
        },
        b'"' => {
            let quoted = ahead.quoted()?;
            text_tag(&ahead.text(quoted)?, cell.declared)
        }
        _ => {
            let number = ahead.number()?;
            match cell.declared.logical {
                LogicalType::Decimal { .. } => Tag::Decimal,
                LogicalType::Float { .. } => Tag::Float,
                LogicalType::Number if !number.whole => Tag::Float,
                LogicalType::Integer { .. } => integer_tag(number.text),
                _ if number.whole => integer_tag(number.text),
                _ => Tag::Decimal,
            }
        }
    }))
}

fn integer_tag(digits: &str) -> Tag {
    match number::integer(digits) {
        Ok(Integer::I64(_) | Integer::U64(_) | Integer::I128(_)) => Tag::Integer,
        _ if number::is_number(digits) => Tag::Decimal,
        _ => Tag::Text,
    }
}

fn text_tag(text: &str, declared: &ColumnType) -> Tag {
    match declared.logical {
        LogicalType::Boolean if matches!(text, "true" | "false" | "t" | "f") => Tag::Boolean,
        LogicalType::Integer { .. } | LogicalType::Number => integer_tag(text),
        LogicalType::Decimal { .. } if number::is_number(text) => Tag::Decimal,
        LogicalType::Float { .. } if number::float::<f64>(text).is_some() => Tag::Float,
        LogicalType::Bytes if matches!(bytes::decode(text, declared), Ok(Some(_))) => Tag::Bytes,
        LogicalType::Date => Tag::Date,
        LogicalType::Time { .. } => Tag::Time,
        LogicalType::Timestamp { .. } => Tag::Timestamp,
        LogicalType::Interval(_) => Tag::Interval,
        LogicalType::Json => Tag::Json,
        LogicalType::Undeclared if normal::is_clear(text) => Tag::Timestamp,
        _ => Tag::Text,
    }
}

struct Tagged<D> {
    tag: Tag,
    content: D,
}

impl<'de, D: Deserializer<'de, Error = DecodeError>> EnumAccess<'de> for Tagged<D> {
    type Error = DecodeError;
    type Variant = Content<D>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Content<D>)> {
        let tag = U8Deserializer::<DecodeError>::new(self.tag as u8);
        Ok((seed.deserialize(tag)?, Content(self.content)))
    }
}

struct Content<D>(D);

impl<'de, D: Deserializer<'de, Error = DecodeError>> VariantAccess<'de> for Content<D> {
    type Error = DecodeError;

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        seed.deserialize(self.0)
    }

    fn unit_variant(self) -> Result<()> {
        Err(DecodeError::new("every value but NULL has content"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        self.0.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.0.deserialize_struct("", fields, visitor)
    }
}
