//! Properties of any received bytes. Each function takes bytes and panics if a property does not
//! hold. The tests here run them on random input, and `cargo fuzz` runs them from `fuzz/`.
#![allow(clippy::unwrap_used)]
// The fuzz targets use items that the tests do not.
#![allow(unreachable_pub, unused_imports, dead_code)]

mod bodies;
mod forms;
mod rows;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wide;

pub use bodies::{bodies, raw_rows};
use bytes::Bytes;
use rowfeed_rows::{
    Column, Columns, Row,
    csv::{CsvError, PageJoiner},
    decode_rows,
};
pub use rows::{
    dune_rows, dune_tables, lightdash_rows, lightdash_tables, yandex_rows, yandex_tables,
};

/// The type string of a Yandex Query column: it may be valid or not, blanks around it have no
/// effect, and a value can be read.
pub fn yql_type(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let columns = |text: &str| {
        let column = ("c".to_owned(), text.to_owned());
        Columns::yandex_query([column])
    };
    same_kind(&columns(text), &columns(&format!(" {text} ")));
    for cell in [
        "1",
        "[]",
        r#"["x"]"#,
        r#"[[1,"x"]]"#,
        r#"{"a":[1]}"#,
        "null",
    ] {
        let _ = decode_rows::<Row>(&columns(text), &format!("[[{cell}]]"), 0);
    }
}

/// The type string of a Dune column, with the same properties.
pub fn trino_type(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let columns = |text: &str| Columns::dune(["c"], [text]);
    same_kind(&columns(text), &columns(&format!(" {text} ")));
    for cell in [
        "1",
        r#""2031-01-02 03:04:05 UTC""#,
        "[[1]]",
        r#"{"a":[1]}"#,
        "null",
    ] {
        let _ = decode_rows::<Row>(&columns(text), &format!(r#"[{{"c":{cell}}}]"#), 0);
    }
}

fn same_kind(one: &Columns, other: &Columns) {
    let kinds = |columns: &Columns| -> Vec<_> { columns.iter().map(Column::kind).collect() };
    assert_eq!(kinds(one), kinds(other));
}

/// CSV pages, separated by NUL, after a byte with the size of the pieces in which they arrive. The
/// joined text does not depend on the size of the pieces.
pub fn csv_pages(data: &[u8]) {
    let Some((size, text)) = data.split_first() else {
        return;
    };
    let pages: Vec<&[u8]> = text.split(|byte| *byte == 0).collect();
    let whole = joined(&pages, usize::MAX);
    let pieces = joined(&pages, usize::from(*size).max(1));
    assert_eq!(whole, pieces);
    if let Ok(joined) = whole {
        assert!(joined.len() <= text.len() + 2 * pages.len());
    }
}

/// Pages joined, each of them in pieces of this size.
pub fn joined(pages: &[&[u8]], size: usize) -> Result<Vec<u8>, CsvError> {
    let (mut joiner, mut text) = (PageJoiner::default(), Vec::new());
    for page in pages {
        for piece in page.chunks(size) {
            joiner.push(Bytes::copy_from_slice(piece))?;
            while let Some(bytes) = joiner.pop() {
                text.extend(bytes);
            }
        }
        joiner.end_page()?;
    }
    Ok(text)
}
