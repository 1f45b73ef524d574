//! Rows, cell by cell, for readers that fill columns.
//!
//! [`CellReader`] reads the rows of a page and passes each cell to a [`CellVisitor`]. A cell is a
//! serde `Deserializer`, which presents the value as it would to a struct's field: quoted or bare
//! numbers, JSON in text, every Optional's list.

mod text;

use std::fmt;

use serde::de::{Deserializer, Visitor};

pub use text::CellText;

use crate::{
    columns::{Columns, Shape},
    decode::{layout_cache::LayoutCache, lightdash_cell, list_row::ListRow, object_row::ObjectRow},
    decoder::at_row,
    error::{DecodeError, Result},
    field::AS_SENT,
    json::lexer::Lexer,
};

/// Receives the cells of rows.
///
/// The first error ends the reading.
pub trait CellVisitor {
    /// Returns whether to visit the cells of this column. Others are skipped.
    fn wants(&self, column: usize) -> bool;

    /// Reads a cell in the usual form of its column without serde, and returns the text behind it.
    /// If it returns `None`, it must have read nothing, and the cell is [visited](Self::visit).
    ///
    /// The default implementation returns `None`.
    #[inline]
    fn take<'a>(&mut self, column: usize, cell: CellText<'a>) -> Option<CellText<'a>> {
        let _ = (column, cell);
        None
    }

    /// Receives a cell.
    ///
    /// # Errors
    ///
    /// The cell does not fit. The reader adds row, column and declared type.
    fn visit<'de, D>(&mut self, column: usize, cell: D) -> Result<()>
    where
        D: Deserializer<'de, Error = DecodeError>;

    /// Handles a cell of a column that the result does not declare.
    ///
    /// # Errors
    ///
    /// The visitor does not accept such columns. Without an error, the cell is skipped.
    fn undeclared(&mut self, name: &str) -> Result<()>;

    /// Rewords the error of a cell. The error names its column.
    fn explain(&self, column: usize, error: DecodeError) -> DecodeError {
        let _ = column;
        error
    }

    /// Ends a row.
    ///
    /// # Errors
    ///
    /// The row is incomplete.
    fn end_row(&mut self) -> Result<()>;
}

/// Reads text as it was sent, not in rowfeed's normal form for dates and times.
///
/// # Errors
///
/// The errors of the visitor.
pub fn text_as_sent<'de, D, V>(cell: D, visitor: V) -> std::result::Result<V::Value, D::Error>
where
    D: Deserializer<'de>,
    V: Visitor<'de>,
{
    cell.deserialize_newtype_struct(AS_SENT, AsSent(visitor))
}

struct AsSent<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for AsSent<V> {
    type Value = V::Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(out)
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        cell: D,
    ) -> std::result::Result<V::Value, D::Error> {
        cell.deserialize_str(self.0)
    }
}

/// Reads the rows of a page, a number of them at a time.
///
/// The reader keeps its position in the page. It starts before the first row.
#[derive(Debug, Default)]
pub struct CellReader {
    at: usize,
    state: State,
    layout: LayoutCache,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Before,
    First,
    Within,
    Behind,
}

impl CellReader {
    /// Reads up to `at_most` rows and returns how many it read. It reads fewer only at the end of
    /// the page.
    ///
    /// Pass the same columns and the same `rows_json`, the JSON list of the page's rows, to each
    /// call. `first_row` is the position of the next row in the whole result, for errors.
    ///
    /// # Errors
    ///
    /// The rows are not JSON, or the visitor returned an error. Later calls read nothing.
    pub fn read(
        &mut self,
        columns: &Columns,
        rows_json: &str,
        first_row: u64,
        at_most: usize,
        cells: &mut impl CellVisitor,
    ) -> Result<usize> {
        let mut lex = match self.state {
            State::Before => Lexer::lending(rows_json),
            State::First | State::Within => Lexer::within_list(rows_json, 0, self.at),
            State::Behind => return Ok(0),
        };
        let mut rows = 0;
        while rows < at_most {
            match self.row(&mut lex, columns, cells) {
                Ok(true) => rows += 1,
                Ok(false) => break,
                Err(error) => {
                    self.state = State::Behind;
                    return Err(at_row(error, columns, first_row + rows as u64));
                }
            }
        }
        self.at = lex.position();
        Ok(rows)
    }

