//! Rows that are objects, as Dune and Lightdash send them.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor, value};

use crate::{
    columns::{Cells, Column, Columns, Shape},
    decode::{cell::Cell, hooks, layout_cache::LayoutCache, lightdash_cell, single::one_cell, tag},
    error::{DecodeError, Result},
    field::Form,
    json::lexer::{Lexer, Text},
    row,
    types::UNDECLARED,
};

/// A row that is not read yet.
pub(crate) struct ObjectRow<'r, 'de> {
    pub(crate) lex: &'r mut Lexer<'de, 'de>,
    pub(crate) columns: &'de Columns,
    cells: Option<Cells>,
    pub(crate) layout: &'r mut LayoutCache,
}

impl<'r, 'de> ObjectRow<'r, 'de> {
    pub(crate) fn new(
        lex: &'r mut Lexer<'de, 'de>,
        columns: &'de Columns,
        shape: Shape,
        layout: &'r mut LayoutCache,
    ) -> Self {
        let cells = match shape {
            Shape::Cells(cells) => Some(cells),
            Shape::Object | Shape::List => None,
        };
        Self {
            lex,
            columns,
            cells,
            layout,
        }
    }

    /// Reads a key and the colon after it, of a column that was not at this position in the last
    /// row.
    #[inline(never)]
    fn other_key(&mut self, place: usize) -> Result<std::result::Result<usize, Text<'de, 'de>>> {
        if self.lex.peek()? != b'"' {
            return Err(self.lex.broken("expected the name of a column"));
        }
        let quoted = self.lex.quoted()?;
        let name = self.lex.text(quoted)?;
        self.lex.expect(b':')?;
        let Some(index) = self.columns.position(&name) else {
            return Ok(Err(name));
        };
        if place < self.columns.len() {
            let column = &self.columns.slice()[index];
            self.layout.found(place, index, column, self.cells);
        }
        Ok(Ok(index))
    }

    /// Returns the column that was at this position in the last row, and where its value begins in
    /// this one, if the text before the value is the same.
    #[inline]
    pub(crate) fn usual_start(&self, place: usize) -> Option<(usize, usize)> {
        let known = self.layout.place(place)?;
        let at = self.lex.position();
        let len = known.lead.begins(self.lex.text.as_bytes().get(at..)?)?;
        Some((known.column, at + len))
    }

    /// Reads a key and the colon after it.
    pub(crate) fn key(
        &mut self,
        place: usize,
    ) -> Result<std::result::Result<usize, Text<'de, 'de>>> {
        self.lex.peek()?;
        match self.layout.place(place) {
            Some(known) if self.lex.key_is(&known.key) => Ok(Ok(known.column)),
            _ => self.other_key(place),
        }
    }

    /// Skips a cell.
    #[inline]
    pub(crate) fn skip_cell(&mut self) -> Result<()> {
        match self.cells {
            None => self.lex.skip(),
            Some(_) => lightdash_cell::skip(self.lex),
        }
    }

    /// Reads the cell of `column`, or of an unknown column.
    #[inline]
    pub(crate) fn cell<T>(
        &mut self,
        column: Option<&Column>,
        read: impl FnOnce(Cell<'_, '_, 'de>) -> Result<T>,
    ) -> Result<T> {
        let declared = match column {
            Some(column) => &column.declared,
            None => &UNDECLARED,
        };
        let start = self.lex.position();
        let out = match self.cells {
            None => read(Cell::new(self.lex, declared)),
            Some(cells) => lightdash_cell::read(self.lex, declared, cells, read),
        };
        match out {
            Ok(out) => Ok(out),
            Err(error) => {
                let sent = self.lex.sent(start);
                Err(match column {
                    Some(column) => column.blame(error, sent),
                    None => error.or_found(sent),
                })
            }
        }
    }

    /// Reads the cell of an undeclared column.
    #[cold]
    pub(crate) fn undeclared<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Cell<'_, '_, 'de>) -> Result<T>,
    ) -> Result<T> {
        self.cell(None, read)
            .map_err(|error| error.at_column(name, None, "", false))
    }

