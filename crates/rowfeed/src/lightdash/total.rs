//! How many rows Lightdash says that there are.

use rowfeed_lightdash::types;
use rowfeed_rows::RawRows;

/// What `totalResults` is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Total {
    Rows(u64),
    /// It is not said, or 0 is said of a pivot that nobody counted.
    Unknown,
    /// Less than no rows.
    Negative,
}

impl Total {
    /// The total of a page. `is_uncounted` tells that a page before had rows that were not counted.
    ///
    /// Servers of 2025 and of the first half of 2026 count the rows of a pivot as they turn them,
    /// and turn none where the pivot has no group columns: then the total is 0, no page is said to
    /// follow, and the rows are there all the same, page after page.
    pub(super) fn of(results: &types::QueryResults, is_uncounted: bool) -> Self {
        let total = match results.total_results.map(u64::try_from) {
            None => return Self::Unknown,
            Some(Err(_)) => return Self::Negative,
            Some(Ok(total)) => total,
        };
        let has_no_groups = |pivot: &types::PivotDetails| pivot.group_by_columns.is_empty();
        let may_be_uncounted = results.pivot_details.as_ref().is_some_and(has_no_groups);
        let has_rows = results
            .rows
            .as_ref()
            .is_some_and(|rows: &RawRows| !rows.is_empty());
        match total {
            0 if may_be_uncounted && (has_rows || is_uncounted) => Self::Unknown,
            total => Self::Rows(total),
        }
    }

    /// The number, where there is one.
    pub(super) fn known(self) -> Option<u64> {
        match self {
            Self::Rows(total) => Some(total),
            Self::Unknown | Self::Negative => None,
        }
    }
}
