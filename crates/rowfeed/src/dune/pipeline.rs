//! Pipelines: runs of queries together with the queries and materialized views that they depend on.

use rowfeed_dune::{Client, builder, types};

use super::{
    run::{INTERVAL, ask},
    state::{SERVICE, call, invalid},
};
use crate::{
    Error, ErrorKind, RunDetails,
    completed_run::Ended,
    run_job::{Job, RunStatus},
    run_request::starts_run,
};

starts_run! {
    ExecuteQueryPipeline "execute_query_pipeline": pipeline_execution_id, query_id => of_query;
    ExecutePipeline "execute_pipeline": pipeline_execution_id, body => of_nodes;
}

/// Runs the steps of a query. The result is the result of the query itself.
pub(super) fn of_query(client: Client, id: String, query: i64) -> Result<Job, Error> {
    Ok(pipeline(client, id, vec![Step { node: None, query }]))
}

/// Runs steps. There is one result for each step that is a query, in the order of the steps.
pub(super) fn of_nodes(
    client: Client,
    id: String,
    body: types::builder::ExecutePipelineRequest,
) -> Result<Job, Error> {
    let body = types::ExecutePipelineRequest::try_from(body);
    let nodes = body
        .map_err(|error| invalid(error.to_string()))?
        .pipeline
        .nodes;
    let steps = nodes.into_iter().flatten().filter_map(|node| {
        let query = node.query_execution?.query_id?;
        let node = node.id;
        Some(Step { node, query })
    });
    Ok(pipeline(client, id, steps.collect()))
}

/// A pipeline that Dune has accepted, and the steps whose rows are the results.
fn pipeline(client: Client, id: String, steps: Vec<Step>) -> Job {
    let pipeline = id.clone();
    let status = client.get_pipeline_execution_status();
    let status = status.pipeline_execution_id(&id);
    let ask = move || ask_all(status.clone(), pipeline.clone(), steps.clone());
    let message = "Dune has no operation that cancels a pipeline";
    let cancel = move || async move { Err::<(), _>(message) };
    Job::new(SERVICE, id, ask, cancel, invalid)
}

/// A step that is a query, with the number of its node if the caller gave it one.
#[derive(Clone, Copy)]
struct Step {
    node: Option<i64>,
    query: i64,
}

impl Step {
    /// The execution of this step, once it has one.
    fn execution(self, steps: &[types::PipelineNodeExecution]) -> Option<String> {
        let is_this = |step: &&types::PipelineNodeExecution| match self.node {
            Some(node) => step.id == Some(node),
            None => {
                let status = step.query_execution_status.as_ref();
                status.is_some_and(|status| status.query_id == Some(self.query))
            }
        };
        let mut executions = steps.iter().filter(is_this).filter_map(|step| {
            let id = step.query_execution_status.as_ref()?.execution_id.clone()?;
            Some(id).filter(|id| !id.is_empty())
        });
        executions.next()
    }
}

/// Requests the state of a pipeline, and of its steps.
async fn ask_all(
    status: builder::GetPipelineExecutionStatus,
    id: String,
    steps: Vec<Step>,
) -> Result<RunStatus, Error> {
    let client = status.client.clone();
    let status = status.send().await.map_err(call)?.into_inner();
    let has_ended = check_status(&status, &id)?;
    let mut completed = Vec::new();
    for step in &steps {
        let Some(execution) = step.execution(&status.node_executions) else {
            if has_ended {
                let message = format!(
                    "the pipeline is {}, but it has no execution of query {}",
                    status.status, step.query
                );
                return Err(Error::new(ErrorKind::UnknownState, SERVICE, message));
            }
            return Ok(RunStatus::pending(&status.status));
        };
        match ask(client.clone(), execution).await? {
            RunStatus::Ended(one) => completed.push(one),
            going => return Ok(going),
        }
    }
    // A pipeline with only views has no execution.
    if completed.is_empty() && !has_ended {
        return Ok(RunStatus::pending(&status.status));
    }
    Ok(RunStatus::Ended(match <[Ended; 1]>::try_from(completed) {
        Ok([only]) => only,
        Err(several) => all(id, several),
    }))
}

/// Returns whether a pipeline has completed, and fails if it ended in any other way. Dune does not
/// document the values of the status. A failed pipeline also has a reason.
fn check_status(
    status: &types::GetPipelineExecutionStatusResponse,
    id: &str,
) -> Result<bool, Error> {
    let words = status.status.to_ascii_uppercase();
    let says = |stems: &[&str]| stems.iter().any(|stem| words.contains(stem));
    let why = status.error.as_deref().filter(|error| !error.is_empty());
    if why.is_some() || says(&["FAIL", "CANCEL"]) {
        let message = match why {
            Some(why) => why.to_owned(),
            None => format!("the pipeline is {}", status.status),
        };
        return Err(Error::new(ErrorKind::Failed, SERVICE, message).with_run(id));
    }
    Ok(says(&["FINISH", "COMPLETE", "SUCCE"]))
}

/// The queries of a completed pipeline, with a result for each.
fn all(id: String, queries: Vec<Ended>) -> Ended {
    let costs = queries.iter().map(|query| query.details.cost_credits);
    Ended {
        service: SERVICE,
        id,
        details: RunDetails {
            cost_credits: costs.sum(),
            ..RunDetails::default()
        },
        result_sets: queries
            .into_iter()
            .flat_map(|query| query.result_sets)
            .collect(),
    }
}
