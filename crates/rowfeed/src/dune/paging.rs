//! Dune's paging rule.
//!
//! - The first page of a latest result names the execution it comes from; all others are read from
//!   that execution, since the query may run again in between.
//! - The server may send fewer rows than asked for. Only `next_offset` says where to go on, and
//!   only its absence is the end: a short or empty page is not.
//! - An offset that does not advance is an error, or it would never end; so is one that goes on
//!   before the end of the page, whose rows would come twice, or behind it, past rows that were
//!   left out.
//! - Without filters the total counts what can be read, so that an end before it, a page without
//!   rows before it, and another total than before are errors, unless a part of a result is
//!   wanted as it is. With filters it may count the rows before them, and says nothing.
//! - So many pages without rows in a row are taken for a result that never ends.
//! - A result that Dune cut off for its size is an error, unless it was asked for as it is.
//! - Pages may be fetched side by side once the first has come in full size, and only without
//!   filters: the total may count the rows before them. It is a guess of what to ask for, never
//!   the end.

use rowfeed_dune::{builder, types};

use super::{
    place::Place,
    request::{PAGE_SIZE, Request},
    state::{SERVICE, TRUNCATED, check_state},
};
use crate::{
    Columns, Cursor, Error, ErrorKind, Page, Pages, ReadsRows,
    items::MOST_EMPTY_PAGES,
    offsets::{Offsets, Ticket},
    source::{Plan, Source, Wanted},
};
use rowfeed_rows::ColumnsCache;

pub(super) struct Paging {
    request: Request,
    /// The execution that the pages come from, once it is known.
    execution_id: Option<String>,
    offsets: Offsets,
    number: u64,
    /// How many rows there seem to be, once pages may be fetched side by side.
    guess: Option<u64>,
    /// How many rows there are, where that is said and all of them are read.
    total: Option<u64>,
    /// How many pages without a row have come in a row.
    empty_pages: u32,
    columns: Known,
    last_columns: ColumnsCache,
}

/// Whether the names of the columns are known, where only some of them are wanted.
enum Known {
    No,
    Asked,
    Yes(Vec<String>),
    /// They have been chosen from, or all are wanted.
    Settled,
}

/// What came, with what was asked for.
pub(super) enum Answer {
    /// One row, to learn the columns.
    Look(types::ReadExecutionResultResponse),
    Page {
        ticket: Ticket,
        asked: u64,
        /// A failure counts only where the page is still wanted.
        response: Result<types::ReadExecutionResultResponse, Error>,
    },
}

impl ReadsRows for builder::GetLatestQueryResult {
    fn pages(self) -> Pages {
        start(self.offset.clone(), Request::Latest(self))
    }
}

impl ReadsRows for builder::GetCustomEndpointResults {
    fn pages(self) -> Pages {
        start(self.offset.clone(), Request::Endpoint(self))
    }
}

impl ReadsRows for builder::GetExecutionResults {
    fn pages(self) -> Pages {
        start(self.offset.clone(), Request::Execution(self))
    }
}

fn start(offset: Result<Option<i64>, String>, request: Request) -> Pages {
    let offset = match offset {
        Ok(offset) => offset.unwrap_or(0),
        Err(message) => return Pages::failed(Error::invalid(SERVICE, message)),
    };
    match u64::try_from(offset) {
        Ok(offset) => Pages::from_source(Paging::new(request, offset)),
        Err(_) => {
            let message = format!("an offset of {offset} rows was asked for");
            Pages::failed(Error::invalid(SERVICE, message))
        }
    }
}

impl Paging {
    fn new(request: Request, offset: u64) -> Self {
        Self {
            execution_id: request.execution_id().map(str::to_owned),
            request,
            offsets: Offsets::from(offset),
            number: 0,
            guess: None,
            total: None,
            empty_pages: 0,
            columns: Known::No,
            last_columns: ColumnsCache::default(),
        }
    }

    /// Of an execution that has ended, with its columns where the status told them.
    pub(super) fn of_execution(
        results: builder::GetExecutionResults,
        columns: Option<&Columns>,
    ) -> Self {
        let mut this = Self::new(Request::Execution(results), 0);
        if let Some(columns) = columns {
            this.columns = Known::Yes(columns.iter().map(|c| c.name().to_owned()).collect());
        }
        this
    }

