//! Runs SQL at three services and reads the rows of all of them into one struct.
//!
//! Without arguments it starts a sandbox, which needs no account and no network:
//!
//! ```text
//! cargo run --example quickstart
//! ```
//!
//! With `--live SERVICE` the same code talks to the real service. It needs environment variables:
//! for `dune`, `DUNE_API_KEY`; for `lightdash`, `LIGHTDASH_URL`, `LIGHTDASH_API_KEY` and
//! `LIGHTDASH_PROJECT` (a project's UUID); for `yandex-query`, `YC_IAM_TOKEN` and `YC_FOLDER_ID`.

use std::{error::Error, process::ExitCode};

use rowfeed::{CompletedRun, dune, lightdash, prelude::*, yandex_query};
use rowfeed_sandbox::Sandbox;
use serde::Deserialize;

/// One struct for the rows of all three services.
#[derive(Debug, Deserialize)]
struct Trade {
    trade_id: i64,
    block_date: jiff::civil::Date,
    project: String,
    amount_usd: Option<f64>,
}

const SAMPLE: &str = "SELECT trade_id, block_date, project, amount_usd FROM trades \
                      ORDER BY block_time LIMIT 7";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        [] => sandboxed().await,
        ["--live", service] => live(service).await,
        _ => Err("usage: quickstart [--live dune|lightdash|yandex-query]".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn sandboxed() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;

    let dune = dune::Client::builder()
        .base_url(sandbox.dune_url())
        .api_key(dune::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?)
        .build()?;
    show("Dune", &run_at_dune(&dune, SAMPLE).await?).await?;
    show_requests(&sandbox);

    let lightdash = lightdash::Client::builder()
        .base_url(sandbox.lightdash_url())
        .token(lightdash::Secret::new(rowfeed_sandbox::LIGHTDASH_TOKEN)?)
        .build()?;
    let project = rowfeed_sandbox::LIGHTDASH_PROJECT_UUID;
    show(
        "Lightdash",
        &run_at_lightdash(&lightdash, project, SAMPLE).await?,
    )
    .await?;
    show_requests(&sandbox);

    let yandex = yandex_query::Client::builder()
        .base_url(sandbox.yandex_query_url())
        .iam_token(yandex_query::Secret::new(
            rowfeed_sandbox::YANDEX_IAM_TOKEN,
        )?)
        .build()?;
    let folder = rowfeed_sandbox::YANDEX_PROJECT;
    show(
        "Yandex Query",
        &run_at_yandex_query(&yandex, folder, SAMPLE).await?,
    )
    .await?;
    show_requests(&sandbox);
    Ok(())
}

async fn live(service: &str) -> Result<(), Box<dyn Error>> {
    match service {
        "dune" => {
            let sql = "SELECT * FROM (VALUES \
                       (1, DATE '2024-09-28', 'lagoon', 12.5), \
                       (2, DATE '2024-09-29', 'estuary', NULL), \
                       (3, DATE '2024-09-30', 'tidepool', 0.75) \
                       ) AS t (trade_id, block_date, project, amount_usd)";
            let dune = dune::Client::from_env()?;
            show("Dune", &run_at_dune(&dune, sql).await?).await
        }
        "lightdash" => {
            let sql = "SELECT 1 AS trade_id, CAST('2024-09-28' AS date) AS block_date, \
                       'lagoon' AS project, 12.5 AS amount_usd \
                       UNION ALL SELECT 2, CAST('2024-09-29' AS date), 'estuary', NULL \
                       UNION ALL SELECT 3, CAST('2024-09-30' AS date), 'tidepool', 0.75";
            let lightdash = lightdash::Client::from_env()?;
            let project = variable("LIGHTDASH_PROJECT")?;
            show(
                "Lightdash",
                &run_at_lightdash(&lightdash, &project, sql).await?,
            )
            .await
        }
        "yandex-query" => {
            let sql = "SELECT 1 AS trade_id, Date('2024-09-28') AS block_date, \
                       'lagoon'u AS project, Just(12.5) AS amount_usd \
                       UNION ALL SELECT 2 AS trade_id, Date('2024-09-29') AS block_date, \
                       'estuary'u AS project, Nothing(Double?) AS amount_usd";
            let yandex = yandex_query::Client::from_env()?;
            let folder = variable("YC_FOLDER_ID")?;
            show(
                "Yandex Query",
                &run_at_yandex_query(&yandex, &folder, sql).await?,
            )
            .await
        }
        other => {
            Err(format!("unknown service {other:?}; use dune, lightdash or yandex-query").into())
        }
    }
}

async fn run_at_dune(client: &dune::Client, sql: &str) -> Result<CompletedRun, rowfeed::Error> {
    client.execute_sql().sql(sql).run().await
}

async fn run_at_lightdash(
    client: &lightdash::Client,
    project: &str,
    sql: &str,
) -> Result<CompletedRun, rowfeed::Error> {
    client
        .execute_async_sql_query()
        .project_uuid(project)
        .sql(sql)
        .run()
        .await
}

async fn run_at_yandex_query(
    client: &yandex_query::Client,
    folder: &str,
    sql: &str,
) -> Result<CompletedRun, rowfeed::Error> {
    client.create_query().project(folder).text(sql).run().await
}

/// Reads the rows of a run at any service, three at a time.
async fn show(name: &str, run: &CompletedRun) -> Result<(), Box<dyn Error>> {
    println!("\n{name}: run {}", run.id());
    let mut trades = run.rows::<Trade>().page_size(3);
    while let Some(trade) = trades.try_next().await? {
        let amount = trade
            .amount_usd
            .map_or("-".into(), |usd| format!("{usd:.2}"));
        println!(
            "  {:>20}  {}  {:10} {amount:>10}",
            trade.trade_id, trade.block_date, trade.project
        );
    }
    Ok(())
}

/// Prints the requests that were sent.
fn show_requests(sandbox: &Sandbox) {
    for request in sandbox.take_requests() {
        let query = request
            .query
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let rows = request
            .rows
            .map(|rows| format!("{rows} rows"))
            .unwrap_or_default();
        println!("    {:4} {}{query}  {rows}", request.method, request.path);
    }
}

fn variable(name: &str) -> Result<String, Box<dyn Error>> {
    std::env::var(name).map_err(|_| format!("the environment variable {name} is not set").into())
}
