//! Queries in the terms of Lightdash: dimensions and metrics of an explore.
//!
//! [`Client::explore`] begins a query. Names are those of the explore, ids are made from them:
//!
//! ```
//! use rowfeed_lightdash::explore::{asc, desc, field};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let sandbox = rowfeed_sandbox::Sandbox::start().await?;
//! # let token = rowfeed_lightdash::Secret::new(rowfeed_sandbox::LIGHTDASH_TOKEN)?;
//! # let lightdash = rowfeed_lightdash::Client::builder().base_url(sandbox.lightdash_url());
//! # let lightdash = lightdash.token(token).build()?;
//! # let project = rowfeed_sandbox::LIGHTDASH_PROJECT_UUID;
//! let query = lightdash
//!     .explore(project, "trades")
//!     .dimensions(["project"])
//!     .metrics(["count", "total_usd"])
//!     .filter(field("block_date").between("2024-05-01", "2024-05-31"))
//!     .filter(field("token_pair").equals(["ETH-USDC", "ETH-DAI"]).or(field("is_maker").equals(true)))
//!     .sort(desc("total_usd"))
//!     .sort(asc("project"))
//!     .limit(10);
//! println!("{}", query.compile().await?.query); // the SQL
//! # Ok(())
//! # }
//! ```
//!
//! [`send`](ExploreQuery::send) starts the query. The facade `rowfeed` adds `run()`, which waits for
//! the end and reads the rows.

mod calculation;
#[cfg(feature = "explores")]
mod check;
mod field;
mod filter;
mod groups;
mod sort;
mod value;

pub use calculation::Calculation;
pub use field::{Field, FieldKind, dimension, field, metric};
pub use filter::{Condition, Filter, Period, Unit, all, any};
pub use sort::{Sort, asc, desc};
pub use value::{FilterValue, FilterValues};

use rowfeed_client::ResponseValue;

use crate::{
    CallError, Client, Limits, StartQuery, StartedRun, builder,
    types::{
        AdditionalMetric, CompileQueryRequest, CompiledQuery, CustomDimension, DateGranularity,
        DateZoom, MetricQuery, MetricQueryRequest, ParameterValue, PivotConfiguration,
        QueryExecutionContext, SortField, StartedMetricQueryResponse,
    },
};

impl Client {
    /// Begins a query of dimensions and metrics of an explore; see [`explore`](crate::explore).
    pub fn explore(&self, project: impl Into<String>, explore: impl Into<String>) -> ExploreQuery {
        ExploreQuery {
            client: self.clone(),
            project: project.into(),
            explore: explore.into(),
            base_table: None,
            dimensions: Vec::new(),
            metrics: Vec::new(),
            filters: Vec::new(),
            sorts: Vec::new(),
            limit: None,
            calculations: Vec::new(),
            custom_dimensions: Vec::new(),
            custom_metrics: Vec::new(),
            parameters: Vec::new(),
            timezone: None,
            date_zoom: None,
            pivot: None,
            invalidate_cache: None,
            pre_aggregates: None,
            context: None,
            #[cfg(feature = "explores")]
            is_checked: false,
        }
    }
}

/// A query of dimensions and metrics of an explore.
///
/// Methods that take lists add to what is set. Nothing is sent before [`send`](Self::send),
/// [`compile`](Self::compile) or `run()` of the facade.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before send(), compile() or run()"]
pub struct ExploreQuery {
    client: Client,
    project: String,
    explore: String,
    base_table: Option<String>,
    dimensions: Vec<Field>,
    metrics: Vec<Field>,
    filters: Vec<Filter>,
    sorts: Vec<Sort>,
    limit: Option<u32>,
    calculations: Vec<Calculation>,
    custom_dimensions: Vec<CustomDimension>,
    custom_metrics: Vec<AdditionalMetric>,
    parameters: Vec<(String, ParameterValue)>,
    timezone: Option<String>,
    date_zoom: Option<DateZoom>,
    pivot: Option<PivotConfiguration>,
    invalidate_cache: Option<bool>,
    pre_aggregates: Option<bool>,
    context: Option<QueryExecutionContext>,
    #[cfg(feature = "explores")]
    is_checked: bool,
}

