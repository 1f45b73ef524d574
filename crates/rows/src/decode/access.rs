//! Lists and objects, one element after the other.

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, value};

use crate::{
    decode::{cell::Cell, nested::close},
    error::{DecodeError, Result},
    field::Form,
    json::lexer::{Lexer, Text},
    types::{ColumnType, Encoding, LogicalType, TEXT, UNRECOGNIZED},
};

/// The types of the elements of a list.
pub(crate) enum Types<'c> {
    All(&'c ColumnType),
    Tuple(&'c [ColumnType]),
    Each(&'c [&'c ColumnType]),
    Members(&'c [(Box<str>, ColumnType)]),
}

impl<'c> Types<'c> {
    #[inline]
    fn at(&self, index: usize) -> &'c ColumnType {
        match self {
            Self::All(declared) => declared,
            Self::Tuple(members) => members.get(index).unwrap_or(&UNRECOGNIZED),
            Self::Each(types) => types.get(index).copied().unwrap_or(&UNRECOGNIZED),
            Self::Members(members) => members
                .get(index)
                .map_or(&UNRECOGNIZED, |(_, declared)| declared),
        }
    }
}

pub(crate) struct Elements<'c, 't, 'de> {
    pub(crate) lex: &'c mut Lexer<'t, 'de>,
    pub(crate) types: Types<'c>,
    pub(crate) index: usize,
    pub(crate) done: bool,
    pub(crate) form: Form,
}

impl<'de> SeqAccess<'de> for Elements<'_, '_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        let mut first = self.index == 0;
        if self.done || !self.lex.next_item(&mut first, b']')? {
            self.done = true;
            return Ok(None);
        }
        let declared = self.types.at(self.index);
        self.index += 1;
        let cell = Cell {
            form: self.form,
            ..Cell::new(&mut *self.lex, declared)
        };
        seed.deserialize(cell).map(Some)
    }
}

/// The members of an object, each with the type that the declared type gives its name.
pub(crate) struct Members<'c, 't, 'de> {
    pub(crate) lex: &'c mut Lexer<'t, 'de>,
    pub(crate) declared: &'c ColumnType,
    pub(crate) value: &'c ColumnType,
    pub(crate) first: bool,
    pub(crate) done: bool,
}

impl<'de> MapAccess<'de> for Members<'_, '_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.done || !self.lex.next_item(&mut self.first, b'}')? {
            self.done = true;
            return Ok(None);
        }
        let key = match &self.declared.logical {
            LogicalType::Struct(members) => {
                self.lex.peek()?;
                let start = self.lex.position();
                let quoted = self.lex.quoted()?;
                let name = self.lex.text(quoted)?;
                let member = members.iter().find(|(member, _)| **member == *name);
                self.value = member.map_or(&UNRECOGNIZED, |(_, declared)| declared);
                self.lex.go_to(start);
                &TEXT
            }
            LogicalType::Map(map) if self.declared.encoding != Encoding::Pairs => {
                self.value = map.value();
                map.key()
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
pub(crate) struct Pairs<'c, 't, 'de> {
    pub(crate) lex: &'c mut Lexer<'t, 'de>,
    pub(crate) key: &'c ColumnType,
    pub(crate) value: &'c ColumnType,
    pub(crate) first: bool,
    pub(crate) done: bool,
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
pub(crate) struct Entries<'c, 't, 'de> {
    pub(crate) lex: &'c mut Lexer<'t, 'de>,
    pub(crate) key: &'c ColumnType,
    pub(crate) value: &'c ColumnType,
    pub(crate) first: bool,
    pub(crate) done: bool,
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
    key: &'c ColumnType,
    value: &'c ColumnType,
    index: u8,
}

impl<'de> SeqAccess<'de> for Entry<'_, '_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        self.index += 1;
        let declared = match self.index {
            1 => self.key,
            2 => {
                self.lex.expect(b':')?;
                self.value
            }
            _ => return Ok(None),
        };
        seed.deserialize(Cell::new(self.lex, declared)).map(Some)
    }
}

