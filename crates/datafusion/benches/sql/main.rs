//! Measures SQL over results: streaming through `ResultTable` beside collecting all rows first, and
//! partitions beside one.
//!
//! `cargo xtask bench --sql` builds and runs it, and it writes `bench/SQL.md`. The page server of the
//! package `bench` and one process per reading communicate over loopback HTTP. Contenders take turns
//! in each round.

#[allow(dead_code)]
#[path = "../../../../bench/src/machine.rs"]
mod machine;
mod page_server;
mod reading;
mod report;

use std::{
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result, bail, ensure};

use self::{
    page_server::PageServer,
    reading::{Job, Method, Reading, Service},
};

/// The rounds of a complete run.
const ROUNDS: usize = 5;

/// The page server repeats its rows after this number.
const DIFFERENT_ROWS: u64 = 160_000;

/// The delay of each page in the measurement of partitions, in milliseconds.
const LATENCY_MS: u64 = 50;

/// The largest peak memory of a streaming query, in bytes.
const MOST_BYTES: u64 = 200 * 1024 * 1024;

/// The smallest gain of eight partitions over one.
const LEAST_GAIN: f64 = 5.0;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<()> {
    if let [command, job] = args
        && command == "read"
    {
        let reading = reading::run(&serde_json::from_str(job)?)?;
        println!("{}", serde_json::to_string(&reading)?);
        return Ok(());
    }
    let (mut is_bench, mut is_quick, mut rounds) = (false, false, None);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            // cargo adds it.
            "--bench" => is_bench = true,
            "--quick" => is_quick = true,
            "--rounds" => {
                let number = args.next().context("--rounds needs a number")?;
                rounds = Some(number.parse().context("--rounds needs a number")?);
            }
            other => bail!("--sql has the options --quick and --rounds N, not {other}"),
        }
    }
    ensure!(
        is_bench,
        "start this program with `cargo xtask bench --sql`"
    );
    measure(is_quick, rounds)
}

/// Measures, prints the report, and writes it unless the run is partial.
fn measure(is_quick: bool, rounds: Option<usize>) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let many = if is_quick { 200_000 } else { 10_000_000 };
    let rounds = if is_quick {
        1
    } else {
        rounds.unwrap_or(ROUNDS)
    };
    ensure!(rounds > 0, "--rounds needs at least 1");
    let partitions = std::thread::available_parallelism().map_or(2, usize::from);
    let server = PageServer::start(&root)?;
    let job = |service, method, rows| Job {
        url: server.url.clone(),
        service,
        method,
        rows,
        latency_ms: 0,
        page_size: None,
        partitions,
    };

    let methods = [
        Method::Stream,
        Method::StreamAhead,
        Method::CollectSome,
        Method::CollectAll,
    ];
    let mut jobs: Vec<Job> = methods
        .map(|method| job(Service::Dune, method, many))
        .into();
    jobs.push(job(Service::Dune, Method::Stream, many / 10));
    let streaming = rounds_of(&jobs, rounds)?;

    let mut jobs = Vec::new();
    for service in Service::ALL {
        for partitions in [1, 8] {
            let rows = if is_quick { 24_000 } else { 100_000 };
            jobs.push(Job {
                latency_ms: LATENCY_MS,
                page_size: Some(1_000),
                partitions,
                ..job(service, Method::Stream, rows)
            });
        }
    }
    let partitioned = rounds_of(&jobs, rounds)?;

    let report = report::Report {
        streaming,
        partitioned,
        rounds,
        root: &root,
    };
    let text = report.text();
    println!("{text}");
    if is_quick || rounds < ROUNDS {
        eprintln!("bench/SQL.md is as before: it is written after {ROUNDS} rounds or more");
        return Ok(());
    }
    std::fs::write(root.join("bench/SQL.md"), text)?;
    let missed = report.missed();
    ensure!(missed.is_empty(), "{}", missed.join("\n"));
    Ok(())
}

/// The readings of a job.
pub(crate) struct Measured {
    pub(crate) job: Job,
    pub(crate) readings: Vec<Reading>,
}

/// Lets every job read once in each round, each time in a new process. Each round begins with
/// another job. All jobs with the same rows of a service must have the same result.
fn rounds_of(jobs: &[Job], rounds: usize) -> Result<Vec<Measured>> {
    for job in jobs {
        // The server builds the rows of each job before the measurement.
        read(&Job {
            rows: job.rows.min(DIFFERENT_ROWS),
            latency_ms: 0,
            ..job.clone()
        })?;
    }
    let mut measured: Vec<Measured> = jobs
        .iter()
        .map(|job| Measured {
            job: job.clone(),
            readings: Vec::new(),
        })
        .collect();
    for round in 0..rounds {
        for turn in 0..jobs.len() {
            let one = &mut measured[(round + turn) % jobs.len()];
            let reading = read(&one.job)?;
            eprintln!("{}: {:.2} s", one.job.name(), reading.seconds);
            one.readings.push(reading);
        }
    }
    for one in &measured {
        for reading in &one.readings {
            let same = measured.iter().find(|other| {
                (other.job.rows, other.job.service) == (one.job.rows, one.job.service)
            });
            let expected = same.and_then(|other| other.readings.first());
            ensure!(
                expected.is_some_and(|expected| expected.groups == reading.groups),
                "{} computed another result than the others",
                one.job.name()
            );
        }
    }
    Ok(measured)
}

/// Reads once in a process of its own, so that its peak memory is that of this reading.
fn read(job: &Job) -> Result<Reading> {
    let output = Command::new(std::env::current_exe()?)
        .args(["read", &serde_json::to_string(job)?])
        .stderr(std::process::Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "{} failed", job.name());
    let reading = serde_json::from_slice(&output.stdout);
    reading.with_context(|| format!("{} printed no reading", job.name()))
}
