//! Yandex Query's paging rule.
//!
//! - A page says neither how many rows there are nor whether more follow; `get_query` does, with
//!   `rows_count` and `truncated` of each result set. It is asked first.
//! - Rows are addressed by offset, 1,000 at a time at most, and do not change.
//! - A page without rows before the announced end is an error, not the end.
//! - A result that the service cut off is an error, unless it was asked for as it is.

use rowfeed_yandex_query::builder;

use super::state::{SERVICE, call, check_status};
use crate::{
    Columns, Error, ErrorKind, Page, Pages, ReadsRows,
    source::{BoxFuture, Source, Wanted},
};

/// What the service allows.
const PAGE_SIZE: u32 = 1_000;

pub(super) struct Paging {
    results: builder::GetQueryResults,
    /// What `get_query` has said.
    announced: Option<Announced>,
    offset: u64,
    number: u64,
}

#[derive(Clone)]
pub(super) struct Announced {
    pub(super) id: String,
    pub(super) rows: u64,
    pub(super) truncated: bool,
}

impl ReadsRows for builder::GetQueryResults {
    fn pages(self) -> Pages {
        let offset = match &self.offset {
            Ok(offset) => offset.unwrap_or(0),
            Err(message) => return Pages::failed(Error::invalid(SERVICE, message.clone())),
        };
        match u64::try_from(offset) {
            Ok(offset) => Pages::new(Paging {
                results: self,
                announced: None,
                offset,
                number: 0,
            }),
            Err(_) => {
                let message = format!("an offset of {offset} rows was asked for");
                Pages::failed(Error::invalid(SERVICE, message))
            }
        }
    }
}

impl Paging {
    pub(super) fn of_result_set(results: builder::GetQueryResults, announced: Announced) -> Self {
        Self {
            results,
            announced: Some(announced),
            offset: 0,
            number: 0,
        }
    }

    async fn fetch(&mut self, wanted: Wanted) -> Result<Option<Page>, Error> {
        let announced = match &self.announced {
            Some(announced) => announced.clone(),
            None => self.announced.insert(ask(&self.results).await?).clone(),
        };
        let id = announced.id.as_str();
        if announced.truncated && !wanted.truncated {
            let message = format!(
                "the service cut the result off after {} rows for its size; \
                 allow_truncated() takes the part that there is",
                announced.rows
            );
            return Err(Error::new(ErrorKind::Truncated, SERVICE, message).with_run(id));
        }
        // An empty result has columns too, so its one page is fetched.
        if self.number > 0 && self.offset >= announced.rows {
            return Ok(None);
        }
        let left = announced.rows.saturating_sub(self.offset).max(1);
        let limit = self.page_size(wanted)?.min(left);
        let results = self
            .results
            .clone()
            .offset(self.offset.cast_signed())
            .limit(limit.cast_signed());
        let results = results
            .send()
            .await
            .map_err(|error| call(error).with_run(id))?
            .into_inner();
        let count = results.rows.count() as u64;
        let end = self.offset + count;
        let error = |message: String| Error::new(ErrorKind::Paging, SERVICE, message).with_run(id);
        if count == 0 && self.offset < announced.rows {
            return Err(error(format!(
                "the page at row {} has no rows, and {} were announced",
                self.offset, announced.rows
            )));
        }
        if count > limit {
            return Err(error(format!(
                "{limit} rows were asked for, and {count} came"
            )));
        }
        // The service leaves a count of 0 out, so that rows where none were announced are wrong too.
        if count > 0 && end > announced.rows {
            return Err(error(format!(
                "{} rows were announced, and the rows come to {end}",
                announced.rows
            )));
        }
        let columns = results
            .columns
            .into_iter()
            .map(|column| (column.name, column.type_));
        let page = Page {
            service: SERVICE,
            number: self.number,
            first_row: self.offset,
            columns: Columns::yandex_query(columns),
            rows: results.rows,
            kept: None,
            total_rows: Some(announced.rows),
            run_id: announced.id,
        };
        self.number += 1;
        self.offset = end;
        Ok(Some(page))
    }

    fn page_size(&self, wanted: Wanted) -> Result<u64, Error> {
        let size = wanted.page_size.unwrap_or(PAGE_SIZE);
        if size > PAGE_SIZE {
            let message = format!(
                "a page size of {size} rows was asked for; the service allows {PAGE_SIZE} at most"
            );
            return Err(Error::invalid(SERVICE, message));
        }
        let size = u64::from(size);
        Ok(wanted.at_most.map_or(size, |most| size.min(most)))
    }
}

/// What `get_query` says of the result set that `results` is for.
async fn ask(results: &builder::GetQueryResults) -> Result<Announced, Error> {
    let unset = |message: &String| Error::invalid(SERVICE, message.clone());
    let id = results.query_id.as_ref().map_err(unset)?;
    let project = results.project.as_ref().map_err(unset)?;
    let index = *results.result_set_index.as_ref().map_err(unset)?;
    let query = results.client.get_query().query_id(id).project(project);
    let query = query.send().await.map_err(call)?.into_inner();
    check_status(&query)?;
    let Some(set) = query.result_sets.get(index as usize) else {
        let count = query.result_sets.len();
        let message = format!("result set {index} was asked for, the query has {count}");
        return Err(Error::invalid(SERVICE, message).with_run(id));
    };
    Ok(Announced {
        id: id.clone(),
        rows: set
            .rows_count
            .and_then(|rows| rows.try_into().ok())
            .unwrap_or(0),
        truncated: set.truncated.unwrap_or(false),
    })
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
        match &self.results.limit {
            Ok(None) => Ok(None),
            Ok(Some(limit)) => u64::try_from(*limit).map(Some).map_err(|_| {
                Error::invalid(SERVICE, format!("a limit of {limit} rows was asked for"))
            }),
            Err(message) => Err(Error::invalid(SERVICE, message.clone())),
        }
    }
}
