//! Lightdash.

use rowfeed::{
    Error, ErrorKind, RunHandle, RunRequest,
    lightdash::{ChartQuery, Client, types},
    prelude::*,
};
use serde_json::{Map, Value, json};

use super::{compile, fields::Fields, filter};
use crate::{
    args::{MetricArgs, ServiceName},
    error::{Failure, Kind, Result},
    output::Listing,
    request::Request,
};

/// What the server gives a query at most where it does not say.
const USUAL_LIMIT: i64 = 5_000;

/// The size that Lightdash itself reads with. The first read of a query settles its default.
const USUAL_PAGE_SIZE: i64 = 500;

pub(crate) struct Lightdash {
    pub(crate) client: Client,
    pub(crate) project: Option<String>,
    pub(crate) base_url: String,
}

pub(super) fn failed(error: rowfeed::lightdash::CallError) -> Failure {
    Error::from_call("lightdash", error).into()
}

impl Lightdash {
    pub(super) fn project(&self) -> Result<&str> {
        self.project.as_deref().ok_or_else(|| {
            Failure::usage("a query of Lightdash belongs to a project").hint(
                "name it with --project, LIGHTDASH_PROJECT or 'project' in the profile; \
                 'rowfeed ls lightdash projects' lists them",
            )
        })
    }

    pub(super) async fn start(
        &self,
        request: &Request,
        configure: impl Fn(RunRequest) -> RunRequest,
    ) -> Result<RunHandle> {
        let run = match request {
            Request::LightdashSql { project, sql } => {
                let query = self.client.execute_async_sql_query().project_uuid(project);
                query.body(sql.as_str()).run()
            }
            Request::LightdashChart {
                project,
                chart,
                params,
            } => {
                let params = compile::values(params);
                return self.start_chart(project, chart, params, configure).await;
            }
            Request::LightdashQuery {
                project,
                query,
                params,
                ..
            } => {
                let query: types::MetricQuery =
                    serde_json::from_value(query.clone()).map_err(|error| {
                        Failure::usage(format!("the query cannot be sent: {error}"))
                    })?;
                let run = self
                    .client
                    .execute_async_metric_query()
                    .project_uuid(project);
                let run = run.body_map(|body| body.query(query));
                run.parameters(compile::values(params)).run()
            }
            Request::Run { id, .. } => self.attach(id),
            other => {
                return Err(Failure::usage(format!(
                    "Lightdash cannot {}",
                    other.title()
                )));
            }
        };
        Ok(configure(run).start().await?)
    }

    /// A saved chart of an explore or of SQL: only the server knows which.
    async fn start_chart(
        &self,
        project: &str,
        chart: &str,
        params: Vec<(String, types::ParameterValue)>,
        configure: impl Fn(RunRequest) -> RunRequest,
    ) -> Result<RunHandle> {
        // Neither a UUID nor a slug has white space or capital letters in it.
        if chart.contains(|letter: char| letter.is_whitespace() || letter.is_uppercase()) {
            let named = self.client.chart(project, chart);
            let uuid = named.find().await.map_err(|error| {
                failed(error).or_hint(|| "'rowfeed ls lightdash charts' lists them".to_owned())
            })?;
            let named = self.client.chart(project, uuid.uuid);
            let set = |named: ChartQuery, (name, value)| named.param(name, value);
            let named = params.into_iter().fold(named, set);
            return Ok(configure(named.run()).start().await?);
        }
        let of_explore = |id: &str| {
            let body: types::SavedChartRequest = types::SavedChartRequest {
                chart_uuid: id.to_owned(),
                ..empty_chart_request()
            };
            let run = self
                .client
                .execute_async_saved_chart_query()
                .project_uuid(project);
            configure(run.body(body).parameters(params.clone()).run())
        };
        let of_sql = |body: types::SqlChartRequest| {
            let run = self
                .client
                .execute_async_sql_chart_query()
                .project_uuid(project);
            configure(run.body(body).run())
        };
        let unknown = |error: &Error| {
            error.kind() == ErrorKind::Call
                && error
                    .as_call()
                    .is_some_and(rowfeed::CallError::is_not_found)
        };
        if ServiceName::of_run(chart) == Some(ServiceName::Lightdash) {
            return match of_explore(chart).start().await {
                Err(error) if unknown(&error) => {
                    let body = types::SqlChartByUuid::builder().saved_sql_uuid(chart);
                    let body = body.parameters(params.clone());
                    let body = types::SqlChartByUuid::try_from(body)
                        .map_err(|error| Failure::usage(error.to_string()))?;
                    Ok(of_sql(body.into()).start().await?)
                }
                started => Ok(started?),
            };
        }
        let body = types::SqlChartBySlug::builder().slug(chart);
        let body = body.parameters(params.clone());
        let body = types::SqlChartBySlug::try_from(body)
            .map_err(|error| Failure::usage(error.to_string()))?;
        match of_sql(body.into()).start().await {
            Err(error) if unknown(&error) => match self.chart_of_slug(project, chart).await? {
                Some(id) => Ok(of_explore(&id).start().await?),
                None => Err(error.into()),
            },
            started => Ok(started?),
        }
    }

