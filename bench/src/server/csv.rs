//! Results of Dune as CSV, which the official Python client reads into a DataFrame.

use anyhow::Result;

use super::{
    answers::{Answer, next_page, page_rows},
    request::Request,
    rows::{Blocks, Format},
};
use crate::dataset::{Dataset, Service};

pub(super) fn page(request: &Request, id: &str, blocks: &Blocks) -> Result<Answer> {
    let dataset: Dataset = id.parse()?;
    let limit = request.number("limit").unwrap_or(32_000);
    let offset = request.number("offset").unwrap_or(0);
    let block = blocks.get(Service::Dune, Format::Csv, &dataset, None);
    let names: Vec<&str> = block
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    let before = format!("{}\n", names.join(","));
    let rows = page_rows(&dataset, offset, limit);
    let next = offset + rows;
    let mut headers = String::new();
    if next < dataset.rows {
        let url = next_page(request, limit, next);
        headers = format!("x-dune-next-uri: {url}\r\nx-dune-next-offset: {next}\r\n");
    }
    Ok(Answer {
        status: 200,
        headers,
        before,
        rows: Some((block, offset, rows)),
        after: "\n".to_owned(),
        latency: dataset.latency,
        gzip: dataset.gzip,
    })
}
