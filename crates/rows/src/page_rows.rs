//! The rows of one page for a reader that owns the page, and so cannot borrow from it.

use std::ops::Range;

use serde::de::DeserializeOwned;

use crate::{
    RawRows,
    columns::Columns,
    decode::layout_cache::LayoutCache,
    decoder::{at_row, decode_row},
    error::Result,
    json::lexer::Lexer,
};

/// Decodes the rows of a page without borrowing it, one at a time.
///
/// Use it in a reader that owns both the page and its position in it, such as a stream. Rows cannot
/// borrow from the page.
///
/// Each row is decoded on request, after the row before it has freed its memory. Allocating strings
/// is the largest cost of decoding.
#[derive(Debug, Default)]
pub struct OwnedRowDecoder {
    /// The place in the list of rows of a portion of them, as [`RawRows::portion`] returns it.
    portion: Range<usize>,
    /// The number of the next portion.
    next: usize,
    /// The start of the next row in the portion.
    at: usize,
    is_first: bool,
    /// The number of decoded rows.
    decoded: u64,
    layout: LayoutCache,
}

impl OwnedRowDecoder {
    /// Decodes the next row; `None` after the last. Pass the same arguments for all rows of a page.
    /// `first_row` is the position of its first row in the whole result, for errors.
    ///
    /// # Errors
    ///
    /// The row does not fit `T`. Do not use the decoder after an error.
    #[inline]
    pub fn next<T: DeserializeOwned>(
        &mut self,
        columns: &Columns,
        rows: &RawRows,
        first_row: u64,
    ) -> Result<Option<T>> {
        loop {
            let portion = rows.as_str().get(self.portion.clone()).unwrap_or_default();
            let mut lex = Lexer::within_list(portion, self.portion.start, self.at);
            let row = match lex.next_of_rest(&mut self.is_first) {
                Ok(true) => decode_row(&mut lex, columns, &mut self.layout),
                Ok(false) => match rows.portion(self.next) {
                    Some(portion) => {
                        if self.next == 0 {
                            self.layout = columns.take_layout();
                        }
                        let start = portion.as_ptr().addr() - rows.as_bytes().as_ptr().addr();
                        self.portion = start..start + portion.len();
                        self.next += 1;
                        self.at = 0;
                        self.is_first = true;
                        continue;
                    }
                    None => {
                        columns.keep_layout(std::mem::take(&mut self.layout));
                        return Ok(None);
                    }
                },
                Err(error) => Err(error),
            };
            return match row {
                Ok(row) => {
                    self.at = lex.position();
                    self.decoded += 1;
                    Ok(Some(row))
                }
                Err(error) => Err(at_row(error, columns, first_row + self.decoded)),
            };
        }
    }
}
