//! Compares how each contender behaves in faulty situations, and writes `bench/BEHAVIOR.md`.
//!
//! Each contender runs each situation in its own process, with its own sandbox and a time limit.

mod contenders;
mod job;
mod judge;
mod page;
mod processes;
mod situations;
mod world;

use std::{fs, thread};

use anyhow::{Context as _, Result, ensure};

use self::{
    job::{Job, Who},
    judge::judge,
    processes::Contenders,
    situations::{SITUATIONS, Situation},
};
use crate::{dataset::Service, options::Options};

/// A row of the table.
struct Outcome {
    situation: &'static str,
    service: Service,
    /// The cells, in the order of [`Who::ALL`].
    cells: Vec<String>,
}

/// Runs every situation and prints the table. Writes the page if nothing was left out.
pub(crate) fn run(options: &Options) -> Result<()> {
    let contenders = Contenders::find(options)?;
    let wanted: Vec<&Situation> = SITUATIONS
        .iter()
        .filter(|situation| {
            let only = options.only.as_deref().unwrap_or_default();
            situation.name.contains(only)
        })
        .collect();
    ensure!(
        !wanted.is_empty(),
        "no situation has {:?} in its name",
        options.only.as_deref().unwrap_or_default()
    );
    let mut outcomes = Vec::new();
    for situation in wanted {
        eprintln!("{}", situation.name);
        for &service in situation.services {
            outcomes.push(meet(situation, service, &contenders)?);
        }
    }
    let page = page::page(&outcomes, &contenders, &options.root);
    match options.is_whole() && contenders.has_python() {
        true => {
            let path = options.root.join("bench/BEHAVIOR.md");
            fs::write(&path, page).with_context(|| path.display().to_string())?;
            eprintln!("wrote {}", path.display());
        }
        false => print!("{page}"),
    }
    Ok(())
}

/// Runs all contenders at the same time, because they mostly wait.
fn meet(
    situation: &'static Situation,
    service: Service,
    contenders: &Contenders,
) -> Result<Outcome> {
    let cells = thread::scope(|scope| {
        let cells =
            Who::ALL.map(|who| scope.spawn(move || cell(situation, service, who, contenders)));
        cells.map(|cell| match cell.join() {
            Ok(cell) => cell,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    });
    Ok(Outcome {
        situation: situation.name,
        service,
        cells: cells.into_iter().collect::<Result<_>>()?,
    })
}

fn cell(
    situation: &Situation,
    service: Service,
    who: Who,
    contenders: &Contenders,
) -> Result<String> {
    let (sandbox, job) = world::prepare(situation, service, who)?;
    let ending = contenders.ending(&job)?;
    drop(sandbox);
    let wanted = situation.what.wanted(service, world::WRONG_KEY);
    Ok(judge(&wanted, &ending))
}

/// Runs the process of a contender that is written in Rust.
pub(crate) fn behave(job: &str) -> Result<()> {
    let job: Job = serde_json::from_str(job).context("this is no job")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(contenders::behave(&job));
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}
