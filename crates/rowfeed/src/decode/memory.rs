//! What the rows of a page have in common, kept from one to the next.

use super::{columns::Column, key::Key};

#[derive(Debug, Default)]
pub(super) struct Memory {
    /// What stood at each place of the last object.
    places: Vec<Place>,
    /// Where the cell of each column starts in this row; 0 for none.
    pub(super) starts: Vec<usize>,
    /// Whether the struct that is decoded takes no notice of a column.
    unwanted: Vec<bool>,
}

/// A place of an object, and the column that stood there.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub(super) column: usize,
    pub(super) is_unwanted: bool,
    /// Matches nothing where no column stood whose name is written as it is.
    pub(super) key: Key,
}

impl Memory {
    #[inline]
    pub(super) fn place(&self, place: usize) -> Option<&Place> {
        self.places.get(place)
    }

    /// A column stands at a place.
    pub(super) fn found(&mut self, place: usize, column: usize, declared: &Column) {
        if self.places.len() <= place {
            self.places.resize_with(place + 1, Place::default);
        }
        self.places[place] = Place {
            column,
            is_unwanted: self.is_unwanted(column),
            key: match declared.plain {
                true => Key::new(declared.name()),
                false => Key::default(),
            },
        };
    }

    /// A struct with these fields was offered a cell of the column, and ignored it. If it has no
    /// field of that name, it will always do so, and need not be asked again.
    #[cold]
    pub(super) fn learn(&mut self, column: usize, name: &str, fields: &[&str]) {
        if fields.contains(&name) {
            return;
        }
        if self.unwanted.len() <= column {
            self.unwanted.resize(column + 1, false);
        }
        self.unwanted[column] = true;
        for place in &mut self.places {
            place.is_unwanted |= place.column == column;
        }
    }

    #[inline]
    pub(super) fn is_unwanted(&self, column: usize) -> bool {
        self.unwanted.get(column).is_some_and(|unwanted| *unwanted)
    }
}
