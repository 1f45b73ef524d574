//! The members of a page that reading its rows needs.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

use crate::{
    RawRows,
    rows::{Columns, ColumnsCache},
};

/// A page of a result set with parsed columns.
///
/// It decodes with fewer instructions than [`ResultSet`](crate::types::ResultSet), because it copies
/// no text and shares the columns with other pages of the result.
///
/// ```no_run
/// # async fn read(client: rowfeed_yandex_query::Client) -> Result<(), rowfeed_yandex_query::CallError> {
/// use rowfeed_yandex_query::ResultPage;
///
/// let page = client.get_query_results().project("b1g0example").query_id("cbq").result_set_index(0);
/// let page = page.send_as::<ResultPage>().await?;
/// println!("{}", page.columns);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct ResultPage {
    /// The columns. They are the same on every page, including empty pages.
    #[serde(deserialize_with = "columns")]
    pub columns: Columns,
    /// The rows. Each row is an array with one cell for each column, in the order of `columns`.
    pub rows: RawRows,
}

fn columns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Columns, D::Error> {
    let declared = Option::<Vec<Declared<'de>>>::deserialize(deserializer)?.unwrap_or_default();
    let columns = declared
        .iter()
        .map(|column| (&*column.name, &*column.type_));
    Ok(ColumnsCache::default().yandex_query(columns))
}

/// A column as received. Its texts are part of the body, unless they have escapes.
#[derive(Deserialize)]
struct Declared<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    type_: Cow<'a, str>,
}
