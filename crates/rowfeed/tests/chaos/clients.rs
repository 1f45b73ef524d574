//! A server, and a client of each service that talks to it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use reqwest::Proxy;
use rowfeed::{
    CompletedRun, Cursor, Error, Pages, RetryPolicy, Rows, RunRequest, Secret, dune, lightdash,
    prelude::*, yandex_query,
};

use crate::{
    dune::QUERY_ID,
    fault::{Class, Service},
    http::Server,
    lightdash::PROJECT,
    schedule::{ATTEMPTS, Schedule},
    world::{CREDENTIAL, Row, World},
    yandex_query::PROJECT as FOLDER,
};

/// The time limit of one attempt. If a slow machine takes longer, reading resumes from one more
/// error.
const ATTEMPT: Duration = Duration::from_millis(400);

pub struct Clients {
    pub world: Arc<Mutex<World>>,
    pub dune: dune::Client,
    pub lightdash: lightdash::Client,
    pub yandex_query: yandex_query::Client,
    _server: Option<Server>,
}

impl Clients {
    pub async fn start(world: World) -> Self {
        let world = Arc::new(Mutex::new(world));
        let server = Server::start(Arc::clone(&world)).await;
        let mut clients = Self::of(world, &server.url, None, ATTEMPT);
        clients._server = Some(server);
        clients
    }

    /// Clients that wait for a busy server.
    pub fn patient(world: Arc<Mutex<World>>, base_url: &str) -> Self {
        Self::of(world, base_url, None, Duration::from_secs(60))
    }

    /// Clients for this base URL. Every request goes through this proxy.
    pub fn behind(proxy: &str, world: Arc<Mutex<World>>, base_url: &str) -> Self {
        Self::of(world, base_url, Some(proxy), ATTEMPT)
    }

    fn of(
        world: Arc<Mutex<World>>,
        base_url: &str,
        proxy: Option<&str>,
        attempt: Duration,
    ) -> Self {
        let retry = RetryPolicy::new()
            .max_attempts(ATTEMPTS)
            .base_delay(Duration::from_millis(1))
            .max_delay(Duration::from_millis(2))
            .max_retry_after(Duration::from_secs(1))
            .budget(None);
        let secret = || Secret::new(CREDENTIAL).unwrap();
        macro_rules! client {
            ($service:ident, $credential:ident) => {{
                let proxy = proxy.map(|url| Proxy::all(url).unwrap());
                $service::Client::builder()
                    .base_url(base_url)
                    .timeout(attempt)
                    .retry(retry.clone())
                    .http(move |http| match &proxy {
                        Some(proxy) => http.proxy(proxy.clone()),
                        None => http.no_proxy(),
                    })
                    .$credential(secret())
                    .build()
                    .unwrap()
            }};
        }
        Self {
            dune: client!(dune, api_key),
            lightdash: client!(lightdash, token),
            yandex_query: client!(yandex_query, iam_token),
            world,
            _server: None,
        }
    }

    /// The pages of a run with this id, or of a latest result.
    pub fn pages(&self, schedule: &Schedule, id: &str) -> Pages {
        match (schedule.service, schedule.class) {
            (Service::Dune, Class::Latest) => {
                let latest = self.dune.get_latest_query_result();
                latest.query_id(QUERY_ID).pages()
            }
            (Service::Dune, class) => {
                let results = self.dune.get_execution_results().execution_id(id);
                match class {
                    Class::Filtered => results.filters("n >= 0").pages(),
                    _ => results.pages(),
                }
            }
            (Service::Lightdash, _) => {
                let results = self.lightdash.get_async_query_results();
                results.project_uuid(PROJECT).query_uuid(id).pages()
            }
            (Service::YandexQuery, _) => {
                let results = self.yandex_query.get_query_results();
                let results = results.project(FOLDER).query_id(id);
                results.result_set_index(0_u32).pages()
            }
        }
    }

    /// A new run, or a run that is attached by its id.
    pub fn starting(&self, service: Service, class: Class, id: Option<&str>) -> RunRequest {
        let starting = match (service, id) {
            (Service::Dune, None) if class == Class::MaxAge => {
                let latest = self.dune.get_latest_query_result().query_id(QUERY_ID);
                latest.run().max_age(Duration::from_secs(3600))
            }
            (Service::Dune, None) => self.dune.execute_sql().body("SELECT 1").run(),
            (Service::Dune, Some(id)) => self.dune.get_execution_status().execution_id(id).run(),
            (Service::Lightdash, None) => {
                let start = self.lightdash.execute_async_sql_query();
                start.project_uuid(PROJECT).body("SELECT 1").run()
            }
            (Service::Lightdash, Some(id)) => {
                let results = self.lightdash.get_async_query_results();
                results.project_uuid(PROJECT).query_uuid(id).run()
            }
            (Service::YandexQuery, None) => {
                let create = self.yandex_query.create_query();
                create.project(FOLDER).body("SELECT 1").run()
            }
            (Service::YandexQuery, Some(id)) => {
                let status = self.yandex_query.get_query_status();
                status.project(FOLDER).query_id(id).run()
            }
        };
        starting.poll_interval(Duration::from_millis(1), Duration::from_millis(2))
    }
}

/// A run that may take several attempts because of errors.
#[derive(Default)]
pub struct Attempts {
    pub id: Option<String>,
    /// How many runs were requested.
    pub starts: u32,
}

impl Attempts {
    /// Starts the run, or attaches to it if its id is known, and waits until it ends.
    pub async fn run(
        &mut self,
        clients: &Clients,
        schedule: &Schedule,
    ) -> Result<CompletedRun, Error> {
        self.starts += u32::from(self.id.is_none());
        let running = clients
            .starting(schedule.service, schedule.class, self.id.as_deref())
            .start();
        let running = running.await?;
        self.id = Some(running.id().to_owned());
        running.await
    }

    pub async fn cancel(&mut self, clients: &Clients, schedule: &Schedule) -> Result<(), Error> {
        self.starts += u32::from(self.id.is_none());
        let running = clients
            .starting(schedule.service, schedule.class, self.id.as_deref())
            .start();
        let running = running.await?;
        self.id = Some(running.id().to_owned());
        running.cancel().await
    }
}

/// The ways to read rows.
pub enum Reader {
    Rows(Box<Rows<Row>>),
    Pages(Box<Pages>),
}

impl Reader {
    pub fn new(
        schedule: &Schedule,
        pages: Pages,
        cursor: Option<&Cursor>,
        left: Option<u64>,
    ) -> Self {
        let mut pages = pages.page_size(schedule.page_size);
        if schedule.prefetch > 0 {
            pages = pages.prefetch(schedule.prefetch);
        }
        if let Some(left) = left {
            pages = pages.max_rows(left);
        }
        if let Some(cursor) = cursor {
            pages = pages.resume(cursor);
        }
        match schedule.class {
            Class::Pages => Self::Pages(Box::new(pages)),
            _ => Self::Rows(Box::new(pages.rows())),
        }
    }
}
