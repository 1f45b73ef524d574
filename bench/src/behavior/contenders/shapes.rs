//! The row structs of hand-written code for each service, and the HTTP client that sends the key
//! with every request.

use std::collections::HashMap;

use anyhow::Result;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    behavior::job::{Found, Job, Task},
    dataset::Service,
};

/// The key as a header of every request.
pub(super) fn http(job: &Job) -> Result<reqwest::Client> {
    let (name, value) = match job.service {
        Service::Dune => ("x-dune-api-key", job.key.clone()),
        Service::Lightdash => ("authorization", format!("ApiKey {}", job.key)),
        Service::YandexQuery => ("authorization", format!("Bearer {}", job.key)),
    };
    let mut headers = HeaderMap::new();
    let mut value = HeaderValue::from_str(&value)?;
    // As in the documentation of reqwest.
    value.set_sensitive(true);
    headers.insert(HeaderName::from_static(name), value);
    Ok(reqwest::Client::builder()
        .default_headers(headers)
        .build()?)
}

#[derive(Deserialize)]
struct DuneRow {
    trade_id: i64,
    run: Option<i64>,
}

#[derive(Deserialize)]
struct DuneDigits {
    wide: String,
    price: String,
    id: i64,
}

#[derive(Deserialize)]
struct Cell<T> {
    value: Raw<T>,
}

#[derive(Deserialize)]
struct Raw<T> {
    raw: T,
}

/// Adds the rows of a page to the result.
pub(super) fn take(job: &Job, rows: Vec<Value>, found: &mut Found) -> Result<()> {
    for row in rows {
        match (job.service, job.task) {
            (Service::Dune, Task::Digits) => {
                let row: DuneDigits = parse(row)?;
                found
                    .digits
                    .extend([row.wide, row.price, row.id.to_string()]);
            }
            (Service::Dune, _) => {
                let row: DuneRow = parse(row)?;
                found.rows.push(row.trade_id);
                found.runs.extend(row.run);
            }
            (Service::Lightdash, Task::Digits) => {
                #[derive(Deserialize)]
                struct Digits {
                    trade_id: Cell<String>,
                    price: Cell<f64>,
                }
                let row: Digits = parse(row)?;
                let price = row.price.value.raw.to_string();
                found.digits.extend([row.trade_id.value.raw, price]);
            }
            (Service::Lightdash, _) => {
                let mut row: HashMap<String, Cell<String>> = parse(row)?;
                let cell = row.remove("trade_id");
                let cell = cell.ok_or_else(|| anyhow::anyhow!("a row without trade_id"))?;
                found.rows.push(cell.value.raw.parse()?);
            }
            (Service::YandexQuery, Task::Digits) => {
                let (id, price): (i64, String) = parse(row)?;
                found.digits.extend([id.to_string(), price]);
            }
            (Service::YandexQuery, _) => {
                // An Optional is an array of one value or an empty array.
                let (trade_id,): (Vec<i64>,) = parse(row)?;
                found.rows.extend(trade_id);
            }
        }
    }
    Ok(())
}

fn parse<T: DeserializeOwned>(row: Value) -> Result<T> {
    Ok(serde_json::from_value(row)?)
}
