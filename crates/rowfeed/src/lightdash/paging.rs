//! Lightdash's paging rule.
//!
//! - Pages count from 1, and all have the requested size but the last. The `pageSize` of an answer is
//!   how many rows it has, so it is never sent back.
//! - `nextPage` is absent on the last page, and only there.
//! - `totalResults` does not change, and all pages together have as many rows. Of a pivot without
//!   group columns some servers announce 0 rows and no next page, and have rows: such a result ends
//!   with the first page that is not full.
//! - A page that is not the last and not full, one with more rows than requested, another page than
//!   the requested one, and one of another query are errors: the rows that follow would not be the
//!   next ones.
//! - Servers allow 2,500 rows a page unless set up otherwise, and refuse more. A size that the user
//!   did not choose falls back to 500, which every server allows.
//! - Pages do not change once a query is ready, so all but the first may be fetched side by side.

use rowfeed_client::Masker;
use rowfeed_lightdash::{builder, types};
use rowfeed_rows::RawRows;

use super::{
    state::{SERVICE, call, check_status},
    total::Total,
};
use crate::{
    Cells, Columns, Cursor, Error, ErrorKind, Page, Pages, ReadsRows,
    cursor::ResultId,
    paging::{Plan, Reconnect, Source, Wanted},
    parameter::{first_page, page_size},
};
use rowfeed_rows::ColumnsCache;

const PAGE_SIZE: u32 = 2_500;
const SAFE_PAGE_SIZE: u64 = 500;

pub(super) struct Paging {
    results: builder::GetAsyncQueryResults,
    /// The row that reading begins with.
    first_row: u64,
    /// What the first page has settled.
    settled: Option<Settled>,
    ended: bool,
    last_columns: ColumnsCache,
}

/// What is the same for all pages.
#[derive(Clone, Copy)]
struct Settled {
    page_size: u64,
    total_rows: Option<u64>,
    /// The page to request next.
    planned: u64,
}

/// A response, with what was requested.
pub(super) struct Answer {
    page: u64,
    page_size: u64,
    results: types::QueryResults,
}

impl ReadsRows for builder::GetAsyncQueryResults {
    fn pages(self) -> Pages {
        let size = first_page(SERVICE, "pages()", &self.page)
            .and_then(|()| page_size(SERVICE, "page_size", &self.page_size));
        match size {
            Err(error) => Pages::failed(error),
            Ok(None) => Pages::from_source(Paging::new(self)),
            Ok(Some(size)) => Pages::from_source(Paging::new(self)).page_size(size),
        }
    }
}

impl Paging {
    pub(super) fn new(results: builder::GetAsyncQueryResults) -> Self {
        Self {
            results,
            first_row: 0,
            settled: None,
            last_columns: ColumnsCache::default(),
            ended: false,
        }
    }

    /// The page that reading begins with. After a cursor it is the one with the row before it, which
    /// exists even when the cursor stands at the end of the result.
    fn first_page(&self, page_size: u64) -> u64 {
        self.first_row.saturating_sub(1) / page_size + 1
    }

    /// The first page. Where the size is not the user's, a server may refuse it.
    fn plan_first(&self, wanted: &Wanted) -> Plan<Answer> {
        let size = wanted.rows_of_next_page(0, PAGE_SIZE).unwrap_or(1);
        let is_given = wanted.page_size.is_some();
        let sizes: &[u64] = match is_given || size <= SAFE_PAGE_SIZE {
            true => &[size],
            false => &[size, SAFE_PAGE_SIZE],
        };
        let mut requests: Vec<_> = sizes
            .iter()
            .map(|&size| (self.first_page(size), size, self.results.clone()))
            .collect();
        let id = self.results.query_uuid.clone();
        Plan::Fetch(Box::pin(async move {
            loop {
                let (page, size, results) = requests.remove(0);
                match fetch(results, page, size).await {
                    Err(error) if !requests.is_empty() && is_page_too_large(&error) => {}
                    answer => return answer.map_err(|error| failed(error, &id)),
                }
            }
        }))
    }
}

async fn fetch(
    results: builder::GetAsyncQueryResults,
    page: u64,
    page_size: u64,
) -> Result<Answer, rowfeed_lightdash::CallError> {
    let results = results
        .page(page.cast_signed())
        .page_size(page_size.cast_signed());
    Ok(Answer {
        page,
        page_size,
        results: results.send().await?.into_inner().results,
    })
}

fn failed(error: rowfeed_lightdash::CallError, id: &Result<String, String>) -> Error {
    match id {
        Ok(id) => call(error).with_run(id),
        Err(_) => call(error),
    }
}

fn is_page_too_large(error: &rowfeed_lightdash::CallError) -> bool {
    error
        .api_error()
        .is_some_and(|payload| payload.error.name == "PaginationError")
}

impl Source for Paging {
    type Answer = Answer;
    type Page = Page;

