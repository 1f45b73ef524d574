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
/// A key has one rate limit at the service, however many workers use it. Set the `rate_limit` of the
/// clients to the limit of the key, the same at every worker: a worker of a cluster of `n` takes one
/// `n`th of it.
#[derive(Clone, Default)]
#[must_use]
pub struct Profiles {
    clients: HashMap<Key, Client>,
    /// The runs that plans of this worker read now.
    runs: Arc<Mutex<HashMap<RunKey, Weak<AttachedRun>>>>,
    /// The clients with the share of the rate that plans named last.
    shares: Arc<Mutex<HashMap<Key, (u32, Client)>>>,
}

/// The name of a profile, and a service.
type Key = (String, &'static str);

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

    /// Returns the client of a profile with its share of the rate among this number of workers, and
    /// the name of its service.
    pub(crate) fn get(
        &self,
        profile: &str,
        service: &str,
        readers: u32,
    ) -> Option<(&'static str, Client)> {
        let mut clients = self.clients.iter();
        let (key, client) = clients.find(|((name, of), _)| name == profile && *of == service)?;
        // All plans with the same share wait in one queue.
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = match shares.get(key) {
            Some((of, shared)) if *of == readers => shared.clone(),
            _ => {
                let shared = client.share(readers);
                shares.insert(key.clone(), (readers, shared.clone()));
                shared
            }
        };
        Some((key.1, shared))
    }

    /// The names of the profiles that have a client of this service, in order.
    pub(crate) fn names(&self, service: &str) -> Vec<&str> {
        let clients = self.clients.keys().filter(|(_, of)| *of == service);
        let mut names: Vec<_> = clients.map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// Returns the run, which all scans of this worker share as long as one of them needs it.
    pub(crate) fn run(&self, key: RunKey, client: Client) -> Arc<AttachedRun> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.retain(|_, run| run.strong_count() > 0);
        if let Some(run) = runs.get(&key).and_then(Weak::upgrade) {
            return run;
        }
        let run = Arc::new(AttachedRun::new(key.clone(), client));
        runs.insert(key, Arc::downgrade(&run));
        run
    }
}

impl Client {
    /// Returns a client with its share of the rate among this number of processes.
    fn share(&self, of: u32) -> Self {
        macro_rules! share {
            ($kind:ident, $client:ident) => {
                Self::$kind(match $client.rate_limit() {
                    Some(limit) if of > 1 => $client.with_rate_limit(limit.share(of)),
                    _ => $client.clone(),
                })
            };
        }
        match self {
            Self::Dune(client) => share!(Dune, client),
            Self::Lightdash(client) => share!(Lightdash, client),
            Self::YandexQuery(client) => share!(YandexQuery, client),
        }
    }
}

impl fmt::Debug for Profiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.clients.keys().collect();
        names.sort_unstable();
        f.debug_tuple("Profiles").field(&names).finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rowfeed::{RateLimit, Secret};

    use super::*;

    fn limit(profiles: &Profiles, readers: u32) -> Option<RateLimit> {
        match profiles.get("reader", "dune", readers)? {
            ("dune", Client::Dune(client)) => client.rate_limit(),
            other => panic!("{}", other.0),
        }
    }

    #[test]
    fn a_worker_takes_its_share_of_the_limit_of_the_key() {
        let dune = dune::Client::builder().api_key(Secret::new("a key").unwrap());
        let key = RateLimit::per_minute(40);
        let unlimited = Profiles::new().dune("reader", dune.build().unwrap());
        assert_eq!(limit(&unlimited, 3), None);

        let dune = dune::Client::builder().api_key(Secret::new("a key").unwrap());
        let profiles = Profiles::new().dune("reader", dune.rate_limit(key).build().unwrap());
        for readers in [2, 8, 1, 0, 3] {
            assert_eq!(limit(&profiles, readers), Some(key.share(readers)));
        }
        assert!(profiles.get("other", "dune", 2).is_none());
    }
}
