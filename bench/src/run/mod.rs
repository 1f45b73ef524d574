//! Measures the selected workloads, prints the results and, if the run is complete, writes them.

mod process;
pub(crate) mod python;
mod rounds;
pub(crate) mod workloads;

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};

use self::python::Python;
pub(crate) use self::{process::PageServer, python::target_directory};
use crate::{
    options::{HELP, Options},
    report,
    results::{Results, Section, Timings},
};

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.help {
        print!("{HELP}");
        return Ok(());
    }
    if options.behavior {
        return crate::behavior::run(options);
    }
    let mut results = Results::default();
    if options.build {
        results.build = Some(Section::now(
            &options.root,
            crate::build_cost::measure(options)?,
        ));
    } else if options.callgrind {
        results.instructions = Some(Section::now(
            &options.root,
            crate::callgrind::count(options)?,
        ));
    } else {
        results.timings = Some(Section::now(&options.root, timings(options)?));
    }
    match options.json {
        true => println!("{}", serde_json::to_string_pretty(&results)?),
        false => print!("{}", report::tables(&results)),
    }
    if options.is_whole() {
        keep(results, &options.root.join("bench"))?;
    }
    Ok(())
}

fn timings(options: &Options) -> Result<Timings> {
    let rounds = options.rounds.unwrap_or(if options.quick { 1 } else { 5 });
    ensure!(rounds > 0, "--rounds must be at least 1");
    let python = Python::find(options)?;
    let mut notes = Vec::new();
    let mut results = Vec::new();
    let workloads = workloads::workloads(options);
    ensure!(
        !workloads.is_empty(),
        "nothing has {:?} in its name",
        options.only.as_deref().unwrap_or_default()
    );
    for workload in &workloads {
        eprintln!("{}: {}", workload.name, workload.job.service.title());
        // One server per workload, so that no server keeps the blocks of all.
        let server = PageServer::start()?;
        let result = rounds::measure(workload, &server.url, rounds, &python, &mut notes)?;
        results.push(result);
    }
    for note in &notes {
        eprintln!("{note}");
    }
    Ok(Timings {
        workloads: results,
        notes,
    })
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
    eprintln!("wrote {}", directory.display());
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
