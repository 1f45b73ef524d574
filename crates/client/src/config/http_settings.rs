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
        let http = reqwest::Client::builder().user_agent(self.user_agent.clone());
        let change = |http| self.changes.iter().fold(http, |http, change| change(http));
        platform::configure(http, self.connect_timeout, change)
            .build()
            .map_err(|error| BuildError(Problem::Http(error.without_url())))
    }
}
