//! Pages as a table of text.

use anyhow::Result;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use rowfeed::{ColumnKind, Page, Value};
use serde_json::Value as Json;

pub(crate) fn table(pages: &[Page]) -> Result<Table> {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(page) = pages.first() {
        table.set_header(page.columns().iter().map(|column| column.name()));
    }
    for page in pages {
        for row in page.decode::<Vec<Value>>() {
            let cells: Vec<String> = row?.iter().map(cell).collect::<Result<_>>()?;
            table.add_row(cells);
        }
    }
    let columns = pages.first().map(Page::columns).into_iter().flatten();
    for (column, shown) in columns.zip(table.column_iter_mut()) {
        if is_number(column.kind()) {
            shown.set_cell_alignment(CellAlignment::Right);
        }
    }
    Ok(table)
}

fn is_number(kind: ColumnKind) -> bool {
    use ColumnKind::{Decimal, Float, Integer, Number};
    matches!(kind, Integer | Decimal | Float | Number)
}

/// The JSON text of a value, without quotes.
fn cell(value: &Value) -> Result<String> {
    Ok(match serde_json::to_value(value)? {
        Json::Null => "–".to_owned(),
        Json::String(text) => text,
        other => other.to_string(),
    })
}
