//! Dune's paging rule.
//!
//! - The first page of a latest result names the execution it comes from; all others are read from
//!   that execution, since the query may run again in between.
//! - The server may send fewer rows than asked for. Only `next_offset` says where to go on, and
//!   only its absence is the end: a short or empty page is not.
//! - An offset that does not advance is an error, or it would never end.
//! - A result that Dune cut off for its size is an error, unless it was asked for as it is.

use rowfeed_dune::{builder, types};

use super::state::{SERVICE, TRUNCATED, call, check_state};
use crate::{
    Columns, Error, ErrorKind, Page, Pages, ReadsRows,
    source::{BoxFuture, Source, Wanted},
};

/// What Dune's own clients ask for.
const PAGE_SIZE: u32 = 32_000;

/// The operation that the next page is read with.
enum From {
    Latest(builder::GetLatestQueryResult),
    Endpoint(builder::GetCustomEndpointResults),
    Execution(builder::GetExecutionResults),
}

pub(super) struct Paging {
    from: From,
    /// The execution that the pages come from, once the first has said it.
    execution_id: Option<String>,
    offset: i64,
    number: u64,
    ended: bool,
}

impl ReadsRows for builder::GetLatestQueryResult {
    fn pages(self) -> Pages {
        start(self.offset.clone(), From::Latest(self))
    }
}

impl ReadsRows for builder::GetCustomEndpointResults {
    fn pages(self) -> Pages {
        start(self.offset.clone(), From::Endpoint(self))
    }
}

impl ReadsRows for builder::GetExecutionResults {
    fn pages(self) -> Pages {
        start(self.offset.clone(), From::Execution(self))
    }
}

fn start(offset: Result<Option<i64>, String>, from: From) -> Pages {
    match offset {
        Ok(offset) => Pages::new(Paging::new(from, offset.unwrap_or(0))),
        Err(message) => Pages::failed(Error::invalid(SERVICE, message)),
    }
}

impl Paging {
    fn new(from: From, offset: i64) -> Self {
        Self {
            from,
            execution_id: None,
            offset,
            number: 0,
            ended: false,
        }
    }

    pub(super) fn of_execution(results: builder::GetExecutionResults) -> Self {
        Self::new(From::Execution(results), 0)
    }

    async fn fetch(&mut self, wanted: Wanted) -> Result<Option<Page>, Error> {
        if self.ended {
            return Ok(None);
        }
        let response = self.from.send(self.offset, wanted).await?;
        let id = response.execution_id.clone();
        if let Some(expected) = &self.execution_id
            && *expected != id
        {
            let message = format!("this page comes from execution {id}, those before did not");
            return Err(Error::new(ErrorKind::Paging, SERVICE, message).with_run(expected));
        }
        let finished = response.is_execution_finished;
        check_state(&response.state, finished, response.error.as_ref(), &id)?;
        let is_partial = response.state == types::ExecutionState::CompletedPartial;
        if is_partial && !(wanted.truncated || self.from.takes_partial()) {
            return Err(Error::new(ErrorKind::Truncated, SERVICE, TRUNCATED).with_run(&id));
        }
        let Some(result) = response.result else {
            let message = "the execution has ended well, but the page has no result";
            return Err(Error::new(ErrorKind::Paging, SERVICE, message).with_run(&id));
        };
        let first_row = u64::try_from(self.offset).unwrap_or(0);
        match response.next_offset {
            None => self.ended = true,
            Some(next) if next > self.offset => self.offset = next,
            Some(next) => {
                let message = format!(
                    "the next page would begin at row {next}, and this one began at row {}",
                    self.offset
                );
                return Err(Error::new(ErrorKind::Paging, SERVICE, message).with_run(&id));
            }
        }
        let metadata = result.metadata.unwrap_or_default();
        let (names, types) = (metadata.column_names, metadata.column_types);
        let given = |list: &Vec<String>| !list.is_empty();
        let columns = Columns::dune(
            Some(names.as_slice()).filter(|_| given(&names)),
            Some(types.as_slice()).filter(|_| given(&types)),
        );
        self.from.pin(&id);
        self.execution_id = Some(id.clone());
        self.number += 1;
        Ok(Some(Page {
            service: SERVICE,
            number: self.number - 1,
            first_row,
            columns,
            rows: result.rows.unwrap_or_default(),
            kept: None,
            total_rows: metadata
                .total_row_count
                .and_then(|count| count.try_into().ok()),
            run_id: id,
        }))
    }
}

