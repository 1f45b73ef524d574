//! Rows that are objects: Dune's, and Lightdash's.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor, value};

use super::{
    cell::Cell,
    columns::{Cells, Column, Columns, Shape},
    error::{DecodeError, Result},
    helper::Form,
    kind::UNKNOWN,
    lexer::{Lexer, Text},
    lightdash,
    row,
    single::one_cell,
    value::{self as any_value},
};

/// What the rows of a page have in common, kept from one to the next.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Which column stood at which place in the last row.
    order: Vec<usize>,
    /// Where the cell of each column starts in this row; 0 for none.
    starts: Vec<usize>,
}

const NO_COLUMN: usize = usize::MAX;

/// A row that has not been read yet.
pub(super) struct ObjectRow<'r, 'de> {
    lex: &'r mut Lexer<'de, 'de>,
    columns: &'de Columns,
    cells: Option<Cells>,
    memory: &'r mut Memory,
}

/// A key: one of the columns, or something else.
enum Key<'de> {
    Column(usize),
    Unknown(Text<'de, 'de>),
}

impl<'r, 'de> ObjectRow<'r, 'de> {
    pub(super) fn new(
        lex: &'r mut Lexer<'de, 'de>,
        columns: &'de Columns,
        shape: Shape,
        memory: &'r mut Memory,
    ) -> Self {
        let cells = match shape {
            Shape::Cells(cells) => Some(cells),
            Shape::Object | Shape::List => None,
        };
        Self {
            lex,
            columns,
            cells,
            memory,
        }
    }

    /// Takes a key. Rows tend to have the same keys in the same places, so the place in the last
    /// row is tried first.
    #[inline]
    fn key(&mut self, place: usize) -> Result<Key<'de>> {
        let byte = self.lex.peek()?;
        if let Some(&index) = self.memory.order.get(place)
            && let Some(column) = self.columns.slice().get(index)
            && self.lex.quoted_is(column.name())
        {
            self.lex.expect(b':')?;
            return Ok(Key::Column(index));
        }
        if byte != b'"' {
            return Err(self.lex.broken("expected the name of a column"));
        }
        let quoted = self.lex.quoted()?;
        let name = self.lex.text(quoted)?;
        self.lex.expect(b':')?;
        let index = self.columns.position(&name);
        if place < self.columns.len() {
            if self.memory.order.len() <= place {
                self.memory.order.resize(place + 1, NO_COLUMN);
            }
            self.memory.order[place] = index.unwrap_or(NO_COLUMN);
        }
        Ok(index.map_or(Key::Unknown(name), Key::Column))
    }

    #[inline]
    fn cell<T>(
        &mut self,
        key: &Key<'de>,
        read: impl FnOnce(Cell<'_, '_, 'de>) -> Result<T>,
    ) -> Result<T> {
        let column = match key {
            Key::Column(index) => self.columns.slice().get(*index),
            Key::Unknown(_) => None,
        };
        let kind = column.map_or(&UNKNOWN, |column| &column.kind);
        let start = self.lex.position();
        let out = match self.cells {
            None => read(Cell::new(self.lex, kind)),
            Some(cells) => lightdash::read(self.lex, kind, cells, read),
        };
        match out {
            Ok(out) => Ok(out),
            Err(error) => Err(self.misfit(error, key, start)),
        }
    }

    #[cold]
    fn misfit(&self, error: DecodeError, key: &Key<'de>, start: usize) -> DecodeError {
        let sent = self.lex.sent(start);
        match key {
            Key::Column(index) => {
                let column = &self.columns.slice()[*index];
                error.at_column(column.name(), column.type_name(), sent, false)
            }
            Key::Unknown(name) => error.at_column(name, None, sent, false),
        }
    }

    /// Finds the cell of every column, and the cells that belong to none.
    fn locate(&mut self) -> Result<Vec<(Text<'de, 'de>, usize)>> {
        self.memory.starts.clear();
        self.memory.starts.resize(self.columns.len(), 0);
        let mut others = Vec::new();
        let mut first = true;
        let mut place = 0;
        self.lex.open(b'{')?;
        while self.lex.next_item(&mut first, b'}')? {
            let key = self.key(place)?;
            place += 1;
            let start = self.lex.position();
            match key {
                Key::Column(index) if self.memory.starts[index] == 0 => {
                    self.memory.starts[index] = start;
                }
                Key::Column(index) => {
                    let name = self.columns.slice()[index].name();
                    return Err(DecodeError::new(format!(
                        "the row holds the column `{name}` twice: rename one in the query"
                    )));
                }
                Key::Unknown(name) => others.push((name, start)),
            }
            self.lex.skip()?;
        }
        Ok(others)
    }

    fn positions<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        if let Some((name, _)) = self.locate()?.first() {
            return Err(DecodeError::new(format!(
                "the result does not declare the column `{}`, so it has no position: ask for a \
                 struct, a map or a `Row`",
                &**name
            )));
        }
        let end = self.lex.position();
        let len = self.columns.len();
        let mut cells = Positions { row: self, next: 0 };
        let out = visitor.visit_seq(&mut cells)?;
        if cells.next < len {
            return Err(DecodeError::new(format!(
                "the result has {len} columns, more than the type has positions"
            )));
        }
        cells.row.lex.go_to(end);
        Ok(out)
    }

    fn in_column_order<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let others = self.locate()?;
        let end = self.lex.position();
        let mut cells = InOrder {
            row: self,
            others: others.into_iter(),
            next: 0,
            value: None,
        };
        let out = visitor.visit_map(&mut cells)?;
        cells.row.lex.go_to(end);
        Ok(out)
    }

    /// Whether this is a row of one column that is NULL.
    fn is_single_null(&mut self) -> bool {
        if self.columns.len() != 1 {
            return false;
        }
        let before = self.lex.position();
        let null = self.only(|cell| {
            let null = cell.lex.peek()? == b'n';
            cell.lex.skip()?;
            Ok(null)
        });
        self.lex.go_to(before);
        null.unwrap_or(false)
    }

    /// Reads the only cell of a row of one column.
    fn only<T>(&mut self, read: impl FnOnce(Cell<'_, '_, 'de>) -> Result<T>) -> Result<T> {
        let mut first = true;
        let depth = self.lex.depth();
        self.lex.open(b'{')?;
        if self.columns.len() > 1 || !self.lex.next_item(&mut first, b'}')? {
            return Err(row::not_single(self.columns.len()));
        }
        let key = self.key(0)?;
        let out = self.cell(&key, read)?;
        if self.lex.next_item(&mut first, b'}')? {
            return Err(row::not_single(2));
        }
        self.lex.rise_to(depth);
        Ok(out)
    }
}