/// The members of a row that was sent as a list, with the names of its declared type.
pub(crate) struct Named<'c, 't, 'de> {
    pub(crate) lex: &'c mut Lexer<'t, 'de>,
    pub(crate) members: std::slice::Iter<'c, (Box<str>, ColumnType)>,
    pub(crate) value: Option<&'c ColumnType>,
    pub(crate) first: bool,
}

impl<'de> MapAccess<'de> for Named<'_, '_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        let Some((name, declared)) = self.members.next() else {
            return Ok(None);
        };
        if !self.lex.next_item(&mut self.first, b']')? {
            return Err(DecodeError::new(format!(
                "the list ends before the member `{name}` of its type"
            )));
        }
        self.value = Some(declared);
        seed.deserialize(value::StrDeserializer::new(name))
            .map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        seed.deserialize(Cell::new(self.lex, self.value.unwrap_or(&UNRECOGNIZED)))
    }
}

/// The members of an object in the order of its declared type. Yandex Query sends them in any
/// order.
///
/// Undeclared members come last, in the order in which they were sent.
pub(crate) struct Ordered<'c, 't, 'de> {
    lex: Lexer<'t, 'de>,
    members: &'c [(Box<str>, ColumnType)],
    starts: Vec<Option<usize>>,
    undeclared: Vec<(Text<'t, 'de>, usize)>,
    pub(crate) next: usize,
}

impl<'c, 't, 'de> Ordered<'c, 't, 'de> {
    pub(crate) fn new(
        lex: &mut Lexer<'t, 'de>,
        members: &'c [(Box<str>, ColumnType)],
    ) -> Result<Self> {
        let mut starts = vec![None; members.len()];
        let mut undeclared = Vec::<(Text<'t, 'de>, usize)>::new();
        let mut first = true;
        lex.open(b'{')?;
        while lex.next_item(&mut first, b'}')? {
            let quoted = lex.quoted()?;
            let name = lex.text(quoted)?;
            lex.expect(b':')?;
            let start = lex.position();
            let known = members.iter().position(|(member, _)| **member == *name);
            let is_repeated = match known {
                Some(index) => starts[index].replace(start).is_some(),
                None => undeclared.iter().any(|(other, _)| **other == *name),
            };
            if is_repeated {
                return Err(DecodeError::new(format!(
                    "the value holds the member `{}` twice",
                    &*name
                )));
            }
            if known.is_none() {
                undeclared.push((name, start));
            }
            lex.skip()?;
        }
        let mut lex = lex.clone();
        lex.sink()?;
        Ok(Self {
            lex,
            members,
            starts,
            undeclared,
            next: 0,
        })
    }

    /// Fails if the value has an undeclared member, which has no position.
    pub(crate) fn without_undeclared(self) -> Result<Self> {
        match self.undeclared.first() {
            None => Ok(self),
            Some((name, _)) => Err(DecodeError::new(format!(
                "the value holds a member `{}` that its type does not have",
                &**name
            ))),
        }
    }

    fn read<S: DeserializeSeed<'de>>(&mut self, index: usize, seed: S) -> Result<S::Value> {
        let (name, declared) = &self.members[index];
        match self.starts[index] {
            Some(start) => {
                self.lex.go_to(start);
                seed.deserialize(Cell::new(&mut self.lex, declared))
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
        let undeclared = self.next - self.members.len().min(self.next);
        let name = match self.members.get(self.next) {
            Some((name, _)) => &**name,
            None => match self.undeclared.get(undeclared) {
                Some((name, _)) => name,
                None => return Ok(None),
            },
        };
        seed.deserialize(value::StrDeserializer::new(name))
            .map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        self.next += 1;
        let index = self.next - 1;
        match index.checked_sub(self.members.len()) {
            None => self.read(index, seed),
            Some(undeclared) => {
                let start = self
                    .undeclared
                    .get(undeclared)
                    .map_or(0, |(_, start)| *start);
                self.lex.go_to(start);
                seed.deserialize(Cell::new(&mut self.lex, &UNRECOGNIZED))
            }
        }
    }
}
