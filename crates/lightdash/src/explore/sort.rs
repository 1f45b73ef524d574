//! Sort keys.

use super::field::Field;

/// A sort key.
#[derive(Clone, Debug)]
#[must_use = "a sort key does nothing until it is passed to sort()"]
pub struct Sort {
    pub(super) field: Field,
    pub(super) descending: bool,
    pub(super) nulls_first: Option<bool>,
}

/// Sorts by a field, the smallest value first.
pub fn asc(field: impl Into<Field>) -> Sort {
    Sort {
        field: field.into(),
        descending: false,
        nulls_first: None,
    }
}

/// Sorts by a field, the largest value first.
pub fn desc(field: impl Into<Field>) -> Sort {
    Sort {
        descending: true,
        ..asc(field)
    }
}

impl Sort {
    /// Puts NULLs first. The warehouse decides unless it is set.
    pub fn nulls_first(mut self) -> Self {
        self.nulls_first = Some(true);
        self
    }

    /// Puts NULLs last. The warehouse decides unless it is set.
    pub fn nulls_last(mut self) -> Self {
        self.nulls_first = Some(false);
        self
    }
}

impl<F: Into<Field>> From<F> for Sort {
    fn from(field: F) -> Self {
        asc(field)
    }
}
