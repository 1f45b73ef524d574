//! The cells of an object row in the order of the columns.

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor, value};

use crate::{
    columns::Column,
    decode::{cell::Cell, lightdash_cell, object_row::ObjectRow},
    error::{DecodeError, Result},
    json::lexer::Text,
};

/// A key: one of the columns, or an unknown name.
enum Key<'de> {
    Column(&'de Column),
    Unknown(Text<'de, 'de>),
}

impl<'de> ObjectRow<'_, 'de> {
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

    /// Finds the cell of every column, and the cells without a column.
    fn locate(&mut self) -> Result<Vec<(Text<'de, 'de>, usize)>> {
        self.layout.starts.clear();
        self.layout.starts.resize(self.columns.len(), 0);
        let mut others = Vec::new();
        let mut first = true;
        let mut place = 0;
        self.lex.open(b'{')?;
        while self.lex.next_item(&mut first, b'}')? {
            let key = self.key(place)?;
            place += 1;
            let start = self.lex.position();
            match key {
                Ok(index) if self.layout.starts[index] == 0 => {
                    self.layout.starts[index] = start;
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

    pub(crate) fn positions<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        if let Some((name, _)) = self.locate()?.first() {
            return Err(DecodeError::new(format!(
                "the result does not declare the column `{}`, so it has no position: use a \
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

    pub(crate) fn in_column_order<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
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
}

/// The cells in the order of the columns, with NULL for a column that the row lacks.
struct Positions<'r, 'de> {
    row: ObjectRow<'r, 'de>,
    next: usize,
}

impl<'de> SeqAccess<'de> for Positions<'_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        let columns = self.row.columns;
        let next = columns.iter().zip(&self.row.layout.starts).nth(self.next);
        let Some((column, &start)) = next else {
            return Ok(None);
        };
        self.next += 1;
        if start == 0 {
            return lightdash_cell::null(|cell| seed.deserialize(cell))
                .map(Some)
                .map_err(|error| column.blame(error, "nothing"));
        }
        self.row.lex.go_to(start);
        self.row
            .cell(Some(column), |cell| seed.deserialize(cell))
            .map(Some)
    }
}

/// The cells in the order of the columns, followed by those without a column.
struct InOrder<'r, 'de> {
    row: ObjectRow<'r, 'de>,
    others: std::vec::IntoIter<(Text<'de, 'de>, usize)>,
    next: usize,
    value: Option<(Key<'de>, usize)>,
}

impl<'de> MapAccess<'de> for InOrder<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        while let Some(&start) = self.row.layout.starts.get(self.next) {
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
            return Err(DecodeError::new("a value was requested before its key"));
        };
        self.row.lex.go_to(start);
        self.row.keyed(&key, |cell| seed.deserialize(cell))
    }
}
