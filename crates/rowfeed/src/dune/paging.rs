//! Dune's paging rule.
//!
//! - The first page of a latest result names its execution. All later pages are read from that
//!   execution, because the query may run again in between.
//! - The server may send fewer rows than requested. Only `next_offset` locates the next page, and
//!   only its absence is the end. A short or empty page is not the end.
//! - A next offset that does not advance is an error: reading would never end. An offset before the
//!   end of the page would repeat rows, and an offset after it would skip rows; both are errors.
//! - Without filters, the total counts the rows that can be read. Then an end before the total, an
//!   empty page before it, and a total that changes are errors, unless a partial result is
//!   acceptable. With filters, the total may include rows that the filters exclude, so it is not
//!   used.
//! - A result that Dune truncated because of its size is an error, unless the caller accepts it.
//! - Pages may be fetched concurrently once the first page has arrived in full size, and only
//!   without filters. The total is only a guess of how much to request, and never the end.

use std::sync::Arc;

use rowfeed_client::Masker;
use rowfeed_dune::{ResultPage, ResultRows, builder, types};

use super::{
    place::Place,
    request::{PAGE_SIZE, Request},
    state::{SERVICE, TRUNCATED, check_state, invalid, paging},
};
use crate::{
    Columns, Cursor, Error, ErrorKind, Page, Pages, RowsExt,
    cursor::ResultId,
    paging::{FetchOptions, FetchPlan, OffsetTracker, PlannedPage, Source},
    parameter::count,
};

pub(super) struct Paging {
    request: Request,
    /// The result that the pages belong to, once the execution is known.
    result: Option<Arc<ResultId>>,
    offsets: OffsetTracker,
    /// The expected number of rows, once pages may be fetched concurrently.
    guess: Option<u64>,
    /// The number of rows, if Dune reports it and all of them are read.
    total: Option<u64>,
    columns: Known,
}

/// Whether the names of the columns are known, if only some columns are needed.
enum Known {
    No,
    RunStatus,
    Yes(Vec<String>),
    /// The columns have been chosen, or all are needed.
    Settled,
}

impl Known {
    fn of(columns: &Columns) -> Self {
        Self::Yes(columns.iter().map(|c| c.name().to_owned()).collect())
    }
}

/// A response and its request.
pub(super) enum Response {
    /// One row, to learn the columns.
    Look(ResultPage),
    /// A failure matters only if the page is still needed.
    Page(PlannedPage, Result<ResultPage, Error>),
}

impl RowsExt for builder::GetLatestQueryResult {
    fn pages(self) -> Pages {
        start(self.into())
    }
}

impl RowsExt for builder::GetCustomEndpointResults {
    fn pages(self) -> Pages {
        start(self.into())
    }
}

impl RowsExt for builder::GetExecutionResults {
    fn pages(self) -> Pages {
        start(self.into())
    }
}

fn start(request: Request) -> Pages {
    match count(SERVICE, "offset", request.offset()) {
        Ok(offset) => Pages::from_source(Paging::new(request, offset.unwrap_or(0))),
        Err(error) => Pages::failed(error),
    }
}

impl Paging {
    fn new(request: Request, offset: u64) -> Self {
        let id = request.execution_id();
        Self {
            result: id.map(|id| Arc::new(request.result(id))),
            request,
            offsets: OffsetTracker::new(offset),
            guess: None,
            total: None,
            columns: Known::No,
        }
    }

    /// Reads a completed execution. The status names its columns, if it does so at all.
    pub(super) fn of_execution(
        results: builder::GetExecutionResults,
        columns: Option<&Columns>,
    ) -> Self {
        let mut this = Self::new(results.into(), 0);
        if let Some(columns) = columns {
            this.columns = Known::of(columns);
        }
        this
    }

    /// Decides which columns to request, or plans a request that finds out which columns there are.
    fn plan_columns(&mut self, options: &FetchOptions) -> Option<FetchPlan<Response>> {
        // Requesting one row of a sample would draw and bill the whole sample twice.
        let is_open = !self.request.has_columns() && !self.request.is_sample();
        let Some(fields) = options.columns.as_ref().filter(|_| is_open) else {
            self.columns = Known::Settled;
            return None;
        };
        match std::mem::replace(&mut self.columns, Known::Settled) {
            Known::Settled => None,
            Known::RunStatus => {
                self.columns = Known::RunStatus;
                Some(FetchPlan::Wait)
            }
            Known::No => {
                self.columns = Known::RunStatus;
                let look = self
                    .request
                    .send(self.offsets.planned(), 1, options.allow_truncated);
                Some(FetchPlan::Fetch(Box::pin(async {
                    Ok(Response::Look(look.await?.into_inner()))
                })))
            }
            Known::Yes(names) => {
                let chosen = names.iter().filter(|name| fields.contains(name));
                let chosen: Vec<_> = chosen.map(String::as_str).collect();
                // Dune does not document how to escape a quote, so all columns are requested.
                let can_be_asked = chosen.iter().all(|name| !name.contains('"'));
                if can_be_asked && !chosen.is_empty() {
                    self.request.choose_columns(&chosen);
                }
                None
            }
        }
    }

    /// Reads all further pages from this execution.
    fn pin(&mut self, execution_id: &str) -> Arc<ResultId> {
        self.request.pin(execution_id);
        let result = || Arc::new(self.request.result(execution_id));
        Arc::clone(self.result.get_or_insert_with(result))
    }

