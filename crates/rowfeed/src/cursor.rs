//! Places in results, to resume reading from, perhaps in another process.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::Error;

/// Which result of a service a page or a cursor belongs to.
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
    /// The only, or first, result of a run.
    pub fn new(run_id: impl Into<String>) -> Self {
        Self {
            run: run_id.into(),
            result_set: 0,
            shape: String::new(),
        }
    }

    /// Another result of the run, counted from 0, where it has several.
    #[must_use]
    pub fn with_result_set(self, result_set: u32) -> Self {
        Self { result_set, ..self }
    }

    /// The result with other rows, or in another order, that these parameters make of it: filters and
    /// sort keys, in the service's own terms.
    #[must_use]
    pub fn with_shape(self, shape: impl Into<String>) -> Self {
        Self {
            shape: shape.into(),
            ..self
        }
    }

    /// The execution or query.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.run
    }

    /// Which result of the run it is, counted from 0.
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

/// How to request a page of a service that does not address rows by their position: by a token that
/// the service gave out, or by the key of the row before. For [another service](crate::source).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct PageStart {
    token: String,
    row: u64,
}

impl PageStart {
    /// Names the page that is requested by `token` and whose first row has the position `row` in the
    /// whole result, counted from 0.
    pub fn new(token: impl Into<String>, row: u64) -> Self {
        Self {
            token: token.into(),
            row,
        }
    }

    /// The token, as the service expects it.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The position of the page's first row in the whole result, counted from 0.
    #[must_use]
    pub fn row(&self) -> u64 {
        self.row
    }
}

impl Cursor {
    /// The place before the row with this position, counted from 0, in a result of a service.
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

    /// The same place, in a page that is requested by this token; see
    /// [`Page::with_page_starts`](crate::Page::with_page_starts).
    #[must_use]
    pub(crate) fn with_page(self, page: Option<PageStart>) -> Self {
        Self { page, ..self }
    }

    /// The service, as [`Error::service`](crate::Error::service) names it.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The result that the place is in.
    #[must_use]
    pub fn result(&self) -> &ResultId {
        &self.result
    }

    /// The execution or query that the place is in.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.result.run
    }

    /// The position of the next row, counted from 0.
    #[must_use]
    pub fn row(&self) -> u64 {
        self.row
    }

    /// The page to resume with: the row is in it or right behind it. `None` is the first page, or a
    /// service without tokens.
    #[must_use]
    pub fn page_start(&self) -> Option<&PageStart> {
        self.page.as_ref()
    }

    /// Another place in the same result, and in the same page where the service has tokens.
    #[must_use]
    pub fn at(&self, row: u64) -> Self {
        Self {
            row,
            ..self.clone()
        }
    }

    /// Checks that this is a place in `result` of `service`.
    ///
    /// # Errors
    ///
    /// It is a place in another result; the error says what differs.
    pub fn check(&self, service: &'static str, result: &ResultId) -> Result<(), Error> {
        let mine = &self.result;
        let flaw = if self.service != service {
            let other = &self.service;
            format!("the cursor belongs to a result of {other}, and this is one of {service}")
        } else if i64::try_from(self.row).is_err() {
            let row = self.row;
            format!("the cursor stands before row {row}, and no result has as many rows")
        } else if let Some(page) = self.page.as_ref().filter(|page| page.row > self.row) {
            format!(
                "the cursor stands before row {}, and its page begins only with row {}",
                self.row, page.row
            )
        } else if mine.run != result.run {
            let (mine, other) = (&mine.run, &result.run);
            format!("the cursor belongs to run {mine}, and this is run {other}")
        } else if mine.result_set != result.result_set {
            let (mine, other) = (mine.result_set, result.result_set);
            format!("the cursor belongs to result set {mine}, and this is number {other}")
        } else if mine.shape != result.shape {
            let (then, now) = (or_none(&mine.shape), or_none(&result.shape));
            format!("the cursor belongs to a result with other parameters: {then} then, {now} now")
        } else {
            return Ok(());
        };
        Err(Error::invalid(service, flaw).with_run(&result.run))
    }
}

/// Parameters, as messages show them.
pub(crate) fn or_none(parameters: &str) -> &str {
    match parameters {
        "" => "none",
        parameters => parameters,
    }
}

#[cfg(test)]
#[cfg(feature = "schemars")]
mod tests;
