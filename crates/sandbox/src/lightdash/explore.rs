//! The semantic layer: one explore, `trades`, and metric queries as SQL over it.

use serde_json::{Map, Value, json};

use super::encode::type_name;
use super::errors;
use super::filters;
use crate::exchange::Answer;
use crate::sql::quoted;
use crate::table::ColumnType;

/// The columns of the table behind the explore.
pub(super) const TRADES_COLUMNS: [(&str, ColumnType); 10] = [
    ("trade_id", ColumnType::BigInt),
    ("block_date", ColumnType::Date),
    ("block_time", ColumnType::Timestamp),
    ("project", ColumnType::Varchar),
    ("token_pair", ColumnType::Varchar),
    ("evt_index", ColumnType::Integer),
    ("amount_usd", ColumnType::Double),
    (
        "price",
        ColumnType::Decimal {
            precision: 22,
            scale: 9,
        },
    ),
    ("is_maker", ColumnType::Boolean),
    ("tx_hash", ColumnType::Varbinary),
];

const METRICS: [Metric; 3] = [
    Metric {
        id: "trades_count",
        name: "count",
        label: "Count",
        kind: "count",
        sql: "count(*)",
    },
    Metric {
        id: "trades_total_usd",
        name: "total_usd",
        label: "Total usd",
        kind: "sum",
        sql: "sum(trades.amount_usd)",
    },
    Metric {
        id: "trades_average_usd",
        name: "average_usd",
        label: "Average usd",
        kind: "average",
        sql: "avg(trades.amount_usd)",
    },
];

struct Metric {
    id: &'static str,
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    sql: &'static str,
}

/// What a metric query asks for.
#[derive(Debug)]
pub(super) struct MetricQuery {
    dimensions: Vec<String>,
    metrics: Vec<String>,
    filters: Value,
    /// Field and whether it descends.
    sorts: Vec<(String, bool)>,
    pub(super) limit: usize,
}

impl MetricQuery {
    pub(super) fn read(body: &Value) -> Result<Self, Answer> {
        let Some(query) = body.get("query").and_then(Value::as_object) else {
            return Err(errors::required("body.query"));
        };
        for field in [
            "exploreName",
            "dimensions",
            "metrics",
            "filters",
            "sorts",
            "limit",
            "tableCalculations",
        ] {
            if query.get(field).is_none_or(Value::is_null) {
                return Err(errors::required(&format!("body.query.{field}")));
            }
        }
        if query["exploreName"] != "trades" {
            let name = query["exploreName"].as_str().unwrap_or_default();
            let message = format!("Explore \"{name}\" does not exist.");
            return Err(errors::error(404, "NotFoundError", &message));
        }
        let texts = |field: &str| {
            let items = query[field].as_array().cloned().unwrap_or_default();
            items
                .iter()
                .map(|item| match item.as_str() {
                    Some(text) => Ok(text.to_owned()),
                    None => Err(errors::invalid(
                        &format!("body.query.{field}"),
                        "invalid string value",
                        None,
                    )),
                })
                .collect::<Result<Vec<String>, Answer>>()
        };
        let sorts = query["sorts"].as_array().cloned().unwrap_or_default();
        Ok(Self {
            dimensions: texts("dimensions")?,
            metrics: texts("metrics")?,
            filters: query["filters"].clone(),
            sorts: sorts
                .iter()
                .map(|sort| {
                    let field = sort["fieldId"].as_str().unwrap_or_default().to_owned();
                    (field, sort["descending"] == true)
                })
                .collect(),
            limit: query["limit"].as_f64().unwrap_or(500.0) as usize,
        })
    }
}

/// The query as SQL, one column a field, named by its id.
pub(super) fn sql(query: &MetricQuery) -> Result<String, Answer> {
    let mut selected = Vec::new();
    for id in query.dimensions.iter().chain(&query.metrics) {
        selected.push(format!("{} AS {}", expression(id)?, quoted(id)));
    }
    if selected.is_empty() {
        return Err(errors::parameter("a query needs a dimension or a metric"));
    }
    let mut sql = format!("SELECT {} FROM trades", selected.join(", "));
    if let Some(condition) = filters::condition(&query.filters["dimensions"])? {
        sql.push_str(&format!(" WHERE {condition}"));
    }
    if !query.dimensions.is_empty() {
        let places: Vec<String> = (1..=query.dimensions.len())
            .map(|place| place.to_string())
            .collect();
        sql.push_str(&format!(" GROUP BY {}", places.join(", ")));
    }
    if let Some(condition) = filters::condition(&query.filters["metrics"])? {
        sql.push_str(&format!(" HAVING {condition}"));
    }
    let mut order = Vec::new();
    for (field, descending) in &query.sorts {
        let direction = if *descending { " DESC" } else { "" };
        order.push(format!("{}{direction}", expression(field)?));
    }
    if !order.is_empty() {
        sql.push_str(&format!(" ORDER BY {}", order.join(", ")));
    }
    Ok(sql)
}

/// The SQL behind a field.
pub(super) fn expression(id: &str) -> Result<String, Answer> {
    if let Some(metric) = METRICS.iter().find(|metric| metric.id == id) {
        return Ok(metric.sql.to_owned());
    }
    match dimension(id) {
        Some((name, _)) => Ok(format!("trades.{name}")),
        None => Err(errors::error(
            400,
            "FieldReferenceError",
            &format!("Tried to reference field with unknown id: {id}"),
        )),
    }
}

fn dimension(id: &str) -> Option<(&'static str, ColumnType)> {
    let name = id.strip_prefix("trades_")?;
    TRADES_COLUMNS
        .into_iter()
        .find(|(column, _)| *column == name)
}

/// The fields that a query uses, by id, as the execute response describes them.
pub(super) fn fields(query: &MetricQuery) -> Value {
    let mut fields = Map::new();
    for id in query.dimensions.iter().chain(&query.metrics) {
        let field = METRICS.iter().find(|metric| metric.id == id).map_or_else(
            || {
                let (name, column_type) = dimension(id).unwrap_or(("", ColumnType::Null));
                let sql = format!("${{TABLE}}.{name}");
                field("dimension", type_name(column_type), name, name, &sql)
            },
            |metric| field("metric", metric.kind, metric.name, metric.label, metric.sql),
        );
        fields.insert(id.clone(), field);
    }
    fields.into()
}

fn field(field_type: &str, kind: &str, name: &str, label: &str, sql: &str) -> Value {
    json!({
        "fieldType": field_type,
        "type": kind,
        "name": name,
        "label": label,
        "table": "trades",
        "tableLabel": "Trades",
        "sql": sql,
        "hidden": false,
    })
}

/// The explore as the list of explores shows it.
pub(super) fn summary() -> Value {
    json!({
        "name": "trades",
        "label": "Trades",
        "tags": [],
        "databaseName": "postgres",
        "schemaName": "sandbox",
        "description": "Invented trades on invented exchanges.",
    })
}