    /// Settles which columns to ask for, or plans to find out what there is.
    fn plan_columns(&mut self, wanted: Wanted) -> Option<Plan<Answer>> {
        // A look at a sample would be the whole sample, drawn and billed twice.
        let is_open = !self.request.has_columns() && !self.request.is_sample();
        let Some(fields) = wanted.fields.filter(|_| is_open) else {
            self.columns = Known::Settled;
            return None;
        };
        match std::mem::replace(&mut self.columns, Known::Settled) {
            Known::Settled => None,
            Known::Asked => {
                self.columns = Known::Asked;
                Some(Plan::Wait)
            }
            Known::No => {
                self.columns = Known::Asked;
                let look = self.request.send(self.offsets.planned(), 1, wanted);
                Some(Plan::Fetch(Box::pin(async {
                    look.await.map(Answer::Look)
                })))
            }
            Known::Yes(names) => {
                let chosen = names.iter().map(String::as_str);
                let chosen: Vec<_> = chosen.filter(|name| fields.contains(name)).collect();
                // A quote inside quotes is nothing that Dune documents: then all columns come.
                let can_be_asked = chosen.iter().all(|name| !name.contains('"'));
                if can_be_asked && !chosen.is_empty() {
                    self.request.choose_columns(&chosen);
                }
                None
            }
        }
    }

    fn place(&self, run: &str, row: u64) -> Cursor {
        Cursor {
            shape: self.request.shape(),
            row,
            ..Cursor::start(SERVICE, run)
        }
    }

    /// What of an answer is wrong, or its rows.
    fn check(
        &self,
        wanted: Wanted,
        response: &mut types::ReadExecutionResultResponse,
    ) -> Result<types::QueryResultData, Error> {
        let id = &response.execution_id;
        let error = |kind, message: &str| Err(Error::new(kind, SERVICE, message).with_run(id));
        if let Some(expected) = &self.execution_id
            && expected != id
        {
            let message = format!("this page comes from execution {id}, those before did not");
            return Err(Error::new(ErrorKind::Paging, SERVICE, message).with_run(expected));
        }
        let finished = response.is_execution_finished;
        check_state(&response.state, finished, response.error.as_ref(), id)?;
        let is_partial = response.state == types::ExecutionState::CompletedPartial;
        if is_partial && !(wanted.truncated || self.request.takes_partial()) {
            return error(ErrorKind::Truncated, TRUNCATED);
        }
        match response.result.take() {
            Some(result) => Ok(result),
            None => error(
                ErrorKind::Paging,
                "the execution has ended well, but the page has no result",
            ),
        }
    }
}

impl Source for Paging {
    type Answer = Answer;

