//! Pivots: turn values of columns into columns.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::encode::{Clock, wire};
use super::errors;
use crate::exchange::Answer;
use crate::rows::Rows;
use crate::service::Service;
use crate::sql::{SqlError, quoted};
use crate::table::WireTable;
use crate::world::{Outcome, World};

/// The largest number of columns of a pivot. Further columns are only counted.
const MOST_COLUMNS: usize = 200;

/// The aggregations of values.
const AGGREGATIONS: [&str; 6] = ["sum", "avg", "min", "max", "count", "any"];

/// A `pivotConfiguration`.
#[derive(Clone, Debug)]
pub(super) struct Pivot {
    /// The original JSON, which the answer repeats.
    index_column: Value,
    index: Vec<String>,
    groups: Vec<String>,
    /// A column and its aggregation.
    values: Vec<(String, String)>,
    sort_by: Value,
}

/// One row of a pivot.
struct PivotedRow {
    /// The index cells.
    key: Vec<String>,
    /// The other cells, each with its position after the index.
    cells: Vec<(usize, String)>,
}

impl Pivot {
    /// Parses a `pivotConfiguration`. Returns `None` for null.
    pub(super) fn read(given: &Value) -> Result<Option<Self>, Answer> {
        if given.is_null() {
            return Ok(None);
        }
        let references = |value: &Value| -> Vec<String> {
            let one = std::slice::from_ref(value);
            let items = value.as_array().map_or(one, Vec::as_slice);
            let names = items.iter().filter_map(|item| item["reference"].as_str());
            names.map(str::to_owned).collect()
        };
        let mut values = Vec::new();
        for value in given["valuesColumns"].as_array().into_iter().flatten() {
            let (Some(reference), Some(aggregation)) =
                (value["reference"].as_str(), value["aggregation"].as_str())
            else {
                let field = "body.pivotConfiguration.valuesColumns";
                return Err(errors::invalid(field, "invalid object", None));
            };
            if !AGGREGATIONS.contains(&aggregation) {
                let field = "body.pivotConfiguration.valuesColumns.aggregation";
                let message = "should be one of the following; \
                               ['sum','avg','min','max','count','any']";
                return Err(errors::invalid(field, message, Some(aggregation)));
            }
            values.push((reference.to_owned(), aggregation.to_owned()));
        }
        if values.len() > MOST_COLUMNS {
            let message = format!("a pivot has at most {MOST_COLUMNS} values columns");
            return Err(errors::parameter(&message));
        }
        if values.is_empty() {
            let field = "body.pivotConfiguration.valuesColumns";
            return Err(errors::required(field));
        }
        Ok(Some(Self {
            index_column: given["indexColumn"].clone(),
            index: references(&given["indexColumn"]),
            groups: references(&given["groupByColumns"]),
            values,
            sort_by: match &given["sortBy"] {
                Value::Null => json!([]),
                sort_by => sort_by.clone(),
            },
        }))
    }

    /// Returns the pivoted rows of a statement, and the pivot details.
    pub(super) fn run(
        &self,
        world: &World,
        sql: &str,
        limit: usize,
        clock: Clock,
    ) -> Result<(WireTable, Value), SqlError> {
        let original = neutral(world, sql, clock)?;
        let long = neutral(world, &self.statement(sql, limit), clock)?;
        Ok(self.turned(&original, &long))
    }

    /// Returns the statement that aggregates one row per index and group.
    pub(super) fn statement(&self, sql: &str, limit: usize) -> String {
        let keys: Vec<String> = self
            .index
            .iter()
            .chain(&self.groups)
            .map(|name| quoted(name))
            .collect();
        let values = self.values.iter().map(|(name, aggregation)| {
            let function = match aggregation.as_str() {
                "any" => "max",
                other => other,
            };
            format!("{function}({})", quoted(name))
        });
        let selected: Vec<String> = keys.iter().cloned().chain(values).collect();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut text = format!(
            "SELECT {} FROM (SELECT * FROM ({sql}) LIMIT {limit})",
            selected.join(", ")
        );
        if !keys.is_empty() {
            let mut order: Vec<String> = Vec::new();
            for sort in self.sort_by.as_array().into_iter().flatten() {
                let name = quoted(sort["reference"].as_str().unwrap_or_default());
                if keys.contains(&name) {
                    let descends = sort["direction"] == "DESC";
                    order.push(format!("{name}{}", if descends { " DESC" } else { "" }));
                }
            }
            order.extend(keys.iter().cloned());
            text.push_str(&format!(
                " GROUP BY {} ORDER BY {}",
                keys.join(", "),
                order.join(", ")
            ));
        }
        text
    }

