//! Selects what to return of a source's pages: the rows after the cursor, up to the limit.

use std::task::{Context, Poll};

use super::source::{FetchOptions, FetchPlan, Source, sealed::Part};
use crate::{Error, ErrorKind};

/// Fetches pages one by one. It is not polled again after the end or an error.
pub(crate) trait Fetcher<P>: Send {
    fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<P>, Error>>;
}

/// After this many pages in a row without a row or item, reading fails because the result seems
/// endless.
const MOST_EMPTY_PAGES: u32 = 100;

/// A source, and what has been read from it. It holds what all services have in common. Both ways
/// to fetch pages use it.
pub(super) struct Intake<S> {
    source: S,
    pub(super) options: FetchOptions,
    /// The row of the cursor, until a page reaches it.
    skip_to: Option<u64>,
    /// Whether whole pages were skipped before the cursor.
    has_skipped: bool,
    pages: u64,
    empty_pages: u32,
}

impl<S: Source> Intake<S> {
    pub(super) fn new(source: S, options: FetchOptions) -> Self {
        Self {
            source,
            skip_to: options.resumed_at,
            options,
            has_skipped: false,
            pages: 0,
            empty_pages: 0,
        }
    }

    pub(super) fn service(&self) -> &'static str {
        self.source.service()
    }

    /// Whether no more pages are needed.
    pub(super) fn has_ended(&self) -> bool {
        self.options.rows_left == Some(0) || self.source.has_ended()
    }

    /// Plans the next step, with this many requests in flight.
    pub(super) fn plan(&mut self, under_way: usize) -> Result<FetchPlan<S::Response>, Error> {
        self.next_step(under_way)
            .map_err(|error| error.of_run(self.source.run_id()))
    }

    /// Turns a response into the page to return.
    pub(super) fn accept(
        &mut self,
        answer: Result<S::Response, Error>,
    ) -> Result<Option<S::Page>, Error> {
        let page = answer.and_then(|answer| self.next_page(answer));
        page.map_err(|error| error.of_run(self.source.run_id()))
    }

    /// Checks, at the end, that reading reached the cursor.
    pub(super) fn end(&self) -> Result<(), Error> {
        match self.skip_to {
            Some(row) if self.has_skipped && S::Page::IS_SNAPSHOT => Err(self.paging(format!(
                "reading resumed before row {row}, but the result ends before it"
            ))),
            _ => Ok(()),
        }
    }

    fn next_step(&mut self, under_way: usize) -> Result<FetchPlan<S::Response>, Error> {
        if self.has_ended() {
            return Ok(FetchPlan::End);
        }
        self.options.in_flight = under_way;
        let plan = self.source.plan(&self.options)?;
        match plan {
            FetchPlan::Wait if under_way == 0 => Err(self.paging(
                "the paging rule waits for a response, but no request is in flight".to_owned(),
            )),
            FetchPlan::Fetch(_) if self.empty_pages >= MOST_EMPTY_PAGES => Err(self.paging(format!(
                "{MOST_EMPTY_PAGES} pages in a row have no {}, and the service names another page",
                S::Page::ENTRIES
            ))),
            plan => Ok(plan),
        }
    }

    fn next_page(&mut self, answer: S::Response) -> Result<Option<S::Page>, Error> {
        let Some(mut page) = self.source.accept(&self.options, answer)? else {
            return Ok(None);
        };
        self.empty_pages = match page.count() {
            0 => self.empty_pages + 1,
            _ => 0,
        };
        if !self.reach_cursor(&mut page)? {
            return Ok(None);
        }
        if let Some(left) = &mut self.options.rows_left {
            page.keep(*left);
            *left -= page.count();
        }
        page.set_number(self.pages);
        self.pages += 1;
        Ok(Some(page))
    }

    /// Skips rows before the cursor. Returns false if the whole page lies before the cursor.
    fn reach_cursor(&mut self, page: &mut S::Page) -> Result<bool, Error> {
        let Some(row) = self.skip_to else {
            return Ok(true);
        };
        let first = page.first();
        if first > row {
            let error = self.paging(format!(
                "reading resumed before row {row}, but the first page begins with row {first}: \
                 the rows between would be lost"
            ));
            return Err(error.of_run(page.run_id()));
        }
        if first + page.count() < row {
            self.has_skipped = true;
            return Ok(false);
        }
        page.skip(row - first);
        self.skip_to = None;
        Ok(true)
    }

    fn paging(&self, message: String) -> Error {
        let error = Error::new(ErrorKind::Paging, self.service(), message);
        error.of_run(self.source.run_id())
    }
}
