//! How many rows Lightdash says that there are.

use rowfeed_lightdash::types;
use rowfeed_rows::RawRows;

use super::state::paging;
use crate::Error;

/// The total of a page; `None` where it is not said, or where 0 is said of a pivot that nobody
/// counted. `is_uncounted` tells that a page before had rows that were not counted.
///
/// Servers of 2025 and of the first half of 2026 count the rows of a pivot as they turn them, and
/// turn none where the pivot has no group columns: then the total is 0, no page is said to follow,
/// and the rows are there all the same, page after page.
pub(super) fn total_rows(
    results: &types::QueryResults,
    is_uncounted: bool,
) -> Result<Option<u64>, Error> {
    let total = results.total_results.map(u64::try_from).transpose();
    let total = total.map_err(|_| {
        let message = "the query has less than no rows in all";
        paging(message)
    })?;
    let pivot = results.pivot_details.as_ref();
    let has_no_groups = pivot.is_some_and(|pivot| pivot.group_by_columns.is_empty());
    let has_rows = results
        .rows
        .as_ref()
        .is_some_and(|rows: &RawRows| !rows.is_empty());
    let is_uncounted = has_no_groups && (has_rows || is_uncounted);
    Ok(total.filter(|total| *total > 0 || !is_uncounted))
}
