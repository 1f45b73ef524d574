//! The rows of a result, stored or generated on demand.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::values::PIECE;

type MakeRow<C> = dyn Fn(usize) -> Vec<C> + Send + Sync;

/// Rows of cells `C`, in order.
#[derive(Clone)]
pub(crate) enum Rows<C> {
    Held(Vec<Vec<C>>),
    /// This many rows, each generated from its index and not stored.
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

    /// Returns a row. Panics if the index is out of range.
    pub(crate) fn row(&self, index: usize) -> Cow<'_, [C]> {
        match self {
            Self::Held(rows) => Cow::Borrowed(&rows[index]),
            Self::Made(_, make) => Cow::Owned(make(index)),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Cow<'_, [C]>> {
        (0..self.len()).map(|index| self.row(index))
    }

    /// Applies `change` to every row.
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

/// Rows of text in a few memory blocks, which are read as generated rows.
#[derive(Debug)]
pub(crate) struct Packed {
    pieces: Vec<Piece>,
    width: usize,
    rows: usize,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Piece {
    /// The index of its first row.
    first: usize,
    text: String,
    /// The end of each cell in `text`.
    ends: Vec<u32>,
}

impl Packed {
    pub(crate) const fn new(width: usize) -> Self {
        Self {
            pieces: Vec::new(),
            width,
            rows: 0,
            bytes: 0,
        }
    }

    /// Begins a row. The caller then pushes one cell per column.
    pub(crate) fn begin(&mut self) {
        if self.pieces.last().is_none_or(|piece| piece.held() >= PIECE) {
            self.shrink();
            self.pieces.push(Piece {
                first: self.rows,
                ..Piece::default()
            });
        }
        self.rows += 1;
    }

    /// Adds a cell to the row.
    pub(crate) fn push(&mut self, cell: &str) {
        if let Some(piece) = self.pieces.last_mut() {
            piece.text.push_str(cell);
            let end = u32::try_from(piece.text.len()).unwrap_or(u32::MAX);
            piece.ends.push(end);
            self.bytes += cell.len();
        }
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The memory in bytes, including the ends of the cells.
    pub(crate) fn held(&self) -> usize {
        self.pieces.iter().map(Piece::held).sum()
    }

    /// Returns the size in bytes of the cells of a row. Panics if the index is out of range.
    pub(crate) fn row_bytes(&self, index: usize) -> usize {
        let (piece, row) = self.find(index);
        let cells = row * self.width..(row + 1) * self.width;
        piece.end(cells.end) - piece.end(cells.start)
    }

    pub(crate) fn row(&self, index: usize) -> Vec<String> {
        let (piece, row) = self.find(index);
        (row * self.width..(row + 1) * self.width)
            .map(|cell| piece.text[piece.end(cell)..piece.end(cell + 1)].to_owned())
            .collect()
    }

    fn find(&self, index: usize) -> (&Piece, usize) {
        let at = self.pieces.partition_point(|piece| piece.first <= index);
        let piece = &self.pieces[at.saturating_sub(1)];
        (piece, index - piece.first)
    }

    fn shrink(&mut self) {
        if let Some(piece) = self.pieces.last_mut() {
            piece.text.shrink_to_fit();
            piece.ends.shrink_to_fit();
        }
    }

    /// Returns the rows, and the store that knows the size of each row.
    pub(crate) fn into_rows(mut self) -> (Rows<String>, Arc<Self>) {
        self.shrink();
        let packed = Arc::new(self);
        let own = Arc::clone(&packed);
        let rows = Rows::Made(packed.rows, Arc::new(move |index| own.row(index)));
        (rows, packed)
    }
}

impl Piece {
    fn held(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<u32>()
    }

    /// Returns the start of a cell.
    fn end(&self, cell: usize) -> usize {
        cell.checked_sub(1)
            .map_or(0, |before| self.ends[before] as usize)
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
            Self::Made(count, _) => write!(formatter, "{count} generated rows"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Packed, Rows};

    #[test]
    fn generated_rows_behave_like_stored_rows() {
        let mut made = Rows::Made(10_000_000, Arc::new(|index| vec![index])).map(|row| {
            row.into_iter()
                .map(|cell| cell.to_string())
                .collect::<Vec<String>>()
        });
        assert_eq!(made.len(), 10_000_000);
        assert_eq!(made.row(9_999_999)[0], "9999999");
        made.truncate(3);
        assert_eq!(made.row(2).to_vec(), ["2"]);
        assert_eq!(made.iter().count(), 3);
        assert!(!made.is_held() && Rows::<u8>::default().is_held());
    }

    #[test]
    fn packed_rows_round_trip() {
        let mut packed = Packed::new(2);
        for row in [["a", ""], ["ccc", "д"]] {
            packed.begin();
            row.iter().for_each(|cell| packed.push(cell));
        }
        assert_eq!(packed.bytes(), 6);
        let (rows, sizes) = packed.into_rows();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows.row(0).to_vec(), ["a", ""]);
        assert_eq!(rows.row(1).to_vec(), ["ccc", "д"]);
        assert_eq!((sizes.row_bytes(0), sizes.row_bytes(1)), (1, 5));
        assert_eq!(Packed::new(0).into_rows().0.len(), 0);
    }

    #[test]
    fn packed_rows_are_found_across_pieces() {
        let mut packed = Packed::new(2);
        for n in 0..100_000 {
            packed.begin();
            packed.push(&n.to_string());
            packed.push("x");
        }
        let (rows, sizes) = packed.into_rows();
        assert!(sizes.pieces.len() > 3);
        for index in [0, 1, 49_999, 99_999] {
            assert_eq!(rows.row(index).to_vec(), [index.to_string().as_str(), "x"]);
            assert_eq!(sizes.row_bytes(index), index.to_string().len() + 1);
        }
    }
}
