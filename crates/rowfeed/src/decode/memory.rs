//! What the rows of a page have in common, kept from one to the next.

#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Which column stood at which place in the last row.
    pub(super) order: Vec<usize>,
    /// Where the cell of each column starts in this row; 0 for none.
    pub(super) starts: Vec<usize>,
    /// Whether the struct that is decoded takes no notice of a column.
    unwanted: Vec<bool>,
}

impl Memory {
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
    }

    #[inline]
    pub(super) fn is_unwanted(&self, column: usize) -> bool {
        self.unwanted.get(column).is_some_and(|unwanted| *unwanted)
    }
}
