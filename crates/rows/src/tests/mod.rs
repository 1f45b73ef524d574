#![allow(clippy::unwrap_used)]

mod by_position;
mod bytes;
mod containers;
mod errors;
mod grammar;
mod hostile;
mod instants;
mod odd_values;
mod one_struct;
mod random_tables;
mod scalars;
mod shapes;
mod unwanted;
mod values;
mod variants;

use serde::de::DeserializeOwned;

use super::{Cells, Columns, DecodeError, decode_rows};

type Declared<'a> = (&'a str, &'a str);

fn dune(columns: &[Declared<'_>]) -> Columns {
    let (names, types): (Vec<String>, Vec<String>) = owned(columns).unzip();
    Columns::dune(&names, &types)
}

/// A Dune result from before it declared types.
fn dune_untyped(names: &[&str]) -> Columns {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    Columns::dune(&names, [""; 0])
}

fn lightdash(columns: &[Declared<'_>]) -> Columns {
    Columns::lightdash(owned(columns), Cells::Raw)
}

fn yandex(columns: &[Declared<'_>]) -> Columns {
    Columns::yandex_query(owned(columns))
}

fn owned(columns: &[Declared<'_>]) -> impl Iterator<Item = (String, String)> {
    columns
        .iter()
        .map(|(name, type_name)| ((*name).to_owned(), (*type_name).to_owned()))
}

/// One cell of one column, from Dune.
fn dune_cell<T: DeserializeOwned>(declared: &str, cell: &str) -> Result<T, DecodeError> {
    let columns = dune(&[("c", declared)]);
    one(&columns, &format!(r#"[{{"c":{cell}}}]"#))
}

/// One cell of a column without a declared type.
fn untyped_cell<T: DeserializeOwned>(cell: &str) -> Result<T, DecodeError> {
    one(&dune_untyped(&["c"]), &format!(r#"[{{"c":{cell}}}]"#))
}

/// One raw value of one column, from Lightdash.
fn lightdash_cell<T: DeserializeOwned>(declared: &str, raw: &str) -> Result<T, DecodeError> {
    let columns = lightdash(&[("c", declared)]);
    let rows = format!(r#"[{{"c":{{"value":{{"raw":{raw},"formatted":"shown"}}}}}}]"#);
    one(&columns, &rows)
}

/// One cell of one column, from Yandex Query.
fn yandex_cell<T: DeserializeOwned>(declared: &str, cell: &str) -> Result<T, DecodeError> {
    one(&yandex(&[("c", declared)]), &format!("[[{cell}]]"))
}

fn one<T: DeserializeOwned>(columns: &Columns, rows: &str) -> Result<T, DecodeError> {
    #[derive(serde::Deserialize)]
    struct Only<T> {
        c: T,
    }
    let mut rows = decode_rows::<Only<T>>(columns, rows, 0)?;
    assert_eq!(rows.len(), 1);
    Ok(rows.remove(0).c)
}
