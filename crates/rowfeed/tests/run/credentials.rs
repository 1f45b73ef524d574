//! Credentials that change, and rate limits, while rows are read.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use crate::support::{Number, numbers, upto};
use rowfeed::{
    CallErrorKind, ErrorKind, ExpiringSecret, RateLimit, RefreshingCredential, RetryPolicy, Secret,
    TimeoutScope, dune, prelude::*, yandex_query,
};
use rowfeed_sandbox::{
    DUNE_API_KEY, DUNE_QUERY_ID, Fault, Sandbox, Service, YANDEX_IAM_TOKEN, YANDEX_PROJECT,
};

/// A client of Yandex Query whose credential counts how often it is fetched.
fn counting(sandbox: &Sandbox) -> (yandex_query::Client, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let credential = RefreshingCredential::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        async {
            let token = Secret::new(YANDEX_IAM_TOKEN)?;
            Ok(ExpiringSecret::valid_for(token, Duration::from_secs(3600)))
        }
    })
    .failure_pause(Duration::from_millis(1), Duration::from_millis(1));
    let builder = yandex_query::Client::builder().base_url(sandbox.yandex_query_url());
    let builder = builder.credential_provider(Arc::new(credential));
    (builder.build().unwrap(), asked)
}

#[tokio::test]
async fn a_long_read_continues_after_a_401() {
    let sandbox = Sandbox::builder().poll_steps(0).start().await.unwrap();
    let (client, asked) = counting(&sandbox);
    let query = client.create_query().project(YANDEX_PROJECT);
    let run = query.body(numbers(500)).run().await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 1);

    // The third and the seventh page are refused once each.
    for after in [2, 6] {
        let refused = Fault::status(401).on(Service::YandexQuery);
        sandbox.fault(refused.path("/results").after(after));
    }
    let mut pages = run.pages().page_size(50);
    let mut rows: Vec<Number> = Vec::new();
    while let Some(page) = pages.try_next().await.unwrap() {
        rows.extend(page.rows::<Number>().unwrap());
        // After a refusal, the credential is fetched again only after a pause of at least 10 ms.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(rows, upto(500));
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    let requests = sandbox.requests();
    let refused = requests.iter().filter(|r| r.status == Some(401)).count();
    assert_eq!(refused, 2);
}

#[tokio::test]
async fn a_service_that_refuses_every_token_ends_the_read() {
    let sandbox = Sandbox::builder().poll_steps(0).start().await.unwrap();
    let (client, _) = counting(&sandbox);
    let query = client.create_query().project(YANDEX_PROJECT);
    let run = query.body(numbers(100)).run().await.unwrap();
    sandbox.fault(Fault::status(401).path("/results").after(1).always());
    let mut pages = run.pages().page_size(50);
    assert_eq!(pages.try_next().await.unwrap().unwrap().len(), 50);
    let error = pages.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Call);
    assert!(error.as_call().unwrap().is_unauthorized(), "{error}");
    let met: Vec<_> = error.history().iter().map(|a| a.to_string()).collect();
    assert_eq!(met, ["401", "401"]);
}

