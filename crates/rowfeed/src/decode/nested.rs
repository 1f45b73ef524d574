//! Lists, objects and what YQL writes as lists.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor, value};

use super::{
    bytes,
    cell::Cell,
    enums::Alternatives,
    error::{DecodeError, Result},
    kind::{Kind, OTHER, TEXT},
    lexer::{Lexer, Text},
};

const NOT_JSON: &str = "the text is not a JSON list or object: change the field's type";

/// Reads a list, a tuple, or anything that can be one.
pub(super) fn seq<'de, V: Visitor<'de>>(cell: Cell<'_, '_, 'de>, visitor: V) -> Result<V::Value> {
    let start = cell.lex.position();
    match cell.lex.peek()? {
        b'[' => {
            if let Some(alternatives) = Alternatives::of(cell.kind) {
                let kinds = alternatives.pair(cell.lex)?;
                return elements(cell, Kinds::Each(&[&TEXT, kinds]), visitor);
            }
            let kinds = match cell.kind {
                Kind::List(element) | Kind::Dict(element) => Kinds::All(element),
                Kind::Tuple(kinds) => Kinds::Tuple(kinds),
                Kind::Struct(members) => Kinds::Members(members),
                kind => Kinds::All(kind.inner()),
            };
            elements(cell, kinds, visitor)
        }
        b'{' => match cell.kind {
            Kind::Struct(members) => in_type_order(cell, members, visitor),
            Kind::Map(entry) => {
                cell.lex.open(b'{')?;
                let mut pairs = Entries {
                    lex: &mut *cell.lex,
                    key: &entry.0,
                    value: &entry.1,
                    first: true,
                    done: false,
                };
                let out = visitor.visit_seq(&mut pairs)?;
                let done = pairs.done;
                close(cell.lex, done, b'}')?;
                Ok(out)
            }
            _ => {
                let advice = "an object has no positions: ask for a struct or a map";
                Err(cell.unfit(start, &visitor, advice))
            }
        },
        b'"' => {
            let quoted = cell.lex.quoted()?;
            let text = cell.lex.text(quoted)?;
            match bytes::decode(&text, cell.kind) {
                Ok(Some(bytes)) => {
                    let mut bytes = bytes.into_iter();
                    let mut list = value::SeqDeserializer::new(&mut bytes);
                    let out = visitor.visit_seq(&mut list)?;
                    list.end()?;
                    Ok(out)
                }
                Ok(None) if is_json(&text) => {
                    inside(&text, cell.lex, |inner| inner.deserialize_seq(visitor))
                }
                Ok(None) => Err(cell.unfit(start, &visitor, NOT_JSON)),
                Err(advice) => Err(cell.unfit(start, &visitor, advice)),
            }
        }
        _ => Err(cell.unfit(start, &visitor, "this is not a list: change the field's type")),
    }
}