impl ExploreQuery {
    /// Adds dimensions, which are the first columns of the result.
    pub fn dimensions<F: Into<Field>>(mut self, fields: impl IntoIterator<Item = F>) -> Self {
        self.dimensions.extend(fields.into_iter().map(Into::into));
        self
    }

    /// Adds metrics, which are the columns after the dimensions.
    pub fn metrics<F: Into<Field>>(mut self, fields: impl IntoIterator<Item = F>) -> Self {
        self.metrics.extend(fields.into_iter().map(Into::into));
        self
    }

    /// Adds a filter. Rows have to match all filters.
    pub fn filter(mut self, filter: impl Into<Filter>) -> Self {
        self.filters.push(filter.into());
        self
    }

    /// Adds a sort key: [`asc`], [`desc`], or a field to sort by in ascending order. The first key
    /// comes first.
    pub fn sort(mut self, sort: impl Into<Sort>) -> Self {
        self.sorts.push(sort.into());
        self
    }

    /// Sets the maximum number of rows to return, for the first rows of a sorted result. A result
    /// with more rows is cut to them.
    ///
    /// Without a limit, the query asks for as many rows as the server allows, 5,000 unless it is
    /// configured otherwise, and the facade fails if the result has that many rows.
    pub fn limit(mut self, rows: u32) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Adds a column computed from the other columns.
    pub fn calculation(mut self, calculation: Calculation) -> Self {
        self.calculations.push(calculation);
        self
    }

    /// Adds a dimension that the query defines, and selects it.
    pub fn custom_dimension(mut self, dimension: CustomDimension) -> Self {
        self.dimensions.push(Field::id(dimension.id.clone()));
        self.custom_dimensions.push(dimension);
        self
    }

    /// Adds a metric that the query defines, and selects it.
    pub fn custom_metric(mut self, metric: AdditionalMetric) -> Self {
        let id = format!("{}_{}", metric.table, metric.name);
        self.metrics.push(Field::id(id));
        self.custom_metrics.push(metric);
        self
    }

    /// Sets the value of a parameter of the project or the explore.
    pub fn param(mut self, name: impl Into<String>, value: impl Into<ParameterValue>) -> Self {
        let name = name.into();
        self.parameters.retain(|(other, _)| *other != name);
        self.parameters.push((name, value.into()));
        self
    }

    /// Sets the time zone that the query runs in, an IANA name such as `Europe/Berlin`. The default
    /// is the project's.
    pub fn timezone(mut self, name: impl Into<String>) -> Self {
        self.timezone = Some(name.into());
        self
    }

    /// Shows time dimensions at another granularity.
    pub fn date_zoom(mut self, granularity: DateGranularity) -> Self {
        self.date_zoom = Some(DateZoom {
            granularity: Some(granularity),
            x_axis_field_id: None,
        });
        self
    }

    /// Sets how the result is pivoted.
    pub fn pivot(mut self, pivot: PivotConfiguration) -> Self {
        self.pivot = Some(pivot);
        self
    }

    /// Sets whether to run the query even if its result is in the cache.
    pub fn invalidate_cache(mut self, is_invalidated: bool) -> Self {
        self.invalidate_cache = Some(is_invalidated);
        self
    }

    /// Sets whether a pre-aggregate may answer the query.
    pub fn pre_aggregates(mut self, are_used: bool) -> Self {
        self.pre_aggregates = Some(are_used);
        self
    }

    /// Sets what the query is for, which labels it in the history and in usage statistics.
    pub fn context(mut self, context: QueryExecutionContext) -> Self {
        self.context = Some(context);
        self
    }

