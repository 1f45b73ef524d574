//! What travels between the machines.

use datafusion::prelude::SessionContext;
use hyper::{HeaderMap, header::HeaderValue};
use rowfeed_datafusion::{distributed::datafusion_distributed::DistributedExt as _, prepare};
use rowfeed_sandbox::{DUNE_API_KEY, LIGHTDASH_TOKEN, YANDEX_IAM_TOKEN};

use crate::{
    relay::{Heard, decoded},
    support::{Bench, TRADES, lines},
    workers::{PROFILE, WorkerProcess, cluster},
};

/// Two workers behind relays.
struct Relayed {
    bench: Bench,
    _workers: [WorkerProcess; 2],
    heard: Heard,
    ctx: SessionContext,
}

impl Relayed {
    async fn start() -> Self {
        let bench = Bench::start().await;
        let workers = [WorkerProcess::start(&bench), WorkerProcess::start(&bench)];
        let heard = Heard::default();
        let mut ports = Vec::new();
        for worker in &workers {
            ports.push(decoded(worker.port(), heard.clone()).await);
        }
        let ctx = cluster(ports, 4);
        let services = bench.services();
        let services = services.configure_tables(|table| table.page_size(10).profile(PROFILE));
        services.register(&ctx);
        Self {
            bench,
            _workers: workers,
            heard,
            ctx,
        }
    }

    /// Runs a query over a statement of Dune on the workers. Returns the id of the run.
    async fn query(&self) -> String {
        let sql = format!("SELECT k, count(*), sum(id) FROM dune('{TRADES}') GROUP BY k");
        let query = prepare(&self.ctx, &sql).await.unwrap();
        let table = query.tables().next().unwrap().1;
        let run_id = table.run_id().unwrap().to_owned();
        let rows = query.dataframe().await.unwrap().collect().await.unwrap();
        assert_eq!(lines(&rows, false).len(), 8);
        run_id
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_credential_and_no_statement_travels() {
    let relayed = Relayed::start().await;
    let run_id = relayed.query().await;
    // The plan did pass here.
    for text in [&run_id, PROFILE, "content-type: application/grpc"] {
        assert!(relayed.heard.contains(text), "{text} did not pass");
    }
    for secret in [
        DUNE_API_KEY,
        LIGHTDASH_TOKEN,
        YANDEX_IAM_TOKEN,
        TRADES,
        "all_types",
    ] {
        assert!(!relayed.heard.contains(secret), "{secret} was sent");
    }
    assert!(!relayed.bench.sandbox.requests().is_empty());
}

/// The search above would find a credential in a header, although headers are compressed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_search_finds_a_secret_in_a_header() {
    let mut relayed = Relayed::start().await;
    let mut headers = HeaderMap::new();
    headers.insert("x-key", HeaderValue::from_static(DUNE_API_KEY));
    let ctx = relayed.ctx.clone();
    relayed.ctx = ctx.with_distributed_passthrough_headers(headers).unwrap();
    relayed.query().await;
    let header = format!("x-key: {DUNE_API_KEY}");
    assert!(relayed.heard.contains(&header));
}
