//! A worker: a process with one contender, which reads on command.
//!
//! It prints `ready`, then answers each line `go` with a line of JSON, until its input closes.

use std::{
    io::{BufRead as _, Write as _},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use cpu_time::ProcessTime;
use serde::{Deserialize, Serialize};

use crate::{
    contenders::{Contender, Job},
    sum::Sum,
};

/// One reading, as a worker reports it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Reading {
    pub(crate) rows: u64,
    pub(crate) sum: Option<Sum>,
    pub(crate) bytes: Option<u64>,
    pub(crate) wall_s: f64,
    /// The CPU time of all threads of the worker.
    pub(crate) cpu_s: f64,
    /// The peak memory of the worker since its start, if the system reports it.
    pub(crate) peak_rss_bytes: Option<u64>,
}

pub(crate) fn run(job: &str) -> Result<()> {
    let job: Job = serde_json::from_str(job).context("invalid job")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let contender = runtime.block_on(Contender::prepare(&job))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready")?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        ensure!(line?.trim() == "go", "a worker accepts only the line go");
        let reading = runtime.block_on(read(&contender, &job))?;
        writeln!(out, "{}", serde_json::to_string(&reading)?)?;
        out.flush()?;
    }
    Ok(())
}

async fn read(contender: &Contender, job: &Job) -> Result<Reading> {
    let (wall, cpu) = (Instant::now(), ProcessTime::now());
    let mut outcome = contender.read(job).await?;
    for _ in 1..job.repeat {
        outcome = contender.read(job).await?;
    }
    Ok(Reading {
        rows: outcome.rows,
        sum: outcome.sum,
        bytes: outcome.bytes,
        wall_s: wall.elapsed().as_secs_f64(),
        cpu_s: cpu.elapsed().as_secs_f64(),
        peak_rss_bytes: peak_rss_bytes(),
    })
}

fn peak_rss_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}
