//! The table itself: its columns, and its creation.

use super::{InsertColumn, InsertError, InsertErrorKind, NewTable};
use crate::{
    Client,
    types::{TableColumn, TableCreateRequest},
};

/// The most tables that Dune lists at once.
const PAGE: i64 = 10_000;

/// Returns the columns that Dune lists for a table.
pub(super) async fn columns(
    client: &Client,
    namespace: &str,
    table: &str,
) -> Result<Vec<InsertColumn>, InsertError> {
    let full_name = format!("dune.{namespace}.{table}");
    let mut offset = 0;
    loop {
        let list = client.list_uploads().limit(PAGE).offset(offset).send();
        let doing = "the columns of the table cannot be listed";
        let page = list
            .await
            .map_err(|call| InsertError::call_error(doing, call))?
            .into_inner();
        let named = |name: &Option<String>| {
            name.as_ref()
                .is_some_and(|name| name.eq_ignore_ascii_case(&full_name))
        };
        if let Some(found) = page
            .tables
            .into_iter()
            .find(|table| named(&table.full_name))
        {
            return Ok(found
                .columns
                .into_iter()
                .filter_map(InsertColumn::listed)
                .collect());
        }
        match page.next_offset {
            Some(next) if next > offset => offset = next,
            _ => break,
        }
    }
    Err(InsertError::new(
        InsertErrorKind::InvalidRequest,
        format!(
            "Dune lists no table {full_name}; check namespace and name, or declare columns() and \
             create_table()"
        ),
    ))
}

/// Creates a table; returns whether it did not exist.
pub(super) async fn create(
    client: &Client,
    namespace: &str,
    table: &str,
    schema: Vec<TableColumn>,
    new: NewTable,
) -> Result<bool, InsertError> {
    let request = TableCreateRequest {
        namespace: namespace.to_owned(),
        table_name: table.to_owned(),
        schema,
        is_private: new.is_private,
        description: new.description,
    };
    let created = client.create_table().body(request).send().await;
    let created =
        created.map_err(|call| InsertError::call_error("the table cannot be created", call))?;
    Ok(created.already_existed != Some(true))
}
