//! Requests by offset, several of them in flight at once.

use std::collections::VecDeque;

/// Tracks which rows have been requested and which rows come next. It is for services that address
/// rows by offset, so that several requests may be in flight at once.
///
/// Each request has a [`PlannedPage`]. Pass it to [`accept`](Self::accept) with the response, which
/// says whether the response is still needed. Then call either [`continue_at`](Self::continue_at)
/// or [`end`](Self::end).
///
/// Requests are planned on the guess that each page has as many rows as requested. If a page is
/// shorter, the requests after it do not fit any more. They are forgotten, and their responses are
/// not accepted.
#[derive(Debug)]
pub struct OffsetTracker {
    /// Where the next page to accept begins.
    next: u64,
    /// Where the next page to request begins.
    planned: u64,
    under_way: VecDeque<u64>,
    /// How many times requests were forgotten.
    epoch: u64,
    ended: bool,
}

/// A planned request.
#[derive(Clone, Copy, Debug)]
pub struct PlannedPage {
    /// Where the requested page begins.
    pub offset: u64,
    /// How many rows were planned.
    pub rows: u64,
    epoch: u64,
}

impl OffsetTracker {
    /// Creates a tracker that begins with the row at `first`.
    #[must_use]
    pub fn new(first: u64) -> Self {
        Self {
            next: first,
            planned: first,
            under_way: VecDeque::new(),
            epoch: 0,
            ended: false,
        }
    }

    /// Returns how many rows have been requested and not accepted yet; see
    /// [`FetchOptions::next_page_size`](super::FetchOptions::next_page_size).
    #[must_use]
    pub fn rows_in_flight(&self) -> u64 {
        match self.ended {
            true => 0,
            false => self.planned.saturating_sub(self.next),
        }
    }

    /// Returns where the next request begins.
    #[must_use]
    pub fn planned(&self) -> u64 {
        self.planned
    }

    /// Returns whether no request is in flight.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Returns whether [`end`](Self::end) has been called.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Plans a request for the next `rows` rows.
    pub fn plan(&mut self, rows: u64) -> PlannedPage {
        let planned_page = PlannedPage {
            offset: self.planned,
            rows,
            epoch: self.epoch,
        };
        self.under_way.push_back(self.planned);
        self.planned = self.planned.saturating_add(rows);
        planned_page
    }

    /// Returns whether a response is still needed. Pass responses in the order of their requests.
    pub fn accept(&mut self, planned_page: PlannedPage) -> bool {
        let is_needed = planned_page.epoch == self.epoch && !self.ended;
        if is_needed {
            self.under_way.pop_front();
        }
        is_needed
    }

    /// Sets where the next page begins. Requests that do not fit are forgotten.
    ///
    /// The paging rule must check that this place is after the accepted page. Otherwise rows are
    /// repeated, or reading never ends.
    pub fn continue_at(&mut self, next: u64) {
        self.next = next;
        let guess = self.under_way.front().copied().unwrap_or(self.planned);
        if guess != next {
            self.under_way.clear();
            self.planned = next;
            self.epoch += 1;
        }
    }

    /// Marks the end: there is no next page.
    pub fn end(&mut self) {
        self.ended = true;
        self.under_way.clear();
    }
}

#[cfg(test)]
mod tests;
