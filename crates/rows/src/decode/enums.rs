//! Enums, and YQL's variants.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess,
    VariantAccess, Visitor, value,
};

use crate::{
    decode::{cell::Cell, nested},
    error::{DecodeError, Result},
    json::lexer::{Lexer, Text},
    types::{ColumnType, Encoding, LogicalType, UNRECOGNIZED},
};

/// Reads an enum: a name alone, `{"name": value}`, or a YQL variant `[name, value]`.
///
/// A variant over a tuple has an index instead of a name, which selects the Rust variant at that
/// position.
pub(crate) fn visit<'de, V: Visitor<'de>>(cell: Cell<'_, '_, 'de>, visitor: V) -> Result<V::Value> {
    let start = cell.lex.position();
    match cell.lex.peek()? {
        b'"' => {
            let quoted = cell.lex.quoted()?;
            let text = cell.lex.text(quoted)?;
            if text.trim_start().starts_with('{') {
                return nested::inside(&text, cell.lex, |inner| {
                    inner.deserialize_enum("", &[], visitor)
                });
            }
            visitor.visit_enum(value::StrDeserializer::new(&text))
        }
        b'{' => {
            let out = {
                cell.lex.open(b'{')?;
                let quoted = cell.lex.quoted()?;
                let name = cell.lex.text(quoted)?;
                cell.lex.expect(b':')?;
                let declared = match &cell.declared.logical {
                    LogicalType::Map(map) if cell.declared.encoding != Encoding::Pairs => {
                        map.value()
                    }
                    _ => cell.declared.inner(),
                };
                visitor.visit_enum(Tagged {
                    tag: Tag::Name(name),
                    cell: Cell::new(cell.lex, declared),
                })?
            };
            end(cell.lex, b'}')?;
            Ok(out)
        }
        b'[' => {
            let Some(alternatives) = Alternatives::of(cell.declared) else {
                let advice = "a list is not an enum: change the field's type";
                return Err(cell.unfit(start, &visitor, advice));
            };
            cell.lex.open(b'[')?;
            let (tag, declared) = alternatives.tag(cell.lex)?;
            cell.lex.expect(b',')?;
            let out = visitor.visit_enum(Tagged {
                tag,
                cell: Cell::new(cell.lex, declared),
            })?;
            end(cell.lex, b']')?;
            Ok(out)
        }
        _ => Err(cell.unfit(
            start,
            &visitor,
            "this is not a name: change the field's type",
        )),
    }
}

/// Reads a YQL variant as a map with one entry, from its name to its value.
pub(crate) fn as_map<'de, V: Visitor<'de>>(
    cell: Cell<'_, '_, 'de>,
    visitor: V,
) -> Result<V::Value> {
    let start = cell.lex.position();
    let Some(alternatives) = Alternatives::of(cell.declared) else {
        return Err(cell.unfit(start, &visitor, "this is not a variant"));
    };
    cell.lex.open(b'[')?;
    let (tag, declared) = alternatives.tag(cell.lex)?;
    cell.lex.expect(b',')?;
    let mut entry = OneEntry {
        tag: Some(tag),
        lex: &mut *cell.lex,
        declared,
        read: false,
    };
    let out = visitor.visit_map(&mut entry)?;
    if !entry.read {
        cell.lex.skip()?;
    }
    end(cell.lex, b']')?;
    Ok(out)
}

fn end(lex: &mut Lexer<'_, '_>, bracket: u8) -> Result<()> {
    if lex.next_item(&mut true, bracket)? {
        return Err(lex.broken("a variant is one name and one value"));
    }
    Ok(())
}

/// The alternatives of a YQL variant.
#[derive(Clone, Copy)]
pub(crate) struct Alternatives<'c> {
    alternatives: &'c [(Box<str>, ColumnType)],
    /// The tag is an index, not a name.
    is_indexed: bool,
}

/// The selected alternative.
pub(crate) enum Tag<'t, 'de> {
    Name(Text<'t, 'de>),
    Index(u64),
}

