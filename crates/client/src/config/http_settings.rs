use std::{sync::Arc, time::Duration};

use reqwest::header::HeaderValue;

use super::{BuildError, build_error::Problem};
use crate::platform;

pub(super) type HttpHook =
    Arc<dyn Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync>;

/// The settings of an HTTP client, kept so that another one can be created.
pub(crate) struct HttpSettings {
    user_agent: HeaderValue,
    connect_timeout: Duration,
    changes: Vec<HttpHook>,
}

impl HttpSettings {
    pub(super) fn new(
        user_agent: HeaderValue,
        connect_timeout: Duration,
        changes: Vec<HttpHook>,
    ) -> Self {
        Self {
            user_agent,
            connect_timeout,
            changes,
        }
    }

    pub(crate) fn client(&self) -> Result<reqwest::Client, BuildError> {
        // The changes may affect TLS, so the client gets its own settings. reqwest refuses shared
        // settings if its version of rustls differs from ours.
        let shared = self.changes.is_empty().then(|| self.builder());
        if let Some(http) = shared.and_then(platform::with_shared_tls)
            && let Ok(client) = http.build()
        {
            return Ok(client);
        }
        self.builder()
            .build()
            .map_err(|error| BuildError(Problem::Http(error.without_url())))
    }

    fn builder(&self) -> reqwest::ClientBuilder {
        let http = reqwest::Client::builder().user_agent(self.user_agent.clone());
        let change = |http| self.changes.iter().fold(http, |http, change| change(http));
        platform::configure(http, self.connect_timeout, change)
    }
}
