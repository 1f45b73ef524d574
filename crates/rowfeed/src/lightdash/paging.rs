//! Lightdash's paging rule.
//!
//! - Pages count from 1. All pages but the last have the requested size. The `pageSize` of a
//!   response is the number of its rows, so it is never sent back.
//! - `nextPage` is absent on the last page, and only there.
//! - `totalResults` does not change, and all pages together have that many rows. Some servers
//!   announce 0 rows and no next page for a pivot without group columns, although it has rows. Such
//!   a result ends with the first page that is not full.
//! - These are errors, because the following rows would not be the next ones: a page that is
//!   neither last nor full, a page with more rows than requested, another page than the requested
//!   one, and a page of another query.
//! - A result is cut at the limit of its query, and no response says so. One with as many rows as
//!   the limit is an error if the caller did not choose the limit, unless the caller accepts it.
//! - Servers allow 2,500 rows a page unless configured otherwise, and refuse larger pages. If the
//!   user did not choose a size, it falls back to 500, which every server allows.
//! - Pages do not change once a query is ready, so all pages but the first may be fetched
//!   concurrently.

use rowfeed_client::Masker;
use rowfeed_lightdash::{PageResults, ResultPage, builder};
use rowfeed_rows::{ColumnsCache, RawRows};

use super::{
    state::{SERVICE, call, check_status, invalid, paging},
    total::total_rows,
};
use crate::{
    Cells, Columns, Cursor, Error, ErrorKind, Page, Pages, RowsExt,
    connections::Reconnect as _,
    cursor::ResultId,
    paging::{FetchOptions, FetchPlan, Source},
    parameter::{count, first_page},
};

const PAGE_SIZE: u32 = 2_500;
const SAFE_PAGE_SIZE: u64 = 500;

pub(super) struct Paging {
    results: builder::GetAsyncQueryResults,
    /// The first row to read.
    first_row: u64,
    /// How many rows the result has, if the run reported it.
    known_rows: Option<u64>,
    /// What the first page has determined.
    settled: Option<Settled>,
    ended: bool,
    /// A result with this many rows may lack rows.
    cut_at: Option<u64>,
}

/// What is the same for all pages.
#[derive(Clone, Copy)]
struct Settled {
    page_size: u64,
    total_rows: Option<u64>,
    /// The page to request next.
    planned: u64,
}

/// A response and its request.
pub(super) struct Response {
    page: u64,
    page_size: u64,
    results: PageResults,
}

impl RowsExt for builder::GetAsyncQueryResults {
    fn pages(self) -> Pages {
        let size = first_page(SERVICE, "pages()", &self.page)
            .and_then(|()| count(SERVICE, "page_size", &self.page_size));
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
            known_rows: None,
            settled: None,
            ended: false,
            cut_at: None,
        }
    }

    pub(super) fn cut_at(self, cut_at: Option<u64>) -> Self {
        Self { cut_at, ..self }
    }

    /// A result with this many rows.
    pub(super) fn of_rows(results: builder::GetAsyncQueryResults, rows: Option<u64>) -> Self {
        let known_rows = rows;
        Self {
            known_rows,
            ..Self::new(results)
        }
    }

    /// The page to begin with. After a cursor, it is the page of the row after the cursor if that
    /// row is known to exist. Otherwise it is the page of the row before the cursor, which exists
    /// even if the cursor is at the end of the result.
    fn first_page(&self, page_size: u64) -> u64 {
        let row = match self.known_rows {
            Some(rows) if self.first_row < rows => self.first_row,
            _ => self.first_row.saturating_sub(1),
        };
        row / page_size + 1
    }

    /// Requests the first page. A server may refuse its size if the user did not choose it.
    fn plan_first(&self, options: &FetchOptions) -> FetchPlan<Response> {
        let size = options.next_page_size(0, PAGE_SIZE).unwrap_or(1);
        let may_be_too_large = options.page_size.is_none() && size > SAFE_PAGE_SIZE;
        let results = self.results.clone();
        let (page, safe_page) = (self.first_page(size), self.first_page(SAFE_PAGE_SIZE));
        FetchPlan::Fetch(Box::pin(async move {
            let again = may_be_too_large.then(|| results.clone());
            let answer = match (fetch(results, page, size).await, again) {
                (Err(error), Some(results)) if is_page_too_large(&error) => {
                    fetch(results, safe_page, SAFE_PAGE_SIZE).await
                }
                (answer, _) => answer,
            };
            answer.map_err(call)
        }))
    }
}

async fn fetch(
    results: builder::GetAsyncQueryResults,
    page: u64,
    page_size: u64,
) -> Result<Response, rowfeed_lightdash::CallError> {
    let results = results
        .page(page.cast_signed())
        .page_size(page_size.cast_signed());
    let response = results.send_as::<ResultPage>().await?;
    Ok(Response {
        page,
        page_size,
        results: response.into_inner().results,
    })
}

