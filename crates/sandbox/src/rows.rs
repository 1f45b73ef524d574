//! The rows of a result: held, or made when they are asked for.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

type MakeRow<C> = dyn Fn(usize) -> Vec<C> + Send + Sync;

/// Rows of cells `C`, in order.
#[derive(Clone)]
pub(crate) enum Rows<C> {
    Held(Vec<Vec<C>>),
    /// This many rows, each made from its index: however long, none is kept.
    Made(usize, Arc<MakeRow<C>>),
}

impl<C: Clone + Send + Sync + 'static> Rows<C> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Held(rows) => rows.len(),
            Self::Made(count, _) => *count,
        }
    }

    pub(crate) const fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }

    pub(crate) fn truncate(&mut self, to: usize) {
        match self {
            Self::Held(rows) => rows.truncate(to),
            Self::Made(count, _) => *count = to.min(*count),
        }
    }

    /// One row, which must be there.
    pub(crate) fn row(&self, index: usize) -> Cow<'_, [C]> {
        match self {
            Self::Held(rows) => Cow::Borrowed(&rows[index]),
            Self::Made(_, make) => Cow::Owned(make(index)),
        }
    }

    /// The rows of a range that lies within.
    pub(crate) fn range(&self, range: Range<usize>) -> Vec<Cow<'_, [C]>> {
        range.map(|index| self.row(index)).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Cow<'_, [C]>> {
        (0..self.len()).map(|index| self.row(index))
    }

    /// The same rows, each put through `change`.
    pub(crate) fn map<D>(
        self,
        change: impl Fn(Vec<C>) -> Vec<D> + Send + Sync + 'static,
    ) -> Rows<D> {
        match self {
            Self::Held(rows) => Rows::Held(rows.into_iter().map(change).collect()),
            Self::Made(count, make) => {
                Rows::Made(count, Arc::new(move |index| change(make(index))))
            }
        }
    }
}

/// Rows of text in one piece of memory, which come out as rows that are made.
#[derive(Debug)]
pub(crate) struct Packed {
    text: String,
    /// Where each cell ends.
    ends: Vec<usize>,
    width: usize,
}

impl Packed {
    pub(crate) const fn new(width: usize) -> Self {
        Self {
            text: String::new(),
            ends: Vec::new(),
            width,
        }
    }

    /// Adds a cell, row by row.
    pub(crate) fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(self.text.len());
    }

    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Bytes of memory, with the places of the cells.
    pub(crate) fn held(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<usize>()
    }

    pub(crate) fn into_rows(mut self) -> Rows<String> {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
        let count = self.ends.len().checked_div(self.width).unwrap_or(0);
        let row = move |index: usize| {
            let first = index * self.width;
            (first..first + self.width)
                .map(|at| {
                    let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
                    self.text[start..self.ends[at]].to_owned()
                })
                .collect()
        };
        Rows::Made(count, Arc::new(row))
    }
}

impl<C> Default for Rows<C> {
    fn default() -> Self {
        Self::Held(Vec::new())
    }
}

impl<C: fmt::Debug> fmt::Debug for Rows<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(rows) => rows.fmt(formatter),
            Self::Made(count, _) => write!(formatter, "{count} rows made on the fly"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Packed, Rows};

    #[test]
    fn rows_that_are_made_look_like_rows_that_are_held() {
        let mut made = Rows::Made(10_000_000, Arc::new(|index| vec![index])).map(|row| {
            row.into_iter()
                .map(|cell| cell.to_string())
                .collect::<Vec<String>>()
        });
        assert_eq!(made.len(), 10_000_000);
        assert_eq!(made.row(9_999_999)[0], "9999999");
        made.truncate(3);
        assert_eq!(made.range(1..3).concat(), ["1", "2"]);
        assert_eq!(made.iter().count(), 3);
        assert!(!made.is_held() && Rows::<u8>::default().is_held());
    }

    #[test]
    fn packed_rows_come_out_as_they_went_in() {
        let mut packed = Packed::new(2);
        for cell in ["a", "", "ccc", "д"] {
            packed.push(cell);
        }
        assert_eq!(packed.bytes(), 6);
        let rows = packed.into_rows();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows.row(0).to_vec(), ["a", ""]);
        assert_eq!(rows.row(1).to_vec(), ["ccc", "д"]);
        assert_eq!(Packed::new(0).into_rows().len(), 0);
    }
}