/// Calls an operation with a page's limit and offset. A sample is one page, and takes neither.
macro_rules! send_page {
    ($builder:expr, $offset:expr, $wanted:expr) => {{
        let builder = $builder.clone();
        let partial = builder.allow_partial_results.clone();
        let builder = match &builder.sample_count {
            Ok(Some(_)) => builder,
            _ => builder.limit(page_size($wanted)).offset($offset),
        };
        let builder = match partial {
            Ok(None) if $wanted.truncated => builder.allow_partial_results(true),
            _ => builder,
        };
        builder.send().await
    }};
}

impl From {
    async fn send(
        &self,
        offset: i64,
        wanted: Wanted,
    ) -> Result<types::ReadExecutionResultResponse, Error> {
        let response = match self {
            Self::Latest(builder) => send_page!(builder, offset, wanted),
            Self::Endpoint(builder) => send_page!(builder, offset, wanted),
            Self::Execution(builder) => send_page!(builder, offset, wanted),
        };
        let response = response.map_err(|error| match self.execution_id() {
            Some(id) => call(error).with_run(id),
            None => call(error),
        })?;
        Ok(response.into_inner())
    }

    fn execution_id(&self) -> Option<&str> {
        match self {
            Self::Execution(builder) => builder.execution_id.as_deref().ok(),
            _ => None,
        }
    }

    fn takes_partial(&self) -> bool {
        let asked = match self {
            Self::Latest(builder) => &builder.allow_partial_results,
            Self::Endpoint(builder) => &builder.allow_partial_results,
            Self::Execution(builder) => &builder.allow_partial_results,
        };
        matches!(asked, Ok(Some(true)))
    }

    fn limit(&self) -> &Result<Option<i64>, String> {
        match self {
            Self::Latest(builder) => &builder.limit,
            Self::Endpoint(builder) => &builder.limit,
            Self::Execution(builder) => &builder.limit,
        }
    }

    /// From now on reads from this execution, with the parameters that shape the rows.
    fn pin(&mut self, execution_id: &str) {
        macro_rules! pinned {
            ($builder:expr) => {{
                let mut results = $builder
                    .client
                    .get_execution_results()
                    .execution_id(execution_id);
                results.allow_partial_results = $builder.allow_partial_results.clone();
                results.columns = $builder.columns.clone();
                results.filters = $builder.filters.clone();
                results.ignore_max_credits_per_request =
                    $builder.ignore_max_credits_per_request.clone();
                results.sample_count = $builder.sample_count.clone();
                results.sort_by = $builder.sort_by.clone();
                results
            }};
        }
        *self = match self {
            Self::Latest(builder) => Self::Execution(pinned!(builder)),
            Self::Endpoint(builder) => Self::Execution(pinned!(builder)),
            Self::Execution(_) => return,
        };
    }
}

/// As many rows as a page is to have, but no more than are wanted at all.
fn page_size(wanted: Wanted) -> i64 {
    let size = u64::from(wanted.page_size.unwrap_or(PAGE_SIZE));
    let size = wanted.at_most.map_or(size, |most| size.min(most));
    i64::try_from(size).unwrap_or(i64::MAX)
}

impl Source for Paging {
    fn service(&self) -> &'static str {
        SERVICE
    }

    fn next(&mut self, wanted: Wanted) -> BoxFuture<'_, Result<Option<Page>, Error>> {
        Box::pin(self.fetch(wanted))
    }

    /// `limit` of the operation is the number of rows that the caller wants.
    fn limit(&self) -> Result<Option<u64>, Error> {
        match self.from.limit() {
            Ok(None) => Ok(None),
            Ok(Some(limit)) => u64::try_from(*limit).map(Some).map_err(|_| {
                Error::invalid(SERVICE, format!("a limit of {limit} rows was asked for"))
            }),
            Err(message) => Err(Error::invalid(SERVICE, message.clone())),
        }
    }
}