/// The same columns, with formatted cells.
fn formatted(columns: &Columns) -> Columns {
    let columns = columns.iter();
    let columns = columns.map(|column| (column.name(), column.type_name().unwrap_or_default()));
    ColumnsCache::default().lightdash(columns, Cells::Formatted)
}

fn is_page_too_large(error: &rowfeed_lightdash::CallError) -> bool {
    error
        .api_error()
        .is_some_and(|payload| payload.error.name == "PaginationError")
}

impl Source for Paging {
    type Response = Response;
    type Page = Page;

    fn service(&self) -> &'static str {
        SERVICE
    }

    fn run_id(&self) -> Option<&str> {
        self.results.query_uuid.as_deref().ok()
    }

    fn resume(&mut self, cursor: &Cursor) -> Result<(), Error> {
        let run = self.results.query_uuid.as_ref();
        let run = run.map_err(invalid)?;
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

    fn plan(&mut self, options: &FetchOptions) -> Result<FetchPlan<Response>, Error> {
        let under_way = options.in_flight as u64;
        let Some(settled) = &mut self.settled else {
            return Ok(match under_way {
                0 => self.plan_first(options),
                _ => FetchPlan::Wait,
            });
        };
        let first = (settled.planned - 1) * settled.page_size;
        let is_enough = options
            .next_page_size(under_way * settled.page_size, PAGE_SIZE)
            .is_none();
        // After the announced end, only the last page can announce more pages.
        let is_announced = settled.total_rows.is_some_and(|total| first < total);
        if is_enough || (!is_announced && under_way > 0) {
            return Ok(FetchPlan::Wait);
        }
        let request = fetch(self.results.clone(), settled.planned, settled.page_size);
        settled.planned += 1;
        Ok(FetchPlan::Fetch(Box::pin(async {
            request.await.map_err(call)
        })))
    }

    fn has_ended(&self) -> bool {
        self.ended
    }

    fn accept(&mut self, options: &FetchOptions, answer: Response) -> Result<Option<Page>, Error> {
        let Response {
            page,
            page_size,
            results,
        } = answer;
        let id = &results.query_uuid;
        if self.run_id().is_some_and(|asked| asked != id) {
            let message = format!("this page comes from query {id}");
            return Err(paging(message));
        }
        check_status(&results.status, results.error.as_deref())?;

        let has_unknown = |settled: Settled| settled.total_rows.is_none();
        let is_uncounted = self.settled.is_some_and(has_unknown);
        let (rows, pivot) = (results.rows.as_ref(), results.pivot_details.as_ref());
        let total_rows = total_rows(results.total_results, pivot, rows, is_uncounted)?;
        let cut_at = self.cut_at.filter(|_| !options.allow_truncated);
        if let Some(rows) = cut_at.filter(|cut_at| total_rows >= Some(*cut_at)) {
            let message = format!(
                "the result has {rows} rows, as many as the query may return, so rows may be \
                 missing; limit() sets how many rows to return, allow_truncated() accepts these"
            );
            return Err(Error::new(ErrorKind::Truncated, SERVICE, message));
        }
        let before = *self.settled.get_or_insert(Settled {
            page_size,
            total_rows,
            planned: page + 1,
        });
        let count = results.rows.as_ref().map_or(0, RawRows::count) as u64;
        let (this, following) = (page.cast_signed(), page.cast_signed() + 1);
        let next = match results.next_page {
            // If the server does not count the rows, it announces no next page.
            None if results.total_results == Some(0) && total_rows.is_none() => {
                (count == page_size).then_some(following)
            }
            next => next,
        };
        let first_row = (page - 1) * page_size;
        let end = first_row + count;
        let flaw = if before.total_rows != total_rows {
            format!(
                "the pages before this one announced {:?} rows, and this one announces {total_rows:?}",
                before.total_rows
            )
        } else if let Some(next) = next.filter(|next| *next != following) {
            format!("page {page} names page {next} as the next page")
        } else if let Some(sent) = results.page.filter(|sent| *sent != this) {
            format!("page {sent} was sent where page {page} was requested")
        } else if count > page_size || (next.is_some() && count < page_size) {
            let follows = if next.is_some() { "another" } else { "no" };
            format!(
                "page {page} has {count} rows; {page_size} were requested, and {follows} page \
                 follows"
            )
        } else if let Some(total) = total_rows.filter(|total| next.is_none() && *total != end) {
            format!("the last page ends at row {end}, but {total} rows were announced")
        } else {
            String::new()
        };
        if !flaw.is_empty() {
            return Err(paging(flaw));
        }
        self.ended = next.is_none();
        let columns = match options.formatted {
            true => formatted(&results.columns),
            false => results.columns,
        };
        let result = ResultId::new(id);
        let rows = results.rows.unwrap_or_default();
        let page = Page::new(SERVICE, result, first_row, columns, rows);
        Ok(Some(page.with_total_rows(total_rows)))
    }
}
