//! The members of a page that reading its rows needs.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use crate::{
    RawRows,
    rows::{Cells, Columns, ColumnsCache},
    types::{PivotDetails, QueryStatus, StatusOk},
};

/// A page of a result with the members that reading its rows needs, and with parsed columns.
///
/// A page of one row decodes with 30 % fewer instructions than as
/// [`QueryResultsResponse`](crate::types::QueryResultsResponse), because it copies no other text and
/// shares the columns with other pages of the result. Members that it does not have are not checked.
///
/// ```no_run
/// # async fn read(client: rowfeed_lightdash::Client) -> Result<(), rowfeed_lightdash::CallError> {
/// use rowfeed_lightdash::ResultPage;
///
/// let page = client.get_async_query_results().project_uuid("a project").query_uuid("a query");
/// let page = page.send_as::<ResultPage>().await?;
/// println!("{}", page.results.columns);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct ResultPage {
    /// The status of the query and, once it is ready, its rows.
    pub results: PageResults,
    /// Always `ok`, even if the query failed; see `results.status`.
    pub status: StatusOk,
}

/// The results of a [`ResultPage`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PageResults {
    /// The columns in the order of the result. Their cells are [raw](Cells::Raw).
    #[serde(default = "no_columns", deserialize_with = "columns")]
    pub columns: Columns,
    /// The error message of the warehouse or the server.
    pub error: Option<String>,
    /// The number of the next page; absent on the last page.
    pub next_page: Option<i64>,
    /// The number of the page, starting at 1.
    pub page: Option<i64>,
    /// The pivot of the rows; null if they are not pivoted.
    pub pivot_details: Option<PivotDetails>,
    /// The id of the query.
    pub query_uuid: String,
    /// The rows of this page.
    pub rows: Option<RawRows>,
    /// The status of the query.
    pub status: QueryStatus,
    /// The number of rows of the whole result, after the limit of the query.
    pub total_results: Option<i64>,
}

fn no_columns() -> Columns {
    ColumnsCache::default().lightdash(std::iter::empty(), Cells::Raw)
}

fn columns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Columns, D::Error> {
    let declared = Option::<Declared<'de>>::deserialize(deserializer)?;
    let Declared(mut declared) = declared.unwrap_or_default();
    drop_repeated(&mut declared);
    let columns = declared
        .iter()
        .map(|(name, column)| (&*name.0, &*column.type_));
    Ok(ColumnsCache::default().lightdash(columns, Cells::Raw))
}

/// The columns as received. Their texts are part of the body, unless they have escapes.
#[derive(Default)]
struct Declared<'a>(Vec<(Text<'a>, Column<'a>)>);

/// Not derived: only a key that is decoded as a string is part of the path in an error.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowed;
        impl<'de> Visitor<'de> for Borrowed {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(text.into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(text.to_owned().into()))
            }
        }
        deserializer.deserialize_str(Borrowed)
    }
}

#[derive(Deserialize)]
struct Column<'a> {
    #[serde(borrow, rename = "type")]
    type_: Cow<'a, str>,
}

impl<'de> Deserialize<'de> for Declared<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Declared<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of columns")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Declared<'de>, A::Error> {
                let mut declared = Vec::with_capacity(map.size_hint().unwrap_or(16).min(1024));
                while let Some(entry) = map.next_entry()? {
                    declared.push(entry);
                }
                Ok(Declared(declared))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// A name that is repeated keeps its place and takes the last type, as in a map. Sorting the names
/// finds it with fewer instructions than a hash table.
fn drop_repeated(declared: &mut Vec<(Text<'_>, Column<'_>)>) {
    let mut names: Vec<&str> = declared.iter().map(|(name, _)| &*name.0).collect();
    names.sort_unstable();
    if !names.windows(2).any(|pair| pair[0] == pair[1]) {
        return;
    }
    let mut kept: indexmap::IndexMap<String, Column<'_>> = indexmap::IndexMap::new();
    for (Text(name), column) in declared.drain(..) {
        kept.insert(name.into_owned(), column);
    }
    let kept = kept.into_iter();
    declared.extend(kept.map(|(name, column)| (Text(name.into()), column)));
}