impl<'de> Deserializer<'de> for ObjectRow<'_, 'de> {
    type Error = DecodeError;

    one_cell!();

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_map(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        if self.is_single_null() {
            self.lex.skip()?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        match name {
            row::HOOK if self.columns.is_empty() => self.deserialize_map(visitor),
            row::HOOK => self.in_column_order(visitor),
            any_value::HOOK => any_value::visit_row(self, visitor),
            _ => match Form::named(name) {
                Some(_) => self.deserialize_any(visitor),
                None => visitor.visit_newtype_struct(self),
            },
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.positions(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.lex.open(b'{')?;
        let mut members = Members {
            row: self,
            key: None,
            place: 0,
            first: true,
            done: false,
        };
        let out = visitor.visit_map(&mut members)?;
        if !members.done && members.row.lex.next_item(&mut true, b'}')? {
            return Err(DecodeError::new("the type did not read the whole row"));
        }
        Ok(out)
    }
}

/// The cells in the order in which they were sent.
struct Members<'r, 'de> {
    row: ObjectRow<'r, 'de>,
    key: Option<Key<'de>>,
    place: usize,
    first: bool,
    done: bool,
}

impl<'de> MapAccess<'de> for Members<'_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.done || !self.row.lex.next_item(&mut self.first, b'}')? {
            self.done = true;
            return Ok(None);
        }
        let key = self.row.key(self.place)?;
        self.place += 1;
        let out = match &key {
            Key::Column(index) => {
                let name = self.row.columns.slice()[*index].name();
                seed.deserialize(value::BorrowedStrDeserializer::new(name))
            }
            Key::Unknown(Text::Lent(name)) => {
                seed.deserialize(value::BorrowedStrDeserializer::new(name))
            }
            Key::Unknown(name) => seed.deserialize(value::StrDeserializer::new(name)),
        }?;
        self.key = Some(key);
        Ok(Some(out))
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        let Some(key) = self.key.take() else {
            return Err(DecodeError::new("a value was asked for before its key"));
        };
        self.row.cell(&key, |cell| seed.deserialize(cell))
    }
}

/// The cells in the order of the columns; NULL for a column that the row lacks.
struct Positions<'r, 'de> {
    row: ObjectRow<'r, 'de>,
    next: usize,
}

impl<'de> SeqAccess<'de> for Positions<'_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        let Some(&start) = self.row.memory.starts.get(self.next) else {
            return Ok(None);
        };
        let key = Key::Column(self.next);
        self.next += 1;
        if start == 0 {
            let column: Option<&Column> = self.row.columns.slice().get(self.next - 1);
            return lightdash::null(|cell| seed.deserialize(cell))
                .map(Some)
                .map_err(|error| match column {
                    Some(column) => {
                        error.at_column(column.name(), column.type_name(), "nothing", false)
                    }
                    None => error,
                });
        }
        self.row.lex.go_to(start);
        self.row
            .cell(&key, |cell| seed.deserialize(cell))
            .map(Some)
    }
}

/// The cells in the order of the columns, then those of no column.
struct InOrder<'r, 'de> {
    row: ObjectRow<'r, 'de>,
    others: std::vec::IntoIter<(Text<'de, 'de>, usize)>,
    next: usize,
    value: Option<(Key<'de>, usize)>,
}

impl<'de> MapAccess<'de> for InOrder<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        while let Some(&start) = self.row.memory.starts.get(self.next) {
            let index = self.next;
            self.next += 1;
            if start != 0 {
                self.value = Some((Key::Column(index), start));
                let name = self.row.columns.slice()[index].name();
                return seed
                    .deserialize(value::BorrowedStrDeserializer::new(name))
                    .map(Some);
            }
        }
        let Some((name, start)) = self.others.next() else {
            return Ok(None);
        };
        let out = seed.deserialize(value::StrDeserializer::new(&name))?;
        self.value = Some((Key::Unknown(name), start));
        Ok(Some(out))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        let Some((key, start)) = self.value.take() else {
            return Err(DecodeError::new("a value was asked for before its key"));
        };
        self.row.lex.go_to(start);
        self.row.cell(&key, |cell| seed.deserialize(cell))
    }
}
