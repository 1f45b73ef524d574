//! Yandex Query: queries of one folder, and pages of their result sets.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::credentials::{YANDEX_IAM_TOKEN_WITHOUT_ROLE, YANDEX_OTHER_IAM_TOKEN, YANDEX_PROJECT};
use crate::exchange::{Answer, Request};
use crate::world::World;

mod encode;
mod errors;
mod queries;
mod results;
mod state;

use state::{State, Subject};

/// The longest id, name, key and folder.
const MAX_NAME: usize = 1024;

/// The OpenAPI document that the service serves.
const OPENAPI: &str = include_str!("openapi.yaml");

pub(crate) struct YandexQuery {
    world: Arc<World>,
    state: Mutex<State>,
}

impl YandexQuery {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self {
            world,
            state: Mutex::new(State::new()),
        }
    }

    pub(crate) fn answer(&self, request: &Request) -> Answer {
        let (method, path) = request.route();
        let operation = match (method, path.as_slice()) {
            ("GET", ["ping"]) => return Answer::empty(200),
            // without authorization, and with the content type of the service
            ("GET", ["resources", "v1", "openapi.yaml"]) => {
                return Answer::new(200, "text/plain;charset=UTF-8", OPENAPI);
            }
            (_, ["api", "fq", "v1", "queries", operation @ ..]) => operation,
            _ => return Answer::empty(404),
        };
        let known = matches!(
            (method, operation),
            ("POST", [] | [_, "stop" | "start"]) | ("GET", [_] | [_, "status"] | [_, "results", _])
        );
        if !known {
            return Answer::empty(404);
        }
        let subject = match authorize(&self.world, request) {
            Ok(subject) => subject,
            Err(answer) => return answer,
        };
        if let [id, ..] = operation
            && (id.is_empty() || id.len() > MAX_NAME)
        {
            return errors::validation("query_id's length is not in [1; 1024]");
        }
        // a subject cannot see queries of another
        if let [id, ..] = operation
            && !self.state().is_of(id, subject)
        {
            return errors::no_query();
        }
        match (method, operation) {
            ("POST", []) => self.create(request, subject),
            ("GET", [id]) => self.get(request, id),
            ("GET", [id, "status"]) => self.status(request, id),
            ("GET", [id, "results", index]) => self.results(request, id, index),
            ("POST", [id, "stop"]) => self.stop(request, id),
            ("POST", [id, "start"]) => self.start(id),
            _ => Answer::empty(404),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks the token and the folder. The answer to an invalid token is plain text, as at the
/// service.
fn authorize(world: &World, request: &Request) -> Result<Subject, Answer> {
    let header = request.header("authorization").unwrap_or_default();
    if header.is_empty() {
        return Err(errors::bad_request("Token is empty", None));
    }
    let token = header.strip_prefix("Bearer ").unwrap_or_default();
    let subject = match token {
        YANDEX_IAM_TOKEN_WITHOUT_ROLE | YANDEX_OTHER_IAM_TOKEN => Subject::Other,
        _ if world.tokens.accept(token) => Subject::Account,
        _ => return Err(Answer::text(401, "The token is invalid")),
    };
    let project = request.query("project").unwrap_or_default();
    if project.is_empty() || project.len() > MAX_NAME {
        return Err(errors::bad_request(
            "x-ydb-fq-project format is invalid. Must be yandexcloud://folder_id",
            None,
        ));
    }
    if token == YANDEX_IAM_TOKEN_WITHOUT_ROLE || project != YANDEX_PROJECT {
        return Err(errors::unauthorized());
    }
    Ok(subject)
}
