//! The clients of a worker, by name.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use rowfeed::{dune, lightdash, yandex_query};

use super::attach::{AttachedRun, RunKey};

/// The clients of a worker by the name of a profile and by service. Plans name a profile; the
/// credentials stay with the worker.
///
/// A key has one rate limit at the service, however many workers use it. Give the client of each
/// worker its share: the limit of the key divided by the number of workers.
#[derive(Clone, Default)]
#[must_use]
pub struct Profiles {
    clients: HashMap<(String, &'static str), Client>,
    /// The runs that plans of this worker read now.
    runs: Arc<Mutex<HashMap<RunKey, Weak<AttachedRun>>>>,
}

/// A client of one of the services.
#[derive(Clone)]
pub(crate) enum Client {
    Dune(dune::Client),
    Lightdash(lightdash::Client),
    YandexQuery(yandex_query::Client),
}

impl Profiles {
    /// Profiles without a client.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a client for Dune to a profile.
    pub fn dune(self, profile: impl Into<String>, client: dune::Client) -> Self {
        self.with(profile, "dune", Client::Dune(client))
    }

    /// Adds a client for Lightdash to a profile. Lightdash shows a result to the account that
    /// started the query, and answers 404 to others.
    pub fn lightdash(self, profile: impl Into<String>, client: lightdash::Client) -> Self {
        self.with(profile, "lightdash", Client::Lightdash(client))
    }

    /// Adds a client for Yandex Query to a profile.
    pub fn yandex_query(self, profile: impl Into<String>, client: yandex_query::Client) -> Self {
        self.with(profile, "yandex-query", Client::YandexQuery(client))
    }

    fn with(mut self, profile: impl Into<String>, service: &'static str, client: Client) -> Self {
        self.clients.insert((profile.into(), service), client);
        self
    }

    /// Returns the client of a profile, and the name of its service.
    pub(crate) fn get(&self, profile: &str, service: &str) -> Option<(&'static str, &Client)> {
        let mut clients = self.clients.iter();
        clients
            .find(|((name, of), _)| name == profile && *of == service)
            .map(|((_, service), client)| (*service, client))
    }

    /// The names of the profiles that have a client of this service, in order.
    pub(crate) fn names(&self, service: &str) -> Vec<&str> {
        let clients = self.clients.keys().filter(|(_, of)| *of == service);
        let mut names: Vec<_> = clients.map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// Returns the run, which all scans of this worker share as long as one of them needs it.
    pub(crate) fn run(&self, key: RunKey, client: &Client) -> Arc<AttachedRun> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.retain(|_, run| run.strong_count() > 0);
        if let Some(run) = runs.get(&key).and_then(Weak::upgrade) {
            return run;
        }
        let run = Arc::new(AttachedRun::new(key.clone(), client.clone()));
        runs.insert(key, Arc::downgrade(&run));
        run
    }
}

impl fmt::Debug for Profiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.clients.keys().collect();
        names.sort_unstable();
        f.debug_tuple("Profiles").field(&names).finish()
    }
}
