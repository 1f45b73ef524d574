//! A slow table on two workers, for what happens while a query runs.

use std::time::Duration;

use datafusion::prelude::{DataFrame, SessionContext};
use rowfeed_datafusion::ResultTable;
use rowfeed_sandbox::{Fault, Recorded, ScriptedResult, Service, YANDEX_PROJECT};

use crate::{
    support::{Bench, collect, lines},
    workers::{PROFILE, WorkerProcess, cluster},
};

/// The pages of the table. Each has ten rows.
pub(crate) const PAGES: usize = 400;

/// Two workers, and the table `big` in four ranges. Each of its pages takes 50 ms.
pub(crate) struct Slow {
    pub(crate) bench: Bench,
    pub(crate) workers: [WorkerProcess; 2],
    pub(crate) ctx: SessionContext,
}

impl Slow {
    pub(crate) async fn start(service: Service) -> Self {
        let bench = Bench::start().await;
        let workers = [WorkerProcess::start(&bench), WorkerProcess::start(&bench)];
        let ctx = cluster(workers.iter().map(WorkerProcess::port), 4);
        let types = match service {
            Service::Dune => ["bigint", "integer"],
            _ => ["Int64", "Int32"],
        };
        let result = ScriptedResult::new([("id", types[0]), ("k", types[1])]);
        let result = result.generated(PAGES * 10, |n| vec![n.to_string(), (n % 9).to_string()]);
        bench
            .sandbox
            .script_result(service, "SELECT big", result)
            .unwrap();
        let run = bench.run(service, "SELECT big").await;
        let table = ResultTable::of(&run).page_size(10).partitions(4);
        let table = table.profile(PROFILE).place(YANDEX_PROJECT);
        ctx.register_table("big", table.await.unwrap().into())
            .unwrap();
        let delay = Fault::delay(Duration::from_millis(50));
        bench.sandbox.fault(delay.path("/results").always());
        bench.sandbox.take_requests();
        Self {
            bench,
            workers,
            ctx,
        }
    }

    /// A query with a shuffle over all rows.
    pub(crate) async fn query(&self) -> DataFrame {
        let sql = "SELECT k, count(*), sum(id) FROM big GROUP BY k";
        self.ctx.sql(sql).await.unwrap()
    }

    /// The lines of the result of the query, computed here.
    pub(crate) fn expected() -> Vec<String> {
        let mut groups = [(0, 0); 9];
        for id in 0..PAGES * 10 {
            groups[id % 9].0 += 1;
            groups[id % 9].1 += id;
        }
        let rows = groups.iter().enumerate();
        rows.map(|(k, (count, sum))| format!("| {k} | {count} | {sum} |"))
            .collect()
    }

    /// Runs the query with fast pages and checks its result.
    pub(crate) async fn succeeds(&self) {
        self.bench.sandbox.clear_faults();
        let sql = "SELECT k, count(*), sum(id) FROM big GROUP BY k";
        assert_eq!(
            lines(&collect(&self.ctx, sql).await, false)[1..],
            Self::expected()
        );
    }

    /// The requests for pages.
    pub(crate) fn pages(&self) -> Vec<Recorded> {
        let requests = self.bench.sandbox.requests().into_iter();
        requests
            .filter(|request| request.path.contains("/results"))
            .collect()
    }

    /// Waits until both workers read.
    pub(crate) async fn is_reading(&self) {
        until("four ranges are read", || self.pages().len() > 8).await;
    }
}

/// Waits until something has happened.
pub(crate) async fn until(what: &str, happened: impl Fn() -> bool) {
    let waiting = async {
        while !happened() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    waited.unwrap_or_else(|_| panic!("not within 30 s: {what}"));
}
