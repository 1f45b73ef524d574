//! In each round, every contender reads once. Each round begins with another contender. A ratio
//! therefore compares two readings that were close in time.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use super::{
    PageServer,
    process::Worker,
    python::Python,
    workloads::{BASE, Workload},
};
use crate::{
    contenders::{self, Job},
    results::{Measured, Spread, WorkloadResult},
    worker::Reading,
};

/// The number of rounds of the Python clients, which take longest and vary least.
const PYTHON_ROUNDS: usize = 3;

/// The settings of a run.
pub(super) struct Setup {
    pub(super) rounds: usize,
    pub(super) python: Python,
    /// Whether the contenders other than rowfeed run in the program that was built without it.
    pub(super) is_apart: bool,
}

/// What the run has left out.
#[derive(Default)]
pub(super) struct LeftOut {
    /// What this machine lacks: clients that are not installed, processors that stay awake.
    pub(super) absent: Vec<String>,
    /// Contenders and workloads that failed.
    pub(super) failed: Vec<String>,
}

/// The readings of each contender.
type Readings = BTreeMap<&'static str, Vec<Reading>>;

/// Measures all contenders of a workload. A contender that fails is left out.
pub(super) fn measure(
    workload: &Workload,
    setup: &Setup,
    left_out: &mut LeftOut,
) -> Result<WorkloadResult> {
    // One server per workload, so that no server keeps the blocks of all.
    let server = PageServer::start()?;
    warm_server(&workload.job, &server.url)?;
    let rounds = setup.rounds.min(workload.most_rounds);
    let mut readings = read(workload, setup, &server.url, rounds, left_out);
    leave_out_wrong(workload, &mut readings, &mut left_out.failed);
    ensure!(!readings.is_empty(), "no contender has read the result");
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

/// Lets the contenders read in turns.
fn read(
    workload: &Workload,
    setup: &Setup,
    url: &str,
    rounds: usize,
    left_out: &mut LeftOut,
) -> Readings {
    let mut workers = start(workload, setup, url, left_out);
    let failed = &mut left_out.failed;
    let mut go = |name: &str, worker: &mut Worker| {
        let reading = worker.go();
        reading.map_err(|error| failed.push(format!("{}: {error:#}", place(workload, name))))
    };
    // The first reading does not count: it opens connections and fills caches. It is skipped where
    // the memory of the first reading is measured.
    if workload.most_rounds > 1 {
        workers.retain_mut(|(name, worker)| *name == "python" || go(name, worker).is_ok());
    }
    let mut readings = Readings::new();
    for round in 0..rounds {
        if round > 0 && !workers.is_empty() {
            workers.rotate_left(1);
        }
        workers.retain_mut(|(name, worker)| {
            if *name == "python" && round >= PYTHON_ROUNDS {
                return true;
            }
            match go(name, worker) {
                Ok(reading) => readings.entry(name).or_default().push(reading),
                Err(()) => {
                    readings.remove(name);
                    return false;
                }
            }
            true
        });
    }
    readings
}

/// Starts a worker for each contender.
fn start(
    workload: &Workload,
    setup: &Setup,
    url: &str,
    left_out: &mut LeftOut,
) -> Vec<(&'static str, Worker)> {
    let mut workers = Vec::new();
    for &name in &workload.contenders {
        let mut job = workload.job.clone();
        (job.url, job.contender) = (url.to_owned(), name.to_owned());
        let worker = match name {
            "python" => match setup.python.of(job.service) {
                Ok(interpreter) => Worker::python(&job, interpreter),
                Err(why) => {
                    let title = job.service.title();
                    let absent = format!("{title}: no Python client: {why}");
                    if !left_out.absent.contains(&absent) {
                        left_out.absent.push(absent);
                    }
                    continue;
                }
            },
            _ => Worker::start(&job, setup.is_apart),
        };
        match worker {
            Ok(worker) => workers.push((name, worker)),
            Err(error) => left_out
                .failed
                .push(format!("{}: {error:#}", place(workload, name))),
        }
    }
    workers
}

fn place(workload: &Workload, contender: &str) -> String {
    let service = workload.job.service.name();
    format!("{}/{service}/{contender}", workload.name)
}

/// Requests the first page, so that the server builds its rows before the measurement.
fn warm_server(job: &Job, url: &str) -> Result<()> {
    let mut first_page = job.clone();
    (first_page.url, first_page.rows) = (url.to_owned(), 1);
    contenders::fetch::read_raw(&first_page)?;
    Ok(())
}

/// Leaves out contenders that have not read the same values as the hand-written loop, or as the
/// first contender if the loop is not selected.
fn leave_out_wrong(workload: &Workload, readings: &mut Readings, failed: &mut Vec<String>) {
    let sums = |of_it: &Vec<Reading>| of_it.iter().find_map(|reading| reading.sum);
    let expected = readings
        .get(BASE)
        .and_then(sums)
        .or_else(|| readings.values().find_map(sums));
    readings.retain(|name, of_it| {
        let wrong = of_it.iter().find_map(|reading| {
            if reading.rows != workload.job.rows {
                return Some(format!(
                    "read {} rows of {}",
                    reading.rows, workload.job.rows
                ));
            }
            let (expected, sum) = (expected?, reading.sum?);
            let differs = !expected.agrees_with(&sum);
            differs.then(|| format!("read different values: {sum:?}, not {expected:?}"))
        });
        if let Some(wrong) = &wrong {
            failed.push(format!("{} {wrong}", place(workload, name)));
        }
        wrong.is_none()
    });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{options::Options, run::workloads::workloads, sum::Sum};

    fn reading(rows: u64, text: u64) -> Reading {
        Reading {
            rows,
            sum: Some(Sum {
                rows,
                text,
                ..Sum::default()
            }),
            bytes: None,
            wall_s: 1.0,
            cpu_s: 1.0,
            peak_rss_bytes: None,
        }
    }

    #[test]
    fn a_contender_with_other_values_is_left_out() {
        let options = Options {
            quick: true,
            ..Options::default()
        };
        let workload = workloads(&options).remove(0);
        let rows = workload.job.rows;
        let mut readings = Readings::from([
            ("fetch", vec![reading(rows, 7)]),
            ("hand", vec![reading(rows, 7); 2]),
            ("rowfeed", vec![reading(rows, 7), reading(rows, 8)]),
            ("rowfeed-prefetch", vec![reading(rows - 1, 7)]),
        ]);
        let mut failed = Vec::new();
        leave_out_wrong(&workload, &mut readings, &mut failed);
        let left: Vec<_> = readings.keys().copied().collect();
        assert_eq!(left, ["fetch", "hand"]);
        assert_eq!(failed.len(), 2, "{failed:?}");
        assert!(failed[0].starts_with("mixed/dune/rowfeed read different values"));
        assert!(failed[1].starts_with("mixed/dune/rowfeed-prefetch read "));
    }
}
