//! The semantic layer: metric queries as SQL over the one explore, `trades`.

mod fields;

use serde_json::{Map, Value, json};

use super::calculations;
use super::errors;
use super::filters;
use super::parameters;
use super::pivot::Pivot;
use super::state::limited;
use crate::exchange::{Answer, Request};
use crate::sql::{MAX_COLUMNS, quoted};

use fields::{EXPLORE, JOINED, described, no_field};
pub(super) use fields::{
    TRADES_COLUMNS, column_type, expression, field_ids, no_explore, summary, whole,
};

/// A metric query.
#[derive(Clone, Debug)]
pub(super) struct MetricQuery {
    dimensions: Vec<String>,
    metrics: Vec<String>,
    calculations: Vec<Value>,
    /// The names of the table calculations.
    calculated: Vec<String>,
    filters: Value,
    /// A field, and whether its order is descending.
    sorts: Vec<(String, bool)>,
    pub(super) limit: usize,
    /// The original JSON.
    pub(super) json: Value,
}

impl MetricQuery {
    /// Parses the query at `place` of a request body.
    pub(super) fn read(given: &Value, place: &str) -> Result<Self, Answer> {
        let Some(query) = given.as_object() else {
            return Err(errors::required(place));
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
                return Err(errors::required(&format!("{place}.{field}")));
            }
        }
        if query["exploreName"] != EXPLORE {
            return Err(no_explore(
                query["exploreName"].as_str().unwrap_or_default(),
            ));
        }
        for field in ["customDimensions", "additionalMetrics"] {
            let given = query.get(field).and_then(Value::as_array);
            if given.is_some_and(|given| !given.is_empty()) {
                let message = format!("the sandbox does not support {field}: send an empty list");
                return Err(errors::parameter(&message));
            }
        }
        let list = |field: &str| match query[field].as_array() {
            Some(items) if items.len() <= MAX_COLUMNS => Ok(items.as_slice()),
            Some(_) => Err(errors::parameter(&format!(
                "{field} has more than {MAX_COLUMNS} items"
            ))),
            None => Err(errors::invalid(
                &format!("{place}.{field}"),
                "invalid array",
                None,
            )),
        };
        let texts = |field: &str| {
            list(field)?
                .iter()
                .map(|item| match item.as_str() {
                    Some(text) => Ok(text.to_owned()),
                    None => Err(errors::invalid(
                        &format!("{place}.{field}"),
                        "invalid string value",
                        None,
                    )),
                })
                .collect::<Result<Vec<String>, Answer>>()
        };
        if !query["filters"].is_object() {
            let field = format!("{place}.filters");
            return Err(errors::invalid(&field, "invalid object", None));
        }
        let Some(limit) = query["limit"].as_f64() else {
            let field = format!("{place}.limit");
            return Err(errors::invalid(&field, "invalid float number", None));
        };
        let sorts = list("sorts")?;
        list("tableCalculations")?;
        let calculations = calculations::read(
            &query["tableCalculations"],
            &format!("{place}.tableCalculations"),
        )?;
        Ok(Self {
            dimensions: texts("dimensions")?,
            metrics: texts("metrics")?,
            calculated: calculations
                .iter()
                .filter_map(|calculation| calculation["name"].as_str())
                .map(str::to_owned)
                .collect(),
            calculations,
            filters: query["filters"].clone(),
            sorts: sorts
                .iter()
                .map(|sort| {
                    let field = sort["fieldId"].as_str().unwrap_or_default().to_owned();
                    (field, sort["descending"] == true)
                })
                .collect(),
            limit: limit as usize,
            json: given.clone(),
        })
    }

    pub(super) fn dimensions(&self) -> &[String] {
        &self.dimensions
    }

    /// Returns the fields of the columns, in order.
    pub(super) fn columns(&self) -> impl Iterator<Item = &String> {
        let fields = self.dimensions.iter().chain(&self.metrics);
        fields.chain(&self.calculated)
    }

    pub(super) fn width(&self) -> usize {
        self.columns().count()
    }

    /// Keeps only these dimensions, and removes sorts by other fields.
    pub(super) fn keep_dimensions(&mut self, kept: &[String]) {
        self.dimensions.retain(|name| kept.contains(name));
        let (dimensions, metrics) = (&self.dimensions, &self.metrics);
        self.sorts
            .retain(|(name, _)| dimensions.contains(name) || metrics.contains(name));
        self.json["dimensions"] = json!(self.dimensions);
        self.without_calculations();
    }

    fn without_calculations(&mut self) {
        self.calculations.clear();
        self.calculated.clear();
        if let Some(filters) = self.filters.as_object_mut() {
            filters.remove("tableCalculations");
        }
        self.json["tableCalculations"] = json!([]);
    }

    /// Selects all dimensions and no metrics, which returns the underlying rows.
    pub(super) fn every_dimension(&mut self) {
        self.dimensions = TRADES_COLUMNS
            .iter()
            .map(|(name, _)| format!("{EXPLORE}_{name}"))
            .collect();
        self.metrics.clear();
        self.sorts.clear();
        self.without_calculations();
        if let Some(filters) = self.filters.as_object_mut() {
            filters.remove("metrics");
        }
        self.json["dimensions"] = json!(self.dimensions);
        self.json["metrics"] = json!([]);
        self.json["sorts"] = json!([]);
    }

    /// Adds filters to the existing ones.
    pub(super) fn add_filters(&mut self, more: &Value) {
        for kind in ["dimensions", "metrics"] {
            if more[kind].is_object() {
                let groups: Vec<Value> = [&self.filters[kind], &more[kind]]
                    .into_iter()
                    .filter(|group| group.is_object())
                    .cloned()
                    .collect();
                self.filters[kind] = json!({ "id": "combined", "and": groups });
            }
        }
        self.json["filters"] = self.filters.clone();
    }

    /// Adds the filters of a dashboard, which are lists of rules.
    pub(super) fn restrict(&mut self, rules: &Value) {
        for kind in ["dimensions", "metrics"] {
            if rules[kind]
                .as_array()
                .is_some_and(|rules| !rules.is_empty())
            {
                let group = json!({ kind: { "id": "dashboard", "and": rules[kind] } });
                self.add_filters(&group);
            }
        }
    }
}