    /// Sets the table that names without a table belong to. It is the explore's own name unless the
    /// project names an explore differently from its table.
    pub fn base_table(mut self, table: impl Into<String>) -> Self {
        self.base_table = Some(table.into());
        self
    }

    /// Checks the query against the explore before it is sent, which takes one more request. An
    /// unknown field is an error with the nearest names, and so is an operator that does not suit
    /// the type of its field.
    #[cfg(feature = "explores")]
    pub fn checked(mut self) -> Self {
        self.is_checked = true;
        self
    }

    /// Returns the query as it is sent. Without a limit, `default_limit` rows.
    ///
    /// # Errors
    ///
    /// The query selects nothing or cannot be expressed in Lightdash's terms; the error says why.
    pub fn metric_query(&self, default_limit: u32) -> Result<MetricQuery, CallError> {
        self.build(default_limit).map_err(|flaw| {
            CallError::invalid_request(format!("explore `{}`: {flaw}", self.explore))
        })
    }

    fn build(&self, default_limit: u32) -> Result<MetricQuery, String> {
        if self.dimensions.is_empty() && self.metrics.is_empty() {
            return Err("the query selects neither dimensions nor metrics".to_owned());
        }
        for (index, calculation) in self.calculations.iter().enumerate() {
            let name = &calculation.name;
            let before = &self.calculations[..index];
            if name.is_empty() || before.iter().any(|other| other.name == *name) {
                return Err(format!(
                    "two calculations have the name `{name}`, or it is empty"
                ));
            }
        }
        for (name, value) in &self.parameters {
            crate::parameter::exact(name, value.clone())?;
        }
        let ids = |fields: &[Field]| {
            fields
                .iter()
                .map(|field| self.id(field))
                .collect::<Vec<_>>()
        };
        let (dimensions, metrics) = (ids(&self.dimensions), ids(&self.metrics));
        let filter = all(self.filters.iter().cloned());
        let filters = groups::split(&filter, &|field| {
            let id = self.id(field);
            let kind = self.kind(field, &id, &metrics);
            (id, kind)
        })?;
        let sorts = self.sorts.iter().map(|sort| SortField {
            descending: sort.descending,
            field_id: self.id(&sort.field),
            nulls_first: sort.nulls_first,
            pivot_values: Vec::new(),
        });
        let calculations = self.calculations.iter();
        Ok(MetricQuery {
            additional_metrics: self.custom_metrics.clone(),
            custom_dimensions: self.custom_dimensions.clone(),
            date_zoom: None,
            dimension_overrides: Default::default(),
            dimensions,
            explore_name: self.explore.clone(),
            filters,
            limit: self.limit.unwrap_or(default_limit).into(),
            metadata: None,
            metric_overrides: Default::default(),
            metrics,
            pivot_dimensions: Vec::new(),
            sorts: sorts.collect(),
            table_calculations: calculations
                .map(|calculation| calculation.build(|field| self.id(field)))
                .collect(),
            timezone: self.timezone.clone(),
        })
    }

    fn base(&self) -> &str {
        self.base_table.as_deref().unwrap_or(&self.explore)
    }

    fn is_calculation(&self, name: &str) -> bool {
        self.calculations
            .iter()
            .any(|calculation| calculation.name == name)
    }

    fn id(&self, field: &Field) -> String {
        field.resolve(self.base(), |name| self.is_calculation(name))
    }

    fn kind(&self, field: &Field, id: &str, metrics: &[String]) -> FieldKind {
        if let Some(kind) = field.kind {
            kind
        } else if self.is_calculation(id) {
            FieldKind::Calculation
        } else if metrics.iter().any(|metric| metric == id) {
            FieldKind::Metric
        } else {
            FieldKind::Dimension
        }
    }

