//! The workers of a cluster share the rate of a key.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rowfeed_datafusion::ResultTable;
use rowfeed_sandbox::Service;

use crate::{
    relay::timed,
    support::{Bench, TRADES, collect, lines},
    workers::{PROFILE, WorkerOptions, WorkerProcess, cluster},
};

/// The limit of the key, in requests a second.
const RATE: u32 = 10;

/// Reads 25 pages on this many workers, which all have the limit of the key. Returns when each
/// worker sent its requests.
async fn times(workers: usize) -> Vec<Vec<Instant>> {
    let bench = Bench::start().await;
    let mut processes = Vec::new();
    let mut times = Vec::new();
    for _ in 0..workers {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let port = bench.sandbox.address().port();
        let relay = timed(port, Arc::clone(&sent)).await;
        let url = bench.sandbox.dune_url();
        let options = WorkerOptions {
            dune_url: Some(url.replace(&format!(":{port}/"), &format!(":{relay}/"))),
            rate: Some(RATE),
            ..WorkerOptions::default()
        };
        processes.push(WorkerProcess::start_with(&bench, options));
        times.push(sent);
    }
    let ctx = cluster(processes.iter().map(WorkerProcess::port), 8);
    let run = bench.run(Service::Dune, TRADES).await;
    let table = ResultTable::of(&run).page_size(10).partitions(8);
    let table = table.profile(PROFILE).await.unwrap();
    ctx.register_table("t", table.into()).unwrap();
    let rows = collect(&ctx, "SELECT k, count(*), sum(id) FROM t GROUP BY k").await;
    assert_eq!(lines(&rows, false).len(), 8);
    let times = times.iter().map(|sent| sent.lock().unwrap().clone());
    times.collect()
}

/// The middle one of the times between requests. A request that is late on the way changes only the
/// times beside it.
fn usual_gap(times: &[Instant]) -> Duration {
    let mut gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort();
    gaps[gaps.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_worker_takes_its_share_of_the_rate() {
    let interval = Duration::from_secs(1) / RATE;
    for workers in [1, 2] {
        let times = times(workers).await;
        let share = interval * u32::try_from(workers).unwrap();
        let sent: usize = times.iter().map(Vec::len).sum();
        // The pages, and the state of the run at each worker.
        assert_eq!(sent, 25 + workers);
        for times in &times {
            let gap = usual_gap(times);
            assert!(times.len() > 8, "{} requests", times.len());
            assert!(
                gap > share * 3 / 4 && gap < share * 3 / 2,
                "{gap:?} between requests of one of {workers} workers, not {share:?}"
            );
        }
    }
}
