//! Cells as lists, tuples, maps and structs.

use serde::de::{Deserializer, Visitor, value};

use crate::{
    decode::{
        access::{Elements, Entries, Members, Named, Ordered, Pairs, Types},
        bytes,
        cell::Cell,
        enums::Alternatives,
    },
    error::{DecodeError, Result},
    json::lexer::{Lexer, Text},
    types::{ColumnType, Encoding, LogicalType, TEXT, UNRECOGNIZED},
};

const NOT_JSON: &str = "the text is not a JSON list or object: change the field's type";

/// Reads a list, a tuple, or another value that can become one.
pub(crate) fn seq<'de, V: Visitor<'de>>(cell: Cell<'_, '_, 'de>, visitor: V) -> Result<V::Value> {
    let start = cell.lex.position();
    match cell.lex.peek()? {
        b'[' => {
            if let Some(alternatives) = Alternatives::of(cell.declared) {
                let value = alternatives.pair(cell.lex)?;
                return elements(cell, Types::Each(&[&TEXT, value]), visitor);
            }
            let types = match &cell.declared.logical {
                LogicalType::List(element) => Types::All(element),
                LogicalType::Map(map) if cell.declared.encoding == Encoding::Pairs => {
                    Types::All(map.entry())
                }
                LogicalType::Tuple(members) => Types::Tuple(members),
                LogicalType::Struct(members) => Types::Members(members),
                _ => Types::All(cell.declared.inner()),
            };
            elements(cell, types, visitor)
        }
        b'{' => match &cell.declared.logical {
            LogicalType::Struct(members) => in_type_order(cell, members, visitor),
            LogicalType::Map(map) if cell.declared.encoding != Encoding::Pairs => {
                cell.lex.open(b'{')?;
                let mut pairs = Entries {
                    lex: &mut *cell.lex,
                    key: map.key(),
                    value: map.value(),
                    first: true,
                    done: false,
                };
                let out = visitor.visit_seq(&mut pairs)?;
                let done = pairs.done;
                close(cell.lex, done, b'}')?;
                Ok(out)
            }
            _ => {
                cell.lex.skip()?;
                match bytes::buffer(cell.lex.sent(start), cell.declared) {
                    Some(bytes) => visit_bytes(bytes, visitor),
                    None => {
                        let advice = "an object has no positions: use a struct or a map";
                        Err(cell.unfit(start, &visitor, advice))
                    }
                }
            }
        },
        b'"' => {
            let quoted = cell.lex.quoted()?;
            let text = cell.lex.text(quoted)?;
            match bytes::decode(&text, cell.declared) {
                Ok(Some(bytes)) => visit_bytes(bytes, visitor),
                Ok(None) if is_json(&text) => {
                    inside(&text, cell.lex, |inner| inner.deserialize_seq(visitor))
                }
                Ok(None) => Err(cell.unfit(start, &visitor, NOT_JSON)),
                Err(advice) => Err(cell.unfit(start, &visitor, advice)),
            }
        }
        _ => Err(cell.unfit(
            start,
            &visitor,
            "this is not a list: change the field's type",
        )),
    }
}

fn visit_bytes<'de, V: Visitor<'de>>(bytes: Vec<u8>, visitor: V) -> Result<V::Value> {
    let mut bytes = bytes.into_iter();
    let mut list = value::SeqDeserializer::new(&mut bytes);
    let out = visitor.visit_seq(&mut list)?;
    list.end()?;
    Ok(out)
}

