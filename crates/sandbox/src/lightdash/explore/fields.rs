//! The explore `trades`: its dimensions and metrics, and how the service describes them.

use serde_json::{Map, Value, json};

use crate::exchange::Answer;
use crate::lightdash::{encode::type_name, errors};
use crate::table::ColumnType;

/// The only explore.
pub(super) const EXPLORE: &str = "trades";

/// The columns of the table of the explore.
pub(in crate::lightdash) const TRADES_COLUMNS: [(&str, ColumnType); 10] = [
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

/// The intervals of the date that are also dimensions.
const INTERVALS: [&str; 4] = ["week", "month", "quarter", "year"];

/// The joined table, and its columns that are dimensions.
pub(super) const JOINED: &str = "projects";
const JOINED_COLUMNS: [(&str, ColumnType); 3] = [
    ("chain", ColumnType::Varchar),
    ("launched_on", ColumnType::Date),
    ("members", ColumnType::Integer),
];

/// A dimension.
struct Dimension {
    table: &'static str,
    name: String,
    sql: String,
    column_type: ColumnType,
    interval: Option<&'static str>,
}

impl Dimension {
    fn column(table: &'static str, name: &str, column_type: ColumnType) -> Self {
        Self {
            table,
            name: name.to_owned(),
            sql: format!("{table}.{name}"),
            column_type,
            interval: None,
        }
    }

    fn id(&self) -> String {
        format!("{}_{}", self.table, self.name)
    }

    fn field(&self) -> Value {
        let mut field = field(
            "dimension",
            type_name(self.column_type),
            &self.name,
            &label(&self.name),
            &self.sql,
        );
        field["table"] = self.table.into();
        field["tableLabel"] = label(self.table).into();
        if let Some(interval) = self.interval {
            field["timeInterval"] = interval.to_uppercase().into();
            field["timeIntervalBaseDimensionName"] = "block_date".into();
        }
        field
    }
}

/// Returns all dimensions, in the order of the explore.
fn dimensions() -> Vec<Dimension> {
    let mut all = Vec::new();
    for (name, column_type) in TRADES_COLUMNS {
        all.push(Dimension::column(EXPLORE, name, column_type));
        if name == "block_date" {
            all.extend(INTERVALS.map(|interval| Dimension {
                table: EXPLORE,
                name: format!("{name}_{interval}"),
                sql: format!("date_trunc('{interval}', {EXPLORE}.{name})"),
                column_type,
                interval: Some(interval),
            }));
        }
    }
    let joined = JOINED_COLUMNS.into_iter();
    all.extend(joined.map(|(name, column_type)| Dimension::column(JOINED, name, column_type)));
    all
}

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

/// Returns the type of a field, if the field exists.
pub(in crate::lightdash) fn column_type(id: &str) -> Option<ColumnType> {
    if METRICS.iter().any(|metric| metric.id == id) {
        return Some(ColumnType::Double);
    }
    dimension(id).map(|dimension| dimension.column_type)
}

pub(super) fn no_field(id: &str) -> Answer {
    errors::error(
        400,
        "FieldReferenceError",
        &format!("Tried to reference field with unknown id: {id}"),
    )
}

/// Returns the SQL of a field.
pub(in crate::lightdash) fn expression(id: &str) -> Result<String, Answer> {
    if let Some(metric) = METRICS.iter().find(|metric| metric.id == id) {
        return Ok(metric.sql.to_owned());
    }
    match dimension(id) {
        Some(dimension) => Ok(dimension.sql),
        None => Err(no_field(id)),
    }
}

fn dimension(id: &str) -> Option<Dimension> {
    dimensions()
        .into_iter()
        .find(|dimension| dimension.id() == id)
}

/// Returns the description of a dimension or a metric, or null.
pub(super) fn described(id: &str) -> Value {
    let metric = METRICS.iter().find(|metric| metric.id == id);
    let dimension = || dimension(id).map(|dimension| dimension.field());
    metric
        .map(Metric::field)
        .or_else(dimension)
        .unwrap_or_default()
}

/// Returns the label of a name: `Trade id` for `trade_id`.
fn label(name: &str) -> String {
    let mut label = name.replace('_', " ");
    if let Some(first) = label.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    label
}

impl Metric {
    fn field(&self) -> Value {
        field("metric", self.kind, self.name, self.label, self.sql)
    }
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

pub(in crate::lightdash) fn no_explore(name: &str) -> Answer {
    let message = format!("Explore \"{name}\" does not exist.");
    errors::error(404, "NotFoundError", &message)
}

/// Returns the ids of all fields.
pub(in crate::lightdash) fn field_ids() -> Vec<String> {
    let dimensions = dimensions();
    let dimensions = dimensions.iter().map(Dimension::id);
    let metrics = METRICS.iter().map(|metric| metric.id.to_owned());
    dimensions.chain(metrics).collect()
}

/// Returns the explore in the format of the list of explores.
pub(in crate::lightdash) fn summary() -> Value {
    json!({
        "name": "trades",
        "label": "Trades",
        "tags": [],
        "databaseName": "postgres",
        "schemaName": "sandbox",
        "description": "Invented trades on invented exchanges.",
    })
}

/// Returns the explore with all its fields.
pub(in crate::lightdash) fn whole(name: &str) -> Answer {
    if name != EXPLORE {
        return no_explore(name);
    }
    let compiled = |mut field: Value, sql: &str| {
        field["compiledSql"] = sql.into();
        field["tablesReferences"] = json!([field["table"]]);
        field
    };
    let of_table = |table: &str| -> Map<String, Value> {
        let dimensions = dimensions().into_iter();
        let dimensions = dimensions.filter(|dimension| dimension.table == table);
        let dimensions = dimensions.map(|dimension| {
            let field = compiled(dimension.field(), &dimension.sql);
            (dimension.name, field)
        });
        dimensions.collect()
    };
    let dimensions = of_table(EXPLORE);
    let metrics: Map<String, Value> = METRICS
        .iter()
        .map(|metric| (metric.name.to_owned(), compiled(metric.field(), metric.sql)))
        .collect();
    errors::ok(&json!({
        "name": EXPLORE,
        "label": "Trades",
        "tags": [],
        "baseTable": EXPLORE,
        "joinedTables": [{
            "table": JOINED,
            "sqlOn": "${projects.project} = ${trades.project}",
            "compiledSqlOn": "projects.project = trades.project",
            "type": "left",
        }],
        "targetDatabase": "postgres",
        "tables": { EXPLORE: {
            "name": EXPLORE,
            "label": "Trades",
            "database": "postgres",
            "schema": "sandbox",
            "sqlTable": "\"postgres\".\"sandbox\".\"trades\"",
            "description": "Invented trades on invented exchanges.",
            "dimensions": dimensions,
            "metrics": metrics,
            "lineageGraph": {},
        }, JOINED: {
            "name": JOINED,
            "label": "Projects",
            "database": "postgres",
            "schema": "sandbox",
            "sqlTable": "\"postgres\".\"sandbox\".\"projects\"",
            "description": "Invented exchanges.",
            "dimensions": of_table(JOINED),
            "metrics": {},
            "lineageGraph": {},
        } },
    }))
}