#[tokio::test]
async fn metadata_tokens_are_renewed_while_rows_are_read() {
    let short = Sandbox::builder().yandex_token_lifetime(Duration::from_secs(1));
    let sandbox = short.poll_steps(0).start().await.unwrap();
    let at = format!("http://{}", sandbox.yandex_metadata_address());
    let credential = yandex_query::MetadataCredential::at(&at).unwrap();
    let builder = yandex_query::Client::builder().base_url(sandbox.yandex_query_url());
    let builder = builder.credential_provider(Arc::new(credential));
    let client = builder.build().unwrap();
    // The sandbox shows a query to the subject that created it, and all tokens have the same
    // subject.
    let query = client.create_query().project(YANDEX_PROJECT);
    let run = query.body(numbers(150)).run().await.unwrap();
    let mut pages = run.pages().page_size(50);
    let mut read = 0;
    while let Some(page) = pages.try_next().await.unwrap() {
        read += page.len();
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    assert_eq!(read, 150);
    let requests = sandbox.requests();
    let is_token = |path: &str| path.contains("computeMetadata");
    assert!(requests.iter().filter(|r| is_token(&r.path)).count() >= 3);
}

#[tokio::test]
async fn several_reads_and_a_run_share_one_rate() {
    let sandbox = Sandbox::builder().poll_steps(0).start().await.unwrap();
    let every = Duration::from_millis(40);
    let builder = dune::Client::builder().base_url(sandbox.dune_url());
    let builder = builder.api_key(Secret::new(DUNE_API_KEY).unwrap());
    let client = builder
        .rate_limit(RateLimit::new(1, every))
        .build()
        .unwrap();
    let read = |client: dune::Client| async move {
        let latest = client.get_latest_query_result().query_id(DUNE_QUERY_ID);
        let rows = latest.rows::<rowfeed::Row>().page_size(16);
        rows.try_collect::<Vec<_>>().await.unwrap().len()
    };
    let started = Instant::now();
    let (one, two, run) = tokio::join!(
        read(client.clone()),
        read(client.clone()),
        client.execute_sql().body("SELECT 1 AS n").run(),
    );
    run.unwrap();
    assert_eq!((one, two), (48, 48));
    let sent = sandbox.requests().len() as u32;
    assert!(sent >= 8, "{sent} requests");
    // Each request but the first waits for its turn.
    assert!(started.elapsed() >= every * (sent - 1), "{sent} requests");
}

#[tokio::test]
async fn a_turn_after_the_deadline_is_reported_as_such() {
    let sandbox = Sandbox::builder().poll_steps(0).start().await.unwrap();
    let builder = dune::Client::builder().base_url(sandbox.dune_url());
    let builder = builder.api_key(Secret::new(DUNE_API_KEY).unwrap());
    let builder = builder.rate_limit(RateLimit::new(1, Duration::from_secs(3600)));
    let client = builder.deadline(Duration::from_secs(60)).build().unwrap();
    let latest = client.get_latest_query_result().query_id(DUNE_QUERY_ID);
    let mut pages = latest.pages().page_size(16);
    pages.try_next().await.unwrap().unwrap();
    let error = pages.try_next().await.unwrap_err();
    let call = error.as_call().unwrap();
    assert_eq!(
        call.kind(),
        CallErrorKind::Timeout(TimeoutScope::RateLimit),
        "{error}"
    );
    assert_eq!(sandbox.requests().len(), 1);
}

#[tokio::test]
async fn errors_of_runs_and_reads_have_the_attempt_history() {
    let sandbox = Sandbox::builder().poll_steps(0).start().await.unwrap();
    let retry = RetryPolicy::new().max_attempts(3);
    let builder = dune::Client::builder().base_url(sandbox.dune_url());
    let builder = builder.api_key(Secret::new(DUNE_API_KEY).unwrap());
    let builder = builder.retry(retry.base_delay(Duration::from_millis(1)));
    let client = builder.build().unwrap();

    sandbox.fault(Fault::status(503).path("/status"));
    sandbox.fault(Fault::reset().path("/status"));
    sandbox.fault(Fault::status(500).path("/status").always());
    let run = client.execute_sql().body("SELECT 1 AS n").run();
    let error = run.await.unwrap_err();
    assert!(error.run_id().is_some());
    let numbers: Vec<_> = error.history().iter().map(|a| a.number()).collect();
    assert_eq!(numbers, [1, 2, 3]);
    let statuses: Vec<_> = error.history().iter().map(|a| a.status()).collect();
    assert_eq!(statuses[0].unwrap(), 503);
    assert_eq!(statuses[1], None);
    assert_eq!(statuses[2].unwrap(), 500);

    sandbox.clear_faults();
    let failed = client.execute_sql().body("SELECT tides").run();
    assert_eq!(failed.await.unwrap_err().history(), []);
}
