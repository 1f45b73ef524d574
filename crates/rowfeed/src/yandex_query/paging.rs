//! Yandex Query's paging rule.
//!
//! - A page reports neither the total nor whether more rows follow. `get_query` does, with
//!   `rows_count` and `truncated` of each result set. It is called first.
//! - Rows are addressed by offset, at most 1,000 at a time. They do not change, so pages may be
//!   fetched concurrently.
//! - A page without rows before the announced end is an error, not the end. After a short page, the
//!   next page begins where the short page ends.
//! - A result that the service truncated is an error, unless the caller accepts it.

use rowfeed_client::Masker;
use rowfeed_yandex_query::{ResultPage, builder, types};

use super::state::{SERVICE, call, check_status, invalid, paging};
use crate::{
    Cursor, Error, ErrorKind, Page, Pages, RowsExt,
    connections::Reconnect as _,
    cursor::ResultId,
    paging::{FetchOptions, FetchPlan, OffsetTracker, PlannedPage, Source},
    parameter::count,
};

/// The largest page that the service allows.
const PAGE_SIZE: u32 = 1_000;

pub(super) struct Paging {
    results: builder::GetQueryResults,
    /// What `get_query` reported.
    announced: Option<Announced>,
    offsets: OffsetTracker,
    has_begun: bool,
}

/// The size of a result set.
#[derive(Clone, Copy)]
pub(super) struct Announced {
    pub(super) rows: u64,
    pub(super) truncated: bool,
}

impl Announced {
    /// The service omits fields that are zero or false.
    pub(super) fn of(set: &types::ResultSetMeta) -> Self {
        Self {
            rows: set.rows_count.unwrap_or(0).try_into().unwrap_or(0),
            truncated: set.truncated.unwrap_or(false),
        }
    }
}

pub(super) enum Response {
    Announced(Announced),
    /// A failure matters only if the page is still needed.
    Page(PlannedPage, Result<ResultPage, Error>),
}

impl RowsExt for builder::GetQueryResults {
    fn pages(self) -> Pages {
        match count(SERVICE, "offset", &self.offset) {
            Ok(offset) => Pages::from_source(Paging::new(self, None, offset.unwrap_or(0))),
            Err(error) => Pages::failed(error),
        }
    }
}

impl Paging {
    pub(super) fn new(
        results: builder::GetQueryResults,
        announced: Option<Announced>,
        offset: u64,
    ) -> Self {
        Self {
            results,
            announced,
            offsets: OffsetTracker::new(offset),
            has_begun: false,
        }
    }

    fn result(&self) -> Result<ResultId, Error> {
        let id = self.results.query_id.as_ref().map_err(invalid)?;
        let index = *self.results.result_set_index.as_ref().map_err(invalid)?;
        Ok(ResultId::new(id).with_result_set(index))
    }
}

/// Requests what `get_query` reports about the result set of `results`.
async fn ask(results: builder::GetQueryResults) -> Result<Announced, Error> {
    let id = results.query_id.as_ref().map_err(invalid)?;
    let project = results.project.as_ref().map_err(invalid)?;
    let index = *results.result_set_index.as_ref().map_err(invalid)?;
    let query = results.client.get_query().query_id(id).project(project);
    let query = query.send().await.map_err(call)?.into_inner();
    check_status(&query)?;
    match query.result_sets.get(index as usize) {
        Some(set) => Ok(Announced::of(set)),
        None => {
            let count = query.result_sets.len();
            let message = format!("result set {index} was requested, but the query has {count}");
            Err(invalid(message))
        }
    }
}

impl Source for Paging {
    type Response = Response;
    type Page = Page;

