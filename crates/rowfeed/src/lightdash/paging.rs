//! Lightdash's paging rule.
//!
//! - Pages count from 1, and all have the size that was asked for but the last. The `pageSize` of
//!   an answer is how many rows it has, so it is never sent back.
//! - `nextPage` is absent on the last page, and only there.
//! - `totalResults` does not change, and all pages together have as many rows. Of a pivot without
//!   group columns some servers announce 0 rows and no next page, and have rows: such a result ends
//!   with the first page that is not full.
//! - A page that is not the last and not full, one with more rows than asked for, another page than
//!   the one asked for, and one of another query are errors: the rows behind it would be others than
//!   those that follow.
//! - Servers allow 2,500 rows a page unless set up otherwise, and refuse more. A size that the user
//!   did not choose falls back to 500, which every server allows.
//! - Pages do not change once a query is ready, so all but the first may be fetched side by side.

use rowfeed_lightdash::{builder, types};
use rowfeed_rows::RawRows;

use super::{
    state::{SERVICE, call, check_status},
    total::Total,
};
use crate::{
    Cells, Columns, Cursor, Error, ErrorKind, Page, Pages, ReadsRows,
    source::{Plan, Source, Wanted},
};
use rowfeed_rows::ColumnsCache;

const PAGE_SIZE: u32 = 2_500;
const SAFE_PAGE_SIZE: u64 = 500;

pub(super) struct Paging {
    results: builder::GetAsyncQueryResults,
    /// The first row that is wanted.
    first_row: u64,
    /// The row that comes next.
    row: u64,
    /// What the first page has settled.
    settled: Option<Settled>,
    /// Pages asked for and not accepted yet.
    under_way: u64,
    number: u64,
    ended: bool,
    last_columns: ColumnsCache,
}

/// What is the same for all pages.
#[derive(Clone, Copy)]
struct Settled {
    page_size: u64,
    total_rows: Option<u64>,
    /// The page to ask for next.
    planned: u64,
}

/// A page as it came, with what was asked for.
pub(super) struct Answer {
    page: u64,
    page_size: u64,
    results: types::QueryResults,
}

impl ReadsRows for builder::GetAsyncQueryResults {
    fn pages(self) -> Pages {
        let invalid = |message| Pages::failed(Error::invalid(SERVICE, message));
        match &self.page {
            Ok(None | Some(1)) => {}
            Ok(Some(_)) => {
                let message = "pages() begins with the first page; send() fetches a single one";
                return invalid(message.to_owned());
            }
            Err(message) => return invalid(message.clone()),
        }
        match self.page_size.clone() {
            Ok(None) => Pages::from_source(Paging::new(self)),
            Ok(Some(size)) => match u32::try_from(size) {
                Ok(size) => Pages::from_source(Paging::new(self)).page_size(size),
                Err(_) => invalid(format!("a page size of {size} rows was asked for")),
            },
            Err(message) => invalid(message),
        }
    }
}

impl Paging {
    pub(super) fn new(results: builder::GetAsyncQueryResults) -> Self {
        Self {
            results,
            first_row: 0,
            row: 0,
            settled: None,
            under_way: 0,
            number: 0,
            last_columns: ColumnsCache::default(),
            ended: false,
        }
    }

    fn place(&self, run: &str, row: u64) -> Cursor {
        Cursor {
            row,
            ..Cursor::start(SERVICE, run)
        }
    }

    /// The page that reading begins with: after a cursor the one with the row before it, which is
    /// there even when the cursor stands at the end of the result.
    fn first_page(&self, page_size: u64) -> u64 {
        self.first_row.saturating_sub(1) / page_size + 1
    }

    /// The first page. Where the size is not the user's, a server may refuse it.
    fn plan_first(&self, wanted: Wanted) -> Plan<Answer> {
        let size = wanted.size_after(0, PAGE_SIZE);
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

    fn service(&self) -> &'static str {
        SERVICE
    }

    fn resume(&mut self, cursor: &Cursor) -> Result<(), Error> {
        let run = self.results.query_uuid.as_ref();
        let run = run.map_err(|message| Error::invalid(SERVICE, message.clone()))?;
        cursor.check(SERVICE, &self.place(run, 0))?;
        self.first_row = cursor.row;
        self.row = cursor.row;
        Ok(())
    }

    fn reconnect(&mut self) -> Result<(), Error> {
        self.results.client = crate::source::Reconnect::reconnected(&self.results.client)?;
        Ok(())
    }

    fn plan(&mut self, wanted: Wanted) -> Result<Plan<Answer>, Error> {
        if self.ended {
            return Ok(Plan::End);
        }
        let Some(settled) = &mut self.settled else {
            if self.under_way > 0 {
                return Ok(Plan::Wait);
            }
            self.under_way = 1;
            return Ok(self.plan_first(wanted));
        };
        let first = (settled.planned - 1) * settled.page_size;
        // What has come, and what is under way if it comes in full.
        let read = self.row - self.first_row;
        if wanted.is_met(read + self.under_way * settled.page_size) {
            return Ok(match self.under_way {
                0 => Plan::End,
                _ => Plan::Wait,
            });
        }
        // Beyond the announced end only the last page itself can say that there is more.
        let is_announced = settled.total_rows.is_some_and(|total| first < total);
        if !is_announced && self.under_way > 0 {
            return Ok(Plan::Wait);
        }
        let request = fetch(self.results.clone(), settled.planned, settled.page_size);
        let id = self.results.query_uuid.clone();
        settled.planned += 1;
        self.under_way += 1;
        Ok(Plan::Fetch(Box::pin(async move {
            request.await.map_err(|error| failed(error, &id))
        })))
    }

    fn accept(&mut self, wanted: Wanted, answer: Answer) -> Result<Option<Page>, Error> {
        self.under_way -= 1;
        if self.ended {
            return Ok(None);
        }
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
                "page {page} was sent where page {} was asked for",
                answer.page
            ));
        }
        if count > answer.page_size || (next.is_some() && count < answer.page_size) {
            return paging(format!(
                "page {} has {count} rows; {} were asked for, and {} page follows",
                answer.page,
                answer.page_size,
                if next.is_some() { "another" } else { "no" }
            ));
        }
        self.ended = next.is_none();

        // Reading may begin in the middle of a page.
        let begin = (answer.page - 1) * answer.page_size;
        let skipped = match self.number {
            0 => self.row.saturating_sub(begin),
            _ => 0,
        };
        let rows = without_first(results.rows.unwrap_or_default(), skipped);
        let start = self.place(&id, self.row);
        self.row += count.saturating_sub(skipped);
        if self.ended
            && let Some(total) = total_rows
            && self.row != total
        {
            return paging(format!(
                "the last page brings the rows to {}, and {total} were announced",
                self.row
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
        let page = Page::new(SERVICE, self.number, start, columns, rows);
        self.number += 1;
        Ok(Some(page.with_total_rows(total_rows)))
    }
}

/// The rows without the first few; copies them, so only where some are left out.
fn without_first(rows: RawRows, skipped: u64) -> RawRows {
    if skipped == 0 {
        return rows;
    }
    let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
    let kept: Vec<&str> = rows.iter_raw().skip(skipped).collect();
    RawRows::from_json(format!("[{}]", kept.join(","))).unwrap_or_default()
}
