//! In each round, every contender reads once. Each round begins with another contender. A ratio
//! therefore compares two readings that were close in time.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use super::{
    process::Worker,
    python::Python,
    workloads::{BASE, Workload},
};
use crate::{
    contenders::{self, Job},
    results::{Measured, Spread, WorkloadResult},
    sum::Sum,
    worker::Reading,
};

/// The number of rounds of the Python clients, which take longest and vary least.
const PYTHON_ROUNDS: usize = 3;

/// Measures all contenders of a workload.
pub(crate) fn measure(
    workload: &Workload,
    url: &str,
    rounds: usize,
    python: &Python,
    notes: &mut Vec<String>,
) -> Result<WorkloadResult> {
    let rounds = rounds.min(workload.most_rounds);
    warm_server(&workload.job, url)?;
    let mut workers = Vec::new();
    for &name in &workload.contenders {
        let mut job = workload.job.clone();
        (job.url, job.contender) = (url.to_owned(), name.to_owned());
        let interpreter = match name {
            "python" => match python.of(job.service) {
                Ok(interpreter) => Some(interpreter),
                Err(why) => {
                    notes.push(format!("{}: no Python client: {why}", job.service.title()));
                    continue;
                }
            },
            _ => None,
        };
        workers.push((name, Worker::start(&job, interpreter)?));
    }
    // The first reading does not count: it opens connections and fills caches. It is skipped where
    // the memory of the first reading is measured.
    if workload.most_rounds > 1 {
        for (name, worker) in &mut workers {
            if *name != "python" {
                worker.go()?;
            }
        }
    }
    let mut readings: BTreeMap<&str, Vec<Reading>> = BTreeMap::new();
    for round in 0..rounds {
        let count = workers.len();
        workers.rotate_left(usize::from(round > 0 && count > 0));
        for (name, worker) in &mut workers {
            if *name != "python" || round < PYTHON_ROUNDS {
                readings.entry(name).or_default().push(worker.go()?);
            }
        }
    }
    check(workload, &readings)?;
    let measured = workload.contenders.iter();
    Ok(WorkloadResult {
        name: workload.name.to_owned(),
        service: workload.job.service,
        unit: workload.unit,
        rows: workload.job.rows,
        page_size: workload.job.page_size,
        latency_ms: workload.latency_ms,
        prefetch: workload.job.prefetch,
        calls: workload.job.repeat,
        rounds,
        contenders: measured
            .filter_map(|name| {
                let base = readings.get(BASE);
                Some(summary(
                    name,
                    readings.get(name)?,
                    base,
                    workload.job.repeat,
                ))
            })
            .collect(),
    })
}

/// Requests the first page, so that the server builds its rows before the measurement.
fn warm_server(job: &Job, url: &str) -> Result<()> {
    let mut first_page = job.clone();
    (first_page.url, first_page.rows) = (url.to_owned(), 1);
    contenders::read_raw(&first_page)?;
    Ok(())
}

/// Checks that all contenders read the same values.
fn check(workload: &Workload, readings: &BTreeMap<&str, Vec<Reading>>) -> Result<()> {
    let all = || {
        let each = readings.iter();
        each.flat_map(|(name, of_it)| of_it.iter().map(move |reading| (name, reading)))
    };
    let expected: Option<Sum> = all().find_map(|(_, reading)| reading.sum);
    for (name, reading) in all() {
        let place = format!("{}/{}/{name}", workload.name, workload.job.service.name());
        ensure!(
            reading.rows == workload.job.rows,
            "{place} read {} rows of {}",
            reading.rows,
            workload.job.rows
        );
        if let (Some(expected), Some(sum)) = (&expected, &reading.sum) {
            ensure!(
                expected.agrees_with(sum),
                "{place} read different values: {sum:?}, not {expected:?}"
            );
        }
    }
    Ok(())
}

fn summary(name: &str, readings: &[Reading], base: Option<&Vec<Reading>>, calls: u64) -> Measured {
    let of = |value: &dyn Fn(&Reading) -> f64| Spread::of(readings.iter().map(value));
    let beside = |value: &dyn Fn(&Reading, &Reading) -> f64| {
        let pairs = readings.iter().zip(base?);
        Spread::of(pairs.map(|(own, base)| value(own, base)))
    };
    let rows = |reading: &Reading| (reading.rows * calls) as f64;
    Measured {
        contender: name.to_owned(),
        wall_s: of(&|reading| reading.wall_s).unwrap_or_default(),
        cpu_s: of(&|reading| reading.cpu_s).unwrap_or_default(),
        rows_per_s: of(&|reading| rows(reading) / reading.wall_s).unwrap_or_default(),
        speed_ratio: beside(&|own, base| base.wall_s / own.wall_s),
        cpu_ratio: beside(&|own, base| own.cpu_s / base.cpu_s),
        bytes: readings.first().and_then(|reading| reading.bytes),
        peak_rss_bytes: readings
            .iter()
            .filter_map(|reading| reading.peak_rss_bytes)
            .max(),
    }
}