/// Reads an object, a Dict, or another value that can become one.
pub(crate) fn map<'de, V: Visitor<'de>>(
    cell: Cell<'_, '_, 'de>,
    visitor: V,
    is_struct: bool,
) -> Result<V::Value> {
    let start = cell.lex.position();
    let advice = "this is not an object: change the field's type";
    match cell.lex.peek()? {
        b'{' => {
            cell.lex.open(b'{')?;
            let mut members = Members {
                lex: &mut *cell.lex,
                declared: cell.declared,
                value: cell.declared.inner(),
                first: true,
                done: false,
            };
            let out = visitor.visit_map(&mut members)?;
            let done = members.done;
            close(cell.lex, done, b'}')?;
            Ok(out)
        }
        b'[' => match &cell.declared.logical {
            LogicalType::Map(map) if cell.declared.encoding == Encoding::Pairs => {
                cell.lex.open(b'[')?;
                let mut pairs = Pairs {
                    lex: &mut *cell.lex,
                    key: map.key(),
                    value: map.value(),
                    first: true,
                    done: false,
                };
                let out = visitor.visit_map(&mut pairs)?;
                let done = pairs.done;
                close(cell.lex, done, b']')?;
                Ok(out)
            }
            LogicalType::Struct(members) if !is_struct => {
                cell.lex.open(b'[')?;
                let mut named = Named {
                    lex: &mut *cell.lex,
                    members: members.iter(),
                    value: None,
                    first: true,
                };
                let out = visitor.visit_map(&mut named)?;
                close(cell.lex, false, b']')?;
                Ok(out)
            }
            _ if Alternatives::of(cell.declared).is_some() => {
                crate::decode::enums::as_map(cell, visitor)
            }
            _ if is_struct => seq(cell, visitor),
            _ => Err(cell.unfit(start, &visitor, advice)),
        },
        b'"' => {
            let quoted = cell.lex.quoted()?;
            let text = cell.lex.text(quoted)?;
            let text = match (
                cell.declared.is_bytes(),
                bytes::decode(&text, cell.declared),
            ) {
                (true, Ok(Some(bytes))) => match String::from_utf8(bytes) {
                    Ok(text) => Text::Owned(text),
                    Err(_) => {
                        return Err(cell.unfit(start, &visitor, "the bytes are not JSON"));
                    }
                },
                (_, Err(advice)) => return Err(cell.unfit(start, &visitor, advice)),
                _ => text,
            };
            if !is_json(&text) {
                return Err(cell.unfit(start, &visitor, NOT_JSON));
            }
            inside(&text, cell.lex, |inner| match is_struct {
                true => inner.deserialize_struct("", &[], visitor),
                false => inner.deserialize_map(visitor),
            })
        }
        _ => Err(cell.unfit(start, &visitor, advice)),
    }
}

/// Reads the JSON in a text cell.
pub(crate) fn inside<'de, T>(
    text: &Text<'_, 'de>,
    outer: &Lexer<'_, 'de>,
    read: impl FnOnce(Cell<'_, '_, 'de>) -> Result<T>,
) -> Result<T> {
    // One level deeper, to limit the nesting of JSON in JSON in JSON.
    let mut lex = Lexer::inside(text, outer.depth().saturating_add(1));
    let out = read(Cell::new(&mut lex, &UNRECOGNIZED))?;
    lex.finish()?;
    Ok(out)
}

pub(crate) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[', '"'])
}

fn elements<'de, V: Visitor<'de>>(
    cell: Cell<'_, '_, 'de>,
    types: Types<'_>,
    visitor: V,
) -> Result<V::Value> {
    cell.lex.open(b'[')?;
    let mut elements = Elements {
        lex: &mut *cell.lex,
        types,
        index: 0,
        done: false,
        form: cell.form,
    };
    let out = visitor.visit_seq(&mut elements)?;
    let done = elements.done;
    close(cell.lex, done, b']')?;
    Ok(out)
}

fn in_type_order<'de, V: Visitor<'de>>(
    cell: Cell<'_, '_, 'de>,
    members: &[(Box<str>, ColumnType)],
    visitor: V,
) -> Result<V::Value> {
    let mut ordered = Ordered::new(cell.lex, members)?.without_undeclared()?;
    let out = visitor.visit_seq(&mut ordered)?;
    if ordered.next < members.len() {
        close_early(members.len())?;
    }
    Ok(out)
}

/// Reads an object as a map, with its members in declared order.
pub(crate) fn in_type_order_by_name<'de, V: Visitor<'de>>(
    cell: Cell<'_, '_, 'de>,
    visitor: V,
) -> Result<V::Value> {
    match &cell.declared.logical {
        LogicalType::Struct(members) if cell.lex.peek()? == b'{' => {
            visitor.visit_map(Ordered::new(cell.lex, members)?)
        }
        _ => cell.deserialize_map(visitor),
    }
}

fn close_early(members: usize) -> Result<()> {
    Err(DecodeError::new(format!(
        "the value has {members} members, more than the type has room for"
    )))
}

pub(crate) fn close(lex: &mut Lexer<'_, '_>, done: bool, bracket: u8) -> Result<()> {
    if !done && lex.next_item(&mut true, bracket)? {
        return Err(DecodeError::new(
            "there are more elements than the type has room for",
        ));
    }
    Ok(())
}