    fn service(&self) -> &'static str {
        SERVICE
    }

    fn run_id(&self) -> Option<&str> {
        self.results.query_id.as_deref().ok()
    }

    /// The operation's `limit` is the total number of rows.
    fn limit(&self) -> Result<Option<u64>, Error> {
        count(SERVICE, "limit", &self.results.limit)
    }

    fn resume(&mut self, cursor: &Cursor) -> Result<(), Error> {
        cursor.check(SERVICE, &self.result()?)?;
        self.offsets = OffsetTracker::new(cursor.row());
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
        if let Some(size) = options.page_size.filter(|size| *size > PAGE_SIZE) {
            let message = format!(
                "a page size of {size} rows was set; the service allows {PAGE_SIZE} at most"
            );
            return Err(invalid(message));
        }
        let Some(announced) = self.announced else {
            if options.in_flight > 0 {
                return Ok(FetchPlan::Wait);
            }
            let results = self.results.clone();
            return Ok(FetchPlan::Fetch(Box::pin(async move {
                ask(results).await.map(Response::Announced)
            })));
        };
        if announced.truncated && !options.allow_truncated {
            let message = format!(
                "the service truncated the result after {} rows because of its size; \
                 allow_truncated() accepts the partial result",
                announced.rows
            );
            return Err(Error::new(ErrorKind::Truncated, SERVICE, message));
        }
        if let Some(row) = options.resumed_at.filter(|row| *row > announced.rows) {
            let message = format!(
                "reading resumed before row {row}, but the result is now reported to have {} rows",
                announced.rows
            );
            return Err(paging(message));
        }
        // An empty result has columns too, so its only page is fetched.
        let rows = match self.has_begun || self.offsets.planned() > 0 {
            true => announced.rows,
            false => announced.rows.max(1),
        };
        let left = rows.saturating_sub(self.offsets.planned());
        let under_way = self.offsets.rows_in_flight();
        let size = options.next_page_size(under_way, PAGE_SIZE);
        let Some(size) = size.filter(|_| left > 0) else {
            return Ok(match self.offsets.is_idle() {
                true => FetchPlan::End,
                false => FetchPlan::Wait,
            });
        };
        let asked = size.min(left);
        self.has_begun = true;
        let ticket = self.offsets.plan(asked);
        let results = self.results.clone().offset(ticket.offset.cast_signed());
        let results = results.limit(asked.cast_signed());
        Ok(FetchPlan::Fetch(Box::pin(async move {
            let page = results.send_as::<ResultPage>().await;
            let page = page.map(|page| page.into_inner()).map_err(call);
            Ok(Response::Page(ticket, page))
        })))
    }

    fn has_ended(&self) -> bool {
        self.offsets.has_ended()
    }

    fn accept(&mut self, _options: &FetchOptions, answer: Response) -> Result<Option<Page>, Error> {
        let (ticket, results) = match answer {
            Response::Page(ticket, results) => (ticket, results),
            Response::Announced(announced) => {
                self.announced = Some(announced);
                return Ok(None);
            }
        };
        if !self.offsets.accept(ticket) {
            return Ok(None);
        }
        let results = results?;
        let announced = self.announced.map_or(0, |announced| announced.rows);
        let count = results.rows.count() as u64;
        let end = ticket.offset + count;
        let flaw = if count == 0 && ticket.offset < announced {
            Some(format!(
                "the page at row {} has no rows, but {announced} were announced",
                ticket.offset
            ))
        } else if count > ticket.rows {
            Some(format!(
                "{} rows were requested, but {count} were sent",
                ticket.rows
            ))
        } else if count > 0 && end > announced {
            // The service omits a count of 0, so rows without a count are an error too.
            Some(format!(
                "{announced} rows were announced, but the result has at least {end}"
            ))
        } else {
            None
        };
        if let Some(flaw) = flaw {
            return Err(paging(flaw));
        }
        match end < announced {
            true => self.offsets.continue_at(end),
            false => self.offsets.end(),
        }
        let ResultPage { columns, rows, .. } = results;
        let page = Page::new(SERVICE, self.result()?, ticket.offset, columns, rows);
        Ok(Some(page.with_total_rows(announced)))
    }
}
