//! Dune's paging rule.
//!
//! - The first page of a latest result names the execution it comes from; all others are read from
//!   that execution, since the query may run again in between.
//! - The server may send fewer rows than requested. Only `next_offset` names the next page, and
//!   only its absence is the end: a short or empty page is not.
//! - An offset that does not advance is an error: reading would never end. So is one before the end
//!   of the page, whose rows would come twice, and one behind it, which would leave rows out.
//! - Without filters the total counts what can be read. An end before it, a page without rows before
//!   it, and a total that changes are errors then, unless a part of a result is acceptable. With
//!   filters it may count the rows before them, and says nothing.
//! - A result that Dune cut off for its size is an error, unless the caller accepts it.
//! - Pages may be fetched side by side once the first has come in full size, and only without
//!   filters: the total may count the rows before them. The total is a guess of what to request,
//!   never the end.

use std::sync::Arc;

use rowfeed_client::Masker;
use rowfeed_dune::{builder, types};

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
use rowfeed_rows::ColumnsCache;

pub(super) struct Paging {
    request: Request,
    /// What the pages are pages of, once the execution is known.
    result: Option<Arc<ResultId>>,
    offsets: OffsetTracker,
    /// How many rows there seem to be, once pages may be fetched side by side.
    guess: Option<u64>,
    /// How many rows there are, where that is said and all of them are read.
    total: Option<u64>,
    columns: Known,
    last_columns: ColumnsCache,
}

/// Whether the names of the columns are known, where only some of them are needed.
enum Known {
    No,
    RunStatus,
    Yes(Vec<String>),
    /// The columns have been chosen, or all are needed.
    Settled,
}

/// A response, with what was requested.
pub(super) enum Response {
    /// One row, to learn the columns.
    Look(types::ReadExecutionResultResponse),
    /// A failure counts only if the page is still needed.
    Page(
        PlannedPage,
        Result<types::ReadExecutionResultResponse, Error>,
    ),
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
            last_columns: ColumnsCache::default(),
        }
    }

    /// Of an execution that has ended, with its columns where the status names them.
    pub(super) fn of_execution(
        results: builder::GetExecutionResults,
        columns: Option<&Columns>,
    ) -> Self {
        let mut this = Self::new(results.into(), 0);
        if let Some(columns) = columns {
            this.columns = Known::Yes(columns.iter().map(|c| c.name().to_owned()).collect());
        }
        this
    }

    /// Settles which columns to request, or plans to find out which there are.
    fn plan_columns(&mut self, options: &FetchOptions) -> Option<FetchPlan<Response>> {
        // A look at a sample would be the whole sample, drawn and billed twice.
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
                // Dune does not document a quote inside quotes: then all columns are requested.
                let can_be_asked = chosen.iter().all(|name| !name.contains('"'));
                if can_be_asked && !chosen.is_empty() {
                    self.request.choose_columns(&chosen);
                }
                None
            }
        }
    }

    /// All further pages are of this execution.
    fn pin(&mut self, execution_id: &str) -> Arc<ResultId> {
        let result = self.request.result(execution_id);
        self.request.pin(execution_id);
        Arc::clone(self.result.get_or_insert_with(|| Arc::new(result)))
    }

    /// Checks a response, and takes its rows. All further pages are of its execution.
    fn check(
        &mut self,
        options: &FetchOptions,
        response: &mut types::ReadExecutionResultResponse,
    ) -> Result<types::QueryResultData, Error> {
        let id = &response.execution_id;
        if id.is_empty() {
            let message = "the page names no execution, so it is not known which rows follow";
            return Err(paging(message));
        }
        if self.run_id().is_some_and(|expected| expected != id) {
            let message = format!("this page comes from execution {id}, those before did not");
            return Err(paging(message));
        }
        self.pin(id);
        let finished = response.is_execution_finished;
        check_state(&response.state, finished, response.error.as_ref())?;
        let is_partial = response.state == types::ExecutionState::CompletedPartial;
        if is_partial && !(options.allow_truncated || self.request.takes_partial()) {
            return Err(Error::new(ErrorKind::Truncated, SERVICE, TRUNCATED));
        }
        let message = "the execution has ended well, but the page has no result";
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

    /// The operation's `limit` is the number of rows that the caller needs.
    fn limit(&self) -> Result<Option<u64>, Error> {
        count(SERVICE, "limit", self.request.limit())
    }

    fn resume(&mut self, cursor: &Cursor) -> Result<(), Error> {
        // A latest result takes the execution from the cursor.
        let run = self.run_id().unwrap_or(cursor.run_id());
        cursor.check(SERVICE, &self.request.result(run))?;
        if self.request.is_sample() {
            let message = "a sample is drawn anew for each request, so it cannot be resumed";
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
                self.columns = Known::Yes(metadata.unwrap_or_default().column_names);
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
            total_rows.map_err(|_| paging("the page announces less than no rows in all"))?;
        let is_sample = self.request.is_sample();
        let place = Place {
            first: ticket.offset,
            rows: rows.count() as u64,
            said: metadata.row_count,
            next: next_offset(ticket.offset, response.next_offset, is_sample)?,
            // Dune also sends 0 where it has no count.
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
        let columns = self.columns_from(&metadata);
        let result = self.pin(&response.execution_id);
        let page = Page::new(SERVICE, result, ticket.offset, columns, rows);
        Ok(Some(page.with_total_rows(total_rows)))
    }
}

impl Paging {
    fn columns_from(&mut self, metadata: &types::ExecutionResultMetadata) -> Columns {
        let (names, types) = (&metadata.column_names[..], &metadata.column_types[..]);
        let each_type = types.iter().map(|name| Some(name.as_str()));
        let declared = names
            .iter()
            .map(String::as_str)
            .zip(each_type.chain(std::iter::repeat(None)));
        self.last_columns
            .get_or_make(declared, || Columns::dune(names, types))
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
        let message = "a sample is one page, and Dune says that rows follow this one";
        return Err(paging(message));
    }
    match u64::try_from(next) {
        Ok(next) if next > offset => Ok(Some(next)),
        _ => Err(paging(format!(
            "the next page would begin at row {next}, and this one begins at row {offset}"
        ))),
    }
}
