//! Saved charts, found by name.

use crate::{
    CallError, Client, StartQuery, StartedRun, builder,
    nearest::nearest,
    parameter::exact,
    types::{Chart, ChartSourceType, ParameterValue, QueryLimit, SqlChartByUuid},
};

impl Client {
    /// Begins a run of a saved chart. `name` is the chart's name, its slug or its UUID.
    ///
    /// Two charts of a project may have one name. Then the slug, which is unique, or the UUID tells
    /// which one to run.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = rowfeed_sandbox::Sandbox::start().await?;
    /// # let token = rowfeed_lightdash::Secret::new(rowfeed_sandbox::LIGHTDASH_TOKEN)?;
    /// # let lightdash = rowfeed_lightdash::Client::builder().base_url(sandbox.lightdash_url());
    /// # let lightdash = lightdash.token(token).build()?;
    /// # let project = rowfeed_sandbox::LIGHTDASH_PROJECT_UUID;
    /// let chart = lightdash.chart(project, "Traded value a day").find().await?;
    /// assert_eq!(chart.slug, "traded-value-a-day");
    /// # Ok(())
    /// # }
    /// ```
    pub fn chart(&self, project: impl Into<String>, name: impl Into<String>) -> ChartQuery {
        ChartQuery {
            client: self.clone(),
            project: project.into(),
            name: name.into(),
            parameters: Vec::new(),
            limit: None,
            is_pivoted: None,
            invalidate_cache: None,
        }
    }
}

/// A run of a saved chart, which is found by its name.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before find() or run()"]
pub struct ChartQuery {
    client: Client,
    project: String,
    name: String,
    parameters: Vec<(String, ParameterValue)>,
    limit: Option<u32>,
    is_pivoted: Option<bool>,
    invalidate_cache: Option<bool>,
}

impl ChartQuery {
    /// Sets the value of a parameter of the project or the explore.
    pub fn param(mut self, name: impl Into<String>, value: impl Into<ParameterValue>) -> Self {
        let name = name.into();
        self.parameters.retain(|(other, _)| *other != name);
        self.parameters.push((name, value.into()));
        self
    }

    /// Sets the maximum number of rows to return. The default is the limit of the chart, and the
    /// facade fails if the result has that many rows.
    pub fn limit(mut self, rows: u32) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Sets whether the result is pivoted as the chart shows it. Charts made from SQL are not.
    pub fn pivoted(mut self, is_pivoted: bool) -> Self {
        self.is_pivoted = Some(is_pivoted);
        self
    }

    /// Sets whether to run the query even if its result is in the cache.
    pub fn invalidate_cache(mut self, is_invalidated: bool) -> Self {
        self.invalidate_cache = Some(is_invalidated);
        self
    }

    /// Finds the chart: by its UUID or slug, by its exact name, or by its name in other case.
    ///
    /// # Errors
    ///
    /// No chart has the name, and the error has the nearest names; or several have it, and the error
    /// lists them; or the request fails.
    pub async fn find(&self) -> Result<Chart, CallError> {
        let charts = self.client.list_charts_in_project();
        let charts = charts.project_uuid(self.project.as_str()).send().await?;
        pick(&self.name, charts.into_inner().results).map_err(CallError::invalid_request)
    }
}

