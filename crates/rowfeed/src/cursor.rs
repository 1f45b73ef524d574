//! Places in results. Reading can resume from them, also in another process.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::Error;

/// Identifies the result of a service that a page or a cursor belongs to.
///
/// Two results with the same identity have the same rows in the same order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct ResultId {
    run: String,
    #[serde(default, skip_serializing_if = "is_first")]
    result_set: u32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    shape: String,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_first(result_set: &u32) -> bool {
    *result_set == 0
}

impl ResultId {
    /// Identifies the only result of a run, or the first of several.
    pub fn new(run_id: impl Into<String>) -> Self {
        Self {
            run: run_id.into(),
            result_set: 0,
            shape: String::new(),
        }
    }

    /// Returns another result of the run. The index counts from 0.
    #[must_use]
    pub fn with_result_set(self, result_set: u32) -> Self {
        Self { result_set, ..self }
    }

    /// Returns the result as these parameters filter or order it. They are filters and sort keys in
    /// the service's own syntax.
    #[must_use]
    pub fn with_shape(self, shape: impl Into<String>) -> Self {
        Self {
            shape: shape.into(),
            ..self
        }
    }

    /// Returns the id of the execution or query.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.run
    }

    /// Returns the index of the result within the run, counted from 0.
    #[must_use]
    pub fn result_set(&self) -> u32 {
        self.result_set
    }
}

/// A place in a result: right after a row that was read.
///
#[doc = include_str!("../docs/items/cursor.md")]
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Cursor {
    service: Cow<'static, str>,
    #[serde(flatten)]
    result: Arc<ResultId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<PageStart>,
    row: u64,
}

/// How to request a page from a service that does not address rows by position: with a token from
/// the service, or with the key of the previous row. For [other services](crate::source).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct PageStart {
    token: String,
    row: u64,
}

impl PageStart {
    /// Describes the page that `token` requests. Its first row has the position `row` in the whole
    /// result, counted from 0.
    pub fn new(token: impl Into<String>, row: u64) -> Self {
        Self {
            token: token.into(),
            row,
        }
    }

    /// Returns the token that the service expects.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Returns the position of the page's first row in the whole result, counted from 0.
    #[must_use]
    pub fn row(&self) -> u64 {
        self.row
    }
}

impl Cursor {
    /// Creates a cursor before the row at this position, counted from 0, in a result of a service.
    pub fn new(
        service: impl Into<Cow<'static, str>>,
        result: impl Into<Arc<ResultId>>,
        row: u64,
    ) -> Self {
        Self {
            service: service.into(),
            result: result.into(),
            page: None,
            row,
        }
    }

    /// The same place, in the page that this token requests; see
    /// [`Page::with_page_starts`](crate::Page::with_page_starts).
    #[must_use]
    pub(crate) fn with_page(self, page: Option<PageStart>) -> Self {
        Self { page, ..self }
    }

    /// Returns the service, as [`Error::service`](crate::Error::service) names it.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Returns the result that the place is in.
    #[must_use]
    pub fn result(&self) -> &ResultId {
        &self.result
    }

    /// Returns the execution or query that the place is in.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.result.run
    }

    /// Returns the position of the next row, counted from 0.
    #[must_use]
    pub fn row(&self) -> u64 {
        self.row
    }

    /// Returns the page to resume with. The row is in this page or directly after it. `None` means
    /// the first page, or a service without tokens.
    #[must_use]
    pub fn page_start(&self) -> Option<&PageStart> {
        self.page.as_ref()
    }

    /// Returns a cursor at another row of the same result. For a service with tokens it is in the
    /// same page.
    #[must_use]
    pub fn at(&self, row: u64) -> Self {
        Self {
            row,
            ..self.clone()
        }
    }

    /// Checks that this cursor is a place in `result` of `service`.
    ///
    /// # Errors
    ///
    /// The cursor belongs to another result. The error says what differs.
    pub fn check(&self, service: &'static str, result: &ResultId) -> Result<(), Error> {
        let mine = &self.result;
        let flaw = if self.service != service {
            let other = &self.service;
            format!("the cursor belongs to a result of {other}, but this result is of {service}")
        } else if i64::try_from(self.row).is_err() {
            let row = self.row;
            format!("the cursor stands before row {row}, but no result can have that many rows")
        } else if let Some(page) = self.page.as_ref().filter(|page| page.row > self.row) {
            format!(
                "the cursor stands before row {}, but its page begins with row {}",
                self.row, page.row
            )
        } else if mine.run != result.run {
            let (mine, other) = (&mine.run, &result.run);
            format!("the cursor belongs to run {mine}, but this is run {other}")
        } else if mine.result_set != result.result_set {
            let (mine, other) = (mine.result_set, result.result_set);
            format!("the cursor belongs to result set {mine}, but this is result set {other}")
        } else if mine.shape != result.shape {
            let (then, now) = (or_none(&mine.shape), or_none(&result.shape));
            format!("the cursor belongs to a result with other parameters: {then} then, {now} now")
        } else {
            return Ok(());
        };
        Err(Error::invalid(service, flaw).with_run(&result.run))
    }
}

/// Parameters as error messages show them.
pub(crate) fn or_none(parameters: &str) -> &str {
    match parameters {
        "" => "none",
        parameters => parameters,
    }
}

#[cfg(test)]
#[cfg(feature = "schemars")]
mod tests;
