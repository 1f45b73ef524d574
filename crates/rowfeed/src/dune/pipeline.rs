//! Runs of queries together with the queries and materialised views that they stand on.

use rowfeed_dune::{Client, builder, types};

use super::{
    run::{INTERVAL, ask},
    state::{SERVICE, call},
};
use crate::{
    Details, Error, ErrorKind, Starting, StartsRun,
    job::{Asked, Job, started_id},
    paging::BoxFuture,
    run::Ended,
};

/// Runs the steps, and ends with the rows of the query itself.
impl StartsRun for builder::ExecuteQueryPipeline {
    fn run(self) -> Starting {
        Starting::new(INTERVAL, self.client.clone(), |client| async {
            let query_id = self.query_id.clone();
            let operation = Self {
                client: client.clone(),
                ..self
            };
            let started = operation.send().await.map_err(call)?.into_inner();
            let query = query_id.map_err(|message| Error::invalid(SERVICE, message))?;
            Ok(Pipeline {
                client,
                queries: vec![Step { node: None, query }],
                id: started_id(
                    SERVICE,
                    "execute_query_pipeline",
                    &started.pipeline_execution_id,
                    &started,
                )?,
            })
        })
    }
}

/// Runs the steps, and ends with a result for each of them that is a query, in their order.
impl StartsRun for builder::ExecutePipeline {
    fn run(self) -> Starting {
        Starting::new(INTERVAL, self.client.clone(), |client| async {
            let body = self.body.clone().and_then(|body| {
                types::ExecutePipelineRequest::try_from(body).map_err(|error| error.to_string())
            });
            let operation = Self {
                client: client.clone(),
                ..self
            };
            let started = operation.send().await.map_err(call)?.into_inner();
            let body = body.map_err(|message| Error::invalid(SERVICE, message))?;
            let nodes = body.pipeline.nodes.into_iter().flatten();
            let queries = nodes.filter_map(|node| {
                let query = node.query_execution?.query_id?;
                let node = node.id;
                Some(Step { node, query })
            });
            Ok(Pipeline {
                client,
                queries: queries.collect(),
                id: started_id(
                    SERVICE,
                    "execute_pipeline",
                    &started.pipeline_execution_id,
                    &started,
                )?,
            })
        })
    }
}

struct Pipeline {
    client: Client,
    /// The steps whose rows are the results.
    queries: Vec<Step>,
    id: String,
}

/// A step that is a query; the number of its node where the caller gave it one.
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

impl Job for Pipeline {
    fn service(&self) -> &'static str {
        SERVICE
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn ask(&self) -> BoxFuture<Result<Asked, Error>> {
        let status = self.client.get_pipeline_execution_status();
        let status = status.pipeline_execution_id(&self.id).send();
        let (client, id, queries) = (self.client.clone(), self.id.clone(), self.queries.clone());
        Box::pin(async move {
            let status = status.await.map_err(call)?.into_inner();
            let has_ended = check_status(&status, &id)?;
            let mut completed = Vec::new();
            for step in &queries {
                let Some(execution) = step.execution(&status.node_executions) else {
                    if has_ended {
                        let message = format!(
                            "the pipeline is {}, and query {} has no execution in it",
                            status.status, step.query
                        );
                        let error = Error::new(ErrorKind::UnknownState, SERVICE, message);
                        return Err(error.with_run(&id));
                    }
                    return Ok(Asked::Going {
                        state: status.status,
                        queue_position: None,
                    });
                };
                match ask(client.clone(), execution).await? {
                    Asked::Ended(one) => completed.push(one),
                    going => return Ok(going),
                }
            }
            // A pipeline of nothing but views has no execution to look at.
            if completed.is_empty() && !has_ended {
                return Ok(Asked::Going {
                    state: status.status,
                    queue_position: None,
                });
            }
            Ok(Asked::Ended(match <[Ended; 1]>::try_from(completed) {
                Ok([only]) => only,
                Err(several) => all(id, several),
            }))
        })
    }

    fn cancel(&self) -> BoxFuture<Result<(), Error>> {
        let message = "Dune has no operation that cancels a pipeline";
        let error = Error::new(ErrorKind::InvalidRequest, SERVICE, message).with_run(&self.id);
        Box::pin(async { Err(error) })
    }
}

/// Whether a pipeline has ended well; an error if it has ended otherwise. What the words of its
/// status are is not documented; a failure also says why.
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

/// The queries of a pipeline that has ended well, with a result for each.
fn all(id: String, queries: Vec<Ended>) -> Ended {
    let costs = queries.iter().map(|query| query.details.cost_credits);
    Ended {
        service: SERVICE,
        id,
        details: Details {
            cost_credits: costs.sum(),
            ..Details::default()
        },
        result_sets: queries
            .into_iter()
            .flat_map(|query| query.result_sets)
            .collect(),
    }
}