    fn service(&self) -> &'static str {
        SERVICE
    }

    /// `limit` of the operation is the number of rows that the caller wants.
    fn limit(&self) -> Result<Option<u64>, Error> {
        match self.request.limit() {
            Ok(None) => Ok(None),
            Ok(Some(limit)) => u64::try_from(*limit).map(Some).map_err(|_| {
                Error::invalid(SERVICE, format!("a limit of {limit} rows was asked for"))
            }),
            Err(message) => Err(Error::invalid(SERVICE, message.clone())),
        }
    }

    fn resume(&mut self, cursor: &Cursor) -> Result<(), Error> {
        let run = self.execution_id.as_deref().unwrap_or(&cursor.run);
        cursor.check(SERVICE, &self.place(run, 0))?;
        if self.request.is_sample() {
            let message = "a sample is drawn anew for each request and cannot be gone on with";
            return Err(Error::invalid(SERVICE, message).with_run(&cursor.run));
        }
        self.request.pin(&cursor.run);
        self.execution_id = Some(cursor.run.clone());
        self.offsets = Offsets::from(cursor.row);
        Ok(())
    }

    fn reconnect(&mut self) -> Result<(), Error> {
        let client = match &mut self.request {
            Request::Latest(results) => &mut results.client,
            Request::Endpoint(results) => &mut results.client,
            Request::Execution(results) => &mut results.client,
        };
        *client = crate::source::Reconnect::reconnected(client)?;
        Ok(())
    }

    fn plan(&mut self, wanted: Wanted) -> Result<Plan<Answer>, Error> {
        if let Some(plan) = self.plan_columns(wanted) {
            return Ok(plan);
        }
        if self.offsets.has_ended() || wanted.is_met(self.offsets.planned_rows()) {
            return Ok(Plan::End);
        }
        let is_guess = self.guess.is_some_and(|rows| self.offsets.planned() < rows);
        if !self.offsets.is_idle() && !is_guess {
            return Ok(Plan::Wait);
        }
        let asked = wanted.size_after(self.offsets.planned_rows(), PAGE_SIZE);
        let ticket = self.offsets.plan(asked);
        let response = self.request.send(ticket.offset, asked, wanted);
        Ok(Plan::Fetch(Box::pin(async move {
            Ok(Answer::Page {
                ticket,
                asked,
                response: response.await,
            })
        })))
    }

    fn has_ended(&self) -> bool {
        self.offsets.has_ended()
    }

    fn accept(&mut self, wanted: Wanted, answer: Answer) -> Result<Option<Page>, Error> {
        let (ticket, asked, response) = match answer {
            Answer::Page {
                ticket,
                asked,
                response,
            } => (ticket, asked, response),
            Answer::Look(mut response) => {
                let metadata = self.check(wanted, &mut response)?.metadata;
                self.request.pin(&response.execution_id);
                self.execution_id = Some(response.execution_id);
                self.columns = Known::Yes(metadata.unwrap_or_default().column_names);
                return Ok(None);
            }
        };
        if !self.offsets.accept(ticket) {
            return Ok(None);
        }
        let mut response = response?;
        let result = self.check(wanted, &mut response)?;
        let metadata = result.metadata.unwrap_or_default();
        let total_rows = match metadata.total_row_count.map(u64::try_from) {
            None => None,
            Some(Ok(total)) => Some(total),
            Some(Err(_)) => {
                let message = "the page announces less than no rows in all";
                let error = Error::new(ErrorKind::Paging, SERVICE, message);
                return Err(error.with_run(&response.execution_id));
            }
        };
        let next = match response.next_offset {
            None => None,
            Some(next) => match u64::try_from(next) {
                Ok(next) if next > ticket.offset => Some(next),
                _ => {
                    let message = format!(
                        "the next page would begin at row {next}, and this one began at row {}",
                        ticket.offset
                    );
                    let error = Error::new(ErrorKind::Paging, SERVICE, message);
                    return Err(error.with_run(&response.execution_id));
                }
            },
        };
        if self.request.is_sample() && next.is_some() {
            let message = "a sample is one page, and Dune says that rows follow this one";
            let error = Error::new(ErrorKind::Paging, SERVICE, message);
            return Err(error.with_run(&response.execution_id));
        }
        let rows = result.rows.unwrap_or_default();
        let count = rows.count() as u64;
        let read = ticket.offset - self.offsets.first() + count;
        let is_partial = response.state == types::ExecutionState::CompletedPartial;
        let is_whole = self.request.has_all_rows()
            && !(is_partial || wanted.truncated || self.request.takes_partial());
        let place = Place {
            first: ticket.offset,
            rows: count,
            said: metadata.row_count,
            next,
            // A count of 0 is also how none is written.
            total: total_rows.filter(|total| is_whole && *total > 0),
            has_all_rows: self.request.has_all_rows(),
            is_enough: wanted.is_met(read),
        };
        if !self.request.is_sample()
            && let Some(message) = place.misfit(self.total)
        {
            let error = Error::new(ErrorKind::Paging, SERVICE, message);
            return Err(error.with_run(&response.execution_id));
        }
        self.total = self.total.or(place.total);
        self.empty_pages = match count == 0 && next.is_some() {
            true => self.empty_pages + 1,
            false => 0,
        };
        if self.empty_pages == MOST_EMPTY_PAGES {
            let message = format!(
                "{MOST_EMPTY_PAGES} pages in a row have no rows, and yet another is said to follow"
            );
            let error = Error::new(ErrorKind::Paging, SERVICE, message);
            return Err(error.with_run(&response.execution_id));
        }
        let is_full = next == Some(ticket.offset + asked);
        if is_full && self.request.has_all_rows() {
            self.guess = total_rows;
        }
        match next {
            Some(next) => self.offsets.go_on(next),
            None => self.offsets.end(),
        }
        self.request.pin(&response.execution_id);
        let given = |list: &[String]| !list.is_empty();
        let (names, types) = (&metadata.column_names[..], &metadata.column_types[..]);
        let each_type = types.iter().map(|name| Some(name.as_str()));
        let declared = names
            .iter()
            .map(String::as_str)
            .zip(each_type.chain(std::iter::repeat(None)));
        let columns = self.last_columns.get_or_make(declared, || {
            Columns::dune(
                Some(names).filter(|names| given(names)),
                Some(types).filter(|types| given(types)),
            )
        });
        let start = self.place(&response.execution_id, ticket.offset);
        let page = Page::new(SERVICE, self.number, start, columns, rows);
        self.execution_id = Some(response.execution_id);
        self.number += 1;
        Ok(Some(page.with_total_rows(total_rows)))
    }
}