/// The only chart with this name.
fn pick(name: &str, charts: Vec<Chart>) -> Result<Chart, String> {
    let lower = name.to_lowercase();
    let tests: [&dyn Fn(&Chart) -> bool; 4] = [
        &|chart| chart.uuid == name,
        &|chart| chart.slug == name,
        &|chart| chart.name == name,
        &|chart| chart.name.to_lowercase() == lower,
    ];
    for test in tests {
        let mut found: Vec<&Chart> = charts.iter().filter(|chart| test(chart)).collect();
        match (found.pop(), found.as_slice()) {
            (None, _) => {}
            (Some(chart), []) => return Ok(chart.clone()),
            (Some(last), others) => {
                let candidates = others.iter().copied().chain([last]);
                let candidates: Vec<_> = candidates.map(described).collect();
                return Err(format!(
                    "{} charts have the name {name:?}; name one by its slug: {}",
                    candidates.len(),
                    candidates.join(", ")
                ));
            }
        }
    }
    let names = charts.iter().map(|chart| chart.name.as_str());
    let slugs = charts.iter().map(|chart| chart.slug.as_str());
    let mut near = nearest(name, names);
    if near.is_empty() {
        near = nearest(name, slugs);
    }
    let near: Vec<_> = near.iter().map(|name| format!("{name:?}")).collect();
    Err(match (near.as_slice(), charts.len()) {
        ([], 0) => format!("there is no chart {name:?}; the project has no charts"),
        ([], count) => format!(
            "there is no chart {name:?} among the {count} of the project; list_charts_in_project() \
             lists them"
        ),
        (near, _) => format!(
            "there is no chart {name:?}; the nearest are {}",
            near.join(", ")
        ),
    })
}

/// What tells a chart from others of its name.
fn described(chart: &Chart) -> String {
    format!("{:?} in the space {:?}", chart.slug, chart.space_name)
}

impl StartQuery for ChartQuery {
    fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    async fn start(self) -> Result<StartedRun, CallError> {
        for (name, value) in &self.parameters {
            exact(name, value.clone()).map_err(CallError::invalid_request)?;
        }
        let chart = self.find().await?;
        match chart.source {
            Some(ChartSourceType::Sql) => self.start_sql(chart).await,
            _ => self.operation(chart).start().await,
        }
    }
}

impl ChartQuery {
    fn operation(self, chart: Chart) -> builder::ExecuteAsyncSavedChartQuery {
        let run = self.client.execute_async_saved_chart_query();
        let mut run = run.project_uuid(self.project).chart_uuid(chart.uuid);
        run = run.parameters(self.parameters);
        if let Some(limit) = self.limit {
            run = run.limit(QueryLimit(Some(limit.into())));
        }
        if let Some(is_pivoted) = self.is_pivoted {
            run = run.pivot_results(is_pivoted);
        }
        match self.invalidate_cache {
            Some(is_invalidated) => run.invalidate_cache(is_invalidated),
            None => run,
        }
    }

    async fn start_sql(self, chart: Chart) -> Result<StartedRun, CallError> {
        if self.is_pivoted == Some(true) {
            return Err(CallError::invalid_request(format!(
                "the chart {:?} was made from SQL, and pivoted() is for charts of an explore",
                chart.name
            )));
        }
        let cut_at = self.sql_limit(&chart).await?;
        let request = SqlChartByUuid {
            context: None,
            invalidate_cache: self.invalidate_cache,
            limit: self.limit.map(Into::into),
            parameters: self.parameters.into_iter().collect(),
            saved_sql_uuid: chart.uuid,
            use_pre_aggregate_cache: None,
        };
        let run = self.client.execute_async_sql_chart_query();
        let run = run.project_uuid(self.project.as_str()).body(request);
        let started = run.send().await?.into_inner().results;
        Ok(StartedRun {
            operation: "execute_async_sql_chart_query",
            project_uuid: self.project,
            query_uuid: started.query_uuid,
            cut_at,
        })
    }

    /// The limit that the chart was saved with, unless the caller has set one. No response of the
    /// query has it.
    #[cfg(feature = "saved-charts")]
    async fn sql_limit(&self, chart: &Chart) -> Result<Option<u64>, CallError> {
        if self.limit.is_some() {
            return Ok(None);
        }
        let saved = self.client.get_saved_sql_chart();
        let saved = saved
            .project_uuid(self.project.as_str())
            .uuid(chart.uuid.as_str());
        let limit = saved.send().await?.into_inner().results.limit;
        Ok(u64::try_from(limit).ok())
    }

    /// The operation that knows the limit of the chart is behind a feature.
    #[cfg(not(feature = "saved-charts"))]
    async fn sql_limit(&self, _: &Chart) -> Result<Option<u64>, CallError> {
        Ok(None)
    }
}
