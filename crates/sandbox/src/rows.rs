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

    use super::Rows;

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
}
