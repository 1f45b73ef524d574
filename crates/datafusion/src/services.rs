//! The clients behind the table functions, and how the functions start their runs.

use std::{fmt, sync::Arc};

use datafusion::prelude::SessionContext;
use rowfeed::{
    CompletedRun, Error, ErrorKind, RowsExt as _, RunExt as _, RunRequest, dune, lightdash,
    yandex_query,
};

use crate::{
    ResultTable, ResultTableBuilder,
    call::{Call, NAMES},
    function::Function,
};

type Configure<T> = Arc<dyn Fn(T) -> T + Send + Sync>;

/// Reads how many requests of a client were repeated.
type ReadRetries = Box<dyn Fn() -> u64 + Send + Sync>;

/// The clients that the table functions of a session use.
///
#[doc = include_str!("../docs/services.md")]
#[derive(Clone, Default)]
#[must_use = "the functions exist after register()"]
pub struct Services {
    dune: Option<dune::Client>,
    lightdash: Option<lightdash::Client>,
    yandex_query: Option<yandex_query::Client>,
    lightdash_project: Option<String>,
    runs: Option<Configure<RunRequest>>,
    tables: Option<Configure<ResultTableBuilder>>,
}

impl Services {
    /// Services without a client.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the client of `dune`, `dune_query` and `dune_latest`.
    pub fn dune(mut self, client: dune::Client) -> Self {
        self.dune = Some(client);
        self
    }

    /// Sets the client of `lightdash` and `lightdash_chart`.
    pub fn lightdash(mut self, client: lightdash::Client) -> Self {
        self.lightdash = Some(client);
        self
    }

    /// Sets the project of `lightdash_chart('chart')`, whose API needs one.
    pub fn lightdash_project(mut self, project: impl Into<String>) -> Self {
        self.lightdash_project = Some(project.into());
        self
    }

    /// Sets the client of `yandex_query`.
    pub fn yandex_query(mut self, client: yandex_query::Client) -> Self {
        self.yandex_query = Some(client);
        self
    }

    /// Configures each run before it starts, for example with a
    /// [timeout](RunRequest::timeout) or a [watcher](RunRequest::on_progress). Runs are cancelled
    /// if [`prepare`](crate::prepare) fails or is dropped.
    pub fn configure_runs(
        mut self,
        configure: impl Fn(RunRequest) -> RunRequest + Send + Sync + 'static,
    ) -> Self {
        self.runs = Some(Arc::new(configure));
        self
    }

    /// Configures each table, for example its [page size](ResultTableBuilder::page_size).
    pub fn configure_tables(
        mut self,
        configure: impl Fn(ResultTableBuilder) -> ResultTableBuilder + Send + Sync + 'static,
    ) -> Self {
        self.tables = Some(Arc::new(configure));
        self
    }

    /// Adds the table functions to a session. Functions of these names that it has already are
    /// replaced.
    pub fn register(self, ctx: &SessionContext) {
        for name in NAMES {
            ctx.register_udtf(name, Arc::new(Function::unprepared(name)));
        }
        let state = ctx.state_ref();
        let mut state = state.write();
        state.config_mut().set_extension(Arc::new(self));
    }