    /// Returns the operation that starts the query. It makes the requests that the query needs
    /// before: for the explore if the query is [`checked`](Self::checked), and for the limits of the
    /// server if the query has no limit.
    ///
    /// # Errors
    ///
    /// The query cannot be expressed, the check finds a mistake, or one of these requests fails.
    pub async fn operation(&self) -> Result<builder::ExecuteAsyncMetricQuery, CallError> {
        let query = self.prepared().await?;
        let request = MetricQueryRequest {
            context: self.context.clone(),
            dashboard_filters: None,
            date_zoom: self.date_zoom.clone(),
            invalidate_cache: self.invalidate_cache,
            parameters: self.parameters.iter().cloned().collect(),
            pivot_configuration: self.pivot.clone(),
            query,
            use_pre_aggregate_cache: self.pre_aggregates,
        };
        let operation = self.client.execute_async_metric_query();
        Ok(operation.project_uuid(self.project.as_str()).body(request))
    }

    /// Finds mistakes without a request first, then with one.
    async fn prepared(&self) -> Result<MetricQuery, CallError> {
        let query = self.metric_query(1)?;
        #[cfg(feature = "explores")]
        if self.is_checked {
            let explore = self
                .client
                .get_explore()
                .project_uuid(self.project.as_str());
            let explore = explore.explore_id(self.explore.as_str()).send().await?;
            let explore = explore.into_inner().results;
            check::check(self, &query, &explore).map_err(|flaw| {
                CallError::invalid_request(format!("explore `{}`: {flaw}", self.explore))
            })?;
        }
        match self.limit {
            Some(_) => Ok(query),
            None => self.metric_query(Limits::of(&self.client).await.rows),
        }
    }

    /// Starts the query.
    ///
    /// # Errors
    ///
    /// Those of [`operation`](Self::operation), or Lightdash does not accept the query.
    pub async fn send(self) -> Result<ResponseValue<StartedMetricQueryResponse>, CallError> {
        self.operation().await?.send().await
    }

    /// Returns the SQL of the query, which is not run.
    ///
    /// # Errors
    ///
    /// Those of [`operation`](Self::operation), or Lightdash cannot compile the query.
    pub async fn compile(&self) -> Result<CompiledQuery, CallError> {
        let query = self.prepared().await?;
        let request = CompileQueryRequest {
            additional_metrics: query.additional_metrics,
            custom_dimensions: query.custom_dimensions,
            date_zoom: self.date_zoom.clone(),
            dimension_overrides: query.dimension_overrides,
            dimensions: query.dimensions,
            explore_name: query.explore_name,
            filters: query.filters,
            limit: query.limit,
            metadata: query.metadata,
            metric_overrides: query.metric_overrides,
            metrics: query.metrics,
            parameters: self.parameters.iter().cloned().collect(),
            pivot_configuration: self.pivot.clone(),
            pivot_dimensions: query.pivot_dimensions,
            sorts: query.sorts,
            table_calculations: query.table_calculations,
            timezone: query.timezone,
            use_pre_aggregate_cache: self.pre_aggregates,
        };
        let compile = self
            .client
            .compile_query()
            .project_uuid(self.project.as_str());
        let compile = compile.explore_id(self.explore.as_str()).body(request);
        let compiled = compile.send().await?.into_inner().results;
        match compiled.compilation_errors.as_slice() {
            [] => Ok(compiled),
            errors => Err(CallError::invalid_request(format!(
                "explore `{}`: Lightdash cannot compile the query: {}",
                self.explore,
                errors.join("; ")
            ))),
        }
    }
}

impl StartQuery for ExploreQuery {
    fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    async fn start(self) -> Result<StartedRun, CallError> {
        let (project, limit) = (self.project.clone(), self.limit);
        let started = self.send().await?.into_inner().results;
        Ok(StartedRun {
            operation: "execute_async_metric_query",
            project_uuid: project,
            query_uuid: started.query_uuid,
            cut_at: crate::start::cut_at(limit.map(Into::into), started.metric_query.limit),
        })
    }
}
