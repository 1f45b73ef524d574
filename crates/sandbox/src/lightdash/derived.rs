//! Queries that derive from other queries: totals, underlying rows, values of a field.

use serde_json::{Value, json};

use super::Lightdash;
use super::charts::done;
use super::encode::Clock;
use super::errors;
use super::execute::{Run, common, context, limit};
use super::explore::{self, MetricQuery};
use super::filters;
use super::state::Account;
use crate::exchange::{Answer, Request};
use crate::sql::quoted;

/// The default number of values of a search.
const DEFAULT_VALUES: usize = 50;

impl Lightdash {
    /// Runs the metrics of a query over fewer dimensions: none for grand and column totals, the
    /// named ones for subtotals, and those that a pivot did not turn into columns for row totals.
    pub(super) fn calculate_total(
        &self,
        request: &Request,
        account: Account,
        query_uuid: &str,
    ) -> Answer {
        let body = request.json().unwrap_or_default();
        done(self.source(account, query_uuid).and_then(|mut query| {
            let subtotals = || -> Vec<String> {
                let given = body["subtotalDimensions"].as_array().into_iter().flatten();
                let names = given.filter_map(Value::as_str);
                names.map(str::to_owned).collect()
            };
            let dimensions = match body["kind"].as_str() {
                Some("grandTotal" | "columnTotal") => Vec::new(),
                Some("rowTotal") => self.index_of(query_uuid, &query),
                Some("columnSubtotal" | "rowSubtotal") => subtotals(),
                Some(other) => {
                    let message = "should be one of the following; ['grandTotal','columnTotal','rowTotal',\
                                   'columnSubtotal','rowSubtotal']";
                    return Err(errors::invalid("body.kind", message, Some(other)));
                }
                None => return Err(errors::required("body.kind")),
            };
            query.keep_dimensions(&dimensions);
            self.start_metric_query(account, query, None, &body, "calculateTotal")
        }))
    }

    /// Returns the underlying rows of a result, with every dimension of the explore.
    pub(super) fn underlying_data(&self, request: &Request, account: Account) -> Answer {
        let body = request.json().unwrap_or_default();
        let Some(source) = body["underlyingDataSourceQueryUuid"].as_str() else {
            return errors::required("body.underlyingDataSourceQueryUuid");
        };
        if !body["filters"].is_object() {
            return errors::required("body.filters");
        }
        done(self.source(account, source).and_then(|mut query| {
            query.every_dimension();
            query.add_filters(&body["filters"]);
            query.limit = self.cut_limit(&body, query.limit, query.width())?;
            self.start_metric_query(account, query, None, &body, "viewUnderlyingData")
        }))
    }

    pub(super) fn field_values(&self, request: &Request, account: Account) -> Answer {
        let body = request.json().unwrap_or_default();
        let text = |name: &str| match body.get(name).and_then(Value::as_str) {
            Some(text) => Ok(text),
            None => Err(errors::required(&format!("body.{name}"))),
        };
        done(text("table").and_then(|table| {
            let (field, search) = (text("fieldId")?, text("search")?);
            if table != "trades" {
                return Err(explore::no_explore(table));
            }
            let (column, name) = (explore::expression(field)?, quoted(field));
            let search = search.replace('\'', "''");
            let mut sql = format!(
                "SELECT DISTINCT {column} AS {name} FROM trades WHERE {column} IS NOT NULL \
                 AND instr(lower({column}), lower('{search}')) > 0"
            );
            if let Some(condition) = filters::condition(&body["filters"])? {
                sql.push_str(&format!(" AND {condition}"));
            }
            sql.push_str(" ORDER BY 1");
            let mut run = Run::sql(&body, &sql, limit(&body)?.unwrap_or(DEFAULT_VALUES));
            run.clock = Clock::Fields;
            run.context = context(&body, "filterAutocomplete");
            let started = common(&self.start(account, run));
            Ok(json!({
                "queryUuid": started["queryUuid"],
                "cacheMetadata": started["cacheMetadata"],
                "valueFieldId": field,
                "labelFieldId": null,
            }))
        }))
    }

    /// Returns the metric query of a query id.
    fn source(&self, account: Account, query_uuid: &str) -> Result<MetricQuery, Answer> {
        match self.state().queries.get(query_uuid) {
            Some(query) if query.account == account => query
                .metric_query
                .clone()
                .ok_or_else(|| errors::parameter("this operation requires a metric query")),
            _ => Err(super::results::no_query(query_uuid)),
        }
    }

    /// Returns the dimensions of a query that its pivot did not turn into columns.
    fn index_of(&self, query_uuid: &str, query: &MetricQuery) -> Vec<String> {
        let state = self.state();
        let pivot = state.queries.get(query_uuid);
        let pivot = pivot.and_then(|query| query.pivot_details.as_ref());
        let groups: Vec<&str> = pivot
            .and_then(|details| details["groupByColumns"].as_array())
            .into_iter()
            .flatten()
            .filter_map(|group| group["reference"].as_str())
            .collect();
        let kept = query.dimensions().iter();
        kept.filter(|name| !groups.contains(&name.as_str()))
            .cloned()
            .collect()
    }
}
