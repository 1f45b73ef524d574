//! The rows of one page for a reader that keeps the page, and so can borrow nothing from it.

use rowfeed_client::RawRows;
use serde::de::DeserializeOwned;

use super::{
    columns::Columns,
    error::Result,
    lexer::Lexer,
    memory::Memory,
    page::{at_row, decode_row},
};

/// How far a page has been decoded.
///
/// Each row is made when it is asked for, so that what it is made of has just been given back by
/// the row before it: of all that decoding costs, allocating strings is the most.
#[derive(Debug, Default)]
pub(crate) struct PageRows {
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
    memory: Memory,
}

impl PageRows {
    /// The next row, or nothing behind the last. The arguments are the same for all rows.
    #[inline]
    pub(crate) fn next<T: DeserializeOwned>(
        &mut self,
        columns: &Columns,
        rows: &RawRows,
        first_row: u64,
    ) -> Result<Option<T>> {
        loop {
            let mut lex = Lexer::within_list(&self.portion, self.start, self.at);
            let row = match lex.next_of_rest(&mut self.is_first) {
                Ok(true) => decode_row(&mut lex, columns, &mut self.memory),
                Ok(false) => match rows.portion(self.next) {
                    Some(portion) => {
                        self.start = portion.as_ptr().addr() - rows.as_bytes().as_ptr().addr();
                        self.portion.clear();
                        self.portion.push_str(portion);
                        self.next += 1;
                        self.at = 0;
                        self.is_first = true;
                        continue;
                    }
                    None => return Ok(None),
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
