//! Row ranges: how a result is divided into partitions.

use std::ops::Range;

/// A partition has at least this many pages, because each one costs a request that may be small.
const FEWEST_PAGES: u64 = 3;

/// The page size of the service's own clients, which the facade uses by default.
pub(crate) fn default_page_rows(service: &str) -> u64 {
    match service {
        "dune" => 32_000,
        "lightdash" => 2_500,
        _ => 1_000,
    }
}

/// The largest useful number of partitions. At Lightdash each page makes the server read the whole
/// result file again, so a few readers are enough.
pub(crate) fn most_partitions(service: &str) -> usize {
    match service {
        "lightdash" => 4,
        _ => usize::MAX,
    }
}

/// Divides `rows` rows into at most `most` ranges of whole pages. Only the last page of the last
/// range may be short. There is at least one range, which may be empty.
pub(crate) fn row_ranges(rows: u64, page_rows: u64, most: usize) -> Vec<Range<u64>> {
    let page_rows = page_rows.max(1);
    let pages = rows.div_ceil(page_rows);
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let count = (pages / FEWEST_PAGES).clamp(1, most.max(1));
    let start = |index: u64| {
        // The product of two counts of pages may not fit 64 bits.
        let page = u128::from(pages) * u128::from(index) / u128::from(count);
        let row = page.saturating_mul(u128::from(page_rows));
        u64::try_from(row).map_or(rows, |row| row.min(rows))
    };
    (0..count)
        .map(|index| start(index)..start(index + 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_every_row_once_and_begin_with_a_page() {
        for rows in [0, 1, 9, 10, 29, 30, 31, 59, 60, 61, 95, 1_000, 1_001] {
            for page_rows in [1, 7, 10, 1_000] {
                for most in [1, 2, 3, 4, 8, 100] {
                    let ranges = row_ranges(rows, page_rows, most);
                    assert!(!ranges.is_empty() && ranges.len() <= most);
                    let mut next = 0;
                    for range in &ranges {
                        assert_eq!(range.start, next);
                        assert_eq!(range.start % page_rows, 0);
                        next = range.end;
                    }
                    assert_eq!(next, rows, "{rows} rows, {page_rows} a page, {most} ranges");
                    if ranges.len() > 1 {
                        let pages =
                            |range: &Range<u64>| (range.end - range.start).div_ceil(page_rows);
                        assert!(ranges.iter().all(|range| pages(range) >= FEWEST_PAGES));
                    }
                }
            }
        }
    }

    #[test]
    fn a_small_result_is_one_range_and_a_large_one_uses_all_partitions() {
        assert_eq!(row_ranges(50, 10, 8).len(), 1);
        assert_eq!(row_ranges(51, 10, 8), [0..30, 30..51]);
        assert_eq!(row_ranges(60, 10, 8), [0..30, 30..60]);
        assert_eq!(row_ranges(240, 10, 8).len(), 8);
        assert_eq!(row_ranges(u64::MAX, 1, 8).len(), 8);
    }
}
