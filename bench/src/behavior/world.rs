//! A sandbox for one contender in one situation.

use std::io;

use anyhow::{Context as _, Result};
use rowfeed_sandbox::{
    ColumnType, DUNE_API_KEY, LIGHTDASH_PROJECT_UUID, LIGHTDASH_TOKEN, Sandbox, ScriptedResult,
    Value, YANDEX_IAM_TOKEN, YANDEX_PROJECT,
};

use super::{
    job::{Job, Who},
    situations::{PAGE_SIZE, ROWS, Situation, What, digits},
};
use crate::dataset::Service;

/// A key that every service refuses.
pub(crate) const WRONG_KEY: &str = "no-key-of-this-service-48151623";

/// The sandbox and the job.
pub(crate) fn prepare(situation: &Situation, service: Service, who: Who) -> Result<(Sandbox, Job)> {
    let sandbox = start(situation.what, service)?;
    let (url, key, project) = match service {
        Service::Dune => (sandbox.dune_url(), DUNE_API_KEY, ""),
        Service::Lightdash => (
            sandbox.lightdash_url(),
            LIGHTDASH_TOKEN,
            LIGHTDASH_PROJECT_UUID,
        ),
        Service::YandexQuery => (sandbox.yandex_query_url(), YANDEX_IAM_TOKEN, YANDEX_PROJECT),
    };
    let mut job = Job {
        who,
        service,
        task: situation.what.task(),
        key: key.to_owned(),
        project: project.to_owned(),
        sql: situation.what.sql(service),
        query_id: 0,
        page_size: PAGE_SIZE,
        wait_s: situation.what.wait_s(),
        url,
    };
    match situation.what {
        What::Refused | What::Hidden => job.key = WRONG_KEY.to_owned(),
        What::Replaced => job.query_id = saved_query(&job)?,
        _ => {}
    }
    for fault in situation.what.faults(service) {
        sandbox.fault(fault.parse().with_context(|| fault.clone())?);
    }
    Ok((sandbox, job))
}

fn start(what: What, service: Service) -> Result<Sandbox> {
    let size = PAGE_SIZE as usize;
    // The official clients of Dune and Lightdash request the largest pages.
    let mut builder = Sandbox::builder().poll_steps(0).max_page_rows(size);
    if matches!(what, What::CutOff) {
        let kept = size * 3 / 2;
        builder = builder
            .dune_partial_after(kept)
            .yandex_query_truncate_after(kept);
    }
    let sandbox = builder.start_blocking()?;
    match (what, service) {
        (What::Digits, Service::Dune) => {
            let [wide, decimal, integer] = quoted(service)?;
            let columns = [
                ("wide", "uint256"),
                ("price", "decimal(38, 18)"),
                ("id", "bigint"),
            ];
            let result = ScriptedResult::new(columns).row([wide, decimal, unquoted(&integer)]);
            sandbox.script_result(rowfeed_sandbox::Service::Dune, "select digits", result)?;
        }
        (What::Digits, Service::YandexQuery) => {
            let [small, decimal, large, tiny] = quoted(service)?;
            // An integer is a number, or text if a float cannot represent it.
            let result = ScriptedResult::new([("id", "Int64"), ("price", "Decimal(22,9)")])
                .row([unquoted(&small), decimal])
                .row([large, tiny]);
            sandbox.script_result(
                rowfeed_sandbox::Service::YandexQuery,
                "select digits",
                result,
            )?;
        }
        (What::Digits, Service::Lightdash) => {
            let row = vec![Value::Integer(9_007_199_254_740_993), Value::Double(0.125)];
            let columns = [
                ("trade_id", ColumnType::BigInt),
                ("price", ColumnType::Double),
            ];
            sandbox.register_table("trades", &columns, &[row])?;
        }
        _ => numbered(&sandbox, ROWS)?,
    }
    Ok(sandbox)
}

/// Returns the digits as JSON text.
fn quoted<const N: usize>(service: Service) -> Result<[String; N]> {
    let texts: Vec<String> = digits(service)
        .iter()
        .map(|text| format!("\"{text}\""))
        .collect();
    <[String; N]>::try_from(texts)
        .ok()
        .context("as many as there are columns")
}

fn unquoted(text: &str) -> String {
    text.trim_matches('"').to_owned()
}

fn numbered(sandbox: &Sandbox, rows: u64) -> io::Result<()> {
    let rows: Vec<Vec<Value>> = (0..rows as i64)
        .map(|row| vec![Value::Integer(row)])
        .collect();
    sandbox.register_table("trades", &[("trade_id", ColumnType::BigInt)], &rows)
}

/// Saves the job's statement as a query of Dune and runs it.
fn saved_query(job: &Job) -> Result<i64> {
    #[derive(serde::Deserialize)]
    struct Created {
        query_id: i64,
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let http = reqwest::Client::new();
        let post = |path: String, body: serde_json::Value| {
            let request = http.post(format!("{}/v1/{path}", job.url));
            request
                .header("X-Dune-Api-Key", &job.key)
                .json(&body)
                .send()
        };
        let query = serde_json::json!({"name": "Numbers", "query_sql": job.sql});
        let created: Created = post("query".to_owned(), query)
            .await?
            .error_for_status()?
            .json()
            .await?;
        let path = format!("query/{}/execute", created.query_id);
        post(path, serde_json::json!({}))
            .await?
            .error_for_status()?;
        Ok(created.query_id)
    })
}
