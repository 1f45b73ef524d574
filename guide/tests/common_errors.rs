//! Compares the table of common errors with real errors: each message is produced here, over HTTP.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{error::Error, fmt::Write as _, fs, path::Path, time::Duration};

use rowfeed::{RetryPolicy, Secret, dune, lightdash, prelude::*, yandex_query};
use rowfeed_sandbox::{
    DUNE_API_KEY, DUNE_QUERY_ID, Fault, LIGHTDASH_TOKEN, Sandbox, SandboxBuilder, YANDEX_IAM_TOKEN,
    YANDEX_PROJECT,
};
use serde::Deserialize;

/// Returns the error with its causes, each after a colon.
fn shown(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, ": {error}").unwrap();
        cause = error.source();
    }
    text
}

struct Bench {
    sandbox: Sandbox,
    dune: dune::Client,
}

async fn bench(builder: SandboxBuilder) -> Bench {
    let sandbox = builder.poll_steps(0).start().await.unwrap();
    let dune = dune(&sandbox, DUNE_API_KEY).build().unwrap();
    Bench { sandbox, dune }
}

fn dune(sandbox: &Sandbox, key: &str) -> dune::ClientBuilder {
    let retry = RetryPolicy::new()
        .max_attempts(2)
        .base_delay(Duration::from_millis(1));
    dune::Client::builder()
        .base_url(sandbox.dune_url())
        .api_key(Secret::new(key).unwrap())
        .retry(retry)
}

impl Bench {
    async fn run(&self, sql: &str) -> Result<rowfeed::CompletedRun, rowfeed::Error> {
        self.dune.execute_sql().sql(sql).run().await
    }

    async fn error(&self, sql: &str) -> String {
        shown(&self.run(sql).await.unwrap_err())
    }

