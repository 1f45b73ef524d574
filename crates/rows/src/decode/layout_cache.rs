//! The layout that the rows of a page share, kept from one row to the next.

use crate::{
    columns::{Cells, Column, Columns, Shape},
    decode::lightdash_cell,
    json::key::Key,
};

#[derive(Debug, Default)]
pub(crate) struct LayoutCache {
    /// The column at each position of the last object.
    places: Vec<Place>,
    /// The start of each column's cell in this row; 0 for none.
    pub(crate) starts: Vec<usize>,
    /// For each column, whether the decoded struct ignores it.
    unwanted: Vec<bool>,
    /// The fields of that struct, after it has ignored a column.
    fields: &'static [&'static str],
    /// The number of consecutive ignored cells from each position on, if known.
    runs: Vec<usize>,
    mode: ScanMode,
    /// The fields of the struct whose cells are read by position, or by name.
    ordered: Option<(&'static [&'static str], Order)>,
}

/// How the cells of a list become the fields of a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    ByName,
    /// The columns are the fields, in the same order.
    ByPosition,
}

/// Whether consecutive ignored cells are skipped together. Then their names are not compared. Only
/// the positions of the other names show that a row has the layout of the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ScanMode {
    #[default]
    EveryCell,
    Skipping,
    /// Skipping, and this row has skipped cells.
    Skipped,
}

/// The number of ignored cells from which they are skipped together.
const WORTH_A_RUN: usize = 6;

/// A position of an object, and the column that was there.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) column: usize,
    pub(crate) is_unwanted: bool,
    /// The key of the column. It matches nothing if there was none, or its name has escapes.
    pub(crate) key: Key,
    /// The key with the comma before it, and for Lightdash with the usual beginning of a cell.
    pub(crate) lead: Key,
}

impl Default for Place {
    /// A position without a column.
    fn default() -> Self {
        Self {
            column: usize::MAX,
            is_unwanted: false,
            key: Key::default(),
            lead: Key::default(),
        }
    }
}

impl LayoutCache {
    #[inline]
    pub(crate) fn place(&self, place: usize) -> Option<&Place> {
        self.places.get(place)
    }

    /// Records a column at a position.
    pub(crate) fn found(
        &mut self,
        place: usize,
        column: usize,
        declared: &Column,
        cells: Option<Cells>,
    ) {
        if self.places.len() <= place {
            self.places.resize_with(place + 1, Place::default);
        }
        self.runs.clear();
        self.places[place] = Place {
            column,
            is_unwanted: self.is_unwanted(column),
            key: match declared.plain {
                true => Key::new(declared.name()),
                false => Key::default(),
            },
            lead: match (declared.plain, cells) {
                (true, None) => Key::lead(place == 0, declared.name(), b""),
                (true, Some(Cells::Raw)) => {
                    Key::lead(place == 0, declared.name(), lightdash_cell::RAW)
                }
                _ => Key::default(),
            },
        };
    }

