//! Requests by offset, several of them under way at once.

use std::collections::VecDeque;

/// Which rows have been asked for, and which come next: for a service whose rows are addressed by
/// offset, so that several pages may be under way at once.
///
/// Each request takes a [`Ticket`]; its answer is shown to [`accept`](Self::accept), which says
/// whether it is still wanted, and then either [`go_on`](Self::go_on) or [`end`](Self::end) is said.
///
/// Several requests may be under way on the guess that each page has the rows that were asked for.
/// Where a page turns out shorter, those behind it do not fit any more: they are forgotten, and
/// their answers fall under another epoch.
#[derive(Debug)]
pub struct Offsets {
    first: u64,
    /// Where the next page to be asked for begins.
    planned: u64,
    under_way: VecDeque<u64>,
    epoch: u64,
    ended: bool,
}

/// A request that was planned.
#[derive(Clone, Copy, Debug)]
pub struct Ticket {
    /// Where the page begins that was asked for.
    pub offset: u64,
    epoch: u64,
}

impl Offsets {
    /// Begins with the row at `first`.
    #[must_use]
    pub fn from(first: u64) -> Self {
        Self {
            first,
            planned: first,
            under_way: VecDeque::new(),
            epoch: 0,
            ended: false,
        }
    }

    /// Where the first page begins.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// How many rows have been asked for.
    #[must_use]
    pub fn planned_rows(&self) -> u64 {
        self.planned.saturating_sub(self.first)
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

    /// Whether [`end`](Self::end) has been said.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Takes the next `rows` rows into a request.
    pub fn plan(&mut self, rows: u64) -> Ticket {
        let ticket = Ticket {
            offset: self.planned,
            epoch: self.epoch,
        };
        self.under_way.push_back(self.planned);
        self.planned = self.planned.saturating_add(rows);
        ticket
    }

    /// Whether an answer is still wanted. Answers come in the order of their tickets.
    pub fn accept(&mut self, ticket: Ticket) -> bool {
        let wanted = ticket.epoch == self.epoch && !self.ended;
        if wanted {
            self.under_way.pop_front();
        }
        wanted
    }

    /// The next page begins here: what was asked for on another guess is forgotten.
    ///
    /// That it lies behind the page that was accepted is for the paging rule to make sure of:
    /// otherwise rows come twice, or without end.
    pub fn go_on(&mut self, next: u64) {
        let guess = self.under_way.front().copied().unwrap_or(self.planned);
        if guess != next {
            self.under_way.clear();
            self.planned = next;
            self.epoch += 1;
        }
    }

    /// There is no next page.
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
        assert_eq!((offsets.planned(), offsets.planned_rows()), (9, 4));
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
        assert_eq!((offsets.planned(), offsets.planned_rows()), (2, 0));
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
