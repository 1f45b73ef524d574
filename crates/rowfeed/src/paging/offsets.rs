//! Requests by offset, several of them under way at once.

use std::collections::VecDeque;

/// Keeps track of which rows have been requested and which come next: for a service that addresses
/// rows by offset, so that several pages may be under way at once.
///
/// Each request takes a [`PlannedPage`]. Its answer goes through [`accept`](Self::accept), which says
/// whether it is still needed, and then either [`continue_at`](Self::continue_at) or [`end`](Self::end) is called.
///
/// Several requests may be under way on the guess that each page has as many rows as requested.
/// When a page turns out shorter, the requests behind it do not fit any more: they are forgotten, and
/// their answers are not accepted.
#[derive(Debug)]
pub struct OffsetTracker {
    /// Where the page begins that is accepted next.
    next: u64,
    /// Where the page begins that is requested next.
    planned: u64,
    under_way: VecDeque<u64>,
    /// Counts how often requests were forgotten.
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
    /// Begins with the row at `first`.
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

    /// How many rows have been requested and not accepted, for
    /// [`FetchOptions::next_page_size`](super::FetchOptions::next_page_size).
    #[must_use]
    pub fn rows_in_flight(&self) -> u64 {
        match self.ended {
            true => 0,
            false => self.planned.saturating_sub(self.next),
        }
    }

    /// Where the next request begins.
    #[must_use]
    pub fn planned(&self) -> u64 {
        self.planned
    }

    /// Whether no request is under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Whether [`end`](Self::end) has been called.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Takes the next `rows` rows into a request.
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

    /// Returns whether an answer is still needed. Answers come in the order of their planned_pages.
    pub fn accept(&mut self, planned_page: PlannedPage) -> bool {
        let is_needed = planned_page.epoch == self.epoch && !self.ended;
        if is_needed {
            self.under_way.pop_front();
        }
        is_needed
    }

    /// Sets where the next page begins. Requests that were planned on another guess are forgotten.
    ///
    /// The paging rule must have checked that this lies behind the accepted page; otherwise rows come
    /// twice, or without end.
    pub fn continue_at(&mut self, next: u64) {
        self.next = next;
        let guess = self.under_way.front().copied().unwrap_or(self.planned);
        if guess != next {
            self.under_way.clear();
            self.planned = next;
            self.epoch += 1;
        }
    }

    /// Says that there is no next page.
    pub fn end(&mut self) {
        self.ended = true;
        self.under_way.clear();
    }
}

#[cfg(test)]
mod tests;