    /// Returns whether this is a row of one column that is NULL.
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
            hooks::ROW if self.columns.is_empty() => self.deserialize_map(visitor),
            hooks::ROW => self.in_column_order(visitor),
            hooks::VALUE => tag::visit_row(self, visitor),
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
        self.members(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.members(Some(fields), visitor)
    }
}

impl<'de> ObjectRow<'_, 'de> {
    /// Reads the cells in the order in which they were sent: all of them, or those of a struct with
    /// these fields.
    fn members<V: Visitor<'de>>(
        self,
        fields: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value> {
        self.lex.open(b'{')?;
        let skips = fields.is_some_and(|fields| self.layout.is_of(fields));
        let mut members = Members {
            row: self,
            fields,
            skips,
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
    fields: Option<&'static [&'static str]>,
    /// Whether cells that the struct ignores are skipped.
    skips: bool,
    column: Option<usize>,
    undeclared: Option<Text<'de, 'de>>,
    place: usize,
    first: bool,
    done: bool,
}

impl<'de> MapAccess<'de> for Members<'_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        // Nearly every row has the same layout as the one before it.
        if !self.done
            && self.row.layout.looks_at_every_cell()
            && let Some((column, start)) = self.row.usual_start(self.place)
            && !(self.skips && self.row.layout.is_unwanted(column))
        {
            let before_value = match self.row.cells {
                Some(_) => lightdash_cell::RAW.len(),
                None => 0,
            };
            self.row.lex.go_to(start - before_value);
            self.place += 1;
            self.first = false;
            self.column = Some(column);
            let name = self.row.columns.slice()[column].name();
            return seed
                .deserialize(value::BorrowedStrDeserializer::new(name))
                .map(Some);
        }
        let key = loop {
            if self.done || !self.row.lex.next_item(&mut self.first, b'}')? {
                self.done = true;
                if self.row.layout.has_skipped_cells() && !self.row.layout.is_whole(self.place) {
                    return Err(other_order());
                }
                return Ok(None);
            }
            let run = match self.skips {
                true => self.row.layout.skip_len(self.place),
                false => 0,
            };
            if run > 0 {
                self.place += run;
                if !self.row.lex.skip_items(run) {
                    return Err(other_order());
                }
                continue;
            }
            self.row.lex.peek()?;
            let place = self.place;
            self.place += 1;
            match self.row.layout.place(place) {
                Some(known) if self.row.lex.key_is(&known.key) => {
                    if !(self.skips && known.is_unwanted) {
                        break Ok(known.column);
                    }
                }
                // This column may have changed position with a skipped one.
                _ if self.row.layout.has_skipped_cells() => return Err(other_order()),
                _ => match self.row.other_key(place)? {
                    Ok(index) if self.skips && self.row.layout.is_unwanted(index) => {}
                    Ok(index) => break Ok(index),
                    Err(name) => {
                        self.row.layout.look_at_every_cell();
                        break Err(name);
                    }
                },
            }
            self.row.skip_cell()?;
        };
        match key {
            Ok(index) => {
                self.column = Some(index);
                let name = self.row.columns.slice()[index].name();
                seed.deserialize(value::BorrowedStrDeserializer::new(name))
            }
            Err(name) => {
                let key = match &name {
                    Text::Borrowed(name) => {
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
        let Some(index) = self.column else {
            let name = self.undeclared.take();
            let name = name.as_deref().unwrap_or_default();
            return self.row.undeclared(name, |cell| seed.deserialize(cell));
        };
        let column = &self.row.columns.slice()[index];
        let mut start = 0;
        let out = self.row.cell(Some(column), |cell| {
            start = cell.lex.position();
            seed.deserialize(cell)
        })?;
        if let Some(fields) = self.fields
            && self.row.lex.has_ignored(start)
        {
            self.row.layout.learn(index, column.name(), fields);
        }
        Ok(out)
    }
}

/// The row differs from the last one. It is read once more, so no caller sees this error.
#[cold]
fn other_order() -> DecodeError {
    DecodeError::new("the row's columns are not where they were".to_owned())
}
