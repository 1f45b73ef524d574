//! Joins the pages of a CSV result, each of which has a header line.

use std::fmt;

use bytes::Bytes;

/// The longest header line that is kept for comparison.
const LONGEST_HEADER: usize = 1 << 20;

/// Joins the pages of a CSV result. Keeps the header line of the first page and drops the same line
/// from the other pages.
///
/// Pages arrive in pieces, which may be split anywhere. Only the header line is kept, up to 1 MiB.
/// Everything else is passed on as it arrives. If the last line of a page has no line break and
/// rows follow, a line break is added.
///
/// ```
/// use rowfeed_rows::csv::PageJoiner;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut joiner = PageJoiner::default();
/// let mut text = Vec::new();
/// for page in [["id,na", "me\n1,a"], ["id,name\n", "2,b\n"]] {
///     for piece in page {
///         joiner.push(piece.into())?;
///         while let Some(bytes) = joiner.pop() {
///             text.extend_from_slice(&bytes);
///         }
///     }
///     joiner.end_page()?;
/// }
/// assert_eq!(text, b"id,name\n1,a\n2,b\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct PageJoiner {
    /// The header line of the first page that has one, with its line break.
    header: Option<Vec<u8>>,
    /// The received part of this page's first line.
    line: Line,
    /// Whether the text so far ends within a line.
    is_open: bool,
    /// Whether the text has bytes of this page.
    is_begun: bool,
    line_break: Option<Bytes>,
    rows: Option<Bytes>,
}

impl PageJoiner {
    /// Adds the next piece of the page. Before the next piece, [`pop`](Self::pop) the bytes that
    /// this one adds to the text.
    ///
    /// # Errors
    ///
    /// The page's header line differs from the first page's.
    pub fn push(&mut self, mut piece: Bytes) -> Result<(), CsvError> {
        if !self.line.is_whole {
            let length = self.line.take(&piece);
            if let Some(header) = &self.header {
                if self.line.is_whole || self.line.bytes.len() > header.len() + 2 {
                    self.check_header()?;
                }
                piece = piece.split_off(length);
            }
        }
        let Some(last) = piece.last() else {
            return Ok(());
        };
        // The last line of a page may have no line break.
        if self.is_open && !self.is_begun {
            let has_cr = self.header.as_ref().is_some_and(|h| h.ends_with(b"\r\n"));
            self.line_break = Some(Bytes::from_static(match has_cr {
                true => b"\r\n",
                false => b"\n",
            }));
        }
        self.is_open = *last != b'\n';
        self.is_begun = true;
        self.rows = Some(piece);
        Ok(())
    }

    /// Returns the next bytes of the text, at least one; `None` until the next piece.
    pub fn pop(&mut self) -> Option<Bytes> {
        self.line_break.take().or_else(|| self.rows.take())
    }

    /// Returns whether [`pop`](Self::pop) has nothing to return.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.line_break.is_none() && self.rows.is_none()
    }

    /// Ends a page.
    ///
    /// # Errors
    ///
    /// The page's header line differs from the first page's, or the page has none.
    pub fn end_page(&mut self) -> Result<(), CsvError> {
        if self.line.bytes.is_empty() {
            let message = "this page is empty, and every page of a CSV has a header line";
            return Err(CsvError(message));
        }
        if !self.line.is_whole && self.header.is_some() {
            self.check_header()?;
        }
        let line = std::mem::take(&mut self.line);
        self.header.get_or_insert(line.bytes);
        self.is_begun = false;
        Ok(())
    }

    fn check_header(&self) -> Result<(), CsvError> {
        let header = self.header.as_deref().unwrap_or_default();
        if header.len() > LONGEST_HEADER {
            let message = "the header line of the first page has no end within a mebibyte";
            return Err(CsvError(message));
        }
        match without_break(&self.line.bytes) == without_break(header) {
            true => Ok(()),
            false => Err(CsvError("this page has another header line than the first")),
        }
    }
}

/// The error of pages of CSV that do not belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsvError(&'static str);

impl fmt::Display for CsvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for CsvError {}

/// A line of CSV as it arrives. Line breaks within quotes do not end it.
#[derive(Debug, Default)]
struct Line {
    bytes: Vec<u8>,
    is_quoted: bool,
    is_whole: bool,
}

impl Line {
    /// Returns how many bytes belong to the line. Keeps at most the length of a header.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let mut length = bytes.len();
        for (index, byte) in bytes.iter().enumerate() {
            match byte {
                b'"' => self.is_quoted = !self.is_quoted,
                b'\n' if !self.is_quoted => {
                    self.is_whole = true;
                    length = index + 1;
                    break;
                }
                _ => {}
            }
        }
        let room = (LONGEST_HEADER + 1).saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..length.min(room)]);
        length
    }
}

fn without_break(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn joined(pages: &[&str], size: usize) -> Result<String, CsvError> {
        let pages: Vec<&[u8]> = pages.iter().map(|page| page.as_bytes()).collect();
        let text = crate::properties::joined(&pages, size)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    #[test]
    fn pieces_may_end_anywhere() {
        let pages = [
            "\"a\n\"\"x\"\"\",b\r\n1,\"2\n\"\r\n3,4",
            "\"a\n\"\"x\"\"\",b\r\n5,6",
            "\"a\n\"\"x\"\"\",b",
            "\"a\n\"\"x\"\"\",b\n7,8\r\n",
        ];
        let whole = "\"a\n\"\"x\"\"\",b\r\n1,\"2\n\"\r\n3,4\r\n5,6\r\n7,8\r\n";
        for size in 1..=pages[0].len() {
            assert_eq!(joined(&pages, size).as_deref(), Ok(whole), "{size}");
        }
    }

    #[test]
    fn a_different_header_line_is_an_error_in_any_split() {
        for other in ["a,c\n1,2\n", "a,\"b\n", "a,bb", "a", "a,b,c\n"] {
            for size in 1..=other.len() {
                assert!(
                    joined(&["a,b\n1,2\n", other], size).is_err(),
                    "{other:?} {size}"
                );
            }
        }
    }

    #[test]
    fn a_page_without_a_header_line_is_an_error() {
        assert!(joined(&[""], 1).is_err());
        assert!(joined(&["a,b\n1,2\n", "", "a,b\n3,4\n"], 3).is_err());
        assert_eq!(joined(&["a,b\n", "a,b"], 3).as_deref(), Ok("a,b\n"));
    }

    #[test]
    fn only_the_header_line_is_buffered() {
        let mut joiner = PageJoiner::default();
        let piece = Bytes::from(vec![b'x'; LONGEST_HEADER]);
        for _ in 0..3 {
            joiner.push(piece.clone()).unwrap();
            assert_eq!((joiner.pop(), joiner.pop()), (Some(piece.clone()), None));
        }
        assert_eq!(joiner.line.bytes.len(), LONGEST_HEADER + 1);

        // A line that is too long to be the same is refused before it ends.
        let mut joiner = PageJoiner::default();
        joiner.push(Bytes::from_static(b"a,b\n")).unwrap();
        joiner.end_page().unwrap();
        assert!(joiner.push(Bytes::from_static(b"a,b, and so on")).is_err());
    }
}
