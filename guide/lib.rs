//! The chapters of the guide, so that their code is compiled and run:
//! `cargo test -p rowfeed-guide`.
//!
//! The functions here are for hidden lines of the chapters: a sandbox, and a client that talks to
//! it.

#![forbid(unsafe_code)]

use std::error::Error;

use rowfeed::{Secret, dune, lightdash, yandex_query};
use rowfeed_sandbox::{DUNE_API_KEY, LIGHTDASH_TOKEN, Sandbox, SandboxBuilder, YANDEX_IAM_TOKEN};

/// Declares a module for each page of the book.
macro_rules! chapters {
    ($($name:ident = $file:literal),* $(,)?) => {
        $(
            #[doc = include_str!(concat!("src/", $file))]
            pub mod $name {}
        )*
    };
}

chapters! {
    first_rows = "first-rows.md",
    command = "command.md",
    typing_rows = "typing-rows.md",
    long_results = "long-results.md",
    arrow = "arrow.md",
    snapshots = "snapshots.md",
    kept_results = "kept-results.md",
    running_queries = "running-queries.md",
    lightdash_queries = "lightdash.md",
    any_path = "any-path.md",
    writing = "writing.md",
    errors_and_retries = "errors-and-retries.md",
    common_errors = "common-errors.md",
    testing = "testing.md",
    record_replay = "record-replay.md",
    costs_and_rates = "costs-and-rates.md",
    adding_a_service = "adding-a-service.md",
    new_api_version = "new-api-version.md",
}

/// The front page of the workspace. Its links lead to files.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub mod readme {}

/// A sandbox whose runs end at once.
pub fn quick() -> SandboxBuilder {
    Sandbox::builder().poll_steps(0)
}

/// A sandbox, and a Dune client for it.
pub async fn dune(builder: SandboxBuilder) -> Result<(Sandbox, dune::Client), Box<dyn Error>> {
    let sandbox = builder.start().await?;
    let client = dune::Client::builder().base_url(sandbox.dune_url());
    let client = client.api_key(Secret::new(DUNE_API_KEY)?).build()?;
    Ok((sandbox, client))
}

/// A sandbox, and a Lightdash client for it.
pub async fn lightdash() -> Result<(Sandbox, lightdash::Client), Box<dyn Error>> {
    let sandbox = quick().start().await?;
    let client = lightdash::Client::builder().base_url(sandbox.lightdash_url());
    let client = client.token(Secret::new(LIGHTDASH_TOKEN)?).build()?;
    Ok((sandbox, client))
}

/// A sandbox, and a Yandex Query client for it.
pub async fn yandex() -> Result<(Sandbox, yandex_query::Client), Box<dyn Error>> {
    let sandbox = quick().start().await?;
    let client = yandex_query::Client::builder().base_url(sandbox.yandex_query_url());
    let client = client.iam_token(Secret::new(YANDEX_IAM_TOKEN)?).build()?;
    Ok((sandbox, client))
}
