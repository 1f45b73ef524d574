//! One CSV text made of pages, each of which has a header line.

use bytes::Bytes;

/// The longest header line that is kept to compare others with.
const LONGEST_HEADER: usize = 1 << 20;

/// Puts pages together: the header line of the first stays, those of the others go.
#[derive(Default)]
pub(super) struct Joint {
    /// The header line of the first page that has one, with its line break.
    header: Option<Vec<u8>>,
    /// The first line of this page, as far as it has come.
    line: Line,
    /// Whether the bytes given out so far end in the middle of a line.
    is_open: bool,
    /// Whether bytes of this page were given out.
    is_begun: bool,
    /// What comes after the line break that was just given out.
    held: Option<Bytes>,
}

impl Joint {
    /// What was held back behind a line break.
    pub(super) fn take_held(&mut self) -> Option<Bytes> {
        self.held.take()
    }

    pub(super) fn is_holding(&self) -> bool {
        self.held.is_some()
    }

    /// What of these bytes of a page is to be given out.
    pub(super) fn take(&mut self, mut bytes: Bytes) -> Result<Option<Bytes>, &'static str> {
        if !self.line.is_whole {
            let length = self.line.take(&bytes);
            if let Some(header) = &self.header {
                if self.line.is_whole || self.line.bytes.len() > header.len() + 2 {
                    self.check_header()?;
                }
                bytes = bytes.split_off(length);
            }
        }
        let Some(last) = bytes.last() else {
            return Ok(None);
        };
        let is_joint = self.is_open && !self.is_begun;
        self.is_open = *last != b'\n';
        self.is_begun = true;
        if !is_joint {
            return Ok(Some(bytes));
        }
        // The last line of a page need not have a line break.
        self.held = Some(bytes);
        let has_cr = self.header.as_ref().is_some_and(|h| h.ends_with(b"\r\n"));
        Ok(Some(Bytes::from_static(match has_cr {
            true => b"\r\n",
            false => b"\n",
        })))
    }

    /// Fails if the page was one of another table, or none.
    pub(super) fn end_page(&mut self) -> Result<(), &'static str> {
        if self.line.bytes.is_empty() {
            return Err("this page is empty, and every page of a CSV has a header line");
        }
        if !self.line.is_whole && !self.line.bytes.is_empty() && self.header.is_some() {
            self.check_header()?;
        }
        let line = std::mem::take(&mut self.line);
        if self.header.is_none() && !line.bytes.is_empty() {
            self.header = Some(line.bytes);
        }
        self.is_begun = false;
        Ok(())
    }

    fn check_header(&self) -> Result<(), &'static str> {
        let header = self.header.as_deref().unwrap_or_default();
        if header.len() > LONGEST_HEADER {
            return Err("the header line of the first page has no end within a mebibyte");
        }
        match without_break(&self.line.bytes) == without_break(header) {
            true => Ok(()),
            false => Err("this page has another header line than the first"),
        }
    }
}

/// A line of CSV as it arrives. Line breaks within quotes do not end it.
#[derive(Default)]
struct Line {
    bytes: Vec<u8>,
    is_quoted: bool,
    is_whole: bool,
}

impl Line {
    /// How many bytes belong to the line. No more of it is kept than can be a header.
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

/// Pages joined, each of them in pieces of this size.
#[cfg(any(test, rowfeed_fuzzing))]
pub fn joined(pages: &[&[u8]], size: usize) -> Result<Vec<u8>, &'static str> {
    let (mut joint, mut text) = (Joint::default(), Vec::new());
    for page in pages {
        for piece in page.chunks(size) {
            let given = joint.take(Bytes::copy_from_slice(piece))?;
            text.extend(given.unwrap_or_default());
            text.extend(joint.take_held().unwrap_or_default());
        }
        joint.end_page()?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn joined(pages: &[&str], size: usize) -> Result<String, &'static str> {
        let pages: Vec<&[u8]> = pages.iter().map(|page| page.as_bytes()).collect();
        let text = super::joined(&pages, size)?;
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
    fn another_header_line_is_told_in_any_pieces() {
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
    fn a_page_without_a_header_line_is_none() {
        assert!(joined(&[""], 1).is_err());
        assert!(joined(&["a,b\n1,2\n", "", "a,b\n3,4\n"], 3).is_err());
        assert_eq!(joined(&["a,b\n", "a,b"], 3).as_deref(), Ok("a,b\n"));
    }

    #[test]
    fn no_more_of_a_page_is_kept_than_a_header_line_has() {
        let mut joint = Joint::default();
        let piece = Bytes::from(vec![b'x'; LONGEST_HEADER]);
        for _ in 0..3 {
            assert_eq!(joint.take(piece.clone()), Ok(Some(piece.clone())));
        }
        assert_eq!(joint.line.bytes.len(), LONGEST_HEADER + 1);

        // One that is too long to be the same is refused before its end is there.
        let mut joint = Joint::default();
        joint.take(Bytes::from_static(b"a,b\n")).unwrap();
        joint.end_page().unwrap();
        assert!(joint.take(Bytes::from_static(b"a,b, and so on")).is_err());
    }
}
