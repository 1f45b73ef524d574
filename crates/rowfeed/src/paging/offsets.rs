//! Requests by offset, several of them under way at once.

use std::collections::VecDeque;

/// Keeps track of which rows have been requested and which come next: for a service that addresses
/// rows by offset, so that several pages may be under way at once.
///
/// Each request takes a [`Ticket`]. Its answer goes through [`accept`](Self::accept), which says
/// whether it is still needed, and then either [`go_on`](Self::go_on) or [`end`](Self::end) is called.
///
/// Several requests may be under way on the guess that each page has as many rows as requested.
/// When a page turns out shorter, the requests behind it do not fit any more: they are forgotten, and
/// their answers are not accepted.
#[derive(Debug)]
pub struct Offsets {
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
pub struct Ticket {
    /// Where the requested page begins.
    pub offset: u64,
    /// How many rows were planned.
    pub rows: u64,
    epoch: u64,
}

impl Offsets {
    /// Begins with the row at `first`.
    #[must_use]
    pub fn from(first: u64) -> Self {
        Self {
            next: first,
            planned: first,
            under_way: VecDeque::new(),
            epoch: 0,
            ended: false,
        }
    }

    /// How many rows have been requested and not accepted, for
    /// [`Wanted::rows_of_next_page`](super::Wanted::rows_of_next_page).
    #[must_use]
    pub fn rows_under_way(&self) -> u64 {
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
    pub fn plan(&mut self, rows: u64) -> Ticket {
        let ticket = Ticket {
            offset: self.planned,
            rows,
            epoch: self.epoch,
        };
        self.under_way.push_back(self.planned);
        self.planned = self.planned.saturating_add(rows);
        ticket
    }

    /// Returns whether an answer is still needed. Answers come in the order of their tickets.
    pub fn accept(&mut self, ticket: Ticket) -> bool {
        let is_needed = ticket.epoch == self.epoch && !self.ended;
        if is_needed {
            self.under_way.pop_front();
        }
        is_needed
    }

    /// Sets where the next page begins. Requests that were planned on another guess are forgotten.
    ///
    /// The paging rule must have checked that this lies behind the accepted page; otherwise rows come
    /// twice, or without end.
    pub fn go_on(&mut self, next: u64) {
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
mod tests {
    use super::*;

    #[test]
    fn guesses_that_hold_stay_under_way() {
        let mut offsets = Offsets::from(0);
        let (first, second) = (offsets.plan(10), offsets.plan(10));
        assert_eq!((first.offset, second.offset), (0, 10));
        assert!(offsets.accept(first));
        offsets.go_on(10);
        assert!(!offsets.is_idle());
        assert!(offsets.accept(second));
        offsets.go_on(20);
        assert_eq!((offsets.planned(), offsets.is_idle()), (20, true));
    }

    #[test]
    fn a_shorter_page_makes_those_behind_it_worthless() {
        let mut offsets = Offsets::from(5);
        let (first, second, third) = (offsets.plan(10), offsets.plan(10), offsets.plan(10));
        assert!(offsets.accept(first));
        offsets.go_on(9);
        assert_eq!((offsets.planned(), offsets.rows_under_way()), (9, 0));
        let again = offsets.plan(10);
        assert!(!offsets.accept(second) && !offsets.accept(third));
        assert!(offsets.accept(again));
    }

    #[test]
    fn an_offset_before_the_first_row_counts_no_rows() {
        let mut offsets = Offsets::from(5);
        let ticket = offsets.plan(10);
        assert!(offsets.accept(ticket));
        offsets.go_on(2);
        assert_eq!((offsets.planned(), offsets.rows_under_way()), (2, 0));
    }

    #[test]
    fn rows_are_under_way_until_their_page_is_accepted() {
        let mut offsets = Offsets::from(5);
        let (first, second) = (offsets.plan(10), offsets.plan(3));
        assert_eq!(offsets.rows_under_way(), 13);
        assert!(offsets.accept(first));
        offsets.go_on(15);
        assert_eq!(offsets.rows_under_way(), 3);
        assert!(offsets.accept(second));
        offsets.end();
        assert_eq!(offsets.rows_under_way(), 0);
    }

    #[test]
    fn nothing_is_wanted_after_the_end() {
        let mut offsets = Offsets::from(0);
        let (first, second) = (offsets.plan(10), offsets.plan(10));
        assert!(offsets.accept(first));
        offsets.end();
        assert!(!offsets.accept(second) && offsets.has_ended());
    }
}
