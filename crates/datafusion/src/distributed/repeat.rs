//! Repeats a query that lost a worker.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use arrow_array::RecordBatch;
use datafusion::{
    common::{DataFusionError, Result},
    dataframe::DataFrame,
    datasource::source::DataSourceExec,
    execution::SessionState,
    logical_expr::LogicalPlan,
    physical_plan::{self, ExecutionPlan},
};
use datafusion_distributed::{
    DistributedExt as _, DistributedLeafExec, GetWorkerInfoRequest,
    get_distributed_channel_resolver,
};
use futures_util::future::join_all;
use url::Url;

use super::client::{Workers, distinct_workers};
use crate::source::RowfeedSource;

/// How long a worker may take to answer after a failed query. A later answer counts as none.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Runs a query on the workers of its session and returns its rows. If the query fails and a worker
/// no longer answers, repeats it once on the other workers.
///
/// It is repeated only if reading the results again costs nothing. Lightdash and Yandex Query bill
/// executions, not reading; files and tables in memory are free. Dune bills what it sends, so a query
/// that reads a result of Dune is not repeated, and neither is one that reads another service.
///
/// The rows are kept in memory until the query has ended, because rows that were handed out cannot
/// be taken back. For a large result use [`DataFrame::execute_stream`], which repeats nothing.
///
/// # Errors
///
/// Returns [`WorkerLost`] in [`DataFusionError::External`] if a worker was lost and the query was not
/// repeated, or a worker was lost again. Other errors are those of [`DataFrame::collect`].
///
/// ```no_run
/// # async fn example(ctx: datafusion::prelude::SessionContext) -> Result<(), Box<dyn std::error::Error>> {
/// use rowfeed_datafusion::distributed;
///
/// let query = ctx.sql("SELECT project, count(*) FROM trades GROUP BY project").await?;
/// let rows = distributed::collect(query).await?;
/// # Ok(())
/// # }
/// ```
pub async fn collect(query: DataFrame) -> Result<Vec<RecordBatch>> {
    let (mut state, query) = query.into_parts();
    let plan = state.create_physical_plan(&query).await?;
    let error = match physical_plan::collect(Arc::clone(&plan), state.task_ctx()).await {
        Ok(rows) => return Ok(rows),
        Err(error) => error,
    };
    let (left, lost) = ask_workers(&state).await?;
    if lost.is_empty() {
        return Err(error);
    }
    let not_repeated = match billed_service(&plan) {
        Some(service) => Some(Reason::Billed(service)),
        None if left.is_empty() => Some(Reason::NoWorkerLeft),
        None => None,
    };
    if let Some(reason) = not_repeated {
        return Err(WorkerLost::new(lost, reason, error).into());
    }
    state.set_distributed_worker_resolver(Workers(left));
    let error = match run(&state, &query).await {
        Ok(rows) => return Ok(rows),
        Err(error) => error,
    };
    let (_, lost) = ask_workers(&state).await?;
    match lost.is_empty() {
        true => Err(error),
        false => Err(WorkerLost::new(lost, Reason::Repeated, error).into()),
    }
}

async fn run(state: &SessionState, query: &LogicalPlan) -> Result<Vec<RecordBatch>> {
    let plan = state.create_physical_plan(query).await?;
    physical_plan::collect(plan, state.task_ctx()).await
}

/// Returns the workers of a session that answer now, and those that do not.
async fn ask_workers(state: &SessionState) -> Result<(Vec<Url>, Vec<Url>)> {
    let workers = distinct_workers(state.config())?;
    let channels = get_distributed_channel_resolver(&state.task_ctx());
    let answers = workers.into_iter().map(|url| {
        let channels = Arc::clone(&channels);
        async move {
            let asked = async {
                let mut worker = channels.get_worker_client_for_url(&url).await?;
                worker.get_worker_info(GetWorkerInfoRequest {}).await
            };
            let answer = tokio::time::timeout(ANSWER_WITHIN, asked).await;
            let is_there = matches!(answer, Ok(Ok(_)));
            (url, is_there)
        }
    });
    let (left, lost): (Vec<_>, Vec<_>) = join_all(answers)
        .await
        .into_iter()
        .partition(|(_, is_there)| *is_there);
    let urls = |workers: Vec<(Url, bool)>| workers.into_iter().map(|(url, _)| url).collect();
    Ok((urls(left), urls(lost)))
}

/// Returns a service of the plan that bills reading, or may do so.
fn billed_service(plan: &Arc<dyn ExecutionPlan>) -> Option<&'static str> {
    if let Some(leaf) = plan.downcast_ref::<DistributedLeafExec>() {
        return billed_service(leaf.original());
    }
    let scan = plan.downcast_ref::<DataSourceExec>();
    if let Some((_, source)) =
        scan.and_then(DataSourceExec::downcast_to_file_source::<RowfeedSource>)
    {
        let service = source.shared.identity.service;
        return Some(service).filter(|service| !is_reading_free(service));
    }
    plan.children().into_iter().find_map(billed_service)
}

fn is_reading_free(service: &str) -> bool {
    matches!(service, "lightdash" | "yandex-query")
}

/// A query that failed because workers no longer answer, and was not repeated, or not again.
///
/// [`collect`] returns it inside [`DataFusionError::External`].
#[derive(Debug)]
pub struct WorkerLost {
    workers: Vec<Url>,
    reason: Reason,
    cause: DataFusionError,
}

/// Why a query is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// The service bills reading, or may do so.
    Billed(&'static str),
    NoWorkerLeft,
    Repeated,
}

impl WorkerLost {
    fn new(workers: Vec<Url>, reason: Reason, cause: DataFusionError) -> Self {
        Self {
            workers,
            reason,
            cause,
        }
    }

    /// Returns the workers that do not answer.
    #[must_use]
    pub fn workers(&self) -> &[Url] {
        &self.workers
    }

    /// Returns whether the query was repeated and lost a worker again.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.reason == Reason::Repeated
    }

    /// Returns the error with which the query ended.
    #[must_use]
    pub fn cause(&self) -> &DataFusionError {
        &self.cause
    }

    /// Returns the lost worker that caused an error of DataFusion.
    #[must_use]
    pub fn find(error: &DataFusionError) -> Option<&Self> {
        crate::error::chain(error).find_map(|cause| cause.downcast_ref())
    }
}

impl fmt::Display for WorkerLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workers: Vec<_> = self.workers.iter().map(Url::as_str).collect();
        let noun = if workers.len() == 1 {
            "worker"
        } else {
            "workers"
        };
        let workers = workers.join(", ");
        write!(
            f,
            "the query lost the {noun} {workers}, which did not answer"
        )?;
        match self.reason {
            Reason::Billed("dune") => f.write_str(
                "; it was not repeated because Dune bills reading: run it again to read again",
            ),
            Reason::Billed(service) => write!(
                f,
                "; it was not repeated because {service} may bill reading: run it again to read again"
            ),
            Reason::NoWorkerLeft => f.write_str("; no other worker is left"),
            Reason::Repeated => f.write_str("; it had already been repeated once"),
        }?;
        write!(f, " ({})", self.cause)
    }
}

/// `Display` includes the text of the cause, so `source` returns what lies below that.
impl StdError for WorkerLost {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.source()
    }
}

impl From<WorkerLost> for DataFusionError {
    fn from(error: WorkerLost) -> Self {
        Self::External(Box::new(error))
    }
}
