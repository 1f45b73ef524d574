//! Runs at Yandex Query: `create_query`, `get_query_status` until the query has ended, and
//! `get_query` for its result sets.

use std::time::Duration;

use rowfeed_yandex_query::{Client, builder, types};

use super::{
    paging::{Announced, Paging},
    state::{SERVICE, call, check_status},
};
use crate::{
    Details, Error, Starting, StartsRun,
    job::{Asked, Interval, Job, started_id},
    paging::BoxFuture,
    run::{Ended, ResultSet},
};

const INTERVAL: Interval = Interval {
    first: Duration::from_millis(200),
    most: Duration::from_secs(2),
};

impl StartsRun for builder::CreateQuery {
    fn run(self) -> Starting {
        Starting::new(INTERVAL, self.client.clone(), |client| async {
            let project = self.project.clone();
            let operation = Self {
                client: client.clone(),
                ..self
            };
            let started = operation.send().await.map_err(call)?;
            // The call would have failed without a project.
            let project = project.map_err(|message| Error::invalid(SERVICE, message))?;
            let started = started.into_inner();
            let id = started_id(SERVICE, "create_query", &started.id, &started)?;
            Ok(Query {
                client,
                project,
                id,
            })
        })
    }
}

/// Takes up a query that was created before.
impl StartsRun for builder::GetQueryStatus {
    fn run(self) -> Starting {
        Starting::new(INTERVAL, self.client.clone(), |client| async {
            let invalid = |message| Error::invalid(SERVICE, message);
            Ok(Query {
                client,
                project: self.project.map_err(invalid)?,
                id: self.query_id.map_err(invalid)?,
            })
        })
    }
}

/// A query that the service has accepted.
#[derive(Clone)]
struct Query {
    client: Client,
    project: String,
    id: String,
}

impl Job for Query {
    fn service(&self) -> &'static str {
        SERVICE
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn ask(&self) -> BoxFuture<Result<Asked, Error>> {
        let this = self.clone();
        Box::pin(async move {
            let Query {
                client,
                project,
                id,
            } = &this;
            let status = client
                .get_query_status()
                .project(project)
                .query_id(id)
                .send();
            let status = status.await.map_err(call)?.into_inner().status;
            if status == types::QueryStatus::Running {
                return Ok(Asked::Going {
                    state: status.as_str().to_owned(),
                    queue_position: None,
                });
            }
            let query = client.get_query().project(project).query_id(id).send();
            let query = query.await.map_err(call)?.into_inner();
            check_status(&query)?;
            Ok(Asked::Ended(ended(this, &query)))
        })
    }

    fn cancel(&self) -> BoxFuture<Result<(), Error>> {
        let stop = self.client.stop_query();
        let stop = stop.project(&self.project).query_id(&self.id);
        Box::pin(async move { stop.send().await.map(drop).map_err(call) })
    }
}

/// A query that has ended well.
fn ended(query: Query, description: &types::Query) -> Ended {
    // A time that is not known yet is an empty text.
    let time = |text: Option<&String>| text.filter(|text| !text.is_empty()).cloned();
    let meta = description.meta.as_ref();
    let results = query.client.get_query_results();
    let results = results.project(&query.project).query_id(&query.id);
    let set = |(index, set)| {
        let announced = Announced::of(set);
        let results = results
            .clone()
            .result_set_index(u32::try_from(index).unwrap_or(u32::MAX));
        let pages = move || Paging::of_result_set(results.clone(), announced);
        ResultSet::new(Some(announced.rows()), pages)
    };
    Ended {
        service: SERVICE,
        result_sets: description
            .result_sets
            .iter()
            .enumerate()
            .map(set)
            .collect(),
        details: Details {
            submitted_at: time(meta.and_then(|meta| meta.started_at.as_ref())),
            ended_at: time(meta.and_then(|meta| meta.finished_at.as_ref())),
            ..Details::default()
        },
        id: query.id,
    }
}
