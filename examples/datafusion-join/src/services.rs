//! The two services, and queries at each.

use anyhow::{Context as _, Result};
use rowfeed::{CompletedRun, Error, Secret, dune, lightdash, prelude::*};
use rowfeed_sandbox::Sandbox;

pub(crate) struct Services {
    dune: dune::Client,
    lightdash: lightdash::Client,
    lightdash_project: String,
    /// The sandbox runs until this is dropped.
    _sandbox: Option<Sandbox>,
}

impl Services {
    pub(crate) fn from_env() -> Result<Self> {
        Ok(Self {
            dune: dune::Client::from_env()?,
            lightdash: lightdash::Client::from_env()?,
            lightdash_project: std::env::var("LIGHTDASH_PROJECT")
                .context("LIGHTDASH_PROJECT is not set; it is the uuid of a project")?,
            _sandbox: None,
        })
    }

    pub(crate) async fn of_sandbox() -> Result<Self> {
        let sandbox = Sandbox::start().await?;
        Ok(Self {
            dune: dune::Client::builder()
                .base_url(sandbox.dune_url())
                .api_key(Secret::new(rowfeed_sandbox::DUNE_API_KEY)?)
                .build()?,
            lightdash: lightdash::Client::builder()
                .base_url(sandbox.lightdash_url())
                .token(Secret::new(rowfeed_sandbox::LIGHTDASH_TOKEN)?)
                .build()?,
            lightdash_project: rowfeed_sandbox::LIGHTDASH_PROJECT_UUID.to_owned(),
            _sandbox: Some(sandbox),
        })
    }

    pub(crate) async fn run_at_dune(&self, sql: &str) -> Result<CompletedRun, Error> {
        self.dune.execute_sql().body(sql).run().await
    }

    pub(crate) async fn run_at_lightdash(&self, sql: &str) -> Result<CompletedRun, Error> {
        self.lightdash
            .execute_async_sql_query()
            .project_uuid(&self.lightdash_project)
            .body(sql)
            .run()
            .await
    }
}
