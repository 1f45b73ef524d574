//! Lightdash's paging rule.
//!
//! - Pages count from 1, and all have the size that was asked for but the last. The `pageSize` of
//!   an answer is how many rows it has, so it is never sent back.
//! - `nextPage` is absent on the last page, and only there.
//! - `totalResults` does not change, and all pages together have as many rows.
//! - Servers allow 2,500 rows a page unless set up otherwise, and refuse more. A size that the user
//!   did not choose falls back to 500, which every server allows.

use rowfeed_lightdash::{builder, types};

use super::state::{SERVICE, call, check_status};
use crate::{
    Cells, Columns, Error, ErrorKind, Page, Pages, ReadsRows,
    source::{BoxFuture, Source, Wanted},
};

const PAGE_SIZE: u32 = 2_500;
const SAFE_PAGE_SIZE: u32 = 500;

pub(super) struct Paging {
    results: builder::GetAsyncQueryResults,
    page_size: Option<u32>,
    page: i64,
    first_row: u64,
    total_rows: Option<u64>,
    ended: bool,
}

impl ReadsRows for builder::GetAsyncQueryResults {
    fn pages(self) -> Pages {
        let page = match &self.page {
            Ok(page) => page.unwrap_or(1),
            Err(message) => return Pages::failed(Error::invalid(SERVICE, message.clone())),
        };
        if page != 1 {
            let message = "pages() begins with the first page; send() fetches a single one";
            return Pages::failed(Error::invalid(SERVICE, message));
        }
        match self.page_size.clone() {
            Ok(None) => Pages::new(Paging::new(self)),
            Ok(Some(size)) => match u32::try_from(size) {
                Ok(size) => Pages::new(Paging::new(self)).page_size(size),
                Err(_) => {
                    let message = format!("a page size of {size} rows was asked for");
                    Pages::failed(Error::invalid(SERVICE, message))
                }
            },
            Err(message) => Pages::failed(Error::invalid(SERVICE, message)),
        }
    }
}

impl Paging {
    pub(super) fn new(results: builder::GetAsyncQueryResults) -> Self {
        Self {
            results,
            page_size: None,
            page: 1,
            first_row: 0,
            total_rows: None,
            ended: false,
        }
    }

    async fn fetch(&mut self, wanted: Wanted) -> Result<Option<Page>, Error> {
        if self.ended {
            return Ok(None);
        }
        let results = self.send(wanted).await?;
        check_status(&results)?;
        let id = results.query_uuid.clone();
        let paging =
            |message: String| Error::new(ErrorKind::Paging, SERVICE, message).with_run(&id);

        let total = results
            .total_results
            .and_then(|total| u64::try_from(total).ok());
        if self.total_rows.is_some() && self.total_rows != total {
            return Err(paging(format!(
                "the query had {:?} rows before this page and has {total:?} now",
                self.total_rows
            )));
        }
        self.total_rows = total;
        let rows = results.rows.unwrap_or_default();
        let count = rows.count() as u64;
        match results.next_page {
            Some(next) if next == self.page + 1 => {}
            Some(next) => {
                return Err(paging(format!(
                    "page {next} is said to follow page {}",
                    self.page
                )));
            }
            None => self.ended = true,
        }
        let seen = self.first_row + count;
        if self.ended
            && let Some(total) = total
            && seen != total
        {
            return Err(paging(format!(
                "the last page brings the rows to {seen}, and {total} were announced"
            )));
        }
        let columns = results
            .columns
            .into_iter()
            .map(|(name, column)| (name, column.type_.as_str().to_owned()));
        let page = Page {
            service: SERVICE,
            number: u64::try_from(self.page - 1).unwrap_or(0),
            first_row: self.first_row,
            columns: Columns::lightdash(columns, Cells::Raw),
            rows,
            kept: None,
            total_rows: total,
            run_id: id,
        };
        self.page += 1;
        self.first_row = seen;
        Ok(Some(page))
    }

    /// One page. The size of the first that is answered stays, or pages would overlap.
    async fn send(&mut self, wanted: Wanted) -> Result<types::QueryResults, Error> {
        let page = self.results.clone().page(self.page);
        let size = self.page_size.unwrap_or_else(|| first_page_size(wanted));
        let response = match page.clone().page_size(i64::from(size)).send().await {
            Err(error) if self.may_fall_back(wanted, size) && is_page_too_large(&error) => {
                self.page_size = Some(SAFE_PAGE_SIZE);
                page.page_size(i64::from(SAFE_PAGE_SIZE)).send().await
            }
            response => {
                self.page_size = Some(size);
                response
            }
        };
        let response = response.map_err(|error| match &self.results.query_uuid {
            Ok(id) => call(error).with_run(id),
            Err(_) => call(error),
        })?;
        Ok(response.into_inner().results)
    }

    fn may_fall_back(&self, wanted: Wanted, size: u32) -> bool {
        self.page_size.is_none() && wanted.page_size.is_none() && size > SAFE_PAGE_SIZE
    }
}

/// No more rows than are wanted at all: then the first page is the only one.
fn first_page_size(wanted: Wanted) -> u32 {
    let size = wanted.page_size.unwrap_or(PAGE_SIZE);
    let most = wanted.at_most.and_then(|most| u32::try_from(most).ok());
    most.map_or(size, |most| size.min(most))
}

fn is_page_too_large(error: &rowfeed_lightdash::Error) -> bool {
    error
        .api_error()
        .is_some_and(|payload| payload.error.name == "PaginationError")
}

impl Source for Paging {
    fn service(&self) -> &'static str {
        SERVICE
    }

    fn next(&mut self, wanted: Wanted) -> BoxFuture<'_, Result<Option<Page>, Error>> {
        Box::pin(self.fetch(wanted))
    }
}
