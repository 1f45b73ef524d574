//! The rows of one page, decoded one by one.

use std::marker::PhantomData;

use serde::de::Deserialize;

use crate::{
    columns::{Columns, Shape},
    decode::{layout_cache::LayoutCache, list_row::ListRow, object_row::ObjectRow},
    error::{DecodeError, Result},
    json::lexer::Lexer,
};

/// The largest number of rows to reserve memory for.
const ROOM: usize = 16_384;

/// Decodes a whole page into a vector. The arguments are those of [`RowDecoder::new`].
///
/// # Errors
///
/// A row does not fit `T`. The error is that of the first such row.
pub fn decode_rows<'a, T: Deserialize<'a>>(
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

/// An iterator that decodes the rows of a page, one at a time.
///
/// An error names the row by its position in the whole result, and ends the iteration.
///
/// [`RawRows::decode`](crate::RawRows::decode) returns it.
///
/// ```
/// use rowfeed_rows::{Columns, DecodeError, RowDecoder};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let names = ["n", "name"];
/// let types = ["bigint", "varchar"];
/// let columns = Columns::dune(&names, &types);
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
    layout: LayoutCache,
    row: u64,
    state: State,
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
    /// Returns a decoder for a page. `rows_json` is the JSON list of its rows. `first_row` is the
    /// position of the first of them in the whole result, from 0. Nothing is decoded yet.
    pub fn new(columns: &'a Columns, rows_json: &'a str, first_row: u64) -> Self {
        Self {
            lex: Lexer::lending(rows_json),
            columns,
            layout: LayoutCache::default(),
            row: first_row,
            state: State::Closed,
            rows: PhantomData,
        }
    }

    fn decode_next(&mut self) -> Result<Option<T>> {
        let row = match self.more() {
            Ok(true) => decode_row(&mut self.lex, self.columns, &mut self.layout).map(Some),
            Ok(false) => Ok(None),
            Err(error) => Err(error),
        };
        match row {
            Ok(Some(row)) => {
                self.row += 1;
                Ok(Some(row))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.state = State::Done;
                Err(at_row(error, self.columns, self.row))
            }
        }
    }

    /// Returns whether another row follows.
    #[inline]
    fn more(&mut self) -> Result<bool> {
        match self.state {
            State::Done => return Ok(false),
            State::Closed => {
                self.lex.open(b'[')?;
                self.layout = self.columns.take_layout();
                self.state = State::First;
            }
            State::First | State::Open => {}
        }
        let mut first = self.state == State::First;
        if !self.lex.next_item(&mut first, b']')? {
            self.state = State::Done;
            self.columns.keep_layout(std::mem::take(&mut self.layout));
            self.lex.finish()?;
            return Ok(false);
        }
        self.state = State::Open;
        Ok(true)
    }

    /// Returns how many rows of the average size so far the rest of the text can hold.
    fn rows_left(&self) -> usize {
        let read = self.lex.position().max(1);
        (self.lex.len() - self.lex.position()) / read
    }
}

/// Decodes the next row.
#[inline]
pub(crate) fn decode_row<'de, T: Deserialize<'de>>(
    lex: &mut Lexer<'de, 'de>,
    columns: &'de Columns,
    layout: &mut LayoutCache,
) -> Result<T> {
    if !layout.begin(columns) {
        return decode_cells(lex, columns, layout);
    }
    let before = lex.clone();
    match decode_cells(lex, columns, layout) {
        Err(_) if layout.is_worth_another_look() => {
            *lex = before;
            layout.look_at_every_cell();
            decode_cells(lex, columns, layout)
        }
        row => row,
    }
}

#[inline]
fn decode_cells<'de, T: Deserialize<'de>>(
    lex: &mut Lexer<'de, 'de>,
    columns: &'de Columns,
    layout: &mut LayoutCache,
) -> Result<T> {
    match columns.shape() {
        Shape::List => T::deserialize(ListRow::new(lex, columns, layout)),
        shape => T::deserialize(ObjectRow::new(lex, columns, shape, layout)),
    }
}

/// Adds the position of a row to its error.
#[cold]
pub(crate) fn at_row(error: DecodeError, columns: &Columns, row: u64) -> DecodeError {
    let names = columns.iter().map(crate::Column::name);
    error.with_columns(names).at_row(row)
}

impl<'a, T: Deserialize<'a>> Iterator for RowDecoder<'a, T> {
    type Item = std::result::Result<T, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.decode_next().transpose()
    }
}

impl<'a, T: Deserialize<'a>> std::iter::FusedIterator for RowDecoder<'a, T> {}
