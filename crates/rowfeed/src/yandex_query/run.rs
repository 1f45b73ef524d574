//! Runs at Yandex Query: `create_query`, `get_query_status` until the query has ended, and
//! `get_query` for its result sets.

use std::time::Duration;

use rowfeed_yandex_query::{Client, builder, types};

use super::{
    paging::{Announced, Paging},
    state::{SERVICE, call, check_status},
};
use crate::{
    Error, Run, Starting, StartsRun,
    poll::{Interval, Progress, until_ended},
    reader::Start,
    run::{Ended, Waiting},
};

const INTERVAL: Interval = Interval {
    first: Duration::from_millis(200),
    most: Duration::from_secs(2),
};

impl StartsRun for builder::CreateQuery {
    fn run(self) -> Starting {
        Starting::new(INTERVAL, |waiting| async move {
            let client = self.client.clone();
            let project = self.project.clone();
            let started = self.send().await.map_err(call)?;
            // The call would have failed without a project.
            let project = project.map_err(|message| Error::invalid(SERVICE, message))?;
            wait(client, project, started.into_inner().id, waiting).await
        })
    }
}

async fn wait(client: Client, project: String, id: String, waiting: Waiting) -> Result<Run, Error> {
    until_ended(SERVICE, waiting.interval, waiting.timeout, || async {
        let status = client
            .get_query_status()
            .project(&project)
            .query_id(&id)
            .send();
        let status = status.await.map_err(call)?.into_inner().status;
        Ok(match status {
            types::QueryStatus::Running => Progress::Going,
            _ => Progress::Ended(()),
        })
    })
    .await
    .map_err(|error| error.with_run(&id))?;
    let query = client.get_query().project(&project).query_id(&id).send();
    let query = query
        .await
        .map_err(|error| call(error).with_run(&id))?
        .into_inner();
    check_status(&query)?;
    let sets: Vec<_> = query.result_sets.iter().map(Announced::of).collect();
    let rows = sets.iter().map(|set| Some(set.rows())).collect();
    Ok(Run::new(Query {
        client,
        project,
        id,
        sets,
        rows,
    }))
}

struct Query {
    client: Client,
    project: String,
    id: String,
    sets: Vec<Announced>,
    rows: Vec<Option<u64>>,
}

impl Ended for Query {
    fn service(&self) -> &'static str {
        SERVICE
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn result_sets(&self) -> &[Option<u64>] {
        &self.rows
    }

    fn source(&self, result_set: usize) -> Box<dyn Start> {
        let index = u32::try_from(result_set).unwrap_or(u32::MAX);
        let results = self
            .client
            .get_query_results()
            .project(&self.project)
            .query_id(&self.id);
        let results = results.result_set_index(index);
        Box::new(Paging::of_result_set(results, self.sets[result_set]))
    }
}