    async fn chart_of_slug(&self, project: &str, slug: &str) -> Result<Option<String>> {
        let charts = self
            .client
            .list_content()
            .project_uuids(vec![project.to_owned()]);
        let mut charts = charts
            .content_types(vec![types::ContentType::Chart])
            .items();
        while let Some(chart) = charts.try_next().await? {
            if chart.slug == slug {
                return Ok(Some(chart.uuid));
            }
        }
        Ok(None)
    }

    pub(super) fn attach(&self, id: &str) -> RunRequest {
        let results = self.client.get_async_query_results().query_uuid(id);
        match &self.project {
            Some(project) => results.project_uuid(project).run(),
            // Fails, and says which parameter is missing.
            None => results.run(),
        }
    }

    pub(super) async fn cancel(&self, id: &str) -> Result<()> {
        let cancel = self
            .client
            .cancel_async_query()
            .project_uuid(self.project()?);
        let cancelled = cancel.query_uuid(id).send().await;
        cancelled.map(drop).map_err(|error| failed(error).run(id))
    }

    pub(super) async fn status(&self, id: &str) -> Result<Listing> {
        let results = self
            .client
            .get_async_query_results()
            .project_uuid(self.project()?);
        let results = results
            .query_uuid(id)
            .page(1)
            .page_size(USUAL_PAGE_SIZE)
            .send()
            .await;
        let results = results
            .map_err(|error| failed(error).run(id))?
            .into_inner()
            .results;
        Ok(Listing::record([
            ("run_id", json!(id)),
            ("service", json!("lightdash")),
            ("state", json!(results.status.as_str())),
            ("rows", json!(results.total_results)),
            ("error", json!(results.error)),
        ]))
    }

    pub(super) async fn account(&self) -> Result<String> {
        let user = self
            .client
            .get_authenticated_user()
            .send()
            .await
            .map_err(failed)?;
        let user = user.into_inner().results;
        let name = [user.first_name, user.last_name].join(" ");
        Ok(name.trim().to_owned())
    }

    pub(super) async fn explore(&self, project: &str, name: &str) -> Result<types::Explore> {
        let explore = self
            .client
            .get_explore()
            .project_uuid(project)
            .explore_id(name);
        let explore = explore.send().await.map_err(|error| {
            failed(error)
                .or_hint(|| "'rowfeed ls lightdash explores' lists the explores".to_owned())
        })?;
        Ok(explore.into_inner().results)
    }

    /// The most rows that the server gives a query.
    async fn most_rows(&self) -> i64 {
        let health = self.client.get_health().send().await;
        // Where health is closed, what a server has unless configured otherwise.
        let limits = health
            .ok()
            .and_then(|health| health.into_inner().results.query);
        limits
            .and_then(|limits| limits.max_limit)
            .unwrap_or(USUAL_LIMIT)
    }
}

fn empty_chart_request() -> types::SavedChartRequest {
    types::SavedChartRequest {
        chart_uuid: String::new(),
        context: None,
        dashboard_filters: None,
        filters: None,
        invalidate_cache: None,
        limit: None,
        parameters: Default::default(),
        pivot_results: None,
        use_pre_aggregate_cache: None,
        version_uuid: None,
    }
}

/// The id or slug of a chart, alone or in a URL of its page.
pub(crate) struct ChartName(pub(crate) String);

