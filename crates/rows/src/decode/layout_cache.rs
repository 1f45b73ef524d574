//! What the rows of a page have in common, kept from one to the next.

use crate::{
    columns::{Cells, Column, Columns, Shape},
    decode::lightdash_cell,
    json::key::Key,
};

#[derive(Debug, Default)]
pub(crate) struct LayoutCache {
    /// What stood at each place of the last object.
    places: Vec<Place>,
    /// Where the cell of each column starts in this row; 0 for none.
    pub(crate) starts: Vec<usize>,
    /// Whether the struct that is decoded takes no notice of a column.
    unwanted: Vec<bool>,
    /// The fields of that struct, once it has ignored a column.
    fields: &'static [&'static str],
    /// How many unwanted cells stand in a row from each place on, where that was worked out.
    runs: Vec<usize>,
    mode: ScanMode,
}

/// Whether runs of unwanted cells are stepped over without a look at each. Their names are not seen
/// then: that a row is like the last one is known only from where its other names stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ScanMode {
    #[default]
    EveryCell,
    Skipping,
    /// Skipping, and some cells have been stepped over in this row.
    Skipped,
}

/// So many unwanted cells are stepped over at once.
const WORTH_A_RUN: usize = 6;

/// A place of an object, and the column that stood there.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) column: usize,
    pub(crate) is_unwanted: bool,
    /// Matches nothing where no column stood whose name is written as it is.
    pub(crate) key: Key,
    /// The same with the comma before it, and with what nearly every cell of Lightdash begins with.
    pub(crate) lead: Key,
}

impl Default for Place {
    /// No column has stood here.
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

    /// A column stands at a place.
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

    /// A struct with these fields was offered a cell of the column, and ignored it. If it has no
    /// field of that name, it will always do so, and need not be asked again.
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

    /// Whether what is known of unwanted columns is known of the struct with these fields. A type may
    /// ask for one struct in this row, and for another, or a map, in the next.
    #[inline]
    pub(crate) fn is_of(&self, fields: &'static [&'static str]) -> bool {
        self.unwanted.is_empty() || std::ptr::eq(self.fields, fields)
    }

    #[inline]
    pub(crate) fn is_unwanted(&self, column: usize) -> bool {
        self.unwanted.get(column).is_some_and(|unwanted| *unwanted)
    }

    /// What still holds for the next page of the same columns, whatever its rows are decoded as.
    pub(crate) fn for_next_page(mut self) -> Self {
        for place in &mut self.places {
            place.is_unwanted = false;
        }
        Self {
            places: self.places,
            ..Self::default()
        }
    }

    /// A row begins. Whether cells may be stepped over in it.
    #[inline]
    pub(crate) fn begin(&mut self, columns: &Columns) -> bool {
        self.mode = ScanMode::EveryCell;
        if self.unwanted.len() < WORTH_A_RUN {
            return false;
        }
        if self.runs.is_empty() {
            self.find_runs(columns);
        }
        self.mode = ScanMode::Skipping;
        true
    }

    /// Every cell of this row is looked at from here on: it is read once more, or has a cell of which
    /// is not known what usually stands there. That may stand among those to be stepped over.
    pub(crate) fn look_at_every_cell(&mut self) {
        self.mode = ScanMode::EveryCell;
    }

    #[inline]
    pub(crate) fn looks_at_every_cell(&self) -> bool {
        self.mode == ScanMode::EveryCell
    }

    /// Whether cells of this row have been stepped over.
    #[inline]
    pub(crate) fn has_skipped_cells(&self) -> bool {
        self.mode == ScanMode::Skipped
    }

    /// How many cells to step over at this place; 0 for none.
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

    /// Whether an object that ends before this place is as long as the last one.
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
            // The cell of another field may be among those that would be stepped over.
            Shape::Object | Shape::Cells(_) => vec![false],
        };
        let mut run = 0;
        self.runs = vec![0; is_unwanted.len()];
        for (known, is_unwanted) in self.runs.iter_mut().zip(is_unwanted).rev() {
            run = if is_unwanted { run + 1 } else { 0 };
            *known = run;
        }
    }

    /// Whether each field has a place.
    fn has_all_fields(&self, columns: &Columns) -> bool {
        let name = |place: &Place| columns.slice().get(place.column).map(Column::name);
        let names: Vec<_> = self.places.iter().filter_map(name).collect();
        self.fields.iter().all(|field| names.contains(field))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::{Columns, decode_rows};

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
    fn what_one_type_does_not_want_is_not_kept() {
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
