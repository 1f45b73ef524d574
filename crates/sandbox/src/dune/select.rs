//! Which columns and rows of a result a page holds.

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, params_from_iter};

use crate::exchange::Request;
use crate::sql::quoted;
use crate::table::{Value, WireTable};

/// Longer results are neither filtered nor sorted: all of it would have to be held.
const MOST_ARRANGED: usize = 1_000_000;

/// A page, as indices into the whole result.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub(super) columns: Vec<usize>,
    pub(super) rows: Vec<usize>,
    /// The limit that was asked for, for the next page's address.
    pub(super) limit: usize,
    /// Where this page starts.
    pub(super) offset: usize,
    /// Where the next page starts, if there is one.
    pub(super) next_offset: Option<usize>,
}

impl Selection {
    /// Reads `columns`, `filters`, `sort_by`, `sample_count`, `limit` and `offset`.
    /// No page has more than `most` rows. An error is the service's message.
    pub(super) fn read(request: &Request, table: &WireTable, most: usize) -> Result<Self, String> {
        let columns = match request.query("columns").filter(|text| !text.is_empty()) {
            Some(text) => list(text)
                .iter()
                .map(|name| column(table, name))
                .collect::<Result<_, _>>()?,
            None => (0..table.columns.len()).collect(),
        };
        let filters = request.query("filters").filter(|text| !text.is_empty());
        let sort_by = request.query("sort_by").filter(|text| !text.is_empty());
        // as it is, or in an order of its own
        let arranged = if filters.is_none() && sort_by.is_none() {
            None
        } else {
            Some(arranged(table, filters, sort_by)?)
        };
        let count = arranged.as_ref().map_or(table.rows.len(), Vec::len);
        let pick = |place: usize| arranged.as_ref().map_or(place, |rows| rows[place]);
        let (limit, offset) = (number(request, "limit")?, number(request, "offset")?);
        if let Some(sample) = number(request, "sample_count")? {
            if filters.is_some() || limit.is_some() || offset.is_some() {
                return Err("sample_count cannot be combined with limit, offset or filters".into());
            }
            let step = count.div_ceil(sample.max(1)).max(1);
            return Ok(Self {
                columns,
                rows: (0..count).step_by(step).take(sample).map(pick).collect(),
                limit: most,
                offset: 0,
                next_offset: None,
            });
        }
        let (limit, offset) = (
            limit.filter(|limit| *limit > 0).unwrap_or(most),
            offset.unwrap_or(0),
        );
        let end = offset.saturating_add(limit.min(most)).min(count);
        Ok(Self {
            columns,
            limit,
            offset,
            next_offset: (end < count).then_some(end),
            rows: (offset.min(end)..end).map(pick).collect(),
        })
    }
}

fn number(request: &Request, name: &str) -> Result<Option<usize>, String> {
    request
        .query(name)
        .filter(|text| !text.is_empty())
        .map(|text| {
            text.parse()
                .map_err(|_| format!("invalid value for {name}: {text}"))
        })
        .transpose()
}

/// The items of a comma-separated list; a name in double quotes may hold commas.
fn list(text: &str) -> Vec<&str> {
    let (mut quotes, mut items, mut start) = (false, Vec::new(), 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quotes = !quotes,
            b',' if !quotes => {
                items.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&text[start..]);
    items
}

fn column(table: &WireTable, name: &str) -> Result<usize, String> {
    let plain = name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'));
    let plain = plain.unwrap_or(name);
    table
        .columns
        .iter()
        .position(|(column, _)| column == plain)
        .ok_or_else(|| format!("unknown column {name}"))
}

/// The rows that pass the filters, in order. The rows of the result become a
/// table of their own, so that a filter can see nothing else.
fn arranged(
    table: &WireTable,
    filters: Option<&str>,
    sort_by: Option<&str>,
) -> Result<Vec<usize>, String> {
    if table.rows.len() > MOST_ARRANGED {
        return Err(format!(
            "the sandbox filters and sorts results of at most {MOST_ARRANGED} rows"
        ));
    }
    let connection = fill(table).map_err(|error| error.to_string())?;
    let mut sql = String::from("SELECT rowid FROM result");
    if let Some(filters) = filters {
        if words(filters).any(|word| word.eq_ignore_ascii_case("not")) {
            return Err("invalid filters: NOT is not supported".into());
        }
        sql.push_str(&format!(" WHERE ({filters}\n)"));
    }
    let mut keys = Vec::new();
    for item in sort_by.map(list).unwrap_or_default() {
        keys.push(sort_key(table, item.trim())?);
    }
    keys.push("rowid".to_owned());
    sql.push_str(&format!(" ORDER BY {}", keys.join(", ")));
    let mut statement = connection
        .prepare(&sql)
        .map_err(|error| format!("invalid filters: {error}"))?;
    let rows = statement
        .query_map([], |row| row.get::<_, i64>(0))
        .map_err(|error| error.to_string())?;
    rows.map(|row| {
        // row ids count from 1, in the order of the insertion
        row.map(|rowid| usize::try_from(rowid - 1).unwrap_or_default())
            .map_err(|error| format!("invalid filters: {error}"))
    })
    .collect()
}

fn sort_key(table: &WireTable, item: &str) -> Result<String, String> {
    let (name, direction) = match item.rsplit_once(' ') {
        Some((name, word)) if word.eq_ignore_ascii_case("desc") => (name.trim(), " DESC"),
        Some((name, word)) if word.eq_ignore_ascii_case("asc") => (name.trim(), ""),
        _ => (item, ""),
    };
    let index = column(table, name)?;
    Ok(format!("{}{direction}", quoted(&table.columns[index].0)))
}

/// The words of a filter outside its quotes.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split('\'')
        .step_by(2)
        .flat_map(|part| part.split('"').step_by(2))
        .flat_map(|part| part.split(|c: char| !(c.is_alphanumeric() || c == '_')))
}

fn fill(table: &WireTable) -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    // a name in double quotes is a column or an error, never a text
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    let names: Vec<String> = table.columns.iter().map(|(name, _)| quoted(name)).collect();
    connection.execute_batch(&format!("CREATE TABLE result ({})", names.join(", ")))?;
    let places = vec!["?"; names.len()].join(", ");
    {
        let mut insert = connection.prepare(&format!("INSERT INTO result VALUES ({places})"))?;
        for row in table.rows.iter() {
            let values = row
                .iter()
                .zip(&table.columns)
                .map(|(cell, (_, type_name))| comparable(cell, type_name));
            insert.execute(params_from_iter(values))?;
        }
    }
    connection.authorizer(Some(|context: AuthContext<'_>| match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Function { .. } => {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }))?;
    Ok(connection)
}

/// A cell as a filter compares it: exact numbers that travel as text are numbers.
fn comparable(cell: &str, type_name: &str) -> Value {
    let numeric = ["decimal", "uint256", "int256"]
        .iter()
        .any(|prefix| type_name.starts_with(prefix));
    match serde_json::from_str(cell) {
        Ok(serde_json::Value::Null) => Value::Null,
        Ok(serde_json::Value::Bool(value)) => Value::Boolean(value),
        Ok(serde_json::Value::Number(number)) => match number.as_i64() {
            Some(number) => Value::Integer(number),
            None => number.as_f64().into(),
        },
        Ok(serde_json::Value::String(text)) if numeric => match text.parse() {
            Ok(number) => Value::Double(number),
            Err(_) => Value::Text(text),
        },
        Ok(serde_json::Value::String(text)) => Value::Text(text),
        _ => Value::Text(cell.to_owned()),
    }
}
