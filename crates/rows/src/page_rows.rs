//! The rows of one page for a reader that keeps the page, and so can borrow nothing from it.

use serde::de::DeserializeOwned;

use crate::{
    RawRows,
    columns::Columns,
    decode::layout_cache::LayoutCache,
    decoder::{at_row, decode_row},
    error::Result,
    json::lexer::Lexer,
};

/// Decodes the rows of a page that it does not borrow, one at a time.
///
/// For a reader that owns both the page and its place in it, such as a stream. Rows cannot borrow
/// from the page.
///
/// Each row is made on request, so that what it is made of has just been given back by
/// the row before it: of all that decoding costs, allocating strings is the most.
#[derive(Debug, Default)]
pub struct OwnedRowDecoder {
    /// Some of the rows, as [`RawRows::portion`] gives them.
    portion: String,
    /// Where the portion begins in the list of rows.
    start: usize,
    /// The portion that comes next.
    next: usize,
    /// Where the next row begins in the portion.
    at: usize,
    is_first: bool,
    /// How many rows have been decoded.
    decoded: u64,
    layout: LayoutCache,
}

impl OwnedRowDecoder {
    /// Decodes the next row; `None` after the last. The arguments are the same for all rows of a
    /// page; `first_row` is the position of its first row in the whole result, for errors.
    ///
    /// # Errors
    ///
    /// The row does not fit `T`. The decoder is not to be used again then.
    #[inline]
    pub fn next<T: DeserializeOwned>(
        &mut self,
        columns: &Columns,
        rows: &RawRows,
        first_row: u64,
    ) -> Result<Option<T>> {
        loop {
            let mut lex = Lexer::within_list(&self.portion, self.start, self.at);
            let row = match lex.next_of_rest(&mut self.is_first) {
                Ok(true) => decode_row(&mut lex, columns, &mut self.layout),
                Ok(false) => match rows.portion(self.next) {
                    Some(portion) => {
                        if self.next == 0 {
                            self.layout = columns.take_layout();
                        }
                        self.start = portion.as_ptr().addr() - rows.as_bytes().as_ptr().addr();
                        self.portion.clear();
                        self.portion.push_str(portion);
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
