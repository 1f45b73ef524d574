//! Going on where reading stopped, perhaps in another process.

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

/// A place in a result: right after a row that was read.
///
/// Small, and made to be stored: it serialises to a map of a few fields. Give it to
/// [`Pages::resume`](crate::Pages::resume) or [`Rows::resume`](crate::Rows::resume) of the same
/// result, and reading goes on with the next row: none is skipped and none comes twice, also when
/// the cursor stands in the middle of a page and when the page size is another.
///
/// A cursor belongs to one execution and to the parameters that shape its rows (Dune's filters
/// and order), and is refused by any other. Only a latest result is not compared with it: Dune's
/// `get_latest_query_result` then reads the execution that the cursor names, whichever query it was
/// of. It is good as long as the service keeps the result: 90 days at Dune, a day at Lightdash and
/// Yandex Query unless set up otherwise.
///
/// ```
/// use rowfeed::Cursor;
/// # use rowfeed::{dune, prelude::*};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).start().await?;
/// # let key = rowfeed::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
/// # let dune = dune::Client::builder().base_url(sandbox.dune_url()).api_key(key).build()?;
/// # let query_id = rowfeed_sandbox::DUNE_QUERY_ID;
/// let latest = || dune.get_latest_query_result().query_id(query_id);
///
/// let mut ids = latest().columns("trade_id").rows::<i64>();
/// for _ in 0..30 {
///     ids.try_next().await?;
/// }
/// let stored = serde_json::to_string(&ids.cursor())?;
///
/// // Later, elsewhere: the same execution, even if the query has run again since.
/// let cursor: Cursor = serde_json::from_str(&stored)?;
/// assert_eq!(cursor.row(), 30);
/// let rest: Vec<i64> = latest().columns("trade_id").rows().resume(&cursor).try_collect().await?;
/// assert_eq!(rest.len(), 18);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Cursor {
    pub(crate) service: String,
    pub(crate) run: String,
    #[serde(default, skip_serializing_if = "is_first")]
    pub(crate) result_set: u32,
    /// What else the rows depend on, in the service's own terms.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) shape: String,
    /// How the page that it stands in is asked for, where its place is not enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) page: Option<PageToken>,
    /// The page behind that one: what a place at its end begins with. Not part of any cursor that is
    /// given out.
    #[serde(skip)]
    pub(crate) next: Option<PageToken>,
    pub(crate) row: u64,
}

/// How a page is asked for at a service that does not address rows by their position: by a token that
/// it gave, or by the key of the row before. For [another service](crate::service).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct PageToken {
    /// The token, as the service wants it.
    pub token: String,
    /// The position of the page's first row in the whole result, counted from 0.
    pub row: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_first(result_set: &u32) -> bool {
    *result_set == 0
}

impl Cursor {
    /// The beginning of a result: for [another service](crate::service).
    pub fn start(service: impl Into<String>, run_id: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            run: run_id.into(),
            result_set: 0,
            shape: String::new(),
            page: None,
            next: None,
            row: 0,
        }
    }

    /// The same place in another result of the run, counted from 0, where it has several.
    #[must_use]
    pub fn with_result_set(self, result_set: u32) -> Self {
        Self { result_set, ..self }
    }

    /// The same place, as the beginning of a page that is asked for by `own`, or without a token if
    /// it is the first; `next` is the page behind it, if there is one.
    ///
    /// The cursors made of that page carry the token of the page they stand in, and at its end that
    /// of the next, so that no page is fetched for nothing. [`at`](Self::at) leaves behind what does
    /// not belong to the place, so this comes last.
    #[must_use]
    pub fn with_tokens(self, own: Option<PageToken>, next: Option<PageToken>) -> Self {
        Self {
            page: own,
            next,
            ..self
        }
    }

    /// The page to begin with when reading goes on from here: the row stands in it or right behind
    /// it. `None` is the first page, or a service without tokens.
    #[must_use]
    pub fn page_token(&self) -> Option<&PageToken> {
        self.page.as_ref()
    }

    /// The same place in a result that has other rows, or the same in another order, for what was
    /// asked for with it: filters and sort keys, in the service's own terms.
    #[must_use]
    pub fn with_shape(self, shape: impl Into<String>) -> Self {
        Self {
            shape: shape.into(),
            ..self
        }
    }

    /// The service, as [`Error::service`](crate::Error::service) names it.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The execution or query that it is a place in.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.run
    }

    /// The row that comes next, counted from 0.
    #[must_use]
    pub fn row(&self) -> u64 {
        self.row
    }

    /// Another place in the same result.
    #[must_use]
    pub fn at(&self, row: u64) -> Self {
        let is_behind = |next: &&PageToken| next.row == row;
        let page = self.next.as_ref().filter(is_behind).or(self.page.as_ref());
        Self {
            service: self.service.clone(),
            run: self.run.clone(),
            result_set: self.result_set,
            shape: self.shape.clone(),
            page: page.cloned(),
            next: None,
            row,
        }
    }

    /// Makes sure that this is a place in the result that `start` is the beginning of.
    ///
    /// # Errors
    ///
    /// It is a place in another one; the error says what differs.
    pub fn check(&self, service: &'static str, start: &Self) -> Result<(), Error> {
        let refuse = |message: String| {
            Err(Error::new(ErrorKind::InvalidRequest, service, message).with_run(&start.run))
        };
        if self.service != service {
            return refuse(format!(
                "the cursor belongs to a result of {}, and this is one of {service}",
                self.service
            ));
        }
        if i64::try_from(self.row).is_err() {
            return refuse(format!(
                "the cursor stands before row {}, and no result has as many rows",
                self.row
            ));
        }
        if let Some(page) = self.page.as_ref().filter(|page| page.row > self.row) {
            return refuse(format!(
                "the cursor stands before row {}, and its page begins only with row {}",
                self.row, page.row
            ));
        }
        if self.run != start.run {
            return refuse(format!(
                "the cursor belongs to run {}, and this is run {}",
                self.run, start.run
            ));
        }
        if self.result_set != start.result_set {
            return refuse(format!(
                "the cursor belongs to result set {}, and this is number {}",
                self.result_set, start.result_set
            ));
        }
        if self.shape != start.shape {
            let shown = |shape: &str| match shape {
                "" => "none".to_owned(),
                shape => shape.to_owned(),
            };
            return refuse(format!(
                "the cursor belongs to a result with other parameters: {} then, {} now",
                shown(&self.shape),
                shown(&start.shape)
            ));
        }
        Ok(())
    }
}