/// Reads an object, a Dict, or anything that can be one.
pub(super) fn map<'de, V: Visitor<'de>>(
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
                kind: cell.kind,
                value: cell.kind.inner(),
                first: true,
                done: false,
            };
            let out = visitor.visit_map(&mut members)?;
            let done = members.done;
            close(cell.lex, done, b'}')?;
            Ok(out)
        }
        b'[' => match cell.kind {
            Kind::Dict(pair) => {
                let Kind::Tuple(pair) = &**pair else {
                    return Err(cell.unfit(start, &visitor, advice));
                };
                cell.lex.open(b'[')?;
                let mut pairs = Pairs {
                    lex: &mut *cell.lex,
                    key: pair.first().unwrap_or(&OTHER),
                    value: pair.get(1).unwrap_or(&OTHER),
                    first: true,
                    done: false,
                };
                let out = visitor.visit_map(&mut pairs)?;
                let done = pairs.done;
                close(cell.lex, done, b']')?;
                Ok(out)
            }
            Kind::Struct(members) if !is_struct => {
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
            kind if Alternatives::of(kind).is_some() => super::enums::as_map(cell, visitor),
            _ if is_struct => seq(cell, visitor),
            _ => Err(cell.unfit(start, &visitor, advice)),
        },
        b'"' => {
            let quoted = cell.lex.quoted()?;
            let text = cell.lex.text(quoted)?;
            let text = match (cell.kind, bytes::decode(&text, cell.kind)) {
                (Kind::Base64 | Kind::Hex, Ok(Some(bytes))) => match String::from_utf8(bytes) {
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

/// Reads the JSON that a text cell holds.
pub(super) fn inside<'de, T>(
    text: &Text<'_, 'de>,
    outer: &Lexer<'_, 'de>,
    read: impl FnOnce(Cell<'_, '_, 'de>) -> Result<T>,
) -> Result<T> {
    // One level deeper, so that JSON in JSON in JSON has an end.
    let mut lex = Lexer::inside(text, outer.depth().saturating_add(1));
    let out = read(Cell::new(&mut lex, &OTHER))?;
    lex.finish()?;
    Ok(out)
}

pub(super) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[', '"'])
}

fn close(lex: &mut Lexer<'_, '_>, done: bool, bracket: u8) -> Result<()> {
    if !done && lex.next_item(&mut true, bracket)? {
        return Err(DecodeError::new(
            "there are more elements than the type has room for",
        ));
    }
    Ok(())
}

/// The kinds of the elements of a list.
enum Kinds<'c> {
    All(&'c Kind),
    Tuple(&'c [Kind]),
    Each(&'c [&'c Kind]),
    Members(&'c [(Box<str>, Kind)]),
}

impl<'c> Kinds<'c> {
    #[inline]
    fn at(&self, index: usize) -> &'c Kind {
        match self {
            Self::All(kind) => kind,
            Self::Tuple(kinds) => kinds.get(index).unwrap_or(&OTHER),
            Self::Each(kinds) => kinds.get(index).copied().unwrap_or(&OTHER),
            Self::Members(members) => members.get(index).map_or(&OTHER, |(_, kind)| kind),
        }
    }
}

fn elements<'de, V: Visitor<'de>>(
    cell: Cell<'_, '_, 'de>,
    kinds: Kinds<'_>,
    visitor: V,
) -> Result<V::Value> {
    cell.lex.open(b'[')?;
    let mut elements = Elements {
        lex: &mut *cell.lex,
        kinds,
        index: 0,
        done: false,
        form: cell.form,
    };
    let out = visitor.visit_seq(&mut elements)?;
    let done = elements.done;
    close(cell.lex, done, b']')?;
    Ok(out)
}

struct Elements<'c, 't, 'de> {
    lex: &'c mut Lexer<'t, 'de>,
    kinds: Kinds<'c>,
    index: usize,
    done: bool,
    form: super::helper::Form,
}

impl<'de> SeqAccess<'de> for Elements<'_, '_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        let mut first = self.index == 0;
        if self.done || !self.lex.next_item(&mut first, b']')? {
            self.done = true;
            return Ok(None);
        }
        let kind = self.kinds.at(self.index);
        self.index += 1;
        let cell = Cell {
            lex: &mut *self.lex,
            kind,
            form: self.form,
        };
        seed.deserialize(cell).map(Some)
    }
}

/// The members of an object, each with the kind that its name has in the type.
struct Members<'c, 't, 'de> {
    lex: &'c mut Lexer<'t, 'de>,
    kind: &'c Kind,
    value: &'c Kind,
    first: bool,
    done: bool,
}

impl<'de> MapAccess<'de> for Members<'_, '_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.done || !self.lex.next_item(&mut self.first, b'}')? {
            self.done = true;
            return Ok(None);
        }
        let key = match self.kind {
            Kind::Struct(members) => {
                self.lex.peek()?;
                let start = self.lex.position();
                let quoted = self.lex.quoted()?;
                let name = self.lex.text(quoted)?;
                let member = members.iter().find(|(member, _)| **member == *name);
                self.value = member.map_or(&OTHER, |(_, kind)| kind);
                self.lex.go_to(start);
                &TEXT
            }
            Kind::Map(entry) => {
                self.value = &entry.1;
                &entry.0
            }
            _ => &TEXT,
        };
        if self.lex.peek()? != b'"' {
            return Err(self.lex.broken("expected a name"));
        }
        seed.deserialize(Cell::new(self.lex, key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        self.lex.expect(b':')?;
        seed.deserialize(Cell::new(self.lex, self.value))
    }
}

/// The pairs of a Dict, `[[key, value], …]`, as a map.
struct Pairs<'c, 't, 'de> {
    lex: &'c mut Lexer<'t, 'de>,
    key: &'c Kind,
    value: &'c Kind,
    first: bool,
    done: bool,
}

impl<'de> MapAccess<'de> for Pairs<'_, '_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.done || !self.lex.next_item(&mut self.first, b']')? {
            self.done = true;
            return Ok(None);
        }
        self.lex.open(b'[')?;
        seed.deserialize(Cell::new(self.lex, self.key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        self.lex.expect(b',')?;
        let value = seed.deserialize(Cell::new(self.lex, self.value))?;
        close(self.lex, false, b']')?;
        Ok(value)
    }
}

/// The entries of an object as a list of pairs.
struct Entries<'c, 't, 'de> {
    lex: &'c mut Lexer<'t, 'de>,
    key: &'c Kind,
    value: &'c Kind,
    first: bool,
    done: bool,
}

