//! Runs of a query together with the queries and materialised views that it stands on.

use rowfeed_dune::{Client, builder};

use super::{
    run::{INTERVAL, ask},
    state::{SERVICE, call},
};
use crate::{
    Error, ErrorKind, Starting, StartsRun,
    job::{Asked, Job},
    source::BoxFuture,
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
            let started = operation.send().await.map_err(call)?;
            let query_id = query_id.map_err(|message| Error::invalid(SERVICE, message))?;
            Ok(Pipeline {
                client,
                query_id,
                id: started.into_inner().pipeline_execution_id,
            })
        })
    }
}

struct Pipeline {
    client: Client,
    query_id: i64,
    id: String,
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
        let (client, id, query_id) = (self.client.clone(), self.id.clone(), self.query_id);
        Box::pin(async move {
            let status = status.await.map_err(call)?.into_inner();
            // What the words of `status` are is not documented; a failure also says why.
            let why = status.error.filter(|error| !error.is_empty());
            let failed = ["FAIL", "CANCEL"]
                .iter()
                .any(|word| status.status.to_ascii_uppercase().contains(word));
            if failed || why.is_some() {
                let message = why.unwrap_or_else(|| format!("the pipeline is {}", status.status));
                return Err(Error::new(ErrorKind::Failed, SERVICE, message).with_run(&id));
            }
            let steps = status.node_executions.into_iter();
            let execution = steps
                .filter_map(|step| step.query_execution_status)
                .filter(|step| step.query_id == Some(query_id))
                .find_map(|step| step.execution_id.filter(|id| !id.is_empty()));
            match execution {
                Some(execution) => ask(client, execution).await,
                None => Ok(Asked::Going {
                    state: status.status,
                    queue_position: None,
                }),
            }
        })
    }

    fn cancel(&self) -> BoxFuture<Result<(), Error>> {
        let message = "Dune has no operation that cancels a pipeline";
        let error = Error::new(ErrorKind::InvalidRequest, SERVICE, message).with_run(&self.id);
        Box::pin(async { Err(error) })
    }
}