impl<'c> Alternatives<'c> {
    pub(crate) fn of(declared: &'c ColumnType) -> Option<Self> {
        match &declared.logical {
            LogicalType::Variant(alternatives) => Some(Self {
                alternatives,
                is_indexed: declared.encoding == Encoding::Indexed,
            }),
            _ => None,
        }
    }

    /// Reads the tag and returns it with the type of its value.
    pub(crate) fn tag<'t, 'de>(
        self,
        lex: &mut Lexer<'t, 'de>,
    ) -> Result<(Tag<'t, 'de>, &'c ColumnType)> {
        let (tag, found) = if self.is_indexed {
            let index = lex.number()?.text.parse::<u64>();
            let index = index.map_err(|_| lex.broken("a variant has no such alternative"))?;
            let place = usize::try_from(index).ok();
            let found = place.and_then(|place| self.alternatives.get(place));
            (Tag::Index(index), found)
        } else {
            let quoted = lex.quoted()?;
            let name = lex.text(quoted)?;
            let found = self.alternatives.iter().find(|(known, _)| **known == *name);
            (Tag::Name(name), found)
        };
        Ok((tag, found.map_or(&UNRECOGNIZED, |(_, declared)| declared)))
    }

    /// Returns the type of the value in a `[tag, value]` that is still to be read.
    pub(crate) fn pair(self, lex: &Lexer<'_, '_>) -> Result<&'c ColumnType> {
        let mut ahead = lex.clone();
        ahead.open(b'[')?;
        Ok(self.tag(&mut ahead)?.1)
    }

    /// Reads a variant without a value as its name.
    pub(crate) fn unit_name<'t, 'de>(
        self,
        lex: &mut Lexer<'t, 'de>,
        wanted: &dyn Expected,
    ) -> Result<Text<'t, 'de>> {
        let start = lex.position();
        lex.open(b'[')?;
        let (tag, _) = self.tag(lex)?;
        lex.expect(b',')?;
        match (tag, &*lex.value()?) {
            (Tag::Name(name), "null") => {
                end(lex, b']')?;
                Ok(name)
            }
            _ => Err(DecodeError::cell(
                wanted,
                lex.sent(start),
                "the variant has a value that its name alone would lose: use an enum",
            )),
        }
    }
}

impl<'de> Tag<'_, 'de> {
    fn read<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        match self {
            Self::Name(Text::Borrowed(name)) => {
                seed.deserialize(value::BorrowedStrDeserializer::new(name))
            }
            Self::Name(name) => seed.deserialize(value::StrDeserializer::new(&name)),
            Self::Index(index) => seed.deserialize(index.into_deserializer()),
        }
    }
}

struct Tagged<'c, 't, 'de> {
    tag: Tag<'t, 'de>,
    cell: Cell<'c, 't, 'de>,
}

impl<'c, 't, 'de> EnumAccess<'de> for Tagged<'c, 't, 'de> {
    type Error = DecodeError;
    type Variant = Payload<'c, 't, 'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant)> {
        Ok((self.tag.read(seed)?, Payload(self.cell)))
    }
}

struct Payload<'c, 't, 'de>(Cell<'c, 't, 'de>);

impl<'de> VariantAccess<'de> for Payload<'_, '_, 'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<()> {
        let sent = self.0.lex.value()?;
        match &*sent {
            "null" | "[]" | "{}" => Ok(()),
            sent => Err(DecodeError::cell(
                &"a variant without a value",
                sent,
                "the variant has a value: give the Rust variant a field",
            )),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        seed.deserialize(self.0)
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

struct OneEntry<'c, 't, 'de> {
    tag: Option<Tag<'t, 'de>>,
    lex: &'c mut Lexer<'t, 'de>,
    declared: &'c ColumnType,
    read: bool,
}

impl<'de> MapAccess<'de> for OneEntry<'_, '_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        match self.tag.take() {
            // The keys of a map are text, as in every other map without a declared key type.
            Some(Tag::Index(index)) => {
                let index = index.to_string();
                seed.deserialize(value::StringDeserializer::new(index))
                    .map(Some)
            }
            Some(tag) => tag.read(seed).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        self.read = true;
        seed.deserialize(Cell::new(self.lex, self.declared))
    }
}
