#![allow(clippy::unwrap_used)]

mod dune;
mod errors;
mod lightdash;
mod other;
mod random;
mod shown;
mod wanted;
mod yandex_query;

use crate::{ColumnsExt as _, PageExt as _};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, SchemaRef};
use rowfeed_rows::RawRows;

use self::shown::shown;
use super::{
    layout::Wishes,
    page::{Reading, finish},
};
use rowfeed::{Cells, Columns, Error, Page, source::ResultId};

/// A page of these rows.
fn page(columns: &Columns, rows: &str) -> Page {
    let rows = RawRows::from_json(rows.to_owned()).unwrap();
    Page::new("dune", ResultId::new("run"), 100, columns.clone(), rows).with_number(3)
}

/// Returns the batch of rows that are read with these types and this schema.
fn wanted(
    columns: &Columns,
    rows: &str,
    types: &[(&str, DataType)],
    schema: Option<SchemaRef>,
) -> Result<RecordBatch, Error> {
    let types = types
        .iter()
        .map(|(name, data_type)| ((*name).to_owned(), data_type.clone()));
    let wishes = Wishes {
        schema,
        types: types.collect(),
    };
    let layout = Arc::new(wishes.layout("dune", columns)?);
    let mut reading = Reading::new(page(columns, rows));
    let mut batch = reading.batch(&layout, usize::MAX);
    reading.fill(&mut batch, &layout.columns, usize::MAX)?;
    finish(batch, "dune")
}

fn dune_columns(declared: &[(&str, &str)]) -> Columns {
    let names: Vec<_> = declared
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let types: Vec<_> = declared
        .iter()
        .map(|(_, type_name)| (*type_name).to_owned())
        .collect();
    Columns::dune(&names, &types)
}

fn yandex_columns(declared: &[(&str, &str)]) -> Columns {
    Columns::yandex_query(declared.iter().copied())
}

fn lightdash_columns(declared: &[(&str, &str)]) -> Columns {
    Columns::lightdash(declared.iter().copied(), Cells::Raw)
}

/// Rows of the column `c` at Dune.
fn dune_rows(cells: &[&str]) -> String {
    let rows: Vec<_> = cells
        .iter()
        .map(|cell| format!("{{\"c\":{cell}}}"))
        .collect();
    format!("[{}]", rows.join(","))
}

fn yandex_rows(cells: &[&str]) -> String {
    let rows: Vec<_> = cells.iter().map(|cell| format!("[{cell}]")).collect();
    format!("[{}]", rows.join(","))
}

fn lightdash_rows(cells: &[&str]) -> String {
    let cells = cells.iter();
    let rows: Vec<_> = cells
        .map(|cell| format!("{{\"c\":{{\"value\":{{\"raw\":{cell},\"formatted\":\"?\"}}}}}}"))
        .collect();
    format!("[{}]", rows.join(","))
}

/// The Arrow type and the values of a column `c`, or the error.
fn column(columns: &Columns, rows: &str) -> Result<(String, String), String> {
    let batch = page(columns, rows)
        .record_batch()
        .map_err(|error| error.to_string())?;
    let schema = columns.arrow_schema();
    assert_eq!(batch.schema(), schema);
    Ok((
        schema.field(0).data_type().to_string(),
        shown(batch.column(0)),
    ))
}

fn dune_column(declared: &str, cells: &[&str]) -> Result<(String, String), String> {
    column(&dune_columns(&[("c", declared)]), &dune_rows(cells))
}

fn yandex_column(declared: &str, cells: &[&str]) -> Result<(String, String), String> {
    column(&yandex_columns(&[("c", declared)]), &yandex_rows(cells))
}

fn lightdash_column(declared: &str, cells: &[&str]) -> Result<(String, String), String> {
    column(
        &lightdash_columns(&[("c", declared)]),
        &lightdash_rows(cells),
    )
}

/// A declared type, the Arrow type, cells as they are sent, and the values.
type Case<'a> = (&'a str, &'a str, &'a [&'a str], &'a str);

fn check(cases: &[Case<'_>], read: impl Fn(&str, &[&str]) -> Result<(String, String), String>) {
    for (declared, data_type, cells, values) in cases {
        let read = read(declared, cells);
        let wanted = Ok(((*data_type).to_owned(), (*values).to_owned()));
        assert_eq!(read, wanted, "{declared}");
    }
}
