//! Query sources: several queries of different kinds in one request.

use serde_json::{Map, Value, json};

use super::Lightdash;
use super::charts::done;
use super::encode::type_name;
use super::errors;
use super::execute::{Run, context, limit};
use super::explore::{self, MetricQuery};
use super::state::{Account, End};
use crate::exchange::{Answer, Request};
use crate::ids;
use crate::progress::Stage;
use crate::sql::MAX_SQL;

/// The largest number of queries of a request.
const MOST_QUERIES: usize = 50;

impl Lightdash {
    pub(super) fn route_sources(
        &self,
        request: &Request,
        account: Account,
        path: &[&str],
    ) -> Answer {
        match (request.method.as_str(), path) {
            ("GET", []) => errors::ok(&json!({ "sources": [
                source("semanticLayer", "Semantic layer", "Metric queries over explores."),
                source("sql", "SQL", "Statements in the warehouse's own dialect."),
                source("duckdb", "Composed SQL", "Statements over results of other queries."),
            ] })),
            ("GET", [kind, "schema"]) => schema(kind),
            ("POST", ["queries"]) => self.execute_sources(request, account),
            ("GET", ["queries", "status"]) => self.source_statuses(request, account),
            _ => errors::no_endpoint(),
        }
    }

    /// Runs SQL over the results of other queries, which it refers to by name.
    pub(super) fn compose_sql(&self, request: &Request, account: Account) -> Answer {
        let body = request.json().unwrap_or_default();
        let Some(sql) = body["sql"].as_str() else {
            return errors::required("body.sql");
        };
        done(
            self.composed(account, sql, &body["references"])
                .and_then(|sql| {
                    let limit = limit(&body)?.unwrap_or(usize::MAX);
                    let mut run = Run::sql(&body, &sql, limit);
                    run.context = context(&body, "composeSqlRunner");
                    Ok(super::execute::common(&self.start(account, run)))
                }),
        )
    }

    fn execute_sources(&self, request: &Request, account: Account) -> Answer {
        let body = request.json().unwrap_or_default();
        let Some(given) = body["queries"].as_array() else {
            return errors::required("body.queries");
        };
        if let Some(answer) = super::wrong_context(request) {
            return answer;
        }
        let from = context(&body, "multiSourceQuery");
        // the nodes before this one, for references
        let mut known: Map<String, Value> = Map::new();
        let mut queries = Vec::new();
        if given.len() > MOST_QUERIES {
            let message = format!("a request can have at most {MOST_QUERIES} queries");
            return errors::parameter(&message);
        }
        for query in given {
            let kind = query["sourceType"].as_str().unwrap_or_default();
            let node = match &query["nodeId"] {
                Value::Null => format!("query_{}", ids::uuid().replace('-', "")),
                Value::String(node) if is_node_id(node) => node.clone(),
                other => {
                    let message = "Not match in '^[a-zA-Z_][a-zA-Z0-9_]{0,62}$'";
                    return errors::invalid("body.queries.nodeId", message, other.as_str());
                }
            };
            if known.contains_key(&node) {
                let message = format!("two queries have the node id {node}");
                return errors::parameter(&message);
            }
            let started = match kind {
                "semanticLayer" => self.start_semantic(account, query, &from),
                "sql" | "duckdb" => self.start_source_sql(account, query, &known, &from),
                other => Err(errors::parameter(&format!(
                    "the sandbox does not support the query source {other:?}"
                ))),
            };
            let query_uuid = match started {
                Ok(query_uuid) => query_uuid,
                Err(answer) => return answer,
            };
            known.insert(node.clone(), query_uuid.clone().into());
            queries.push(json!({ "nodeId": node, "queryUuid": query_uuid, "sourceType": kind }));
        }
        errors::ok(&json!({ "queries": queries }))
    }

    fn start_semantic(
        &self,
        account: Account,
        query: &Value,
        context: &str,
    ) -> Result<String, Answer> {
        let mut full = query.clone();
        if let Some(full) = full.as_object_mut() {
            full.remove("nodeId");
            full.remove("sourceType");
        }
        for (field, default) in [
            ("filters", json!({})),
            ("sorts", json!([])),
            ("limit", json!(500)),
            ("tableCalculations", json!([])),
        ] {
            if full[field].is_null() {
                full[field] = default;
            }
        }
        let query = MetricQuery::read(&full, "body.queries")?;
        // the request of the equivalent single query
        let body = json!({ "context": context, "query": full });
        let started = self.start_metric_query(account, query, None, &body, context)?;
        Ok(started["queryUuid"].as_str().unwrap_or_default().to_owned())
    }