    /// Records that a struct with these fields ignored the cell of a column. A struct without a
    /// field of that name always ignores it, so the cell need not be offered again.
    #[cold]
    pub(crate) fn learn(&mut self, column: usize, name: &str, fields: &'static [&'static str]) {
        if fields.contains(&name) || !self.is_of(fields) {
            return;
        }
        if self.unwanted.len() <= column {
            self.unwanted.resize(column + 1, false);
        }
        self.unwanted[column] = true;
        self.fields = fields;
        self.runs.clear();
        for place in &mut self.places {
            place.is_unwanted |= place.column == column;
        }
    }

    /// Returns whether the ignored columns are those of the struct with these fields. A type may
    /// decode one struct from this row, and another one, or a map, from the next.
    #[inline]
    pub(crate) fn is_of(&self, fields: &'static [&'static str]) -> bool {
        self.unwanted.is_empty() || std::ptr::eq(self.fields, fields)
    }

    #[inline]
    pub(crate) fn is_unwanted(&self, column: usize) -> bool {
        self.unwanted.get(column).is_some_and(|unwanted| *unwanted)
    }

    /// Returns the part of the layout that also applies to the next page of the same columns, for
    /// any type.
    pub(crate) fn for_next_page(mut self) -> Self {
        for place in &mut self.places {
            place.is_unwanted = false;
        }
        Self {
            places: self.places,
            ..Self::default()
        }
    }

    /// Returns whether the cells of this row are the fields of a struct in their order. Then their
    /// names need not be compared, which saves a seventh of the work for eight columns.
    ///
    /// The first row of a page is always read by name, since only later rows can be read again.
    #[inline]
    pub(crate) fn reads_by_position<V>(
        &mut self,
        columns: &Columns,
        fields: &'static [&'static str],
    ) -> bool {
        match self.ordered {
            Some((known, order)) if std::ptr::eq(known, fields) => order == Order::ByPosition,
            Some(_) => false,
            None => {
                self.ordered = Some((fields, Order::of::<V>(columns, fields)));
                false
            }
        }
    }

    /// Begins a row. Returns whether it may be read in a way that is tried first: cells are skipped,
    /// or read by position.
    #[inline]
    pub(crate) fn begin(&mut self, columns: &Columns) -> bool {
        self.mode = ScanMode::EveryCell;
        if self.unwanted.len() < WORTH_A_RUN {
            return matches!(self.ordered, Some((_, Order::ByPosition)));
        }
        if self.runs.is_empty() {
            self.find_runs(columns);
        }
        self.mode = ScanMode::Skipping;
        true
    }

    /// Reads every cell of this row from here on: the row is read once more, or has a cell with an
    /// unknown position, which could be among the skipped ones.
    pub(crate) fn look_at_every_cell(&mut self) {
        self.mode = ScanMode::EveryCell;
        if let Some((_, order)) = &mut self.ordered {
            *order = Order::ByName;
        }
    }

    #[inline]
    pub(crate) fn looks_at_every_cell(&self) -> bool {
        self.mode == ScanMode::EveryCell
    }

    /// Returns whether this row has skipped cells.
    #[inline]
    pub(crate) fn has_skipped_cells(&self) -> bool {
        self.mode == ScanMode::Skipped
    }

    /// Returns whether this row has skipped cells, or was read by position.
    #[cold]
    pub(crate) fn is_worth_another_look(&self) -> bool {
        self.mode == ScanMode::Skipped || matches!(self.ordered, Some((_, Order::ByPosition)))
    }

    /// Returns the number of cells to skip at this position; 0 for none.
    #[inline]
    pub(crate) fn skip_len(&mut self, place: usize) -> usize {
        if self.mode == ScanMode::EveryCell {
            return 0;
        }
        let run = self.runs.get(place).copied().unwrap_or_default();
        if run < WORTH_A_RUN {
            return 0;
        }
        self.mode = ScanMode::Skipped;
        run
    }

    /// Returns whether an object that ends before this position is as long as the last one.
    pub(crate) fn is_whole(&self, place: usize) -> bool {
        place == self.places.len()
    }

    #[cold]
    fn find_runs(&mut self, columns: &Columns) {
        let is_unwanted: Vec<bool> = match columns.shape() {
            Shape::List => self.unwanted.clone(),
            Shape::Object | Shape::Cells(_) if self.has_all_fields(columns) => {
                self.places.iter().map(|place| place.is_unwanted).collect()
            }
            // The cell of another field may be among the skipped ones.
            Shape::Object | Shape::Cells(_) => vec![false],
        };
        let mut run = 0;
        self.runs = vec![0; is_unwanted.len()];
        for (known, is_unwanted) in self.runs.iter_mut().zip(is_unwanted).rev() {
            run = if is_unwanted { run + 1 } else { 0 };
            *known = run;
        }
    }

    /// Returns whether each field has a position.
    fn has_all_fields(&self, columns: &Columns) -> bool {
        let name = |place: &Place| columns.slice().get(place.column).map(Column::name);
        let names: Vec<_> = self.places.iter().filter_map(name).collect();
        self.fields.iter().all(|field| names.contains(field))
    }
}

impl Order {
    fn of<V>(columns: &Columns, fields: &[&str]) -> Self {
        let names = columns.iter().map(Column::name);
        // Only the derived visitor is certain to read a list in the order of its fields.
        let is_derived = std::any::type_name::<V>().contains("::deserialize::__Visitor");
        match is_derived && names.eq(fields.iter().copied()) {
            true => Self::ByPosition,
            false => Self::ByName,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::decode_rows;

    #[test]
    fn the_next_page_begins_with_the_layout_of_the_last() {
        let columns = Columns::dune(["a", "b"], ["bigint", "bigint"]);
        let rows: Vec<(i64, i64)> = decode_rows(&columns, r#"[{"b":1,"a":2}]"#, 0).unwrap();
        assert_eq!(rows, [(2, 1)]);
        let layout = columns.take_layout();
        let places: Vec<_> = layout.places.iter().map(|place| place.column).collect();
        assert_eq!(places, [1, 0]);
    }

    #[test]
    fn derived_structs_are_read_by_position_if_the_columns_are_their_fields() {
        #[derive(serde::Deserialize)]
        struct Fields<T> {
            a: T,
            b: T,
        }
        fn order<T: serde::de::DeserializeOwned>(names: [&str; 2], rows: &str) -> Option<Order> {
            let columns = Columns::yandex_query(names.map(|name| (name, "Int64")));
            let mut lex = crate::json::lexer::Lexer::within_list(rows, 0, 0);
            let mut layout = LayoutCache::default();
            let _ = crate::decoder::decode_row::<T>(&mut lex, &columns, &mut layout);
            layout.ordered.map(|(_, order)| order)
        }
        let Fields { a, b } = Fields { a: 1, b: 2 };
        assert_eq!((a, b), (1, 2));
        let of = order::<Fields<i64>>;
        assert_eq!(of(["a", "b"], "[1,2]"), Some(Order::ByPosition));
        assert_eq!(of(["b", "a"], "[1,2]"), Some(Order::ByName));
        assert_eq!(of(["a", "c"], "[1,2]"), Some(Order::ByName));
        assert_eq!(order::<(i64, i64)>(["a", "b"], "[1,2]"), None);
    }

    #[test]
    fn the_layout_of_the_next_page_forgets_ignored_columns() {
        #[derive(serde::Deserialize, PartialEq, Debug)]
        struct One {
            a: i64,
        }
        let columns = Columns::dune(["a", "b"], ["bigint", "bigint"]);
        let rows: Vec<One> = decode_rows(&columns, r#"[{"b":1,"a":2},{"b":1,"a":3}]"#, 0).unwrap();
        assert_eq!(rows, [One { a: 2 }, One { a: 3 }]);
        let layout = columns.take_layout();
        assert!(layout.unwanted.is_empty() && layout.fields.is_empty());
        assert!(layout.places.iter().all(|place| !place.is_unwanted));
    }
}
