//! The values of a result while it is read, in blocks that are freed one by one.

use crate::table::Value;

/// The size in bytes above which the next row starts a new piece.
pub(crate) const PIECE: usize = 256 * 1024;

/// Rows of values in a compact form.
#[derive(Debug)]
pub(crate) struct Values {
    pieces: Vec<Piece>,
    width: usize,
    rows: usize,
}

#[derive(Debug, Default)]
struct Piece {
    /// The index of its first row.
    first: usize,
    cells: Vec<Cell>,
    bytes: Vec<u8>,
}

/// A value. Text and bytes are the start and the end of their content.
#[derive(Clone, Copy, Debug)]
enum Cell {
    Null,
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Text(u32, u32),
    Bytes(u32, u32),
}

/// The memory in bytes of a value without its content.
pub(crate) const CELL: usize = size_of::<Cell>();

impl Values {
    pub(crate) const fn new(width: usize) -> Self {
        Self {
            pieces: Vec::new(),
            width,
            rows: 0,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.rows
    }

    /// Begins a row. The caller then pushes one value per column.
    pub(crate) fn begin(&mut self) {
        let is_full = |piece: &Piece| piece.bytes.len() + piece.cells.len() * CELL >= PIECE;
        if self.pieces.last().is_none_or(is_full) {
            if let Some(full) = self.pieces.last_mut() {
                full.cells.shrink_to_fit();
                full.bytes.shrink_to_fit();
            }
            self.pieces.push(Piece {
                first: self.rows,
                ..Piece::default()
            });
        }
        self.rows += 1;
    }

    /// Adds a value to the row.
    pub(crate) fn push(&mut self, value: &Value) {
        if let Some(piece) = self.pieces.last_mut() {
            let cell = match value {
                Value::Null => Cell::Null,
                Value::Boolean(value) => Cell::Boolean(*value),
                Value::Integer(value) => Cell::Integer(*value),
                Value::Double(value) => Cell::Double(*value),
                Value::Text(text) => {
                    let (start, end) = piece.append(text.as_bytes());
                    Cell::Text(start, end)
                }
                Value::Bytes(bytes) => {
                    let (start, end) = piece.append(bytes);
                    Cell::Bytes(start, end)
                }
            };
            piece.cells.push(cell);
        }
    }

    /// Returns a row. Panics if the index is out of range.
    #[cfg(test)]
    pub(crate) fn row(&self, index: usize) -> Vec<Value> {
        let at = self.pieces.partition_point(|piece| piece.first <= index) - 1;
        let piece = &self.pieces[at];
        piece.row(index - piece.first, self.width)
    }

    /// Returns every row in order. Each piece is freed after its last row.
    pub(crate) fn into_rows(self) -> impl Iterator<Item = Vec<Value>> {
        let (width, all) = (self.width, self.rows);
        let mut firsts: Vec<usize> = self.pieces.iter().map(|piece| piece.first).collect();
        firsts.push(all);
        let pieces = self.pieces.into_iter().enumerate();
        pieces.flat_map(move |(number, piece)| {
            let rows = firsts[number + 1] - firsts[number];
            (0..rows).map(move |index| piece.row(index, width))
        })
    }
}

impl Piece {
    /// Appends bytes and returns their start and end. A row has less than 4 GiB.
    fn append(&mut self, bytes: &[u8]) -> (u32, u32) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        let place = |at| u32::try_from(at).unwrap_or(u32::MAX);
        (place(start), place(self.bytes.len()))
    }

    fn row(&self, index: usize, width: usize) -> Vec<Value> {
        let inside = |start: u32, end: u32| &self.bytes[start as usize..end as usize];
        let cells = self.cells[index * width..(index + 1) * width].iter();
        cells
            .map(|cell| match *cell {
                Cell::Null => Value::Null,
                Cell::Boolean(value) => Value::Boolean(value),
                Cell::Integer(value) => Value::Integer(value),
                Cell::Double(value) => Value::Double(value),
                Cell::Text(start, end) => {
                    Value::Text(String::from_utf8_lossy(inside(start, end)).into_owned())
                }
                Cell::Bytes(start, end) => Value::Bytes(inside(start, end).to_vec()),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{CELL, PIECE, Values};
    use crate::table::Value;

    #[test]
    fn values_round_trip() {
        let rows: Vec<Vec<Value>> = (0..50_i64)
            .map(|n| {
                vec![
                    Value::Null,
                    Value::Boolean(n % 2 == 0),
                    Value::Integer(n),
                    Value::Double(0.5),
                    "ж".repeat(10_000).into(),
                    Value::Text(String::new()),
                    vec![0, 255].into(),
                ]
            })
            .collect();
        let mut values = Values::new(7);
        for row in &rows {
            values.begin();
            for value in row {
                values.push(value);
            }
        }
        assert!(values.pieces.len() > 2 && values.len() == 50);
        let most = PIECE + 20_000 + 7 * CELL + 2;
        let size = |piece: &super::Piece| piece.bytes.len() + piece.cells.len() * CELL;
        assert!(values.pieces.iter().all(|piece| size(piece) <= most));
        assert_eq!(values.row(49), rows[49]);
        assert!(values.into_rows().eq(rows));
        assert_eq!(Values::new(0).into_rows().count(), 0);
    }
}