    fn turned(&self, original: &WireTable, long: &WireTable) -> (WireTable, Value) {
        let (index, groups) = (self.index.len(), self.groups.len());
        let mut found_groups: Vec<Vec<String>> = Vec::new();
        let mut group_places: HashMap<Vec<String>, usize> = HashMap::new();
        let most = MOST_COLUMNS / self.values.len().max(1);
        let mut rows: Vec<PivotedRow> = Vec::new();
        let mut places: HashMap<Vec<String>, usize> = HashMap::new();
        for row in long.rows.iter() {
            let group = row[index..index + groups].to_vec();
            let next = group_places.len();
            let group = *group_places.entry(group).or_insert_with_key(|group| {
                if next < most {
                    found_groups.push(group.clone());
                }
                next
            });
            let key = row[..index].to_vec();
            let place = *places.entry(key).or_insert_with_key(|key| {
                rows.push(PivotedRow {
                    key: key.clone(),
                    cells: Vec::new(),
                });
                rows.len() - 1
            });
            // a group beyond the column limit is counted, and its row is kept
            let shown = if group < most {
                &row[index + groups..]
            } else {
                &[]
            };
            for (value, cell) in shown.iter().enumerate() {
                let at = group * self.values.len() + value;
                rows[place].cells.push((at, cell.clone()));
            }
        }
        let mut columns: Vec<(String, String)> = long.columns[..index].to_vec();
        let mut described = Vec::new();
        for (place, group) in found_groups.iter().enumerate() {
            for (value, (name, aggregation)) in self.values.iter().enumerate() {
                let mut pivoted = format!("{name}_{aggregation}");
                for cell in group {
                    pivoted.push('_');
                    pivoted.push_str(&name_part(cell));
                }
                let shown = long.columns[index + groups + value].1.clone();
                columns.push((pivoted.clone(), shown));
                described.push(json!({
                    "referenceField": name,
                    "pivotColumnName": pivoted,
                    "aggregation": aggregation,
                    "columnIndex": place,
                    "pivotValues": self.pivot_values(group),
                }));
            }
        }
        let width = columns.len();
        let rows = rows
            .into_iter()
            .map(|pivoted| {
                // an empty cell text leaves the key out
                let mut row = pivoted.key;
                row.resize(width, String::new());
                for (place, cell) in pivoted.cells {
                    row[index + place] = cell;
                }
                row
            })
            .collect();
        let total = group_places.len() * self.values.len();
        let details = self.details(original, &described, total);
        (WireTable::new(columns, Rows::Held(rows)), details)
    }

    fn pivot_values(&self, group: &[String]) -> Vec<Value> {
        self.groups
            .iter()
            .zip(group)
            .map(|(name, cell)| {
                let cell: Value = serde_json::from_str(cell).unwrap_or_default();
                json!({
                    "referenceField": name,
                    "value": cell["value"]["raw"],
                    "formatted": cell["value"]["formatted"],
                })
            })
            .collect()
    }

    fn details(&self, original: &WireTable, described: &[Value], total: usize) -> Value {
        let columns: Map<String, Value> = original
            .columns
            .iter()
            .map(|(name, shown)| (name.clone(), json!({ "reference": name, "type": shown })))
            .collect();
        let groups: Vec<Value> = self
            .groups
            .iter()
            .map(|name| json!({ "reference": name }))
            .collect();
        let mut details = json!({
            "totalColumnCount": total,
            "valuesColumns": described,
            "groupByColumns": groups,
            "sortBy": self.sort_by,
            "originalColumns": columns,
        });
        if !self.index_column.is_null() {
            details["indexColumn"] = self.index_column.clone();
        }
        details
    }
}

/// Returns the value of a group for the name of a column.
fn name_part(cell: &str) -> String {
    let cell: Value = serde_json::from_str(cell).unwrap_or_default();
    match &cell["value"]["raw"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn neutral(world: &World, sql: &str, clock: Clock) -> Result<WireTable, SqlError> {
    match world.run_one(Service::Lightdash, sql)? {
        Outcome::Neutral(table) if table.rows.is_read() => wire(table, clock),
        _ => Err(SqlError {
            message: "a scripted result cannot be pivoted".to_owned(),
            line: 1,
            column: 1,
        }),
    }
}
