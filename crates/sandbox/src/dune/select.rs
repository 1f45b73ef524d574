//! Selects the columns and rows of a page.

use std::time::{Duration, Instant};

use super::cell::Cell;
use super::filter::Condition;
use crate::exchange::Request;
use crate::memory::Memory;
use crate::table::WireTable;

/// The longest result in rows that can be filtered and sorted.
const MOST_ARRANGED: usize = 1_000_000;

/// The memory in bytes of the sort keys of a result.
const MOST_KEYS: usize = 32 * 1024 * 1024;

/// The number of rows between two checks of the deadline.
const ROWS: usize = 512;

/// A page, as indices into the result.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub(super) columns: Vec<usize>,
    pub(super) rows: Vec<usize>,
    /// The requested limit, for the URL of the next page.
    pub(super) limit: usize,
    /// The start of this page.
    pub(super) offset: usize,
    /// The start of the next page, if there is one.
    pub(super) next_offset: Option<usize>,
    /// Whether the rows are a sample, which is not paged.
    pub(super) is_sample: bool,
}

impl Selection {
    /// Evaluates `columns`, `filters`, `sort_by`, `sample_count`, `limit` and `offset`. A page has
    /// at most `most` rows, and filtering and sorting take at most `time`. An error is the message
    /// of the service.
    pub(super) fn read(
        request: &Request,
        table: &WireTable,
        most: usize,
        time: Duration,
        memory: &Memory,
    ) -> Result<Self, String> {
        let columns = match request.query("columns").filter(|text| !text.is_empty()) {
            Some(text) => {
                let mut chosen = Vec::new();
                for name in list(text) {
                    let index = column(table, name)?;
                    if chosen.contains(&index) {
                        return Err(format!("column {name} is named twice"));
                    }
                    chosen.push(index);
                }
                chosen
            }
            None => (0..table.columns.len()).collect(),
        };
        let filters = request.query("filters").filter(|text| !text.is_empty());
        let sort_by = request.query("sort_by").filter(|text| !text.is_empty());
        // None keeps the order of the result
        let arranged = if filters.is_none() && sort_by.is_none() {
            None
        } else {
            Some(arranged(table, filters, sort_by, time, memory)?)
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
                is_sample: true,
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
            is_sample: false,
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

/// Splits a comma-separated list. A name in double quotes may contain commas.
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

/// Returns the rows that pass the filters, sorted.
fn arranged(
    table: &WireTable,
    filters: Option<&str>,
    sort_by: Option<&str>,
    time: Duration,
    memory: &Memory,
) -> Result<Vec<usize>, String> {
    if table.rows.len() > MOST_ARRANGED {
        return Err(format!(
            "the sandbox filters and sorts results of at most {MOST_ARRANGED} rows"
        ));
    }
    let deadline = Instant::now() + time;
    let find = |name: &str| {
        let mut columns = table.columns.iter();
        columns.position(|(column, _)| column == name)
    };
    let condition = filters
        .map(|text| Condition::read(text, find))
        .transpose()
        .map_err(|error| format!("invalid filters: {error}"))?;
    let mut sorts: Vec<(usize, bool)> = Vec::new();
    for item in sort_by.map(list).unwrap_or_default() {
        let (index, descends) = sort_key(table, item.trim())?;
        // ignore repeated columns
        if sorts.iter().all(|(known, _)| *known != index) {
            sorts.push((index, descends));
        }
    }
    // the rows that pass, and their sort keys, `sorts.len()` keys per row
    let (mut found, mut keys): (Vec<usize>, Vec<Cell>) = (Vec::new(), Vec::new());
    let mut held = memory.held();
    let mut bytes = 0;
    for (index, row) in table.rows.iter().enumerate() {
        if index % ROWS == 0 && Instant::now() > deadline {
            return Err(format!(
                "filtering and sorting took longer than {time:?}, the time limit of the sandbox"
            ));
        }
        let cell = |column: usize| Cell::read(&row[column], &table.columns[column].1);
        let passes = condition
            .as_ref()
            .is_none_or(|condition| condition.holds(&cell) == Some(true));
        if passes {
            let first = keys.len();
            keys.extend(sorts.iter().map(|(column, _)| cell(*column)));
            bytes += keys[first..].iter().map(Cell::bytes).sum::<usize>();
            if bytes > MOST_KEYS {
                return Err("the sort keys are larger than the sandbox supports".to_owned());
            }
            found.push(index);
            let places = 2 * size_of::<usize>() * found.len();
            if !held.grow(bytes + places + size_of::<Cell>() * keys.len(), deadline) {
                return Err(format!(
                    "the sandbox sorts one large result at a time, and another took longer than \
                     {time:?}"
                ));
            }
        }
    }
    if sorts.is_empty() {
        return Ok(found);
    }
    let mut order: Vec<usize> = (0..found.len()).collect();
    let keys_of = |place: usize| &keys[place * sorts.len()..(place + 1) * sorts.len()];
    // the sort is stable
    order.sort_by(|&left, &right| {
        let pairs = sorts.iter().zip(keys_of(left).iter().zip(keys_of(right)));
        let mut orders = pairs.map(|((_, descends), (left, right))| match descends {
            true => right.order(left),
            false => left.order(right),
        });
        orders
            .find(|order| order.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    Ok(order.into_iter().map(|place| found[place]).collect())
}

/// Parses a column with its sort direction. Returns true for descending.
fn sort_key(table: &WireTable, item: &str) -> Result<(usize, bool), String> {
    let (name, descends) = match item.rsplit_once(' ') {
        Some((name, word)) if word.eq_ignore_ascii_case("desc") => (name.trim(), true),
        Some((name, word)) if word.eq_ignore_ascii_case("asc") => (name.trim(), false),
        _ => (item, false),
    };
    Ok((column(table, name)?, descends))
}