    /// Checks a response and returns its rows. All further pages are read from its execution.
    fn check(
        &mut self,
        options: &FetchOptions,
        response: &mut ResultPage,
    ) -> Result<ResultRows, Error> {
        let id = &response.execution_id;
        if id.is_empty() {
            let message = "the page names no execution, so the rows after it cannot be located";
            return Err(paging(message));
        }
        if self.run_id().is_some_and(|expected| expected != id) {
            let message =
                format!("this page comes from execution {id}, but the pages before it do not");
            return Err(paging(message));
        }
        self.pin(id);
        let finished = response.is_execution_finished;
        check_state(&response.state, finished, response.error.as_ref())?;
        let is_partial = response.state == types::ExecutionState::CompletedPartial;
        if is_partial && !(options.allow_truncated || self.request.takes_partial()) {
            return Err(Error::new(ErrorKind::Truncated, SERVICE, TRUNCATED));
        }
        let message = "the execution has completed, but the page has no result";
        response.result.take().ok_or_else(|| paging(message))
    }
}

impl Source for Paging {
    type Response = Response;
    type Page = Page;

    fn service(&self) -> &'static str {
        SERVICE
    }

    fn run_id(&self) -> Option<&str> {
        self.result.as_ref().map(|result| result.run_id())
    }

    /// The operation's `limit` is the total number of rows.
    fn limit(&self) -> Result<Option<u64>, Error> {
        count(SERVICE, "limit", self.request.limit())
    }

    fn resume(&mut self, cursor: &Cursor) -> Result<(), Error> {
        // A latest result takes the execution from the cursor.
        let run = self.run_id().unwrap_or(cursor.run_id());
        cursor.check(SERVICE, &self.request.result(run))?;
        if self.request.is_sample() {
            let message = "Dune draws a new sample for each request, so a sample cannot be resumed";
            return Err(invalid(message).with_run(cursor.run_id()));
        }
        self.pin(cursor.run_id());
        self.offsets = OffsetTracker::new(cursor.row());
        Ok(())
    }

    fn reconnect(&mut self) -> Result<(), Error> {
        self.request.reconnect()
    }

    fn masker(&self) -> Option<Masker> {
        Some(self.request.masker())
    }

    fn plan(&mut self, options: &FetchOptions) -> Result<FetchPlan<Response>, Error> {
        if let Some(plan) = self.plan_columns(options) {
            return Ok(plan);
        }
        let is_guess = self.guess.is_some_and(|rows| self.offsets.planned() < rows);
        if !self.offsets.is_idle() && !is_guess {
            return Ok(FetchPlan::Wait);
        }
        let under_way = self.offsets.rows_in_flight();
        let Some(asked) = options.next_page_size(under_way, PAGE_SIZE) else {
            return Ok(FetchPlan::Wait);
        };
        let ticket = self.offsets.plan(asked);
        let response = self
            .request
            .send(ticket.offset, asked, options.allow_truncated);
        Ok(FetchPlan::Fetch(Box::pin(async move {
            let response = response.await.map(|response| response.into_inner());
            Ok(Response::Page(ticket, response))
        })))
    }

    fn has_ended(&self) -> bool {
        self.offsets.has_ended()
    }

    fn accept(&mut self, options: &FetchOptions, answer: Response) -> Result<Option<Page>, Error> {
        let (ticket, response) = match answer {
            Response::Page(ticket, response) => (ticket, response),
            Response::Look(mut response) => {
                let metadata = self.check(options, &mut response)?.metadata;
                self.columns = Known::of(&metadata.unwrap_or_default().columns);
                return Ok(None);
            }
        };
        if !self.offsets.accept(ticket) {
            return Ok(None);
        }
        let mut response = response?;
        let result = self.check(options, &mut response)?;
        let metadata = result.metadata.unwrap_or_default();
        let rows = result.rows.unwrap_or_default();
        let is_partial = response.state == types::ExecutionState::CompletedPartial;
        let is_whole = self.request.has_all_rows()
            && !(is_partial || options.allow_truncated || self.request.takes_partial());
        let total_rows = metadata.total_row_count.map(u64::try_from).transpose();
        let total_rows =
            total_rows.map_err(|_| paging("the page announces a negative total of rows"))?;
        let is_sample = self.request.is_sample();
        let place = Place {
            first: ticket.offset,
            rows: rows.count() as u64,
            said: metadata.row_count,
            next: next_offset(ticket.offset, response.next_offset, is_sample)?,
            // Dune also sends 0 if it has no count.
            total: total_rows.filter(|total| is_whole && *total > 0),
            has_all_rows: self.request.has_all_rows(),
            is_enough: options.is_satisfied_by(rows.count() as u64),
        };
        if let Some(message) = place.misfit(self.total).filter(|_| !is_sample) {
            return Err(paging(message));
        }
        self.total = self.total.or(place.total);
        if place.next == Some(ticket.offset + ticket.rows) && self.request.has_all_rows() {
            self.guess = total_rows;
        }
        match place.next {
            Some(next) => self.offsets.continue_at(next),
            None => self.offsets.end(),
        }
        let result = self.pin(&response.execution_id);
        let page = Page::new(SERVICE, result, ticket.offset, metadata.columns, rows);
        Ok(Some(page.with_total_rows(total_rows)))
    }
}

/// Where the page after the one at `offset` begins.
pub(super) fn next_offset(
    offset: u64,
    next: Option<i64>,
    is_sample: bool,
) -> Result<Option<u64>, Error> {
    let Some(next) = next else { return Ok(None) };
    if is_sample {
        let message = "a sample has one page, but Dune says that more rows follow";
        return Err(paging(message));
    }
    match u64::try_from(next) {
        Ok(next) if next > offset => Ok(Some(next)),
        _ => Err(paging(format!(
            "the next page would begin at row {next}, but this one begins at row {offset}"
        ))),
    }
}
