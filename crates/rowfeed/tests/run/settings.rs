//! The settings of a client that the facade re-exports apply to reads and runs.

use std::{future::IntoFuture as _, sync::Arc, time::Duration};

use rowfeed::{
    EnvCredential, ExpiringSecret, RateLimit, RefreshingCredential, RetryPolicy, Row, Secret, dune,
    prelude::*, yandex_query,
};
use rowfeed_sandbox::{
    DUNE_API_KEY, DUNE_QUERY_ID, Fault, Sandbox, YANDEX_IAM_TOKEN, YANDEX_PROJECT,
};

async fn sandbox() -> Sandbox {
    Sandbox::builder().poll_steps(0).start().await.unwrap()
}

fn dune(sandbox: &Sandbox) -> dune::ClientBuilder {
    let key = Secret::new(DUNE_API_KEY).unwrap();
    let builder = dune::Client::builder().base_url(sandbox.dune_url());
    builder.api_key(key)
}

#[tokio::test]
async fn a_retry_policy_retries_a_page_that_failed_with_503() {
    let sandbox = sandbox().await;
    let retry = RetryPolicy::new()
        .max_attempts(6)
        .base_delay(Duration::from_millis(20));
    let dune = dune(&sandbox).retry(retry).build().unwrap();
    sandbox.fault(Fault::status(503));
    let latest = dune.get_latest_query_result().query_id(DUNE_QUERY_ID);
    assert!(latest.pages().try_next().await.unwrap().is_some());
    assert_eq!(sandbox.requests().len(), 2);
}

#[tokio::test]
async fn reads_and_runs_share_a_rate_limit() {
    let sandbox = sandbox().await;
    let limit = RateLimit::new(40, Duration::from_millis(800)).burst(5);
    let dune = dune(&sandbox).rate_limit(limit).build().unwrap();
    let trades = dune
        .get_latest_query_result()
        .query_id(DUNE_QUERY_ID)
        .rows::<Row>();
    let (trades, count) = tokio::join!(
        trades.try_collect::<Vec<_>>(),
        dune.execute_sql()
            .body("SELECT COUNT(*) AS trades FROM trades")
            .run()
            .into_future(),
    );
    assert_eq!(trades.unwrap().len(), 48);
    count.unwrap();
}

#[tokio::test]
async fn a_refreshing_credential_provides_the_token_of_a_run() {
    let sandbox = sandbox().await;
    let credential = RefreshingCredential::new(|| async {
        let token = Secret::new(YANDEX_IAM_TOKEN)?;
        Ok(ExpiringSecret::valid_for(token, Duration::from_secs(3600)))
    });
    let yandex = yandex_query::Client::builder().base_url(sandbox.yandex_query_url());
    let yandex = yandex
        .credential_provider(Arc::new(credential))
        .build()
        .unwrap();
    let query = yandex
        .create_query()
        .project(YANDEX_PROJECT)
        .body("SELECT 1 AS n");
    let rows: Vec<i64> = query
        .run()
        .await
        .unwrap()
        .rows()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows, [1]);
}

#[test]
fn an_env_credential_needs_no_variable_until_it_is_used() {
    let credential = Arc::new(EnvCredential::new("ROWFEED_TEST_UNSET_KEY"));
    assert!(
        dune::Client::builder()
            .credential_provider(credential)
            .build()
            .is_ok()
    );
}

#[test]
fn a_secret_is_a_credential_and_is_not_shown() {
    let key = Secret::new("a key from a vault").unwrap();
    assert_eq!(format!("{key:?}"), "Secret(***)");
    assert!(dune::Client::builder().api_key(key).build().is_ok());
}
