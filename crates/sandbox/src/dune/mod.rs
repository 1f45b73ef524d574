//! Dune: executions, their results in pages, saved queries, tables.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::credentials::DUNE_API_KEY;
use crate::exchange::{Answer, Request};
use crate::world::World;

mod cell;
mod csv;
mod datasets;
mod encode;
mod errors;
mod execute;
mod filter;
mod limits;
mod paging;
mod pipelines;
mod queries;
mod results;
mod select;
mod state;
mod status;
mod uploads;
mod views;

use limits::Limits;
use queries::Change;
use state::State;

pub(crate) struct Dune {
    world: Arc<World>,
    state: Mutex<State>,
    limits: Limits,
}

impl Dune {
    pub(crate) fn new(world: Arc<World>) -> Self {
        let state = Mutex::new(State::with_samples(&world));
        let limits = Limits::new(world.options.dune_requests_per_minute);
        Self {
            world,
            state,
            limits,
        }
    }

    pub(crate) fn answer(&self, request: &Request) -> Answer {
        let key = request
            .header("x-dune-api-key")
            .or_else(|| request.query("api_key"));
        if key != Some(DUNE_API_KEY) {
            return errors::wrong_key();
        }
        let standing = self.limits.count(request.method != "GET");
        if let Some(refusal) = standing.refusal() {
            return refusal;
        }
        standing.on(self.route(request))
    }

    fn route(&self, request: &Request) -> Answer {
        let (method, mut path) = request.route();
        // a trailing slash is allowed, because an official client sends one
        if path.last() == Some(&"") {
            path.pop();
        }
        let ["api", "v1", path @ ..] = path.as_slice() else {
            return no_page();
        };
        match (method, path) {
            ("POST", ["sql", "execute"]) => self.execute_sql(request),
            ("GET", ["endpoints", handle, slug, "results"]) => self.endpoint(request, handle, slug),
            ("POST", ["usage"]) => self.usage(),
            ("GET", ["datasets"]) => self.list_datasets(request),
            ("GET", ["datasets", name]) => self.get_dataset(name),
            ("GET", ["execution", id, "status"]) => self.status(request, id),
            ("GET", ["execution", id, "results"]) => self.results(request, id, false),
            ("GET", ["execution", id, "results", "csv"]) => self.results(request, id, true),
            ("POST", ["execution", id, "cancel"]) => self.cancel(id),
            ("POST", ["pipelines", "execute"]) => self.execute_pipeline(request),
            ("GET", ["pipelines", "executions", id, "status"]) => self.pipeline_status(request, id),
            (_, ["query" | "queries", ..]) => self.route_query(request, method, path),
            (_, ["uploads", ..]) => self.route_upload(request, method, &path[1..]),
            (_, ["materialized-views", ..]) => self.route_view(request, method, &path[1..]),
            _ => no_page(),
        }
    }

    fn route_query(&self, request: &Request, method: &str, path: &[&str]) -> Answer {
        match (method, path) {
            ("POST", ["query"]) => self.create_query(request),
            ("GET", ["queries"]) => self.list_queries(request),
            ("GET", ["query", id]) => self.get_query(id),
            ("PATCH", ["query", id]) => self.update_query(request, id),
            ("POST", ["query", id, "archive"]) => self.change_query(id, Change::Archived(true)),
            ("POST", ["query", id, "unarchive"]) => self.change_query(id, Change::Archived(false)),
            ("POST", ["query", id, "private"]) => self.change_query(id, Change::Private(true)),
            ("POST", ["query", id, "unprivate"]) => self.change_query(id, Change::Private(false)),
            ("POST", ["query", id, "execute"]) => self.execute_query(request, id),
            ("GET", ["query", id, "results"]) => self.latest(request, id, false),
            ("GET", ["query", id, "results", "csv"]) => self.latest(request, id, true),
            ("GET", ["query", id, "pipeline"]) => self.query_pipeline(id),
            ("POST", ["query", id, "pipeline", "execute"]) => {
                self.execute_query_pipeline(request, id)
            }
            _ => no_page(),
        }
    }

    fn route_upload(&self, request: &Request, method: &str, path: &[&str]) -> Answer {
        match (method, path) {
            ("GET", []) => self.list_uploads(request),
            ("POST", []) => self.create_table(request),
            ("POST", ["csv"]) => self.upload_csv(request),
            ("DELETE", [namespace, table]) => self.delete_table(namespace, table),
            ("POST", [namespace, table, "clear"]) => self.clear(namespace, table),
            ("POST", [namespace, table, "insert"]) => self.insert(request, namespace, table),
            _ => no_page(),
        }
    }

    fn route_view(&self, request: &Request, method: &str, path: &[&str]) -> Answer {
        match (method, path) {
            ("GET", []) => self.list_views(request),
            ("POST", []) => self.upsert_view(request),
            ("GET", [name]) => self.get_view(name),
            ("DELETE", [name]) => self.delete_view(name),
            ("POST", [name, "refresh"]) => self.refresh_view(name),
            _ => no_page(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_page() -> Answer {
    errors::error(404, "404 page not found")
}
