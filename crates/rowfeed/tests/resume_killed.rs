//! A process that is killed in the middle of a long read, and the next process that resumes it.
#![allow(clippy::unwrap_used, missing_docs)]
#![cfg(unix)]

mod support;

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rowfeed::{Cursor, Pages, RetryPolicy, Secret, dune, lightdash, prelude::*, yandex_query};
use rowfeed_sandbox::{
    DUNE_API_KEY, LIGHTDASH_PROJECT_UUID, LIGHTDASH_TOKEN, Service, YANDEX_IAM_TOKEN,
    YANDEX_PROJECT,
};
use serde::{Deserialize, Serialize};
use support::{ALL, Bench, Number};

const ROWS: u32 = 3_000;
const BATCH: usize = 13;
const PATIENCE: Duration = Duration::from_secs(60);

/// Stored with each batch, in one write: the rows and the cursor after them.
#[derive(Deserialize, Serialize)]
struct Stored {
    rows: Vec<i64>,
    cursor: Cursor,
}

/// The journal of earlier processes: whole lines, and at most one incomplete line.
fn journal(path: &Path) -> (Vec<Stored>, u64) {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let lines = text[..whole].lines();
    let stored = lines.map(|line| serde_json::from_str(line).unwrap());
    (stored.collect(), whole as u64)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(format!("ROWFEED_KILLED_{name}")).ok()
}

fn pages(service: &str, url: String, id: &str) -> Pages {
    let retry = RetryPolicy::new().base_delay(Duration::from_millis(1));
    match service {
        "Dune" => {
            let client = dune::Client::builder().base_url(url).retry(retry);
            let client = client.api_key(Secret::new(DUNE_API_KEY).unwrap());
            let results = client.build().unwrap().get_execution_results();
            results.execution_id(id).pages()
        }
        "Lightdash" => {
            let client = lightdash::Client::builder().base_url(url).retry(retry);
            let client = client.token(Secret::new(LIGHTDASH_TOKEN).unwrap());
            let results = client.build().unwrap().get_async_query_results();
            let results = results.project_uuid(LIGHTDASH_PROJECT_UUID);
            results.query_uuid(id).pages()
        }
        _ => {
            let client = yandex_query::Client::builder().base_url(url).retry(retry);
            let client = client.iam_token(Secret::new(YANDEX_IAM_TOKEN).unwrap());
            let results = client.build().unwrap().get_query_results();
            let results = results.project(YANDEX_PROJECT).query_id(id);
            results.result_set_index(0_u32).pages()
        }
    }
}

#[tokio::test]
#[ignore = "other tests run this in a separate process"]
async fn the_process_that_reads() {
    let Some(path) = variable("JOURNAL").map(PathBuf::from) else {
        return;
    };
    let (before, whole) = journal(&path);
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let mut file: File = file.unwrap();
    // An incomplete line was not stored.
    file.set_len(whole).unwrap();

    let service = variable("SERVICE").unwrap();
    let pages = pages(&service, variable("URL").unwrap(), &variable("ID").unwrap());
    let pages = pages.page_size(100);
    let mut pages = match variable("PREFETCH").unwrap().parse().unwrap() {
        0 => pages,
        ahead => pages.prefetch(ahead),
    };
    if let Some(last) = before.last() {
        pages = pages.resume(&last.cursor);
    }
    let mut rows = pages.rows::<Number>();
    loop {
        let mut batch = Vec::new();
        while batch.len() < BATCH
            && let Some(row) = rows.try_next().await.unwrap()
        {
            batch.push(row.n);
        }
        if batch.is_empty() {
            return;
        }
        let stored = Stored {
            rows: batch,
            cursor: rows.cursor().unwrap(),
        };
        let line = format!("{}\n", serde_json::to_string(&stored).unwrap());
        file.write_all(line.as_bytes()).unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Starts the reading process.
fn reading(bench: &Bench, service: Service, id: &str, prefetch: usize, path: &Path) -> Child {
    let url = match service {
        Service::Dune => bench.sandbox.dune_url(),
        Service::Lightdash => bench.sandbox.lightdash_url(),
        _ => bench.sandbox.yandex_query_url(),
    };
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_process_that_reads", "--ignored"])
        .env("ROWFEED_KILLED_JOURNAL", path)
        .env("ROWFEED_KILLED_SERVICE", format!("{service:?}"))
        .env("ROWFEED_KILLED_URL", url)
        .env("ROWFEED_KILLED_ID", id)
        .env("ROWFEED_KILLED_PREFETCH", prefetch.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_read_that_is_resumed_has_every_row_exactly_once() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, ROWS).await;
        let prefetch = usize::from(service != Service::Dune) * 3;
        let name = format!("rowfeed-killed-{service:?}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        drop(std::fs::remove_file(&path));

        // Kills the process three times, each time after a few more batches.
        for kill in 1..=3 {
            let mut child = reading(&bench, service, run.id(), prefetch, &path);
            let until = Instant::now() + PATIENCE;
            let enough = kill * ROWS as usize / 4 / BATCH;
            while journal(&path).0.len() < enough {
                assert!(Instant::now() < until, "{service:?} {kill}");
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
            // SIGKILL: the process cannot clean up.
            child.kill().unwrap();
            assert!(!child.wait().unwrap().success(), "{service:?} {kill}");
            let rows: usize = journal(&path)
                .0
                .iter()
                .map(|stored| stored.rows.len())
                .sum();
            assert!(rows < ROWS as usize, "it had already finished: {service:?}");
        }
        let mut child = reading(&bench, service, run.id(), prefetch, &path);
        let ended = tokio::task::spawn_blocking(move || child.wait()).await;
        assert!(ended.unwrap().unwrap().success(), "{service:?}");

        let (stored, _) = journal(&path);
        let rows: Vec<i64> = stored.into_iter().flat_map(|stored| stored.rows).collect();
        assert!(
            rows.iter().copied().eq(0..ROWS.into()),
            "{service:?}: {rows:?}"
        );
        std::fs::remove_file(&path).unwrap();
    }
}