    async fn rows<T: serde::de::DeserializeOwned + Send + 'static>(&self, sql: &str) -> String {
        let rows = self.run(sql).await.unwrap().rows::<T>();
        shown(&rows.try_collect::<Vec<_>>().await.err().unwrap())
    }
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Misspelled {
    projekt: String,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct NoNull {
    note: String,
}

/// The messages in the order of the table.
async fn messages() -> Vec<String> {
    let mut all = Vec::new();
    // Before anything is sent.
    all.push(shown(
        &Secret::from_env("ROWFEED_GUIDE_NO_SUCH_KEY").unwrap_err(),
    ));
    all.push(shown(&Secret::new("dune-key\n").unwrap_err()));
    all.push(shown(&dune::Client::builder().build().unwrap_err()));
    let plain = bench(Sandbox::builder()).await;
    let rows = plain.dune.get_latest_query_result().rows::<rowfeed::Row>();
    all.push(shown(&rows.try_collect::<Vec<_>>().await.unwrap_err()));
    let latest = plain.dune.get_latest_query_result().query_id(DUNE_QUERY_ID);
    let outside = std::thread::spawn(|| {
        let waker = std::task::Waker::noop();
        let mut run = std::pin::pin!(std::future::IntoFuture::into_future(latest.run()));
        match run
            .as_mut()
            .poll(&mut std::task::Context::from_waker(waker))
        {
            std::task::Poll::Ready(Err(error)) => shown(&error),
            _ => "no error".to_owned(),
        }
    });
    all.push(outside.join().unwrap());

    // The call.
    let stranger = Bench {
        dune: dune(&plain.sandbox, "no-such-key").build().unwrap(),
        sandbox: Sandbox::start().await.unwrap(),
    };
    all.push(stranger.error("SELECT 1").await);
    let denied = yandex_query::Client::builder()
        .base_url(plain.sandbox.yandex_query_url())
        .iam_token(Secret::new(YANDEX_IAM_TOKEN).unwrap())
        .build()
        .unwrap();
    let denied = denied.create_query().project("b1gother").text("SELECT 1");
    all.push(shown(&denied.run().await.unwrap_err()));
    let missing = plain.dune.get_latest_query_result().query_id(404_404);
    let missing = missing.rows::<rowfeed::Row>().try_next().await;
    all.push(shown(&missing.unwrap_err()));
    let elsewhere = dune(&plain.sandbox, DUNE_API_KEY)
        .base_url(format!("{}/wrong", plain.sandbox.dune_url()))
        .build()
        .unwrap();
    let elsewhere = elsewhere.execute_sql().sql("SELECT 1").run().await;
    all.push(shown(&elsewhere.unwrap_err()));
    let nobody = lightdash::Client::builder()
        .base_url("http://127.0.0.1:9")
        .token(Secret::new(LIGHTDASH_TOKEN).unwrap())
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    all.push(shown(&nobody.get_health().send().await.unwrap_err()));
    plain.sandbox.fault(Fault::status(429).times(2));
    all.push(plain.error("SELECT 1").await);
    plain
        .sandbox
        .fault(Fault::status(503).always().path("/results"));
    let latest = || plain.dune.get_latest_query_result().query_id(DUNE_QUERY_ID);
    let latest_error = latest().rows::<rowfeed::Row>().try_next().await;
    all.push(shown(&latest_error.unwrap_err()));
    plain.sandbox.clear_faults();
    plain
        .sandbox
        .fault(Fault::delay(Duration::from_secs(5)).always());
    let hasty = dune(&plain.sandbox, DUNE_API_KEY).timeout(Duration::from_millis(20));
    let hasty = hasty.build().unwrap();
    let slow = hasty.get_latest_query_result().query_id(DUNE_QUERY_ID);
    all.push(shown(
        &slow.rows::<rowfeed::Row>().try_next().await.unwrap_err(),
    ));
    plain.sandbox.clear_faults();

    // The run.
    let plain = bench(Sandbox::builder()).await;
    all.push(plain.error("SELECT tides FROM trades").await);
    plain.sandbox.fault(Fault::state_forever());
    let run = plain.dune.execute_sql().sql("SELECT 1 AS n").run();
    let run = run.timeout(Duration::from_millis(20)).await;
    all.push(shown(&run.unwrap_err()));
    plain.sandbox.clear_faults();
    let stopped = Sandbox::builder().poll_steps(3).start().await.unwrap();
    let client = dune(&stopped, DUNE_API_KEY).build().unwrap();
    let running = client
        .execute_sql()
        .sql("SELECT 2 AS n")
        .run()
        .start()
        .await
        .unwrap();
    let id = running.id().to_owned();
    running.cancel().await.unwrap();
    let cancelled = client.get_execution_status().execution_id(id).run().await;
    all.push(shown(&cancelled.unwrap_err()));
    let yandex = yandex_query::Client::builder()
        .base_url(plain.sandbox.yandex_query_url())
        .iam_token(Secret::new(YANDEX_IAM_TOKEN).unwrap())
        .build()
        .unwrap();
    let several = yandex.create_query().project(YANDEX_PROJECT);
    let several = several
        .text("SELECT 1 AS n; SELECT 2 AS n")
        .run()
        .await
        .unwrap();
    let several = several.rows::<i64>().try_next().await;
    all.push(shown(&several.unwrap_err()));
    let cut = bench(Sandbox::builder().dune_partial_after(10)).await;
    all.push(cut.rows::<rowfeed::Row>("SELECT * FROM trades").await);

    // The rows.
    all.push(
        plain
            .rows::<Misspelled>("SELECT project FROM projects")
            .await,
    );
    all.push(plain.rows::<NoNull>("SELECT note FROM projects").await);
    all.push(plain.rows::<(u8,)>("SELECT trade_id FROM trades").await);
    all.push(plain.rows::<(i64,)>("SELECT project FROM projects").await);
    let one = plain.run("SELECT trade_id FROM trades").await.unwrap();
    let mut rows = one.rows::<i64>();
    rows.try_next().await.unwrap();
    let cursor = rows.cursor().unwrap();
    let other = plain.run("SELECT trade_id FROM trades").await.unwrap();
    let other = other.rows::<i64>().resume(&cursor).try_next().await;
    all.push(shown(&other.unwrap_err()));
    all
}

/// Returns whether the text matches the pattern, in which `…` is any text.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut rest = rest;
    for part in parts {
        match (part.is_empty(), rest.find(part)) {
            (true, _) => rest = "",
            (_, Some(at)) => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    rest.is_empty()
}

#[tokio::test]
async fn the_table_of_common_errors_shows_what_users_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/common-errors.md");
    let page = fs::read_to_string(path).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.map(|row| row.split("` |").next().unwrap());
    // Code with backticks stands between two of them and a space.
    let patterns: Vec<_> = cells.map(|cell| cell.trim_matches(['`', ' '])).collect();
    let messages = messages().await;
    for message in &messages {
        println!("{message}");
    }
    for (pattern, message) in patterns.iter().zip(&messages) {
        assert!(fits(pattern, message), "\n{pattern}\n{message}");
    }
    assert_eq!(patterns.len(), messages.len());
    assert!(messages.len() >= 20);
}
