//! Queries on workers equal the same queries in memory.

use datafusion_distributed_plan::is_distributed;
use rowfeed_datafusion::ResultTable;
use rowfeed_sandbox::Service;

use crate::{
    support::{Bench, TRADES, collect, in_memory, lines},
    workers::{WorkerProcess, cluster, register},
};

mod datafusion_distributed_plan {
    use std::sync::Arc;

    use datafusion::physical_plan::ExecutionPlan;
    use rowfeed_datafusion::distributed::datafusion_distributed::display_plan_ascii;

    pub(super) fn is_distributed(plan: &Arc<dyn ExecutionPlan>) -> bool {
        display_plan_ascii(plan.as_ref(), false).contains("DistributedExec")
    }
}

const QUERIES: &[&str] = &[
    "SELECT count(*), sum(id), min(id), max(price) FROM t",
    "SELECT count(id), sum(k) FROM t WHERE k <> 3",
    "SELECT project, count(*), sum(amount), max(at) FROM t GROUP BY project",
    "SELECT k, count(DISTINCT project), sum(price) FROM t GROUP BY k",
    "SELECT id, project, big, tags, pair FROM t WHERE is_maker",
    "SELECT * FROM t",
    "SELECT id AS a, id AS b FROM t WHERE id % 50 = 7",
    "SELECT t.id, y.members FROM t JOIN y ON t.id = y.id",
    "SELECT t.id, y.members FROM t LEFT JOIN y ON t.id = y.id AND y.share > 10",
    "SELECT t.project, count(*), sum(l.usd) FROM t JOIN l ON t.project = l.project GROUP BY t.project",
    "SELECT count(*), sum(a.id) FROM t a JOIN t b ON a.k = b.k AND a.id < b.id",
    "SELECT count(*), sum(id) FROM (SELECT id FROM t UNION ALL SELECT id FROM y UNION ALL SELECT 7)",
    "SELECT count(*), sum(id) FROM (SELECT id FROM t WHERE k = 1 UNION ALL SELECT id FROM t)",
    "SELECT id FROM t UNION ALL SELECT id FROM y",
    "SELECT id FROM t WHERE amount > (SELECT avg(amount) FROM t)",
    "SELECT id FROM t WHERE id IN (SELECT id FROM y WHERE rating > 0)",
    "SELECT id, sum(id) OVER (PARTITION BY project ORDER BY id) FROM t",
    "SELECT count(*) FROM (SELECT id FROM t LIMIT 33)",
    "SELECT count(k) FROM (SELECT k FROM t LIMIT 100 OFFSET 60)",
    "SELECT project FROM t EXCEPT SELECT project FROM l",
    "SELECT sum(trades), sum(usd), count(*) FROM l WHERE is_open",
    "SELECT sum(share), count(since), max(seen_at) FROM y",
];

const ORDERED: &[&str] = &[
    "SELECT id, project FROM t ORDER BY id",
    "SELECT id, amount FROM t ORDER BY amount DESC NULLS LAST, id LIMIT 25",
    "SELECT project, sum(id) AS s FROM t GROUP BY project ORDER BY s DESC LIMIT 2",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_on_two_workers_equal_those_in_memory() {
    let bench = Bench::start().await;
    let memory = in_memory(&bench).await;
    let workers = [WorkerProcess::start(&bench), WorkerProcess::start(&bench)];
    for partitions in [2, 3, 8] {
        let ctx = cluster(workers.iter().map(WorkerProcess::port), partitions);
        register(&bench, &ctx, partitions).await;
        let mut distributed = 0;
        let unordered = QUERIES.iter().map(|sql| (*sql, false));
        for (sql, is_ordered) in unordered.chain(ORDERED.iter().map(|sql| (*sql, true))) {
            let expected = lines(&collect(&memory, sql).await, is_ordered);
            let plan = ctx
                .sql(sql)
                .await
                .unwrap()
                .create_physical_plan()
                .await
                .unwrap();
            distributed += usize::from(is_distributed(&plan));
            let found = lines(&collect(&ctx, sql).await, is_ordered);
            assert_eq!(expected, found, "{partitions} partitions: {sql}");
        }
        assert!(
            distributed >= 20,
            "only {distributed} queries ran on the workers"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_page_is_fetched_once_and_every_worker_fetches() {
    let bench = Bench::start().await;
    let workers = [WorkerProcess::start(&bench), WorkerProcess::start(&bench)];
    let ctx = cluster(workers.iter().map(WorkerProcess::port), 8);
    register(&bench, &ctx, 8).await;
    collect(&ctx, "SELECT project, sum(id) FROM t GROUP BY project").await;
    let requests = bench.sandbox.take_requests();
    let pages: Vec<_> = requests
        .iter()
        .filter(|page| page.path.ends_with("/results"))
        .collect();
    let mut offsets: Vec<u64> = pages
        .iter()
        .map(|page| page.query_value("offset").unwrap().parse().unwrap())
        .collect();
    offsets.sort_unstable();
    assert_eq!(offsets, (0..25).map(|page| page * 10).collect::<Vec<_>>());
    assert!(
        pages
            .iter()
            .all(|page| page.query_value("columns").unwrap() == "id,project")
    );
    // Each worker has asked once for the state of the run, and nothing was started.
    let others: Vec<_> = requests
        .iter()
        .filter(|one| !one.path.ends_with("/results"))
        .collect();
    assert_eq!(others.len(), 2, "{others:?}");
    assert!(
        others
            .iter()
            .all(|one| one.method == "GET" && one.path.ends_with("/status"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_of_unknown_size_are_read_by_the_client() {
    let bench = Bench::start().await;
    let workers = [WorkerProcess::start(&bench), WorkerProcess::start(&bench)];
    let ctx = cluster(workers.iter().map(WorkerProcess::port), 4);
    register(&bench, &ctx, 4).await;
    let run = bench.run(Service::Dune, TRADES).await;
    let results = bench.dune.get_execution_results().execution_id(run.id());
    let pages = move || rowfeed::RowsExt::pages(results.clone());
    let table = ResultTable::from_pages(pages).await.unwrap();
    ctx.register_table("p", table.into()).unwrap();
    let sql = "SELECT count(*), sum(p.id) FROM p JOIN t ON p.id = t.id";
    assert_eq!(lines(&collect(&ctx, sql).await, true)[1], "| 245 | 29890 |");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_worker_runs_the_query_in_place_of_the_client() {
    let bench = Bench::start().await;
    let worker = WorkerProcess::start(&bench);
    let ctx = cluster([worker.port()], 4);
    register(&bench, &ctx, 4).await;
    let sql = "SELECT k, count(*), sum(id) FROM t GROUP BY k";
    let rows = lines(&collect(&ctx, sql).await, false);
    assert_eq!(
        rows,
        lines(&collect(&in_memory(&bench).await, sql).await, false)
    );
    worker.signal("KILL");
    let query = ctx.sql(sql).await.unwrap();
    query.collect().await.unwrap_err();
}
