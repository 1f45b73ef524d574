//! Rows that are lists, as Yandex Query sends them.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor, value};

use crate::{
    columns::Columns,
    decode::{cell::Cell, hooks, layout_cache::LayoutCache, single::one_cell, tag},
    error::{DecodeError, Result},
    field::Form,
    json::lexer::Lexer,
    row,
};

/// A row that is not read yet.
pub(crate) struct ListRow<'r, 'de> {
    pub(crate) lex: &'r mut Lexer<'de, 'de>,
    pub(crate) columns: &'de Columns,
    layout: &'r mut LayoutCache,
}

impl<'r, 'de> ListRow<'r, 'de> {
    pub(crate) fn new(
        lex: &'r mut Lexer<'de, 'de>,
        columns: &'de Columns,
        layout: &'r mut LayoutCache,
    ) -> Self {
        Self {
            lex,
            columns,
            layout,
        }
    }

    #[inline]
    pub(crate) fn cell<T>(
        &mut self,
        index: usize,
        read: impl FnOnce(Cell<'_, '_, 'de>) -> Result<T>,
    ) -> Result<T> {
        let column = &self.columns.slice()[index];
        let start = self.lex.position();
        let cell = Cell {
            null_is_lost: column.null_is_lost,
            ..Cell::new(self.lex, &column.declared)
        };
        match read(cell) {
            Ok(out) => Ok(out),
            Err(error) => Err(column.blame(error, self.lex.sent(start))),
        }
    }

    /// Reads the only cell of a row of one column.
    fn only<T>(&mut self, read: impl FnOnce(Cell<'_, '_, 'de>) -> Result<T>) -> Result<T> {
        if self.columns.len() != 1 {
            return Err(row::not_single(self.columns.len()));
        }
        let depth = self.lex.depth();
        self.lex.open(b'[')?;
        if self.lex.peek()? == b']' {
            return Err(self.wrong_length());
        }
        let out = self.cell(0, read)?;
        if self.lex.next_item(&mut true, b']')? {
            return Err(self.wrong_length());
        }
        self.lex.rise_to(depth);
        Ok(out)
    }

    /// Returns whether this is a row of one column that is NULL.
    fn is_single_null(&mut self) -> bool {
        if self.columns.len() != 1 {
            return false;
        }
        let (before, depth) = (self.lex.position(), self.lex.depth());
        let null = self.only(|cell| {
            let optional = cell.optionals > 0;
            let sent = cell.lex.value()?;
            Ok(&*sent == "null" || (optional && &*sent == "[]"))
        });
        self.lex.go_to(before);
        self.lex.rise_to(depth);
        null.unwrap_or(false)
    }

    #[cold]
    pub(crate) fn wrong_length(&self) -> DecodeError {
        DecodeError::new(format!(
            "the row does not have one value for each of the {} columns",
            self.columns.len()
        ))
    }
}

impl<'de> Deserializer<'de> for ListRow<'_, 'de> {
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
            hooks::ROW => self.deserialize_map(visitor),
            hooks::VALUE => tag::visit_row(self, visitor),
            _ => match Form::named(name) {
                Some(_) => self.deserialize_any(visitor),
                None => visitor.visit_newtype_struct(self),
            },
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.lex.open(b'[')?;
        let len = self.columns.len();
        let mut cells = Cells {
            row: self,
            fields: None,
            skips: false,
            next: 0,
        };
        let out = visitor.visit_seq(&mut cells)?;
        if cells.next < len {
            return Err(DecodeError::new(format!(
                "the result has {len} columns, more than the type has positions"
            )));
        }
        cells.end()?;
        Ok(out)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.named(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.layout.reads_by_position::<V>(self.columns, fields) {
            // If that fails, the row is read once more by name, so that errors do not depend on it.
            // Aliases are names of their own, so that cells are left over.
            true => self.deserialize_seq(visitor),
            false => self.named(Some(fields), visitor),
        }
    }
}

impl<'de> ListRow<'_, 'de> {
    /// Reads the cells by the names of their columns: all of them, or those of a struct with these
    /// fields.
    fn named<V: Visitor<'de>>(
        self,
        fields: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value> {
        self.lex.open(b'[')?;
        let skips = fields.is_some_and(|fields| self.layout.is_of(fields));
        let mut cells = Cells {
            row: self,
            fields,
            skips,
            next: 0,
        };
        let out = visitor.visit_map(&mut cells)?;
        cells.end()?;
        Ok(out)
    }
}

struct Cells<'r, 'de> {
    row: ListRow<'r, 'de>,
    fields: Option<&'static [&'static str]>,
    /// Whether cells that the struct ignores are skipped.
    skips: bool,
    next: usize,
}

impl Cells<'_, '_> {
    /// Moves to the next cell, if there is one.
    #[inline]
    fn advance(&mut self) -> Result<bool> {
        if self.next >= self.row.columns.len() {
            return Ok(false);
        }
        let mut first = self.next == 0;
        if !self.row.lex.next_item(&mut first, b']')? {
            return Err(self.row.wrong_length());
        }
        self.next += 1;
        Ok(true)
    }

    #[inline]
    fn end(&mut self) -> Result<()> {
        if self.row.lex.next_item(&mut true, b']')? {
            return Err(self.row.wrong_length());
        }
        Ok(())
    }
}

impl<'de> SeqAccess<'de> for Cells<'_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if !self.advance()? {
            return Ok(None);
        }
        let index = self.next - 1;
        self.row
            .cell(index, |cell| seed.deserialize(cell))
            .map(Some)
    }
}

impl<'de> MapAccess<'de> for Cells<'_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        loop {
            if !self.advance()? {
                return Ok(None);
            }
            if !self.skips || !self.row.layout.is_unwanted(self.next - 1) {
                break;
            }
            match self.row.layout.skip_len(self.next - 1) {
                0 => self.row.lex.skip()?,
                run if self.row.lex.skip_items(run) => self.next += run - 1,
                _ => return Err(self.row.wrong_length()),
            }
        }
        let name = self.row.columns.slice()[self.next - 1].name();
        seed.deserialize(value::BorrowedStrDeserializer::new(name))
            .map(Some)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        let Some(index) = self.next.checked_sub(1) else {
            return Err(DecodeError::new("a value was requested before its key"));
        };
        let mut start = 0;
        let out = self.row.cell(index, |cell| {
            start = cell.lex.position();
            seed.deserialize(cell)
        })?;
        if let Some(fields) = self.fields
            && self.row.lex.has_ignored(start)
        {
            let name = self.row.columns.slice()[index].name();
            self.row.layout.learn(index, name, fields);
        }
        Ok(out)
    }
}
