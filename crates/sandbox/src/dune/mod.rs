//! Dune: executions, their results in pages, saved queries.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::credentials::DUNE_API_KEY;
use crate::exchange::{Answer, Request};
use crate::world::World;

mod csv;
mod encode;
mod errors;
mod execute;
mod queries;
mod results;
mod select;
mod state;
mod status;

use state::State;

pub(crate) struct Dune {
    world: Arc<World>,
    state: Mutex<State>,
}

impl Dune {
    pub(crate) fn new(world: Arc<World>) -> Self {
        let state = Mutex::new(State::with_samples(&world));
        Self { world, state }
    }

    pub(crate) fn answer(&self, request: &Request) -> Answer {
        let key = request
            .header("x-dune-api-key")
            .or_else(|| request.query("api_key"));
        if key != Some(DUNE_API_KEY) {
            return errors::wrong_key();
        }
        let (method, mut path) = request.route();
        // a slash at the end makes no difference: an official client sends one
        if path.last() == Some(&"") {
            path.pop();
        }
        match (method, path.as_slice()) {
            ("POST", ["api", "v1", "sql", "execute"]) => self.execute_sql(request),
            ("POST", ["api", "v1", "query"]) => self.create_query(request),
            ("GET", ["api", "v1", "queries"]) => self.list_queries(request),
            ("POST", ["api", "v1", "usage"]) => self.usage(),
            ("GET", ["api", "v1", "query", id]) => self.get_query(id),
            ("POST", ["api", "v1", "query", id, "execute"]) => self.execute_query(request, id),
            ("GET", ["api", "v1", "query", id, "results"]) => self.latest(request, id, false),
            ("GET", ["api", "v1", "query", id, "results", "csv"]) => self.latest(request, id, true),
            ("GET", ["api", "v1", "execution", id, "status"]) => self.status(request, id),
            ("GET", ["api", "v1", "execution", id, "results"]) => self.results(request, id, false),
            ("GET", ["api", "v1", "execution", id, "results", "csv"]) => {
                self.results(request, id, true)
            }
            ("POST", ["api", "v1", "execution", id, "cancel"]) => self.cancel(id),
            _ => errors::error(404, "404 page not found"),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
