//! A sandbox with three scripted results, and clients for it.

use std::{sync::Arc, time::Duration};

use datafusion::{
    arrow::{array::RecordBatch, util::pretty::pretty_format_batches},
    datasource::MemTable,
    prelude::{SessionConfig, SessionContext},
};
use rowfeed::{CompletedRun, RetryPolicy, Secret, dune, lightdash, prelude::*, yandex_query};
use rowfeed_arrow::RecordBatchesExt as _;
use rowfeed_datafusion::{ResultTable, Services};
use rowfeed_sandbox::{
    DUNE_API_KEY, LIGHTDASH_PROJECT_UUID, LIGHTDASH_TOKEN, Recorded, Sandbox, SandboxBuilder,
    ScriptedResult, Service, YANDEX_IAM_TOKEN, YANDEX_PROJECT,
};

/// The statements whose results are scripted, and their numbers of rows.
pub(crate) const TRADES: &str = "SELECT * FROM all_types";
pub(crate) const DAYS: &str = "SELECT * FROM days";
pub(crate) const PLACES: &str = "SELECT * FROM places";
pub(crate) const TRADES_ROWS: usize = 245;
pub(crate) const DAYS_ROWS: usize = 101;
pub(crate) const PLACES_ROWS: usize = 73;

pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) dune: dune::Client,
    pub(crate) lightdash: lightdash::Client,
    pub(crate) yandex_query: yandex_query::Client,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::with(Sandbox::builder().poll_steps(0)).await
    }

    pub(crate) async fn with(builder: SandboxBuilder) -> Self {
        let sandbox = builder.start().await.unwrap();
        let retry = RetryPolicy::new().base_delay(Duration::from_millis(1));
        let key = |text: &str| Secret::new(text).unwrap();
        let dune = dune::Client::builder().base_url(sandbox.dune_url());
        let lightdash = lightdash::Client::builder().base_url(sandbox.lightdash_url());
        let yandex = yandex_query::Client::builder().base_url(sandbox.yandex_query_url());
        sandbox
            .script_result(Service::Dune, TRADES, trades())
            .unwrap();
        sandbox
            .script_result(Service::Lightdash, DAYS, days())
            .unwrap();
        sandbox
            .script_result(Service::YandexQuery, PLACES, places())
            .unwrap();
        Self {
            dune: dune
                .api_key(key(DUNE_API_KEY))
                .retry(retry.clone())
                .build()
                .unwrap(),
            lightdash: lightdash
                .token(key(LIGHTDASH_TOKEN))
                .retry(retry.clone())
                .build()
                .unwrap(),
            yandex_query: yandex
                .iam_token(key(YANDEX_IAM_TOKEN))
                .retry(retry)
                .build()
                .unwrap(),
            sandbox,
        }
    }

    pub(crate) fn services(&self) -> Services {
        Services::new()
            .dune(self.dune.clone())
            .lightdash(self.lightdash.clone())
            .yandex_query(self.yandex_query.clone())
    }

    pub(crate) async fn run(&self, service: Service, sql: &str) -> CompletedRun {
        let run = match service {
            Service::Dune => self.dune.execute_sql().sql(sql).run(),
            Service::Lightdash => {
                let query = self.lightdash.execute_async_sql_query();
                query.project_uuid(LIGHTDASH_PROJECT_UUID).sql(sql).run()
            }
            _ => {
                let query = self.yandex_query.create_query();
                query.project(YANDEX_PROJECT).text(sql).run()
            }
        };
        let every = Duration::from_millis(10);
        let run = run.poll_interval(every, every).await.unwrap();
        self.sandbox.take_requests();
        run
    }

    /// The requests for pages since the last call.
    pub(crate) fn pages(&self) -> Vec<Recorded> {
        let requests = self.sandbox.take_requests().into_iter();
        let is_page = |request: &Recorded| {
            request.method == "GET"
                && (request.path.contains("/results") || request.path.contains("/lightdash/api/v2"))
        };
        requests.filter(is_page).collect()
    }
}

/// A session with this many partitions.
pub(crate) fn session(partitions: usize) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(partitions);
    SessionContext::new_with_config(config)
}

/// A session with the tables `t` (Dune), `l` (Lightdash) and `y` (Yandex Query), ten rows a page.
pub(crate) async fn remote(bench: &Bench, partitions: usize) -> SessionContext {
    let ctx = session(partitions);
    for (name, service, sql) in TABLES {
        let run = bench.run(service, sql).await;
        let table = ResultTable::of(&run).page_size(10).partitions(partitions);
        ctx.register_table(name, table.await.unwrap().into())
            .unwrap();
    }
    bench.sandbox.take_requests();
    ctx
}

/// The same rows in memory.
pub(crate) async fn in_memory(bench: &Bench) -> SessionContext {
    let ctx = session(1);
    for (name, service, sql) in TABLES {
        let batches = bench.run(service, sql).await.record_batches();
        let batches = batches.try_collect().await.unwrap();
        let table = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
        ctx.register_table(name, Arc::new(table)).unwrap();
    }
    ctx
}