    fn service(&self) -> &'static str {
        SERVICE
    }

    fn resume(&mut self, cursor: &Cursor) -> Result<(), Error> {
        let run = self.results.query_uuid.as_ref();
        let run = run.map_err(|message| Error::invalid(SERVICE, message))?;
        cursor.check(SERVICE, &ResultId::new(run))?;
        self.first_row = cursor.row();
        Ok(())
    }

    fn reconnect(&mut self) -> Result<(), Error> {
        self.results.client = self.results.client.reconnected()?;
        Ok(())
    }

    fn masker(&self) -> Option<Masker> {
        Some(self.results.client.masker())
    }

    fn plan(&mut self, wanted: &Wanted) -> Result<Plan<Answer>, Error> {
        let under_way = wanted.under_way as u64;
        let Some(settled) = &mut self.settled else {
            return Ok(match under_way {
                0 => self.plan_first(wanted),
                _ => Plan::Wait,
            });
        };
        let first = (settled.planned - 1) * settled.page_size;
        let is_enough = wanted
            .rows_of_next_page(under_way * settled.page_size, PAGE_SIZE)
            .is_none();
        // Behind the announced end only the last page itself can say that there is more.
        let is_announced = settled.total_rows.is_some_and(|total| first < total);
        if is_enough || (!is_announced && under_way > 0) {
            return Ok(Plan::Wait);
        }
        let request = fetch(self.results.clone(), settled.planned, settled.page_size);
        let id = self.results.query_uuid.clone();
        settled.planned += 1;
        Ok(Plan::Fetch(Box::pin(async move {
            request.await.map_err(|error| failed(error, &id))
        })))
    }

    fn has_ended(&self) -> bool {
        self.ended
    }

    fn accept(&mut self, wanted: &Wanted, answer: Answer) -> Result<Option<Page>, Error> {
        let results = answer.results;
        if let Ok(asked) = &self.results.query_uuid
            && *asked != results.query_uuid
        {
            let message = format!("this page comes from query {}", results.query_uuid);
            return Err(Error::new(ErrorKind::Paging, SERVICE, message).with_run(asked));
        }
        check_status(&results)?;
        let id = results.query_uuid.clone();
        let paging =
            |message: String| Err(Error::new(ErrorKind::Paging, SERVICE, message).with_run(&id));

        let has_unknown = |settled: &Settled| settled.total_rows.is_none();
        let total = Total::of(&results, self.settled.as_ref().is_some_and(has_unknown));
        if total == Total::Negative {
            return paging("the query has less than no rows in all".to_owned());
        }
        let total_rows = total.known();
        let settled = self.settled.get_or_insert(Settled {
            page_size: answer.page_size,
            total_rows,
            planned: answer.page + 1,
        });
        if settled.total_rows != total_rows {
            return paging(format!(
                "the query had {:?} rows before this page and has {total_rows:?} now",
                settled.total_rows
            ));
        }
        let count = results.rows.as_ref().map_or(0, RawRows::count) as u64;
        let next = match results.next_page {
            // No page is said to follow where the rows are not counted.
            None if results.total_results == Some(0) && total == Total::Unknown => {
                (count == answer.page_size).then(|| answer.page.cast_signed() + 1)
            }
            next => next,
        };
        if let Some(next) = next
            && next != answer.page.cast_signed() + 1
        {
            return paging(format!(
                "page {next} is said to follow page {}",
                answer.page
            ));
        }
        if let Some(page) = results.page
            && page != answer.page.cast_signed()
        {
            return paging(format!(
                "page {page} was sent where page {} was requested",
                answer.page
            ));
        }
        if count > answer.page_size || (next.is_some() && count < answer.page_size) {
            return paging(format!(
                "page {} has {count} rows; {} were requested, and {} page follows",
                answer.page,
                answer.page_size,
                if next.is_some() { "another" } else { "no" }
            ));
        }
        self.ended = next.is_none();

        let first_row = (answer.page - 1) * answer.page_size;
        let end = first_row + count;
        if self.ended
            && let Some(total) = total_rows
            && end != total
        {
            return paging(format!(
                "the last page brings the rows to {end}, and {total} were announced"
            ));
        }
        let columns = &results.columns;
        let columns = columns
            .iter()
            .map(|(name, column)| (name.as_str(), column.type_.as_str()));
        let declared = columns
            .clone()
            .map(|(name, type_name)| (name, Some(type_name)));
        let columns = self.last_columns.get_or_make(declared, || {
            let cells = match wanted.formatted {
                true => Cells::Formatted,
                false => Cells::Raw,
            };
            Columns::lightdash(columns, cells)
        });
        let result = ResultId::new(&id);
        let rows = results.rows.unwrap_or_default();
        let page = Page::new(SERVICE, result, first_row, columns, rows);
        Ok(Some(page.with_total_rows(total_rows)))
    }
}
