//! A sandbox, a client for each service, and runs at all of them.
#![allow(dead_code, unreachable_pub)]

pub mod dune_answers;
pub mod page_server;
pub mod random_table;

use std::time::Duration;

use rowfeed::{
    CompletedRun, Error, RetryPolicy, Secret, dune, lightdash, prelude::*, yandex_query,
};
use rowfeed_sandbox::{
    DUNE_API_KEY, Fault, LIGHTDASH_PROJECT_UUID, LIGHTDASH_TOKEN, Recorded, Sandbox,
    SandboxBuilder, Service, YANDEX_IAM_TOKEN, YANDEX_PROJECT,
};
use serde::Deserialize;

pub const ALL: [Service; 3] = [Service::Dune, Service::Lightdash, Service::YandexQuery];

/// A table of numbers, `n` from 0 on.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Number {
    pub n: i64,
}

pub struct Bench {
    pub sandbox: Sandbox,
    pub dune: dune::Client,
    pub lightdash: lightdash::Client,
    pub yandex_query: yandex_query::Client,
}

impl Bench {
    /// A sandbox whose runs end at once.
    pub async fn start() -> Self {
        Self::with(Sandbox::builder().poll_steps(0)).await
    }

    pub async fn with(builder: SandboxBuilder) -> Self {
        let sandbox = builder.start().await.unwrap();
        Self {
            dune: dune_client(&sandbox, DUNE_API_KEY),
            lightdash: lightdash_client(&sandbox, LIGHTDASH_TOKEN),
            yandex_query: yandex_query_client(&sandbox, YANDEX_IAM_TOKEN),
            sandbox,
        }
    }

    pub async fn try_run(&self, service: Service, sql: &str) -> Result<CompletedRun, Error> {
        let starting = match service {
            Service::Dune => self.dune.execute_sql().body(sql).run(),
            Service::Lightdash => self.start_lightdash(sql).run(),
            Service::YandexQuery => self.start_yandex_query(sql).run(),
            other => panic!("unknown service {other:?}"),
        };
        starting
            .poll_interval(Duration::from_millis(1), Duration::from_millis(2))
            .await
    }

    /// A completed run. Clears the recorded requests.
    pub async fn run(&self, service: Service, sql: &str) -> CompletedRun {
        let run = self.try_run(service, sql).await.unwrap();
        self.sandbox.take_requests();
        run
    }

    /// A run that returns the numbers from 0 up to `count`.
    pub async fn numbers(&self, service: Service, count: u32) -> CompletedRun {
        self.run(service, &numbers(count)).await
    }

    pub fn start_lightdash(&self, sql: &str) -> lightdash::builder::ExecuteAsyncSqlQuery {
        let operation = self.lightdash.execute_async_sql_query();
        operation.project_uuid(LIGHTDASH_PROJECT_UUID).body(sql)
    }

    pub fn start_yandex_query(&self, sql: &str) -> yandex_query::builder::CreateQuery {
        let operation = self.yandex_query.create_query();
        operation.project(YANDEX_PROJECT).body(sql)
    }

    /// The operation that reads a Dune execution.
    pub fn execution(&self, id: &str) -> dune::builder::GetExecutionResults {
        self.dune.get_execution_results().execution_id(id)
    }

    /// The operation that reads a Lightdash query.
    pub fn query(&self, id: &str) -> lightdash::builder::GetAsyncQueryResults {
        let operation = self.lightdash.get_async_query_results();
        operation
            .project_uuid(LIGHTDASH_PROJECT_UUID)
            .query_uuid(id)
    }

    /// The operation that reads a result set of Yandex Query.
    pub fn set(&self, id: &str, index: u32) -> yandex_query::builder::GetQueryResults {
        let operation = self.yandex_query.get_query_results();
        operation
            .project(YANDEX_PROJECT)
            .query_id(id)
            .result_set_index(index)
    }

    /// Responds with this body to a request for a page, after `after` other requests.
    pub fn answer(&self, service: Service, after: u32, body: impl ToString) {
        self.answer_at(service, page_path(service), after, body);
    }

    pub fn answer_at(&self, service: Service, path: &str, after: u32, body: impl ToString) {
        let fault = Fault::answer(200, "application/json", body.to_string());
        self.sandbox
            .fault(fault.on(service).method("GET").path(path).after(after));
    }

    /// The requests for pages since the last call.
    pub fn pages_asked(&self) -> Vec<Recorded> {
        let requests = self.sandbox.take_requests();
        requests.into_iter().filter(is_page).collect()
    }

    /// The number of rows of each page since the last call.
    pub fn rows_sent(&self) -> Vec<usize> {
        let pages = self.pages_asked();
        pages.iter().map(|page| page.rows.unwrap_or(0)).collect()
    }
}

/// A part of the path that only requests for pages have.
pub fn page_path(service: Service) -> &'static str {
    match service {
        Service::Lightdash => "/query/",
        _ => "/results",
    }
}

fn is_page(request: &Recorded) -> bool {
    let service = request.service.unwrap();
    request.method == "GET" && request.path.contains(page_path(service))
}

/// The values of a query parameter in each of these requests.
pub fn sent(requests: &[Recorded], name: &str) -> Vec<Option<String>> {
    requests
        .iter()
        .map(|request| request.query_value(name))
        .collect()
}

/// The values of a query parameter that all of these requests have as a number.
#[track_caller]
pub fn numbers_sent(requests: &[Recorded], name: &str) -> Vec<i64> {
    let values = sent(requests, name).into_iter();
    values
        .map(|value| value.unwrap().parse().unwrap())
        .collect()
}

/// SQL for the numbers from 0 up to `count`, in order.
pub fn numbers(count: u32) -> String {
    format!(
        "WITH RECURSIVE t(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM t) \
         SELECT n FROM t LIMIT {count}"
    )
}

pub fn upto(count: i64) -> Vec<Number> {
    (0..count).map(|n| Number { n }).collect()
}

fn impatient() -> RetryPolicy {
    RetryPolicy::new().base_delay(Duration::from_millis(1))
}

pub fn dune_client(sandbox: &Sandbox, key: &str) -> dune::Client {
    let builder = dune::Client::builder().base_url(sandbox.dune_url());
    let builder = builder.api_key(Secret::new(key).unwrap());
    builder.retry(impatient()).build().unwrap()
}

pub fn lightdash_client(sandbox: &Sandbox, token: &str) -> lightdash::Client {
    let builder = lightdash::Client::builder().base_url(sandbox.lightdash_url());
    let builder = builder.token(Secret::new(token).unwrap());
    builder.retry(impatient()).build().unwrap()
}

pub fn yandex_query_client(sandbox: &Sandbox, token: &str) -> yandex_query::Client {
    let builder = yandex_query::Client::builder().base_url(sandbox.yandex_query_url());
    let builder = builder.iam_token(Secret::new(token).unwrap());
    builder.retry(impatient()).build().unwrap()
}