const TABLES: [(&str, Service, &str); 3] = [
    ("t", Service::Dune, TRADES),
    ("l", Service::Lightdash, DAYS),
    ("y", Service::YandexQuery, PLACES),
];

pub(crate) async fn collect(ctx: &SessionContext, sql: &str) -> Vec<RecordBatch> {
    let query = ctx
        .sql(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    query
        .collect()
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// The rows as lines of text; sorted unless the query orders them.
pub(crate) fn lines(batches: &[RecordBatch], is_ordered: bool) -> Vec<String> {
    let text = pretty_format_batches(batches).unwrap().to_string();
    let mut lines: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    if !is_ordered && lines.len() > 1 {
        lines[1..].sort();
    }
    lines
}

/// The number in the only cell.
pub(crate) async fn number(ctx: &SessionContext, sql: &str) -> String {
    let lines = lines(&collect(ctx, sql).await, false);
    assert_eq!(lines.len(), 2, "{lines:?}");
    lines[1].trim_matches(['|', ' ']).to_owned()
}

fn text(text: impl std::fmt::Display) -> String {
    format!("\"{text}\"")
}

fn null_if(is_null: bool, cell: String) -> String {
    if is_null { "null".to_owned() } else { cell }
}

/// Doubles are multiples of a quarter, so that sums do not depend on the order.
fn quarter(n: usize) -> String {
    format!("{}", (n as f64 - 60.0) / 4.0)
}

fn date(n: usize) -> String {
    format!("2024-{:02}-{:02}", n / 28 % 12 + 1, n % 28 + 1)
}

const PROJECTS: [&str; 5] = [
    "lagoon",
    "tidepool",
    "saltmarsh",
    "estuary",
    "Über \\\"quoted\\\"",
];

/// Rows of Dune with every kind of type, and NULLs.
fn trades() -> ScriptedResult {
    let columns = [
        ("id", "bigint"),
        ("k", "integer"),
        ("project", "varchar"),
        ("amount", "double"),
        ("price", "decimal(22, 9)"),
        ("day", "date"),
        ("at", "timestamp(3)"),
        ("at_zone", "timestamp(3) with time zone"),
        ("is_maker", "boolean"),
        ("hash", "varbinary"),
        ("big", "uint256"),
        ("tags", "array(varchar)"),
        ("pair", "row(a integer, b varchar)"),
    ];
    ScriptedResult::new(columns).generated(TRADES_ROWS, |n| {
        vec![
            n.to_string(),
            (n % 7).to_string(),
            null_if(n % 9 == 4, text(PROJECTS[n * 7 % 5])),
            null_if(n % 10 == 3, quarter(n * 13 % 241)),
            null_if(
                n % 8 == 5,
                text(format_args!(
                    "{}.{:09}",
                    n * 37 % 1_000,
                    n * 7_919 % 1_000_000_000
                )),
            ),
            text(date(n)),
            text(format_args!(
                "{} {:02}:{:02}:00.{:03}",
                date(n),
                n % 24,
                n % 60,
                n % 1_000
            )),
            text(format_args!("{} {:02}:00:00.000 UTC", date(n * 3), n % 24)),
            null_if(n % 11 == 0, (n % 3 == 0).to_string()),
            text(format_args!(
                "0x{:08x}",
                n * 2_654_435_761_usize % 4_294_967_296
            )),
            text(format_args!("{n}00000000000000000000000000000000000000")),
            null_if(n % 6 == 1, format!("[\"a{}\", null]", n % 3)),
            format!("[{}, \"p{}\"]", n % 4, n % 5),
        ]
    })
}

fn days() -> ScriptedResult {
    let columns = [
        ("day", "date"),
        ("project", "string"),
        ("trades", "number"),
        ("usd", "number"),
        ("is_open", "boolean"),
        ("noted_at", "timestamp"),
    ];
    ScriptedResult::new(columns).generated(DAYS_ROWS, |n| {
        vec![
            text(date(n * 2)),
            null_if(n % 12 == 7, text(PROJECTS[n % 5])),
            (n % 13).to_string(),
            null_if(n % 5 == 2, quarter(n * 3)),
            (n % 2 == 0).to_string(),
            text(format_args!("{}T00:{:02}:00.000Z", date(n), n % 60)),
        ]
    })
}

fn places() -> ScriptedResult {
    let columns = [
        ("id", "Int64"),
        ("project", "Optional<Utf8>"),
        ("members", "Uint32"),
        ("share", "Optional<Decimal(22,9)>"),
        ("since", "Optional<Date>"),
        ("seen_at", "Timestamp"),
        ("rating", "Double"),
    ];
    ScriptedResult::new(columns).generated(PLACES_ROWS, |n| {
        vec![
            (n * 3).to_string(),
            null_if(n % 10 == 9, text(PROJECTS[n * 3 % 5])),
            (n % 17).to_string(),
            null_if(n % 4 == 3, text(format_args!("{}.5", n % 100))),
            null_if(n % 6 == 5, text(date(n * 5))),
            text(format_args!("{}T12:00:00.{:06}Z", date(n), n)),
            quarter(n),
        ]
    })
}
