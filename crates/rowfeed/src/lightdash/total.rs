//! The total number of rows that Lightdash reports.

use rowfeed_lightdash::types;
use rowfeed_rows::RawRows;

use super::state::paging;
use crate::Error;

/// The total that a page reports. `None` if it reports none, or reports 0 for a pivot that was not
/// counted. `is_uncounted` says that an earlier page had rows that were not counted.
///
/// Servers of 2025 and of the first half of 2026 count the rows of a pivot while they pivot them.
/// Without group columns they pivot none: the total is 0 and no page names a next one, but page
/// after page has rows.
pub(super) fn total_rows(
    total: Option<i64>,
    pivot: Option<&types::PivotDetails>,
    rows: Option<&RawRows>,
    is_uncounted: bool,
) -> Result<Option<u64>, Error> {
    let total = total.map(u64::try_from).transpose();
    let total = total.map_err(|_| {
        let message = "the query has a negative total of rows";
        paging(message)
    })?;
    let has_no_groups = pivot.is_some_and(|pivot| pivot.group_by_columns.is_empty());
    let has_rows = rows.is_some_and(|rows| !rows.is_empty());
    let is_uncounted = has_no_groups && (has_rows || is_uncounted);
    Ok(total.filter(|total| *total > 0 || !is_uncounted))
}
