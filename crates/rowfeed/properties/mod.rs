//! Properties that hold for any input bytes. Each function takes bytes and panics if a property
//! does not hold. The tests here run them on random input, and `cargo fuzz` runs them from `fuzz/`.

#[cfg(test)]
mod tests;

use rowfeed::{Cursor, ListCursor, dune, lightdash, yandex_query};
use rowfeed_client::ServiceError;
use rowfeed_rows::{Cells, Columns, Row, decode_rows};
use serde::{Serialize, de::DeserializeOwned};

/// Bodies of failed calls decode or are refused, without a panic.
pub(crate) fn error_bodies(data: &[u8]) {
    fn message<E: DeserializeOwned + ServiceError>(data: &[u8]) {
        if let Ok(error) = serde_json::from_slice::<E>(data) {
            let _ = error.message();
        }
    }
    message::<dune::types::ErrorResponse>(data);
    message::<lightdash::types::ErrorPayload>(data);
    message::<yandex_query::types::GenericError>(data);
}

/// The rows of a page body decode one by one, or are an error.
pub(crate) fn pages(data: &[u8]) {
    if let Ok(page) = serde_json::from_slice::<dune::types::ReadExecutionResultResponse>(data)
        && let Some(result) = page.result
    {
        let metadata = result.metadata.unwrap_or_default();
        let columns = Columns::dune(&metadata.column_names, &metadata.column_types);
        let _ = decode_rows::<Row>(&columns, result.rows.unwrap_or_default().as_str(), 0);
    }
    if let Ok(page) = serde_json::from_slice::<lightdash::types::QueryResults>(data) {
        let columns = page.columns.into_iter();
        let columns = columns.map(|(name, column)| (name, column.type_.as_str().to_owned()));
        let columns = Columns::lightdash(columns, Cells::Raw);
        let _ = decode_rows::<Row>(&columns, page.rows.unwrap_or_default().as_str(), 0);
    }
    if let Ok(page) = serde_json::from_slice::<yandex_query::types::ResultSet>(data) {
        let columns = page.columns.into_iter();
        let columns = Columns::yandex_query(columns.map(|column| (column.name, column.type_)));
        let _ = decode_rows::<Row>(&columns, page.rows.as_str(), 0);
    }
    let _ = serde_json::from_slice::<yandex_query::types::Query>(data);
    let _ = serde_json::from_slice::<dune::types::GetExecutionStatusResponse>(data);
}

/// Stored cursors decode to what was stored, or are refused, without a panic.
pub(crate) fn cursors(data: &[u8]) {
    if let Some(cursor) = read_again::<Cursor>(data) {
        let _ = cursor.check("dune", cursor.result());
        let there = cursor.at(cursor.row());
        assert_eq!(there, cursor);
    }
    if let Some(cursor) = read_again::<ListCursor>(data) {
        let _ = cursor.check("dune", &cursor);
    }
}

fn read_again<C: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(
    data: &[u8],
) -> Option<C> {
    let cursor: C = serde_json::from_slice(data).ok()?;
    let text = serde_json::to_vec(&cursor).unwrap_or_default();
    let again: Option<C> = serde_json::from_slice(&text).ok();
    assert_eq!(again.as_ref(), Some(&cursor));
    Some(cursor)
}
