//! The three services: starts a query at each, and attaches to a run.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use rowfeed::{RunRequest, Secret, dune, lightdash, prelude::*, yandex_query};
use rowfeed_sandbox::Sandbox;
use serde::{Deserialize, Serialize};

/// The maximum age of the latest result of a saved query.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Service {
    Dune,
    Lightdash,
    YandexQuery,
}

/// The query to export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Query {
    Sql(String),
    Saved(i64),
}

/// A client with the other parameters of its service: a project, a folder.
pub(crate) enum Client {
    Dune(dune::Client),
    Lightdash(lightdash::Client, String),
    YandexQuery(yandex_query::Client, String),
}

impl Client {
    pub(crate) fn from_env(service: Service) -> Result<Self> {
        let variable = |name| std::env::var(name).with_context(|| format!("{name} is not set"));
        Ok(match service {
            Service::Dune => Self::Dune(dune::Client::from_env()?),
            Service::Lightdash => Self::Lightdash(
                lightdash::Client::from_env()?,
                variable("LIGHTDASH_PROJECT")?,
            ),
            Service::YandexQuery => {
                Self::YandexQuery(yandex_query::Client::from_env()?, variable("YC_FOLDER_ID")?)
            }
        })
    }

    pub(crate) fn of_sandbox(service: Service, sandbox: &Sandbox) -> Result<Self> {
        Ok(match service {
            Service::Dune => Self::Dune(
                dune::Client::builder()
                    .base_url(sandbox.dune_url())
                    .api_key(Secret::new(rowfeed_sandbox::DUNE_API_KEY)?)
                    .build()?,
            ),
            Service::Lightdash => Self::Lightdash(
                lightdash::Client::builder()
                    .base_url(sandbox.lightdash_url())
                    .token(Secret::new(rowfeed_sandbox::LIGHTDASH_TOKEN)?)
                    .build()?,
                rowfeed_sandbox::LIGHTDASH_PROJECT_UUID.to_owned(),
            ),
            Service::YandexQuery => Self::YandexQuery(
                yandex_query::Client::builder()
                    .base_url(sandbox.yandex_query_url())
                    .iam_token(Secret::new(rowfeed_sandbox::YANDEX_IAM_TOKEN)?)
                    .build()?,
                rowfeed_sandbox::YANDEX_PROJECT.to_owned(),
            ),
        })
    }

    pub(crate) fn start(&self, query: &Query) -> Result<RunRequest> {
        Ok(match (self, query) {
            (Self::Dune(dune), Query::Sql(sql)) => dune.execute_sql().body(sql.as_str()).run(),
            (Self::Dune(dune), Query::Saved(id)) => dune
                .get_latest_query_result()
                .query_id(*id)
                .run()
                .max_age(MAX_AGE),
            (Self::Lightdash(lightdash, project), Query::Sql(sql)) => lightdash
                .execute_async_sql_query()
                .project_uuid(project)
                .body(sql.as_str())
                .run(),
            (Self::YandexQuery(yandex, folder), Query::Sql(sql)) => yandex
                .create_query()
                .project(folder)
                .body(sql.as_str())
                .run(),
            (_, Query::Saved(_)) => bail!("--query-id is for Dune; other services take --sql"),
        })
    }

    /// Attaches to the same run by its id from [`RunHandle::id`](rowfeed::RunHandle::id).
    pub(crate) fn attach(&self, run_id: &str) -> RunRequest {
        match self {
            Self::Dune(dune) => dune.get_execution_status().execution_id(run_id).run(),
            Self::Lightdash(lightdash, project) => lightdash
                .get_async_query_results()
                .project_uuid(project)
                .query_uuid(run_id)
                .run(),
            Self::YandexQuery(yandex, folder) => yandex
                .get_query_status()
                .project(folder)
                .query_id(run_id)
                .run(),
        }
    }
}