    /// Reads the next row, if there is one.
    fn row<'de>(
        &mut self,
        lex: &mut Lexer<'de, 'de>,
        columns: &'de Columns,
        cells: &mut impl CellVisitor,
    ) -> Result<bool> {
        if self.state == State::Before {
            lex.open(b'[')?;
            self.state = State::First;
            self.layout = columns.take_layout();
        }
        let mut first = self.state == State::First;
        if !lex.next_item(&mut first, b']')? {
            self.state = State::Behind;
            columns.keep_layout(std::mem::take(&mut self.layout));
            lex.finish()?;
            return Ok(false);
        }
        self.state = State::Within;
        match columns.shape() {
            Shape::List => ListRow::new(lex, columns, &mut self.layout).each_cell(cells)?,
            shape => ObjectRow::new(lex, columns, shape, &mut self.layout).each_cell(cells)?,
        }
        cells.end_row()?;
        Ok(true)
    }
}

impl ListRow<'_, '_> {
    fn each_cell(mut self, cells: &mut impl CellVisitor) -> Result<()> {
        self.lex.open(b'[')?;
        let mut first = true;
        let text = self.lex.text;
        let columns = self.columns.len();
        // The start of the next cell, or of the comma before it, while all cells have the usual
        // form.
        let mut usual = CellText::new(text, self.lex.position());
        for column in 0..columns {
            let cell = match usual {
                Some(behind) if !first => behind.literal(b","),
                cell => cell,
            };
            if let Some(cell) = cell
                && let Some(behind) = cells.take(column, cell)
            {
                usual = Some(behind);
                first = false;
                continue;
            }
            if let Some(behind) = usual {
                self.lex.go_to(text.len() - behind.len());
            }
            if !self.lex.next_item(&mut first, b']')? {
                return Err(self.wrong_length());
            }
            if cells.wants(column) {
                self.cell(column, |cell| cells.visit(column, cell))
                    .map_err(|error| cells.explain(column, error))?;
            } else {
                self.lex.skip()?;
            }
            usual = CellText::new(text, self.lex.position());
        }
        if let Some(behind) = usual {
            self.lex.go_to(text.len() - behind.len());
        }
        match self.lex.next_item(&mut first, b']')? {
            true => Err(self.wrong_length()),
            false => Ok(()),
        }
    }
}

impl ObjectRow<'_, '_> {
    fn each_cell(mut self, cells: &mut impl CellVisitor) -> Result<()> {
        self.lex.open(b'{')?;
        let mut first = true;
        let mut place = 0;
        loop {
            // Nearly every row is written like the one before it.
            if let Some((column, start)) = self.usual_start(place)
                && let Some(cell) = CellText::new(self.lex.text, start)
                && let Some(behind) = cells.take(column, cell)
            {
                self.close_usual(column, start, self.lex.text.len() - behind.len())?;
                place += 1;
                first = false;
                continue;
            }
            if !self.lex.next_item(&mut first, b'}')? {
                return Ok(());
            }
            let key = self.key(place)?;
            place += 1;
            match key {
                Ok(column) if cells.wants(column) => {
                    let declared = self.columns.slice().get(column);
                    self.cell(declared, |cell| cells.visit(column, cell))
                        .map_err(|error| cells.explain(column, error))?;
                }
                Ok(_) => self.skip_cell()?,
                Err(name) => {
                    cells.undeclared(&name)?;
                    self.skip_cell()?;
                }
            }
        }
    }

    /// Moves to the end of the cell whose value is from `start` to `end`.
    #[inline]
    fn close_usual(&mut self, column: usize, start: usize, end: usize) -> Result<()> {
        self.lex.go_to(end);
        match self.columns.shape() {
            Shape::Cells(_) => lightdash_cell::close_taken(self.lex, start).map_err(|error| {
                let sent = self.lex.sent(start - lightdash_cell::RAW.len());
                match self.columns.slice().get(column) {
                    Some(column) => column.blame(error, sent),
                    None => error,
                }
            }),
            _ => Ok(()),
        }
    }
}