impl<'de> SeqAccess<'de> for Entries<'_, '_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.done || !self.lex.next_item(&mut self.first, b'}')? {
            self.done = true;
            return Ok(None);
        }
        let entry = Entry {
            lex: &mut *self.lex,
            key: self.key,
            value: self.value,
            index: 0,
        };
        seed.deserialize(value::SeqAccessDeserializer::new(entry))
            .map(Some)
    }
}

struct Entry<'c, 't, 'de> {
    lex: &'c mut Lexer<'t, 'de>,
    key: &'c Kind,
    value: &'c Kind,
    index: u8,
}

impl<'de> SeqAccess<'de> for Entry<'_, '_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        self.index += 1;
        let kind = match self.index {
            1 => self.key,
            2 => {
                self.lex.expect(b':')?;
                self.value
            }
            _ => return Ok(None),
        };
        seed.deserialize(Cell::new(self.lex, kind)).map(Some)
    }
}

/// The members of a row that was sent as a list, with the names that its type gives them.
struct Named<'c, 't, 'de> {
    lex: &'c mut Lexer<'t, 'de>,
    members: std::slice::Iter<'c, (Box<str>, Kind)>,
    value: Option<&'c Kind>,
    first: bool,
}

impl<'de> MapAccess<'de> for Named<'_, '_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        let Some((name, kind)) = self.members.next() else {
            return Ok(None);
        };
        if !self.lex.next_item(&mut self.first, b']')? {
            return Err(DecodeError::new(format!(
                "the list ends before the member `{name}` of its type"
            )));
        }
        self.value = Some(kind);
        seed.deserialize(value::StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        seed.deserialize(Cell::new(self.lex, self.value.unwrap_or(&OTHER)))
    }
}

/// Where the members of an object are, in the order of its type: Yandex Query sends them in any.
pub(super) struct Ordered<'c, 't, 'de> {
    lex: Lexer<'t, 'de>,
    members: &'c [(Box<str>, Kind)],
    starts: Vec<Option<usize>>,
    next: usize,
}

impl<'c, 't, 'de> Ordered<'c, 't, 'de> {
    pub(super) fn new(lex: &mut Lexer<'t, 'de>, members: &'c [(Box<str>, Kind)]) -> Result<Self> {
        let mut starts = vec![None; members.len()];
        let mut first = true;
        lex.open(b'{')?;
        while lex.next_item(&mut first, b'}')? {
            let quoted = lex.quoted()?;
            let name = lex.text(quoted)?;
            lex.expect(b':')?;
            if let Some(index) = members.iter().position(|(member, _)| **member == *name) {
                starts[index] = Some(lex.position());
            }
            lex.skip()?;
        }
        let mut lex = lex.clone();
        lex.sink()?;
        Ok(Self {
            lex,
            members,
            starts,
            next: 0,
        })
    }

    fn read<S: DeserializeSeed<'de>>(&mut self, index: usize, seed: S) -> Result<S::Value> {
        let (name, kind) = &self.members[index];
        match self.starts[index] {
            Some(start) => {
                self.lex.go_to(start);
                seed.deserialize(Cell::new(&mut self.lex, kind))
            }
            None => Err(DecodeError::new(format!(
                "the value lacks the member `{name}` of its type"
            ))),
        }
    }
}

impl<'de> SeqAccess<'de> for Ordered<'_, '_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.next == self.members.len() {
            return Ok(None);
        }
        self.next += 1;
        self.read(self.next - 1, seed).map(Some)
    }
}

impl<'de> MapAccess<'de> for Ordered<'_, '_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        while self.next < self.members.len() && self.starts[self.next].is_none() {
            self.next += 1;
        }
        let Some((name, _)) = self.members.get(self.next) else {
            return Ok(None);
        };
        seed.deserialize(value::StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        self.next += 1;
        self.read(self.next - 1, seed)
    }
}

fn in_type_order<'de, V: Visitor<'de>>(
    cell: Cell<'_, '_, 'de>,
    members: &[(Box<str>, Kind)],
    visitor: V,
) -> Result<V::Value> {
    let mut ordered = Ordered::new(cell.lex, members)?;
    let out = visitor.visit_seq(&mut ordered)?;
    if ordered.next < members.len() {
        close_early(members.len())?;
    }
    Ok(out)
}

/// Reads an object as a map, its members in the order of their type.
pub(super) fn in_type_order_by_name<'de, V: Visitor<'de>>(
    cell: Cell<'_, '_, 'de>,
    visitor: V,
) -> Result<V::Value> {
    match cell.kind {
        Kind::Struct(members) if cell.lex.peek()? == b'{' => {
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