    /// Starts a call, waits for it, and makes its table.
    pub(crate) async fn start(&self, call: &Call) -> Result<ResultTable, Error> {
        // The clone has its own counters; everything else is shared with the other tables.
        let (run, place, retries): (_, _, ReadRetries) = match call {
            Call::Dune { sql } => {
                let client = self.dune_client()?.metered();
                let run = client.execute_sql().sql(sql).run();
                let retries = move || client.usage().retries;
                (self.finish(run).await?, None, Box::new(retries))
            }
            Call::DuneQuery { id, parameters } => {
                let client = self.dune_client()?.metered();
                let query = client.execute_query().query_id(*id);
                let parameters = parameters.iter().cloned();
                let run = query.query_parameters(parameters).run();
                let retries = move || client.usage().retries;
                (self.finish(run).await?, None, Box::new(retries))
            }
            Call::DuneLatest { id } => {
                let client = self.dune_client()?.metered();
                let execution = self.latest(*id).await?;
                let run = client.get_execution_status().execution_id(execution).run();
                let retries = move || client.usage().retries;
                // Another program started it, so it is not cancelled.
                (self.configure(run).await?, None, Box::new(retries))
            }
            Call::Lightdash { project, sql } => {
                let client = self.lightdash_client()?.metered();
                let query = client.execute_async_sql_query();
                let run = query.project_uuid(project).sql(sql).run();
                let retries = move || client.usage().retries;
                (self.finish(run).await?, Some(project), Box::new(retries))
            }
            Call::LightdashChart { project, chart } => {
                let Some(project) = project.as_ref().or(self.lightdash_project.as_ref()) else {
                    let message = format!(
                        "the project of chart {chart} is not known: write \
                         lightdash_chart('project', '{chart}'), or set it with \
                         Services::lightdash_project()"
                    );
                    return Err(Error::new(ErrorKind::InvalidRequest, "lightdash", message));
                };
                let client = self.lightdash_client()?.metered();
                let query = client.execute_async_saved_chart_query();
                let run = query.project_uuid(project).chart_uuid(chart).run();
                let retries = move || client.usage().retries;
                (self.finish(run).await?, Some(project), Box::new(retries))
            }
            Call::YandexQuery { folder, sql } => {
                let client = self.yandex_client()?.metered();
                let run = client.create_query().project(folder).text(sql).run();
                let retries = move || client.usage().retries;
                (self.finish(run).await?, Some(folder), Box::new(retries))
            }
        };
        let mut table = ResultTable::of(&run).retries(retries);
        if let Some(place) = place {
            table = table.place(place);
        }
        match &self.tables {
            Some(configure) => configure(table).await,
            None => table.await,
        }
    }

    /// The execution of the latest result of a query. Costs one row, and starts nothing.
    async fn latest(&self, id: i64) -> Result<String, Error> {
        let latest = self.dune_client()?.get_latest_query_result().query_id(id);
        let mut pages = latest.pages().max_rows(1).allow_truncated();
        match pages.try_next().await {
            Ok(Some(page)) => Ok(page.run_id().to_owned()),
            // The result names its execution also while it runs.
            Err(error) if error.kind() == ErrorKind::Unfinished => match error.run_id() {
                Some(execution) => Ok(execution.to_owned()),
                None => Err(error),
            },
            Err(error) => Err(error),
            Ok(None) => {
                let message = format!("the latest result of query {id} names no execution");
                Err(Error::new(ErrorKind::Paging, "dune", message))
            }
        }
    }

    async fn finish(&self, run: RunRequest) -> Result<CompletedRun, Error> {
        self.configure(run.cancel_on_drop()).await
    }

    fn configure(&self, run: RunRequest) -> RunRequest {
        match &self.runs {
            Some(configure) => configure(run),
            None => run,
        }
    }

    fn dune_client(&self) -> Result<&dune::Client, Error> {
        given(self.dune.as_ref(), "dune", "dune")
    }

    fn lightdash_client(&self) -> Result<&lightdash::Client, Error> {
        given(self.lightdash.as_ref(), "lightdash", "lightdash")
    }

    fn yandex_client(&self) -> Result<&yandex_query::Client, Error> {
        given(self.yandex_query.as_ref(), "yandex-query", "yandex_query")
    }
}

fn given<'a, C>(
    client: Option<&'a C>,
    service: &'static str,
    method: &str,
) -> Result<&'a C, Error> {
    client.ok_or_else(|| {
        let message = format!("the session has no client: set one with Services::{method}()");
        Error::new(ErrorKind::InvalidRequest, service, message)
    })
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services")
            .field("dune", &self.dune.is_some())
            .field("lightdash", &self.lightdash.is_some())
            .field("yandex_query", &self.yandex_query.is_some())
            .finish_non_exhaustive()
    }
}
