//! Rows, cell by cell, for those who keep columns.

use serde::de::Deserializer;

use super::{
    columns::{Columns, Shape},
    error::{DecodeError, Result},
    lexer::Lexer,
    list_row::ListRow,
    memory::Memory,
    object_row::ObjectRow,
    page::at_row,
};

/// Takes the cells of rows.
pub(crate) trait TakesCells {
    /// Whether the cells of this column are taken at all.
    fn wants(&self, column: usize) -> bool;

    /// Takes a cell.
    fn take<'de, D>(&mut self, column: usize, cell: D) -> Result<()>
    where
        D: Deserializer<'de, Error = DecodeError>;

    /// A cell of a column that the result does not declare.
    fn undeclared(&mut self, name: &str) -> Result<()>;

    /// The error of a cell, once its column is known.
    fn explain(&self, column: usize, error: DecodeError) -> DecodeError;

    /// The row is at its end.
    fn end_row(&mut self) -> Result<()>;
}

/// How far the rows of a page have been read.
#[derive(Debug, Default)]
pub(crate) struct CellReader {
    at: usize,
    state: State,
    memory: Memory,
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
    /// Reads up to so many rows, and says how many. The columns and the JSON list of the page's rows
    /// are the same each time; `first_row` is the place in the whole result of the row that is next.
    pub(crate) fn read(
        &mut self,
        columns: &Columns,
        rows_json: &str,
        first_row: u64,
        at_most: usize,
        cells: &mut impl TakesCells,
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
        cells: &mut impl TakesCells,
    ) -> Result<bool> {
        if self.state == State::Before {
            lex.open(b'[')?;
            self.state = State::First;
        }
        let mut first = self.state == State::First;
        if !lex.next_item(&mut first, b']')? {
            self.state = State::Behind;
            lex.finish()?;
            return Ok(false);
        }
        self.state = State::Within;
        match columns.shape() {
            Shape::List => ListRow::new(lex, columns, &mut self.memory).each_cell(cells)?,
            shape => ObjectRow::new(lex, columns, shape, &mut self.memory).each_cell(cells)?,
        }
        cells.end_row()?;
        Ok(true)
    }
}

impl ListRow<'_, '_> {
    fn each_cell(mut self, cells: &mut impl TakesCells) -> Result<()> {
        self.lex.open(b'[')?;
        let mut first = true;
        for column in 0..self.columns.len() {
            if !self.lex.next_item(&mut first, b']')? {
                return Err(self.wrong_length());
            }
            if cells.wants(column) {
                self.cell(column, |cell| cells.take(column, cell))
                    .map_err(|error| cells.explain(column, error))?;
            } else {
                self.lex.skip()?;
            }
        }
        match self.lex.next_item(&mut first, b']')? {
            true => Err(self.wrong_length()),
            false => Ok(()),
        }
    }
}

impl ObjectRow<'_, '_> {
    fn each_cell(mut self, cells: &mut impl TakesCells) -> Result<()> {
        self.lex.open(b'{')?;
        let mut first = true;
        let mut place = 0;
        while self.lex.next_item(&mut first, b'}')? {
            let key = self.key(place)?;
            place += 1;
            match key {
                Ok(column) if cells.wants(column) => {
                    let declared = self.columns.slice().get(column);
                    self.cell(declared, |cell| cells.take(column, cell))
                        .map_err(|error| cells.explain(column, error))?;
                }
                Ok(_) => self.skip_cell()?,
                Err(name) => {
                    cells.undeclared(&name)?;
                    self.skip_cell()?;
                }
            }
        }
        Ok(())
    }
}
