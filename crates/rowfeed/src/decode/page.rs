//! The rows of one page, one after the other.

use std::{collections::VecDeque, marker::PhantomData};

use rowfeed_client::RawRows;
use serde::de::{Deserialize, DeserializeOwned};

use super::{
    columns::{Columns, Shape},
    error::{DecodeError, Result},
    lexer::Lexer,
    list_row::ListRow,
    memory::Memory,
    object_row::ObjectRow,
};

/// No more rows than this are made room for in advance.
const ROOM: usize = 16_384;

/// Decodes a whole page, or fails with its first row that does not become a `T`. The arguments are
/// those of [`RowDecoder::new`].
pub(crate) fn decode_rows<'a, T: Deserialize<'a>>(
    columns: &'a Columns,
    rows_json: &'a str,
    first_row: u64,
) -> Result<Vec<T>> {
    let mut decoder = RowDecoder::new(columns, rows_json, first_row);
    let mut rows = Vec::new();
    while let Some(row) = decoder.decode_next()? {
        rows.push(row);
        if rows.len() == 1 {
            rows.reserve(decoder.rows_left().min(ROOM));
        }
    }
    Ok(rows)
}

/// A page that is decoded one portion after the other, as [`RawRows::portion`] gives them.
#[derive(Debug, Default)]
pub(crate) struct Portions {
    next: usize,
    /// How many rows have been decoded.
    rows: u64,
    memory: Memory,
}

impl Portions {
    /// Decodes the next portion into `out`; `false` if there is none. When a row does not become a
    /// `T`, those before it are in `out`.
    pub(crate) fn decode_next<T: DeserializeOwned>(
        &mut self,
        columns: &Columns,
        rows: &RawRows,
        first_row: u64,
        out: &mut VecDeque<T>,
    ) -> Result<bool> {
        let Some(portion) = rows.portion(self.next) else {
            return Ok(false);
        };
        self.next += 1;
        let base = portion.as_ptr().addr() - rows.as_bytes().as_ptr().addr();
        let mut decoder = RowDecoder {
            lex: Lexer::within_list(portion, base),
            memory: std::mem::take(&mut self.memory),
            row: first_row + self.rows,
            state: State::First,
            is_portion: true,
            ..RowDecoder::new(columns, "", 0)
        };
        let outcome = loop {
            match decoder.more() {
                Ok(true) => {}
                Ok(false) => break Ok(true),
                Err(error) => break Err(error),
            }
            match decoder.decode() {
                Ok(row) => out.push_back(row),
                Err(error) => break Err(error),
            }
            decoder.row += 1;
        };
        self.rows = decoder.row - first_row;
        let outcome = outcome.map_err(|error| decoder.failed(error));
        self.memory = decoder.memory;
        outcome
    }
}

/// The rows of a page, decoded one at a time, each when it is asked for.
///
/// An error names the row by its place in the whole result, and ends the iteration.
///
/// [`Page::rows`](crate::Page::rows) and [`Page::decode`](crate::Page::decode) do this for the
/// pages of a result; here it is for rows that have come another way.
///
/// ```
/// use rowfeed::{Columns, DecodeError, RowDecoder};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let names = ["n", "name"].map(str::to_owned);
/// let types = ["bigint", "varchar"].map(str::to_owned);
/// let columns = Columns::dune(Some(&names), Some(&types));
///
/// let json = r#"[{"n": 1, "name": "one"}, {"n": "2", "name": "two"}]"#;
/// let rows = RowDecoder::new(&columns, json, 0);
/// let rows: Vec<(u8, &str)> = rows.collect::<Result<_, DecodeError>>()?;
/// assert_eq!(rows, [(1, "one"), (2, "two")]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RowDecoder<'a, T> {
    lex: Lexer<'a, 'a>,
    columns: &'a Columns,
    memory: Memory,
    row: u64,
    state: State,
    /// The list has neither its opening nor its closing bracket.
    is_portion: bool,
    rows: PhantomData<fn() -> T>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    First,
    Open,
    Done,
}

impl<'a, T: Deserialize<'a>> RowDecoder<'a, T> {
    /// Over a page: `rows_json` is the JSON list of its rows, `first_row` where in the whole result
    /// the first of them stands, from 0. Nothing is decoded yet.
    pub fn new(columns: &'a Columns, rows_json: &'a str, first_row: u64) -> Self {
        Self {
            lex: Lexer::lending(rows_json),
            columns,
            memory: Memory::default(),
            row: first_row,
            state: State::Closed,
            is_portion: false,
            rows: PhantomData,
        }
    }

    fn decode_next(&mut self) -> Result<Option<T>> {
        let row = match self.more() {
            Ok(true) => self.decode().map(Some),
            Ok(false) => Ok(None),
            Err(error) => Err(error),
        };
        match row {
            Ok(Some(row)) => {
                self.row += 1;
                Ok(Some(row))
            }
            Ok(None) => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    #[cold]
    fn failed(&mut self, error: DecodeError) -> DecodeError {
        self.state = State::Done;
        let names = self.columns.iter().map(super::Column::name);
        error.with_columns(names).at_row(self.row)
    }

    /// Whether a row follows.
    #[inline]
    fn more(&mut self) -> Result<bool> {
        match self.state {
            State::Done => return Ok(false),
            State::Closed => {
                self.lex.open(b'[')?;
                self.state = State::First;
            }
            State::First | State::Open => {}
        }
        let mut first = self.state == State::First;
        let more = match self.is_portion {
            true => self.lex.next_of_rest(&mut first)?,
            false => self.lex.next_item(&mut first, b']')?,
        };
        if !more {
            self.state = State::Done;
            if !self.is_portion {
                self.lex.finish()?;
            }
            return Ok(false);
        }
        self.state = State::Open;
        Ok(true)
    }

    /// Decodes the row that follows.
    #[inline]
    fn decode(&mut self) -> Result<T> {
        if !self.memory.begin(self.columns) {
            return self.decode_row();
        }
        let before = self.lex.clone();
        match self.decode_row() {
            Err(_) if self.memory.took_short_way() => {
                self.lex = before;
                self.memory.take_long_way();
                self.decode_row()
            }
            row => row,
        }
    }

    #[inline]
    fn decode_row(&mut self) -> Result<T> {
        let columns = self.columns;
        match columns.shape() {
            Shape::List => T::deserialize(ListRow::new(&mut self.lex, columns, &mut self.memory)),
            shape => T::deserialize(ObjectRow::new(
                &mut self.lex,
                columns,
                shape,
                &mut self.memory,
            )),
        }
    }

    /// How many rows of the size so far the rest of the text could hold.
    fn rows_left(&self) -> usize {
        let read = self.lex.position().max(1);
        (self.lex.len() - self.lex.position()) / read
    }
}

impl<'a, T: Deserialize<'a>> Iterator for RowDecoder<'a, T> {
    type Item = std::result::Result<T, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.decode_next().transpose()
    }
}

impl<'a, T: Deserialize<'a>> std::iter::FusedIterator for RowDecoder<'a, T> {}
