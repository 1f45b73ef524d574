//! Counts instructions with callgrind. It takes the difference of two runs, one twice as long as
//! the other, so that the startup of the process does not count.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    contenders::Job,
    dataset::{Dataset, Service, Table},
    options::Options,
    results::Instructions,
    run::PageServer,
};

/// Counts for each service, per row of the mixed table and per call of one row.
pub(crate) fn count(options: &Options) -> Result<Vec<Instructions>> {
    let (rows, calls) = match options.quick {
        true => (1_000, 10),
        false => (options.rows.unwrap_or(50_000), 500),
    };
    let mut counts = Vec::new();
    for service in Service::ALL {
        let rowwise = &["rowfeed", "hand", "rowfeed-pages", "fetch"][..];
        for (per, contenders, amount) in [
            ("row", rowwise, rows),
            ("outside row", rowwise, rows),
            (
                "outside row in columns",
                &["rowfeed", "hand", "arrow-json"],
                rows,
            ),
            ("row of 200 columns", &["rowfeed", "hand"], rows / 10),
            (
                "row in 200 columns",
                &["rowfeed", "hand", "arrow-json"],
                rows / 10,
            ),
            ("gzip row", &["rowfeed", "hand", "fetch"], rows),
            ("call", &["rowfeed", "hand", "generated", "fetch"], calls),
            ("outside call", &["rowfeed", "hand", "fetch"], calls),
        ] {
            for &contender in contenders {
                let name = format!("{per}/{}/{contender}", service.name());
                let pattern = options.only.as_deref().unwrap_or_default();
                if !name.contains(pattern) {
                    continue;
                }
                eprintln!("instructions per {name}");
                let once = instructions(&job(service, contender, per, amount))?;
                let twice = instructions(&job(service, contender, per, amount * 2))?;
                counts.push(Instructions {
                    service,
                    per: per.to_owned(),
                    contender: contender.to_owned(),
                    instructions: (twice - once) / amount as f64,
                });
            }
        }
    }
    ensure!(
        !counts.is_empty(),
        "nothing has {:?} in its name",
        options.only.as_deref().unwrap_or_default()
    );
    Ok(counts)
}

fn job(service: Service, contender: &str, per: &str, amount: u64) -> Job {
    let (rows, repeat) = match per.ends_with("call") {
        false => (amount, 1),
        true => (1, amount),
    };
    let table = match per {
        "row" | "call" => Table::Mixed,
        per if per.contains("200") => Table::Wide,
        _ => Table::Outside,
    };
    let dataset = Dataset::new(table, rows);
    let dataset = match per.starts_with("gzip") {
        true => dataset.gzip(),
        false => dataset,
    };
    Job {
        url: String::new(),
        service,
        dataset: dataset.to_string(),
        rows,
        page_size: match table {
            Table::Wide => service.page_size_of_wide(),
            Table::Mixed | Table::Outside => service.usual_page_size(),
        },
        contender: contender.to_owned(),
        columns: per.contains(" in "),
        direct: !matches!(per, "row" | "call"),
        prefetch: 0,
        chained: false,
        repeat,
    }
}

/// Counts all instructions of a worker that reads once.
fn instructions(job: &Job) -> Result<f64> {
    let server = PageServer::start()?;
    let job = Job {
        url: server.url.clone(),
        ..job.clone()
    };
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
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
