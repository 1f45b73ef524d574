//! Fetches bodies without decoding them: with reqwest, and with a plain socket, which shows the
//! speed of the page server.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
};

use anyhow::{Context as _, Result, ensure};

use super::{Job, Outcome};
use crate::dataset::Service;

/// Returns the path of each page, computed from the number of rows.
pub(super) fn paths(job: &Job) -> impl Iterator<Item = String> {
    let (service, id) = (job.service, job.dataset.clone());
    let size = u64::from(job.page_size);
    (0..job.rows.div_ceil(size)).map(move |page| {
        let offset = page * size;
        match service {
            Service::Dune => format!("/api/v1/execution/{id}/results?limit={size}&offset={offset}"),
            Service::Lightdash => {
                let page = page + 1;
                format!("/api/v2/projects/project/query/{id}?page={page}&pageSize={size}")
            }
            Service::YandexQuery => {
                let path = format!("/api/fq/v1/queries/{id}/results/0");
                format!("{path}?project=folder&limit={size}&offset={offset}")
            }
        }
    })
}

fn outcome(job: &Job, bytes: u64) -> Outcome {
    Outcome {
        rows: job.rows,
        sum: None,
        bytes: Some(bytes),
    }
}

pub(super) async fn read(http: &reqwest::Client, job: &Job) -> Result<Outcome> {
    let mut bytes = 0;
    for path in paths(job) {
        let response = http.get(format!("{}{path}", job.url)).send().await?;
        let mut response = response.error_for_status()?;
        while let Some(chunk) = response.chunk().await? {
            bytes += chunk.len() as u64;
        }
    }
    Ok(outcome(job, bytes))
}

pub(crate) fn read_raw(job: &Job) -> Result<Outcome> {
    let host = job.url.trim_start_matches("http://");
    let stream = TcpStream::connect(host)?;
    stream.set_nodelay(true)?;
    let mut input = BufReader::with_capacity(256 * 1024, stream.try_clone()?);
    let mut buffer = vec![0; 256 * 1024];
    let mut bytes = 0;
    for path in paths(job) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        (&stream).write_all(request.as_bytes())?;
        let mut left = body_length(&mut input)?;
        bytes += left as u64;
        while left > 0 {
            let room = left.min(buffer.len());
            let read = input.read(&mut buffer[..room])?;
            ensure!(
                read > 0,
                "the page server closed the connection inside a body"
            );
            left -= read;
        }
    }
    Ok(outcome(job, bytes))
}

/// Reads the head of a response.
fn body_length(input: &mut BufReader<TcpStream>) -> Result<usize> {
    let mut length = None;
    loop {
        let mut line = String::new();
        input.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            ensure!(
                line.is_empty() || line == "\r\n" || line.starts_with("HTTP/1.1 200"),
                "{line}"
            );
            match line == "\r\n" || line.is_empty() {
                true => return length.context("the response has no length"),
                false => continue,
            }
        };
        if name == "content-length" {
            length = Some(value.parse()?);
        }
    }
}
