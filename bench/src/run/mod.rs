//! Measures the selected workloads, prints the results and, if the run is complete, writes them.

pub(crate) mod awake;
mod process;
pub(crate) mod python;
mod rounds;
pub(crate) mod workloads;

use std::{fs, path::Path, time::Instant};

use anyhow::{Context as _, Result, ensure};

use self::{
    awake::Awake,
    python::Python,
    rounds::{LeftOut, Setup},
};
pub(crate) use self::{
    process::{PageServer, program},
    python::target_directory,
};
use crate::{
    options::{HELP, Options},
    report,
    results::{Instructions, Results, Section, Timings},
};

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.help {
        print!("{HELP}");
        return Ok(());
    }
    if options.behavior {
        return crate::behavior::run(options);
    }
    let mut failed = Vec::new();
    let results = if options.build {
        Results {
            build: Some(Section::now(
                &options.root,
                crate::build_cost::measure(options)?,
            )),
            ..Results::default()
        }
    } else if options.callgrind {
        counted(
            options,
            crate::callgrind::count(options, &mut failed, &|counts| {
                keep_unfinished(options, counted(options, counts.to_vec()))
            })?,
        )
    } else {
        timed(options, timings(options, &mut failed)?)
    };
    match options.json {
        true => println!("{}", serde_json::to_string_pretty(&results)?),
        false => print!("{}", report::tables(&results)),
    }
    if options.is_whole() {
        let directory = options.root.join("bench");
        keep(results, &directory)?;
        eprintln!("wrote {}", directory.display());
    }
    ensure!(
        failed.is_empty(),
        "the results are without {} failed readings:\n{}",
        failed.len(),
        failed.join("\n")
    );
    Ok(())
}

fn timed(options: &Options, timings: Timings) -> Results {
    Results {
        timings: Some(Section::now(&options.root, timings)),
        ..Results::default()
    }
}

fn counted(options: &Options, counts: Vec<Instructions>) -> Results {
    Results {
        instructions: Some(Section::now(&options.root, counts)),
        ..Results::default()
    }
}

/// Measures the selected workloads. Each failure is added to `failed`, and the others go on.
fn timings(options: &Options, failed: &mut Vec<String>) -> Result<Timings> {
    let rounds = options.rounds.unwrap_or(if options.quick { 1 } else { 5 });
    ensure!(rounds > 0, "--rounds must be at least 1");
    let setup = Setup {
        rounds,
        python: Python::find(options)?,
        is_apart: options.apart,
    };
    let mut left_out = LeftOut::default();
    let workloads = workloads::workloads(options);
    ensure!(
        !workloads.is_empty(),
        "nothing has {:?} in its name",
        options.only.as_deref().unwrap_or_default()
    );
    let awake = Awake::start();
    if let Err(why) = &awake {
        let asleep = format!("The processors slept while contenders waited for pages ({why}).");
        left_out.absent.push(asleep);
    }
    let mut timings = Timings::default();
    for workload in &workloads {
        let began = Instant::now();
        let name = format!("{}/{}", workload.name, workload.job.service.name());
        match rounds::measure(workload, &setup, &mut left_out) {
            Ok(result) => timings.workloads.push(result),
            Err(error) => left_out.failed.push(format!("{name}: {error:#}")),
        }
        eprintln!("{name}: {:.0} s", began.elapsed().as_secs_f64());
        timings.notes = notes(&left_out, options);
        keep_unfinished(options, timed(options, timings.clone()))?;
    }
    for note in &timings.notes {
        eprintln!("{note}");
    }
    failed.append(&mut left_out.failed);
    Ok(timings)
}

fn notes(left_out: &LeftOut, options: &Options) -> Vec<String> {
    let shared = "All contenders were built together, so they share rowfeed's inflater.".to_owned();
    let shared = (!options.apart).then_some(shared);
    let failed = left_out.failed.iter().map(|one| format!("Failed: {one}"));
    let absent = left_out.absent.iter().cloned();
    absent.chain(failed).chain(shared).collect()
}

/// Writes what a complete run has measured so far to `bench/unfinished` in the target directory, in
/// case it is interrupted.
fn keep_unfinished(options: &Options, results: Results) -> Result<()> {
    if !options.is_whole() {
        return Ok(());
    }
    let directory = target_directory()?.join("bench/unfinished");
    // Only of this run.
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    keep(results, &directory)
}

/// Replaces the measured sections, and rewrites the pages and the chart.
fn keep(new: Results, directory: &Path) -> Result<()> {
    let path = directory.join("results.json");
    let old: Results = match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).with_context(|| {
            format!(
                "{} does not have the format of this version; delete it",
                path.display()
            )
        })?,
        Err(_) => Results::default(),
    };
    let all = Results {
        timings: new.timings.or(old.timings),
        instructions: new.instructions.or(old.instructions),
        build: new.build.or(old.build),
    };
    fs::write(&path, serde_json::to_string_pretty(&all)? + "\n")?;
    fs::write(directory.join("RESULTS.md"), report::page(&all))?;
    if let Some(timings) = &all.timings {
        let below = report::measured_where(timings);
        fs::write(
            directory.join("results.svg"),
            report::chart(&timings.data, &below),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn sections_measured_separately_are_kept() {
        let directory = tempfile::tempdir().unwrap();
        let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
        let timings = Timings {
            workloads: Vec::new(),
            notes: vec!["a note on timings".to_owned()],
        };
        let timed = Results {
            timings: Some(Section::now(directory.path(), timings)),
            ..Results::default()
        };
        keep(timed, directory.path()).unwrap();
        assert!(read("results.svg").starts_with("<svg"));
        let counted = Results {
            instructions: Some(Section::now(directory.path(), Vec::new())),
            ..Results::default()
        };
        keep(counted, directory.path()).unwrap();
        let page = read("RESULTS.md");
        assert!(
            page.contains("a note on timings") && page.contains("## Instructions"),
            "{page}"
        );

        fs::write(directory.path().join("results.json"), "{\"timings\": 7}").unwrap();
        let error = keep(Results::default(), directory.path()).unwrap_err();
        assert!(format!("{error:#}").contains("delete it"), "{error:#}");
    }
}
