//! Merged queries: metric queries joined by common fields.

use serde_json::{Map, Value, json};

use super::Lightdash;
use super::charts::done;
use super::encode::Clock;
use super::errors;
use super::execute::{Run, common, context};
use super::explore::{self, MetricQuery};
use super::state::{Account, limited};
use crate::exchange::{Answer, Request};
use crate::sql::quoted;

/// One side of the join.
struct Source {
    id: String,
    query: MetricQuery,
    /// The statement that returns its rows.
    sql: String,
}

/// The reason why a merge is refused. The HTTP status is still 200.
type Refusal = Value;

impl Lightdash {
    pub(super) fn merge_query(&self, request: &Request, account: Account) -> Answer {
        let body = request.json().unwrap_or_default();
        done(self.merged(account, &body))
    }

    fn merged(&self, account: Account, body: &Value) -> Result<Value, Answer> {
        let merge = &body["mergeQuery"];
        let (Some(sources), Some(join_key)) =
            (merge["sources"].as_array(), merge["joinKey"].as_array())
        else {
            return Err(errors::required("body.mergeQuery"));
        };
        let sources = sources
            .iter()
            .map(|source| self.merge_source(account, source))
            .collect::<Result<Vec<Source>, Answer>>()?;
        if let Some(refusal) = refusal(&sources, join_key, merge) {
            return Ok(json!({
                "outcome": "refused",
                "errors": [refusal],
                "fieldOrigins": {},
                "parameterReferences": [],
            }));
        }
        let limit = merge["limit"].as_f64().unwrap_or(500.0) as usize;
        let (sql, origins, fields) = statement(&sources, join_key, &merge["joinType"]);
        let first = sources.first().map(|source| source.query.clone());
        let run = Run {
            sql,
            limit,
            clock: Clock::Fields,
            metric_query: None,
            context: context(body, "exploreView"),
            request: body.clone(),
            pivot: None,
            may_be_cached: body["invalidateCache"] != true,
        };
        let mut query = common(&self.start(account, run));
        query["resolvedTimezone"] = json!("UTC");
        query["warnings"] = json!([]);
        query["fields"] = fields.into();
        query["metricQuery"] = first.map_or(Value::Null, |query| query.json);
        Ok(json!({
            "outcome": "started",
            "query": query,
            "fieldOrigins": origins,
            "parameterReferences": [],
        }))
    }

    /// Parses a source: a metric query, or the id of one that was run.
    fn merge_source(&self, account: Account, source: &Value) -> Result<Source, Answer> {
        let Some(id) = source["id"].as_str() else {
            return Err(errors::required("body.mergeQuery.sources.id"));
        };
        let query = match source["queryUuid"].as_str() {
            None => MetricQuery::read(
                &source["metricQuery"],
                "body.mergeQuery.sources.metricQuery",
            )?,
            Some(query_uuid) => match self.state().queries.get(query_uuid) {
                Some(query) if query.account == account => query
                    .metric_query
                    .clone()
                    .ok_or_else(|| errors::parameter("only metric queries can be merged"))?,
                _ => return Err(super::results::no_query(query_uuid)),
            },
        };
        let sql = limited(&explore::sql(&query)?, query.limit);
        Ok(Source {
            id: id.to_owned(),
            query,
            sql,
        })
    }
}

fn refusal(sources: &[Source], join_key: &[Value], merge: &Value) -> Option<Refusal> {
    let because = |kind: &str, message: &str, source: Option<&str>, fields: &[&str]| {
        Some(json!({ "kind": kind, "message": message, "sourceId": source, "fieldIds": fields }))
    };
    if sources.len() < 2 {
        return because("too_few_sources", "A merge needs two sources.", None, &[]);
    }
    let ids: Vec<&str> = sources.iter().map(|source| source.id.as_str()).collect();
    if let Some((_, id)) = (0..)
        .zip(&ids)
        .find(|(index, id)| ids[..*index].contains(id))
    {
        let message = "Two sources have the same id.";
        return because("duplicate_source_id", message, Some(id), &[]);
    }
    if join_key.is_empty() {
        return because("empty_join_key", "A merge needs a join key.", None, &[]);
    }
    if merge["tableCalculations"]
        .as_array()
        .is_some_and(|given| !given.is_empty())
    {
        let message = "The sandbox does not support table calculations in a merge.";
        return because("unsupported_table_calculation", message, None, &[]);
    }
    for part in join_key {
        for source in sources {
            let Some(field) = part["fieldIdBySourceId"][&source.id].as_str() else {
                let message = "A part of the join key leaves a source out.";
                return because("join_key_coverage", message, Some(&source.id), &[]);
            };
            if !source.query.dimensions().iter().any(|name| name == field) {
                let message = "A source does not select a field of the join key.";
                return because("join_key_not_selected", message, Some(&source.id), &[field]);
            }
        }
    }
    None
}

/// Returns the statement of the join, the origin of each column, and the fields.
fn statement(
    sources: &[Source],
    join_key: &[Value],
    join_type: &Value,
) -> (String, Map<String, Value>, Map<String, Value>) {
    let (mut selected, mut origins, mut fields) = (Vec::new(), Map::new(), Map::new());
    let key = |part: &Value, source: &Source| {
        let field = part["fieldIdBySourceId"][&source.id].as_str();
        let field = field.unwrap_or_default().to_owned();
        (format!("{}.{}", quoted(&source.id), quoted(&field)), field)
    };
    for part in join_key {
        let name = part["name"].as_str().unwrap_or_default();
        let columns: Vec<String> = sources.iter().map(|source| key(part, source).0).collect();
        selected.push(format!(
            "coalesce({}) AS {}",
            columns.join(", "),
            quoted(name)
        ));
        origins.insert(
            name.to_owned(),
            json!({ "kind": "joinKey", "fieldIdBySourceId": part["fieldIdBySourceId"] }),
        );
        if let Some(first) = sources.first() {
            let found = explore::fields(&first.query)[&key(part, first).1].clone();
            fields.insert(name.to_owned(), found);
        }
    }
    for source in sources {
        let keys: Vec<String> = join_key.iter().map(|part| key(part, source).1).collect();
        let described = explore::fields(&source.query);
        for field in source.query.columns().filter(|name| !keys.contains(*name)) {
            let name = format!("{}_{field}", source.id);
            let column = format!("{}.{}", quoted(&source.id), quoted(field));
            selected.push(format!("{column} AS {}", quoted(&name)));
            origins.insert(
                name.clone(),
                json!({ "kind": "source", "sourceId": source.id, "sourceFieldId": field }),
            );
            fields.insert(name, described[field].clone());
        }
    }
    let join = match join_type.as_str() {
        Some("inner") => "JOIN",
        Some("left") => "LEFT JOIN",
        _ => "FULL JOIN",
    };
    let mut from = String::new();
    for (index, source) in sources.iter().enumerate() {
        let table = format!("({}) AS {}", source.sql, quoted(&source.id));
        if index == 0 {
            from = table;
            continue;
        }
        let conditions: Vec<String> = join_key
            .iter()
            .map(|part| {
                let before: Vec<String> = sources[..index]
                    .iter()
                    .map(|other| key(part, other).0)
                    .collect();
                let before = match before.as_slice() {
                    [one] => one.clone(),
                    several => format!("coalesce({})", several.join(", ")),
                };
                format!("{before} = {}", key(part, source).0)
            })
            .collect();
        from.push_str(&format!(" {join} {table} ON {}", conditions.join(" AND ")));
    }
    let sql = format!("SELECT {} FROM {from} ORDER BY 1", selected.join(", "));
    (sql, origins, fields)
}