impl ChartName {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let name = match text.split_once("://") {
            None => Some(text),
            Some((_, path)) => {
                let path = path.split(['?', '#']).next().unwrap_or_default();
                let mut parts = path
                    .split('/')
                    .skip_while(|part| !matches!(*part, "saved" | "sql-runner"));
                parts.next();
                parts.next()
            }
        };
        match name.filter(|name| !name.is_empty() && !name.contains('/')) {
            Some(name) => Ok(Self(name.to_owned())),
            None => Err(Failure::usage(format!(
                "{text:?} names no chart; expected its UUID, its slug, or its page"
            ))),
        }
    }
}

/// The query of an explore that the arguments say, with fields by their ids.
pub(crate) async fn metric_query(
    lightdash: &Lightdash,
    args: &MetricArgs,
    params: Map<String, Value>,
    limit: Option<u64>,
) -> Result<Request> {
    let project = lightdash.project()?;
    if args.dimensions.is_empty() && args.metrics.is_empty() {
        return Err(
            Failure::usage("the query has neither dimensions nor metrics").hint(format!(
                "'rowfeed schema lightdash {}' lists them",
                args.explore
            )),
        );
    }
    let explore = lightdash.explore(project, &args.explore).await?;
    let fields = Fields::of(&explore);
    let ids = |names: &[String], is_metric: bool| {
        names
            .iter()
            .map(|name| Ok(fields.find(name.trim(), Some(is_metric))?.id))
            .collect::<Result<Vec<_>>>()
    };
    let sorts = args.sort.iter().map(|sort| {
        let (name, descending) = match sort.trim().rsplit_once(char::is_whitespace) {
            Some((name, order)) if order.eq_ignore_ascii_case("desc") => (name.trim(), true),
            Some((name, order)) if order.eq_ignore_ascii_case("asc") => (name.trim(), false),
            _ => (sort.trim(), false),
        };
        let id = fields.find(name, None)?.id;
        Ok(json!({"fieldId": id, "descending": descending}))
    });
    let sorts = sorts.collect::<Result<Vec<_>>>()?;
    let filters = filter::filters(&args.filter, &fields)?;
    let (limit, is_capped) = match limit.map(i64::try_from) {
        Some(Ok(limit)) => (limit, false),
        Some(Err(_)) => return Err(Failure::usage("--limit is more than any server gives")),
        None => (lightdash.most_rows().await, true),
    };
    let mut query = json!({
        "exploreName": explore.name,
        "dimensions": ids(&args.dimensions, false)?,
        "metrics": ids(&args.metrics, true)?,
        "filters": filters,
        "sorts": sorts,
        "limit": limit,
        "tableCalculations": [],
    });
    if let Some(timezone) = &args.timezone {
        query["timezone"] = json!(timezone);
    }
    Ok(Request::LightdashQuery {
        project: project.to_owned(),
        query,
        params,
        is_capped,
    })
}

/// The result of a query whose limit is the server's own may be cut off without a word.
pub(crate) fn refuse_if_capped(
    request: &Request,
    total: Option<u64>,
    is_truncated_fine: bool,
) -> Result<()> {
    let Request::LightdashQuery {
        query,
        is_capped: true,
        ..
    } = request
    else {
        return Ok(());
    };
    let most = query.get("limit").and_then(serde_json::Value::as_u64);
    if is_truncated_fine || total.is_none() || total != most {
        return Ok(());
    }
    let most = most.unwrap_or_default();
    let message = format!(
        "the result has {most} rows, which is the most that this server gives a query: there may be more"
    );
    Err(Failure::new(Kind::Truncated, message)
        .hint("filter the query, say how many rows you want with --limit, or accept these with --allow-truncated"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_is_named_by_id_slug_or_page() {
        let name = |text: &str| ChartName::parse(text).map(|name| name.0).ok();
        let id = "0a5f3d82-7c4e-4b19-86d0-e2b1f9c7a348";
        assert_eq!(name(id).as_deref(), Some(id));
        assert_eq!(
            name("trades-by-project").as_deref(),
            Some("trades-by-project")
        );
        let page = format!("https://app.lightdash.cloud/projects/p/saved/{id}/view?x=1");
        assert_eq!(name(&page).as_deref(), Some(id));
        let page = "https://app.lightdash.cloud/projects/p/sql-runner/trades-by-project";
        assert_eq!(name(page).as_deref(), Some("trades-by-project"));
        assert_eq!(name("https://app.lightdash.cloud/projects/p"), None);
    }
}
