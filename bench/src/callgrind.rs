//! Counts instructions with callgrind. It takes the difference of two runs, one twice as long as
//! the other, so that the startup of the process does not count. As many counts run at the same time
//! as there are cores: the load of the machine does not change them.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    contenders::{Form, Job},
    dataset::{Dataset, Service, Table},
    options::Options,
    results::Instructions,
    run::{PageServer, program},
};

/// What is counted for each service: the unit, the contenders, and how many units are read.
struct Counted {
    per: &'static str,
    contenders: &'static [&'static str],
    amount: u64,
}

fn counted(options: &Options) -> [Counted; 7] {
    let (rows, calls) = match options.quick {
        true => (1_000, 10),
        false => (options.rows.unwrap_or(20_000), 500),
    };
    let counted = |per, contenders, amount| Counted {
        per,
        contenders,
        amount,
    };
    let rowwise = &["rowfeed", "hand", "rowfeed-pages", "fetch"];
    let columnar = &["rowfeed", "hand", "arrow-json"];
    [
        counted("row", rowwise, rows),
        counted("outside row", rowwise, rows),
        counted("outside row in columns", columnar, rows),
        counted("row of 200 columns", &["rowfeed", "hand"], rows / 10),
        counted("row in 200 columns", columnar, rows / 10),
        counted(
            "gzip row",
            &["rowfeed", "hand", "hand-zlib-rs", "fetch"],
            rows,
        ),
        counted(
            "outside call",
            &["rowfeed", "hand", "generated", "fetch"],
            calls,
        ),
    ]
}

/// One count, with an empty place for its result.
struct Count {
    job: Job,
    amount: u64,
    instructions: Instructions,
}

/// Counts the selected units. Each failure is added to `failed`, and the others go on. `so_far`
/// receives all counts after each one.
pub(crate) fn count(
    options: &Options,
    failed: &mut Vec<String>,
    so_far: &dyn Fn(&[Instructions]) -> Result<()>,
) -> Result<Vec<Instructions>> {
    let pattern = options.only.as_deref().unwrap_or_default();
    let counts: Vec<Count> = counts(options)
        .into_iter()
        .filter(|count| count.instructions.name().contains(pattern))
        .collect();
    ensure!(!counts.is_empty(), "nothing has {pattern:?} in its name");
    let mut done: Vec<Option<f64>> = vec![None; counts.len()];
    let next = AtomicUsize::new(0);
    let (tell, results) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            let (tell, next, counts) = (tell.clone(), &next, &counts);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(count) = counts.get(index) else {
                        return;
                    };
                    // The receiver ends after a failure to write.
                    if tell
                        .send((index, difference(count, options.apart)))
                        .is_err()
                    {
                        return;
                    }
                }
            });
        }
        drop(tell);
        for (index, result) in results {
            let name = counts[index].instructions.name();
            match result {
                Ok(instructions) => {
                    eprintln!("instructions per {name}: {instructions:.0}");
                    done[index] = Some(instructions);
                    so_far(&in_order(&counts, &done))?;
                }
                Err(error) => failed.push(format!("{name}: {error:#}")),
            }
        }
        Ok(in_order(&counts, &done))
    })
}

fn in_order(counts: &[Count], done: &[Option<f64>]) -> Vec<Instructions> {
    let pairs = counts.iter().zip(done);
    pairs
        .filter_map(|(count, instructions)| {
            Some(Instructions {
                instructions: (*instructions)?,
                ..count.instructions.clone()
            })
        })
        .collect()
}

fn counts(options: &Options) -> Vec<Count> {
    let mut counts = Vec::new();
    for service in Service::ALL {
        for counted in counted(options) {
            for &contender in counted.contenders {
                counts.push(Count {
                    job: job(service, contender, counted.per, counted.amount),
                    amount: counted.amount,
                    instructions: Instructions {
                        service,
                        per: counted.per.to_owned(),
                        contender: contender.to_owned(),
                        instructions: 0.0,
                    },
                });
            }
        }
    }
    counts
}

impl Instructions {
    fn name(&self) -> String {
        format!("{}/{}/{}", self.per, self.service.name(), self.contender)
    }
}

fn job(service: Service, contender: &str, per: &str, amount: u64) -> Job {
    let is_call = per.ends_with("call");
    let table = match per {
        "row" => Table::Mixed,
        per if per.contains("200") => Table::Wide,
        _ => Table::Outside,
    };
    let mut job = Job {
        url: String::new(),
        service,
        dataset: String::new(),
        rows: if is_call { 1 } else { amount },
        page_size: match table {
            Table::Wide => service.page_size_of_wide(),
            Table::Mixed | Table::Outside => service.usual_page_size(),
        },
        contender: contender.to_owned(),
        form: match per.contains(" in ") {
            true => Form::Batches,
            false => Form::Rows,
        },
        // A call is one request.
        direct: per != "row" && !is_call,
        prefetch: 0,
        chained: false,
        repeat: if is_call { amount } else { 1 },
    };
    let dataset = Dataset::new(table, job.rows);
    job.dataset = match per.starts_with("gzip") {
        true => dataset.gzip().to_string(),
        false => dataset.to_string(),
    };
    job
}

/// Returns the instructions for each unit.
fn difference(count: &Count, is_apart: bool) -> Result<f64> {
    let once = instructions(&count.job, is_apart)?;
    let per = &count.instructions.per;
    let twice = job(
        count.job.service,
        &count.job.contender,
        per,
        count.amount * 2,
    );
    let twice = instructions(&twice, is_apart)?;
    Ok((twice - once) / count.amount as f64)
}

/// Counts all instructions of a worker that reads once.
fn instructions(job: &Job, is_apart: bool) -> Result<f64> {
    let server = PageServer::start()?;
    let job = Job {
        url: server.url.clone(),
        ..job.clone()
    };
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program(&job.contender, is_apart)?)
        .args(["worker", &serde_json::to_string(&job)?])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .context("cannot start valgrind; is it installed?")?;
    let mut input = child.stdin.take().context("no input")?;
    writeln!(input, "go")?;
    drop(input);
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    match collected.map(|(_, count)| count.trim().parse()) {
        Some(Ok(count)) if output.status.success() => Ok(count),
        _ => bail!("callgrind counted nothing: {said}"),
    }
}