/// Returns the SQL of a query, with one column per field, named by the id of the field.
pub(super) fn sql(query: &MetricQuery) -> Result<String, Answer> {
    let mut selected = Vec::new();
    let fields: Vec<String> = query
        .dimensions
        .iter()
        .chain(&query.metrics)
        .cloned()
        .collect();
    for id in &fields {
        selected.push(format!("{} AS {}", expression(id)?, quoted(id)));
    }
    if selected.is_empty() {
        return Err(errors::parameter("a query needs a dimension or a metric"));
    }
    let mut sql = format!("SELECT {} FROM {}", selected.join(", "), from(query)?);
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
    let direction = |descending: bool| if descending { " DESC" } else { "" };
    if query.calculations.is_empty() {
        for (field, descending) in &query.sorts {
            order.push(format!("{}{}", expression(field)?, direction(*descending)));
        }
    } else {
        // calculations depend on the order of the rows, and the rows are sorted by calculations
        let sorts = query.sorts.iter();
        let by = |(field, descending): &(String, bool)| {
            format!("{}{}", quoted(field), direction(*descending))
        };
        let known: Vec<String> = sorts
            .clone()
            .filter(|(field, _)| fields.contains(field))
            .map(by)
            .collect();
        sql = calculations::around(sql, &fields, &query.calculations, &known)?;
        sql = format!("SELECT * FROM ({sql})");
        let filter = &query.filters["tableCalculations"];
        if let Some(condition) = filters::condition_on_calculations(filter, &query.calculations)? {
            sql.push_str(&format!(" WHERE {condition}"));
        }
        for (field, _) in sorts.clone() {
            if !query.columns().any(|column| column == field) {
                expression(field)?;
                let message = format!(
                    "with table calculations, sort only by selected fields, not by {field}"
                );
                return Err(errors::parameter(&message));
            }
        }
        order = sorts.map(by).collect();
    }
    if !order.is_empty() {
        sql.push_str(&format!(" ORDER BY {}", order.join(", ")));
    }
    Ok(sql)
}

/// Returns the table, joined with the other one if the query uses it.
fn from(query: &MetricQuery) -> Result<&'static str, Answer> {
    let dimensions = query
        .dimensions
        .iter()
        .chain(query.sorts.iter().map(|(id, _)| id));
    let mut used: Vec<String> = dimensions.filter_map(|id| expression(id).ok()).collect();
    used.extend(filters::condition(&query.filters["dimensions"])?);
    let joined = format!("{JOINED}.");
    Ok(match used.iter().any(|sql| sql.contains(&joined)) {
        true => "trades LEFT JOIN projects ON projects.project = trades.project",
        false => "trades",
    })
}

/// Returns the id of a field from `table.field` or from its id.
pub(super) fn field_id(reference: &str) -> String {
    reference.replace('.', "_")
}

/// Returns the name of a calculation, or an error if it is unknown.
pub(super) fn calculation<'c>(calculations: &'c [Value], name: &str) -> Result<&'c str, Answer> {
    let mut names = calculations.iter().filter_map(|item| item["name"].as_str());
    names
        .find(|known| *known == name)
        .ok_or_else(|| no_field(name))
}

/// Returns the fields of a query by id, in the format of the execute response.
pub(super) fn fields(query: &MetricQuery) -> Value {
    let mut fields = Map::new();
    for id in query.dimensions.iter().chain(&query.metrics) {
        fields.insert(id.clone(), described(id));
    }
    for calculation in &query.calculations {
        let name = calculation["name"].as_str().unwrap_or_default();
        fields.insert(name.to_owned(), calculation.clone());
    }
    fields.into()
}

/// Compiles a metric query to SQL without running it.
pub(super) fn compile(request: &Request, explore: &str) -> Answer {
    if explore != EXPLORE {
        return no_explore(explore);
    }
    let mut body = request.json().unwrap_or_default();
    if let Some(body) = body.as_object_mut() {
        let name = body.entry("exploreName").or_insert(Value::Null);
        if name.is_null() {
            *name = explore.into();
        }
    }
    let compiled = MetricQuery::read(&body, "body").and_then(|query| {
        let (sql, used) = parameters::fill(&sql(&query)?, &body["parameters"])?;
        let text = limited(&sql, query.limit);
        let references: Vec<&String> = used.keys().collect();
        let mut results = json!({ "query": text, "parameterReferences": references });
        if let Some(pivot) = Pivot::read(&body["pivotConfiguration"])? {
            results["pivotQuery"] = pivot.statement(&sql, query.limit).into();
        }
        Ok(results)
    });
    match compiled {
        Ok(results) => errors::ok(&results),
        Err(answer) => answer,
    }
}
