//! The positions of the rows of a page in its text.

use std::{
    ops::{ControlFlow, Range},
    sync::Arc,
};

use crate::json::{
    brackets::{is_opening, visit_brackets},
    is_blank,
};

/// Rows are decoded in portions of about this many bytes, which fit in the processor's cache.
/// Fuzzing uses small portions, so that a short input has several.
const PORTION: usize = if cfg!(rowfeed_fuzzing) { 64 } else { 16 * 1024 };

/// The number of rows of a list, and the start of each portion of whole rows.
#[derive(Clone, Debug)]
pub(crate) struct RowIndex {
    count: usize,
    /// The first byte of each portion except the first.
    starts: Arc<[usize]>,
}

impl RowIndex {
    /// Scans the list at the beginning of `json`. Returns its end, and its index if all rows are
    /// lists or objects; `None` if the list does not end.
    pub(crate) fn read(json: &[u8]) -> Option<(usize, Option<Self>)> {
        let mut rows = Reading {
            json,
            depth: 0,
            row_end: 1,
            count: 0,
            is_plain: true,
            portion: 1,
            starts: Vec::new(),
        };
        let (end, bracket) = visit_brackets(json, |place, bracket| rows.next(place, bracket))?;
        if bracket != b']' {
            return None;
        }
        let is_plain = rows.is_plain && is_all_blank(&json[rows.row_end..end - 1]);
        let index = Self {
            count: rows.count,
            starts: rows.starts.into(),
        };
        Some((end, is_plain.then_some(index)))
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Returns the index of the rows after the first `rows`, in a list that begins `cut` bytes
    /// later.
    pub(crate) fn behind(&self, rows: usize, cut: usize) -> Self {
        let starts = self.starts.iter().filter(|start| **start > cut + 1);
        Self {
            count: self.count.saturating_sub(rows),
            starts: starts.map(|start| start - cut).collect(),
        }
    }

    /// Returns the index of the first `rows`, which end before `end`.
    pub(crate) fn before(&self, rows: usize, end: usize) -> Self {
        let starts = self.starts.iter().filter(|start| **start < end);
        Self {
            count: self.count.min(rows),
            starts: starts.copied().collect(),
        }
    }

    /// Returns the range of the rows of a portion, with the commas between them. `list` is the
    /// indexed text.
    pub(crate) fn portion(&self, list: &[u8], number: usize) -> Option<Range<usize>> {
        let start = match number.checked_sub(1) {
            None => 1,
            Some(before) => *self.starts.get(before)?,
        };
        match self.starts.get(number) {
            None => Some(start..list.len().checked_sub(1)?),
            Some(end) => {
                let rows = list.get(start..*end)?.trim_ascii_end();
                let rows = rows.strip_suffix(b",").unwrap_or(rows);
                Some(start..start + rows.len())
            }
        }
    }
}

struct Reading<'a> {
    json: &'a [u8],
    depth: usize,
    /// The end of the last row, or of the opening bracket of the list.
    row_end: usize,
    count: usize,
    /// Whether the list so far contains only rows in brackets, commas and blanks.
    is_plain: bool,
    /// The start of the last portion.
    portion: usize,
    starts: Vec<usize>,
}

impl Reading<'_> {
    #[inline]
    fn next(&mut self, place: usize, bracket: u8) -> ControlFlow<(usize, u8)> {
        if is_opening(bracket) {
            if self.depth == 1 {
                self.row(place);
            }
            self.depth += 1;
            return ControlFlow::Continue(());
        }
        self.depth = self.depth.saturating_sub(1);
        match self.depth {
            0 => return ControlFlow::Break((place + 1, bracket)),
            1 => {
                self.count += 1;
                self.row_end = place + 1;
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    /// Adds a row.
    #[inline]
    fn row(&mut self, place: usize) {
        let gap = &self.json[self.row_end..place];
        self.is_plain &= match self.count {
            0 => is_all_blank(gap),
            _ => gap == b"," || gap.iter().filter(|byte| !is_blank(**byte)).eq(b","),
        };
        // A portion ends with the comma after a row.
        if self.count > 0 && place - self.portion > PORTION {
            self.portion = place;
            self.starts.push(place);
        }
    }
}

fn is_all_blank(text: &[u8]) -> bool {
    text.iter().all(|byte| is_blank(*byte))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(json: &str) -> Option<(usize, Option<usize>)> {
        let (end, index) = RowIndex::read(json.as_bytes())?;
        Some((end, index.map(|index| index.count())))
    }

    #[test]
    fn counts_rows_that_are_lists_or_objects() {
        for (json, found) in [
            ("[]", Some((2, Some(0)))),
            ("[ \n ]", Some((5, Some(0)))),
            ("[{}]", Some((4, Some(1)))),
            ("[ {\"a\":[1,2]} ,\n[3] ] ,", Some((21, Some(2)))),
            ("[[],[],[[],[]]]", Some((15, Some(3)))),
            ("[{\"a\":\"],[\"},{}]", Some((16, Some(2)))),
            ("[1]", Some((3, None))),
            ("[{},1]", Some((6, None))),
            ("[1,{}]", Some((6, None))),
            ("[{},,{}]", Some((8, None))),
            ("[{}{}]", Some((6, None))),
            ("[,{}]", Some((5, None))),
            ("[{},]", Some((5, None))),
            ("[\"]\",{}]", Some((8, None))),
            ("[{},\u{c}{}]", Some((8, None))),
            ("[{}\u{c}]", Some((5, None))),
            ("[{}", None),
            ("[\"]", None),
        ] {
            assert_eq!(read(json), found, "{json}");
        }
    }

    #[test]
    fn blanks_do_not_hide_portions() {
        let blanks = " ".repeat(2 * PORTION);
        for list in [
            format!("[{blanks}[1],[2]]"),
            format!("[[1]{blanks},[2]]"),
            format!("[[1],{blanks}[2]]"),
            format!("[[1],[2]{blanks}]"),
        ] {
            let (_, index) = RowIndex::read(list.as_bytes()).unwrap();
            let index = index.unwrap();
            let rows = (0..).map_while(|number| index.portion(list.as_bytes(), number));
            let rows: Vec<_> = rows.map(|place| list[place].trim()).collect();
            assert_eq!(rows.join(","), "[1],[2]");
        }
        let list = format!("[{blanks}]");
        let (_, index) = RowIndex::read(list.as_bytes()).unwrap();
        assert_eq!(index.unwrap().portion(list.as_bytes(), 1), None);
    }

    #[test]
    fn portions_cover_all_rows_exactly_once() {
        let mut random = fastrand::Rng::with_seed(21);
        for rows in [0, 1, 2, 50, 400, 3000] {
            for gap in [",", " ,\n "] {
                let rows: Vec<String> = (0..rows)
                    .map(|n| {
                        format!(
                            "{{\"n\":{n},\"s\":\"{}\"}}",
                            "],[".repeat(random.usize(..60))
                        )
                    })
                    .collect();
                let list = format!("[{}]", rows.join(gap));
                let (end, index) = RowIndex::read(list.as_bytes()).unwrap();
                let index = index.unwrap();
                assert_eq!((end, index.count()), (list.len(), rows.len()));
                let mut found = Vec::new();
                let portions = (0..).map_while(|number| index.portion(list.as_bytes(), number));
                for place in portions {
                    let text = format!("[{}]", &list[place]);
                    let values: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
                    assert!(text.len() < PORTION + 400, "{} bytes", text.len());
                    found.extend(values.into_iter().map(|row| row["n"].as_u64().unwrap()));
                }
                assert!(found.into_iter().eq(0..rows.len() as u64));
            }
        }
    }
}