    fn start_source_sql(
        &self,
        account: Account,
        query: &Value,
        known: &Map<String, Value>,
        context: &str,
    ) -> Result<String, Answer> {
        let Some(sql) = query["sql"].as_str() else {
            return Err(errors::required("body.queries.sql"));
        };
        // names of nodes, as a list or as a map
        let references: Map<String, Value> = match &query["references"] {
            Value::Array(names) => names
                .iter()
                .filter_map(|name| Some((name.as_str()?.to_owned(), name.clone())))
                .collect(),
            Value::Object(names) => names.clone(),
            _ => Map::new(),
        };
        let references: Map<String, Value> = references
            .into_iter()
            .map(|(name, node)| {
                let found = node.as_str().and_then(|node| known.get(node)).cloned();
                (name, found.unwrap_or(node))
            })
            .collect();
        let sql = self.composed(account, sql, &references.into())?;
        let mut run = Run::sql(query, &sql, limit(query)?.unwrap_or(usize::MAX));
        run.context = context.to_owned();
        run.request = json!({ "context": context, "sql": sql });
        Ok(self.start(account, run).query_uuid)
    }

    /// Adds each referenced query to a statement as a common table expression.
    fn composed(&self, account: Account, sql: &str, references: &Value) -> Result<String, Answer> {
        let state = self.state();
        let (mut parts, mut length) = (Vec::new(), sql.len());
        for (name, query_uuid) in references.as_object().into_iter().flatten() {
            let query_uuid = query_uuid.as_str().unwrap_or_default();
            match state.queries.get(query_uuid) {
                Some(query) if query.account == account => {
                    let name = crate::sql::quoted(name);
                    parts.push(format!("{name} AS ({})", query.limited_sql()));
                    length += query.sql.len();
                    // each query may contain others, so the lengths multiply
                    if length > MAX_SQL {
                        let message = "the composed query is longer than the sandbox supports";
                        return Err(errors::parameter(message));
                    }
                }
                _ => return Err(super::results::no_query(query_uuid)),
            }
        }
        if parts.is_empty() {
            return Ok(sql.to_owned());
        }
        let parts = parts.join(", ");
        let rest = sql.trim_start();
        Ok(match rest.get(..5) {
            Some(with) if with.eq_ignore_ascii_case("with ") => {
                format!("WITH {parts}, {}", &rest[5..])
            }
            _ => format!("WITH {parts} {rest}"),
        })
    }

    fn source_statuses(&self, request: &Request, account: Account) -> Answer {
        let state = self.state();
        let wanted = request
            .query
            .iter()
            .filter(|(name, _)| name == "queryUuids")
            .flat_map(|(_, value)| value.split(','));
        let mut statuses = Vec::new();
        for id in wanted {
            let Some(query) = state
                .queries
                .get(id)
                .filter(|query| query.account == account)
            else {
                return super::results::no_query(id);
            };
            let (status, error) = match (&query.end, query.progress.stage()) {
                _ if query.cancelled => ("cancelled", None),
                (_, Stage::Pending) => ("pending", None),
                (_, Stage::Queued) => ("queued", None),
                (_, Stage::Executing) => ("executing", None),
                (End::Ready(_), Stage::Done) => ("ready", None),
                (End::Failed { message, .. }, Stage::Done) => ("error", Some(message.clone())),
            };
            statuses.push(json!({ "queryUuid": id, "status": status, "error": error }));
        }
        if statuses.is_empty() {
            return errors::required("queryUuids");
        }
        errors::ok(&json!({ "statuses": statuses }))
    }
}

/// Returns whether a text is a valid node id, which is also a table name.
fn is_node_id(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn source(kind: &str, label: &str, description: &str) -> Value {
    json!({ "sourceType": kind, "label": label, "description": description })
}

fn schema(kind: &str) -> Answer {
    let columns: Vec<Value> = explore::TRADES_COLUMNS
        .iter()
        .map(|(name, column_type)| {
            let reference = match kind {
                "semanticLayer" => format!("trades_{name}"),
                _ => (*name).to_owned(),
            };
            let shown = type_name(*column_type);
            json!({ "reference": reference, "type": shown, "label": null, "description": null })
        })
        .collect();
    match kind {
        "semanticLayer" | "sql" => errors::ok(&json!({
            "sourceType": kind,
            "tables": [{
                "reference": "trades",
                "label": "Trades",
                "description": null,
                "columns": columns,
            }],
        })),
        "duckdb" | "external" => errors::ok(&json!({ "sourceType": kind, "tables": [] })),
        other => {
            let message =
                "should be one of the following; ['semanticLayer','sql','duckdb','external']";
            errors::invalid("sourceType", message, Some(other))
        }
    }
}
