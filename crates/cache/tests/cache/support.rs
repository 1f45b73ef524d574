//! Clients of a sandbox that share a directory.

use std::{path::Path, sync::Arc};

use rowfeed::{Page, Pages, RetryPolicy, Secret, dune, lightdash, yandex_query};
use rowfeed_cache::PageCache;
use rowfeed_sandbox::{DUNE_API_KEY, LIGHTDASH_TOKEN, Sandbox, SandboxBuilder, YANDEX_IAM_TOKEN};

pub(crate) const SQL: &str = "SELECT * FROM trades ORDER BY block_time";

pub(crate) async fn sandbox(change: impl FnOnce(SandboxBuilder) -> SandboxBuilder) -> Sandbox {
    change(Sandbox::builder().poll_steps(0))
        .start()
        .await
        .unwrap()
}

pub(crate) fn cache(directory: &Path, account: &str) -> Arc<PageCache> {
    Arc::new(PageCache::directory(directory.join("pages"), account).unwrap())
}

pub(crate) fn dune(sandbox: &Sandbox, cache: &Arc<PageCache>) -> dune::Client {
    let builder = dune::Client::builder()
        .base_url(sandbox.dune_url())
        .retry(RetryPolicy::none());
    let builder = builder.api_key(Secret::new(DUNE_API_KEY).unwrap());
    builder.cache(cache.clone()).build().unwrap()
}

pub(crate) fn lightdash(sandbox: &Sandbox, cache: &Arc<PageCache>) -> lightdash::Client {
    let builder = lightdash::Client::builder().base_url(sandbox.lightdash_url());
    let builder = builder.token(Secret::new(LIGHTDASH_TOKEN).unwrap());
    builder.cache(cache.clone()).build().unwrap()
}

pub(crate) fn yandex(sandbox: &Sandbox, cache: &Arc<PageCache>) -> yandex_query::Client {
    let builder = yandex_query::Client::builder().base_url(sandbox.yandex_query_url());
    let builder = builder.iam_token(Secret::new(YANDEX_IAM_TOKEN).unwrap());
    builder.cache(cache.clone()).build().unwrap()
}

/// The rows as JSON, and whether each page was kept.
pub(crate) async fn read(pages: Pages) -> (Vec<String>, Vec<bool>) {
    let pages: Vec<Page> = pages.try_collect().await.unwrap();
    let rows = pages
        .iter()
        .flat_map(|page| page.raw().iter_raw().map(str::to_owned));
    let cached = pages.iter().map(|page| page.raw().is_cached()).collect();
    (rows.collect(), cached)
}
