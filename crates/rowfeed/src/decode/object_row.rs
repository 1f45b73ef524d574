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
    Column(&'de Column),
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

    /// Takes a key that is the column which stood at this place in the last row, as it mostly is.
    #[inline]
    fn expected_key(&mut self, place: usize) -> Option<usize> {
        let index = *self.memory.order.get(place)?;
        let column = self.columns.slice().get(index)?;
        (column.plain && self.lex.quoted_is(column.name())).then_some(index)
    }

    /// Takes any key.
    #[inline(never)]
    fn other_key(&mut self, place: usize) -> Result<std::result::Result<usize, Text<'de, 'de>>> {
        if self.lex.peek()? != b'"' {
            return Err(self.lex.broken("expected the name of a column"));
        }
        let quoted = self.lex.quoted()?;
        let name = self.lex.text(quoted)?;
        let index = self.columns.position(&name);
        if place < self.columns.len() {
            if self.memory.order.len() <= place {
                self.memory.order.resize(place + 1, NO_COLUMN);
            }
            self.memory.order[place] = index.unwrap_or(NO_COLUMN);
        }
        Ok(index.ok_or(name))
    }

    /// Takes a key and the colon after it.
    fn key(&mut self, place: usize) -> Result<std::result::Result<usize, Text<'de, 'de>>> {
        self.lex.peek()?;
        let key = match self.expected_key(place) {
            Some(index) => Ok(index),
            None => self.other_key(place)?,
        };
        self.lex.expect(b':')?;
        Ok(key)
    }

    /// Reads the cell of `column`, or of no known column.
    #[inline]
    fn cell<T>(
        &mut self,
        column: Option<&Column>,
        read: impl FnOnce(Cell<'_, '_, 'de>) -> Result<T>,
    ) -> Result<T> {
        let kind = match column {
            Some(column) => &column.kind,
            None => &UNKNOWN,
        };
        let start = self.lex.position();
        let out = match self.cells {
            None => read(Cell::new(self.lex, kind)),
            Some(cells) => lightdash::read(self.lex, kind, cells, read),
        };
        match out {
            Ok(out) => Ok(out),
            Err(error) => {
                let sent = self.lex.sent(start);
                Err(match column {
                    Some(column) => {
                        error.at_column(column.name(), column.type_name(), sent, false)
                    }
                    None => error.or_found(sent),
                })
            }
        }
    }

    /// Reads the cell of a column that the result does not declare.
    #[cold]
    fn undeclared<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Cell<'_, '_, 'de>) -> Result<T>,
    ) -> Result<T> {
        self.cell(None, read)
            .map_err(|error| error.at_column(name, None, "", false))
    }

    fn keyed<T>(
        &mut self,
        key: &Key<'de>,
        read: impl FnOnce(Cell<'_, '_, 'de>) -> Result<T>,
    ) -> Result<T> {
        match key {
            Key::Column(column) => self.cell(Some(column), read),
            Key::Unknown(name) => self.undeclared(name, read),
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
                Ok(index) if self.memory.starts[index] == 0 => {
                    self.memory.starts[index] = start;
                }
                Ok(index) => {
                    let name = self.columns.slice()[index].name();
                    return Err(DecodeError::new(format!(
                        "the row holds the column `{name}` twice: rename one in the query"
                    )));
                }
                Err(name) => others.push((name, start)),
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
        let (before, depth) = (self.lex.position(), self.lex.depth());
        let null = self.only(|cell| {
            let null = cell.lex.peek()? == b'n';
            cell.lex.skip()?;
            Ok(null)
        });
        self.lex.go_to(before);
        self.lex.rise_to(depth);
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
        let columns = self.columns;
        let out = match self.key(0)? {
            Ok(index) => self.cell(columns.slice().get(index), read),
            Err(name) => self.undeclared(&name, read),
        }?;
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
            column: None,
            undeclared: None,
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
    column: Option<&'de Column>,
    undeclared: Option<Text<'de, 'de>>,
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
        self.row.lex.peek()?;
        let place = self.place;
        self.place += 1;
        let key = match self.row.expected_key(place) {
            Some(index) => Ok(index),
            None => self.row.other_key(place)?,
        };
        match key {
            Ok(index) => {
                let column = &self.row.columns.slice()[index];
                self.column = Some(column);
                seed.deserialize(value::BorrowedStrDeserializer::new(column.name()))
            }
            Err(name) => {
                let key = match &name {
                    Text::Lent(name) => {
                        seed.deserialize(value::BorrowedStrDeserializer::new(name))
                    }
                    name => seed.deserialize(value::StrDeserializer::new(name)),
                };
                self.column = None;
                self.undeclared = Some(name);
                key
            }
        }
        .map(Some)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        self.row.lex.expect(b':')?;
        let Some(column) = self.column else {
            let name = self.undeclared.take();
            let name = name.as_deref().unwrap_or_default();
            return self.row.undeclared(name, |cell| seed.deserialize(cell));
        };
        self.row.cell(Some(column), |cell| seed.deserialize(cell))
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
        let columns = self.row.columns;
        let next = columns.iter().zip(&self.row.memory.starts).nth(self.next);
        let Some((column, &start)) = next else {
            return Ok(None);
        };
        self.next += 1;
        if start == 0 {
            return lightdash::null(|cell| seed.deserialize(cell))
                .map(Some)
                .map_err(|error| {
                    error.at_column(column.name(), column.type_name(), "nothing", false)
                });
        }
        self.row.lex.go_to(start);
        self.row
            .cell(Some(column), |cell| seed.deserialize(cell))
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
            let column = &self.row.columns.slice()[self.next];
            self.next += 1;
            if start != 0 {
                self.value = Some((Key::Column(column), start));
                return seed
                    .deserialize(value::BorrowedStrDeserializer::new(column.name()))
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
        self.row.keyed(&key, |cell| seed.deserialize(cell))
    }
}
