//! Columns that are parsed once and shared by all pages that declare them.

use std::sync::Mutex;

use crate::columns::{Cells, Columns, Encoding};

/// The columns of the last results of this process, the latest first.
static RECENT: Mutex<Vec<(Encoding, Columns)>> = Mutex::new(Vec::new());

/// The number of results remembered.
const MOST_RESULTS: usize = 8;
/// The most bytes of a result's names and types. Columns that take more are not remembered.
const MOST_BYTES: usize = 64 * 1024;
/// The approximate size of a column besides its name and type, in bytes.
const COLUMN_BYTES: usize = 128;

/// Parses the columns of pages. Pages with the same columns share them.
///
/// It remembers the columns of the last page. The process remembers the columns of the last few
/// results, so that a result that is read again and again is parsed once.
///
/// ```
/// use rowfeed_rows::ColumnsCache;
///
/// let mut columns = ColumnsCache::default();
/// let page = columns.dune(&["trade_id", "project"], &["bigint", "varchar"]);
/// assert_eq!(page.to_string(), "trade_id bigint, project varchar");
/// ```
#[derive(Debug, Default)]
pub struct ColumnsCache(Option<(Encoding, Columns)>);

impl ColumnsCache {
    /// Returns the columns of [`Columns::dune`].
    pub fn dune<N: AsRef<str>, T: AsRef<str>>(&mut self, names: &[N], types: &[T]) -> Columns {
        let types = types.iter().map(|name| Some(name.as_ref()));
        let types = types.chain(std::iter::repeat(None));
        let names = names.iter().map(AsRef::as_ref);
        self.get(Encoding::Dune, names.zip(types))
    }

    /// Returns the columns of [`Columns::lightdash`].
    pub fn lightdash<'a>(
        &mut self,
        columns: impl Iterator<Item = (&'a str, &'a str)> + Clone,
        cells: Cells,
    ) -> Columns {
        let columns = columns.map(|(name, type_name)| (name, Some(type_name)));
        self.get(Encoding::Lightdash(cells), columns)
    }

    /// Returns the columns of [`Columns::yandex_query`].
    pub fn yandex_query<'a>(
        &mut self,
        columns: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ) -> Columns {
        let columns = columns.map(|(name, type_name)| (name, Some(type_name)));
        self.get(Encoding::YandexQuery, columns)
    }

    fn get<'a>(
        &mut self,
        encoding: Encoding,
        declared: impl Iterator<Item = (&'a str, Option<&'a str>)> + Clone,
    ) -> Columns {
        match &self.0 {
            Some((known, last)) if *known == encoding && last.are_declared_by(declared.clone()) => {
                last.clone()
            }
            _ => {
                let columns = recent(encoding, declared);
                self.0 = Some((encoding, columns.clone()));
                columns
            }
        }
    }
}

fn recent<'a>(
    encoding: Encoding,
    declared: impl Iterator<Item = (&'a str, Option<&'a str>)> + Clone,
) -> Columns {
    // Parsing is faster than waiting for another thread.
    let Ok(mut recent) = RECENT.try_lock() else {
        return encoding.columns(declared);
    };
    let known = recent.iter().position(|(known, columns)| {
        *known == encoding && columns.are_declared_by(declared.clone())
    });
    if let Some(place) = known {
        recent[..=place].rotate_right(1);
        return recent[0].1.clone();
    }
    let columns = encoding.columns(declared);
    if size(&columns) <= MOST_BYTES {
        recent.truncate(MOST_RESULTS - 1);
        recent.insert(0, (encoding, columns.clone()));
    }
    columns
}

/// Returns the approximate number of bytes that these columns keep.
fn size(columns: &Columns) -> usize {
    let text = |column: &crate::Column| {
        COLUMN_BYTES + column.name().len() + column.type_name().map_or(0, str::len)
    };
    columns.iter().map(text).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether both are the same columns in memory.
    fn are_shared(some: &Columns, other: &Columns) -> bool {
        std::ptr::eq(some.slice(), other.slice())
    }

    #[test]
    fn pages_with_the_same_columns_share_them() {
        let mut cache = ColumnsCache::default();
        let first = cache.dune(&["a", "b"], &["bigint"]);
        assert_eq!(first.to_string(), "a bigint, b (undeclared)");
        assert!(are_shared(&first, &cache.dune(&["a", "b"], &["bigint"])));
        for (names, types) in [
            (&["a", "b"][..], &["bigint", "varchar"][..]),
            (&["a", "b"], &["double"]),
            (&["a"], &["bigint"]),
            (&["a", "c"], &["bigint"]),
            (&["a", "b", "c"], &["bigint"]),
            (&[], &[]),
        ] {
            let other = cache.dune(names, types);
            assert!(!are_shared(&first, &other));
            assert_eq!(other.to_string(), Columns::dune(names, types).to_string());
        }
    }

    #[test]
    fn services_do_not_share_columns_with_the_same_names() {
        let mut cache = ColumnsCache::default();
        let columns = [("a", "Date")];
        let raw = cache.lightdash(columns.into_iter(), Cells::Raw);
        let formatted = cache.lightdash(columns.into_iter(), Cells::Formatted);
        let yandex_query = cache.yandex_query(columns.into_iter());
        let dune = cache.dune(&["a"], &["Date"]);
        for (columns, expected) in [
            (raw, Columns::lightdash(columns, Cells::Raw)),
            (formatted, Columns::lightdash(columns, Cells::Formatted)),
            (yandex_query, Columns::yandex_query(columns)),
            (dune, Columns::dune(["a"], ["Date"])),
        ] {
            assert_eq!(columns.shape(), expected.shape());
            let types = columns.iter().map(|column| column.column_type());
            assert!(types.eq(expected.iter().map(|column| column.column_type())));
        }
    }

    #[test]
    fn few_and_small_results_are_remembered() {
        let name = |number: usize| format!("kept {number}");
        for number in 0..3 * MOST_RESULTS {
            ColumnsCache::default().dune(&[name(number)], &["bigint"]);
        }
        let large = "x".repeat(MOST_BYTES);
        ColumnsCache::default().dune(&[large.as_str()], &["bigint"]);
        let recent = RECENT.lock().unwrap_or_else(|error| error.into_inner());
        assert!(recent.len() <= MOST_RESULTS);
        assert!(
            recent
                .iter()
                .all(|(_, columns)| columns.get(&large).is_none())
        );
    }
}
