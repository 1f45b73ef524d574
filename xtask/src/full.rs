//! `full`: the release checks that take too long for continuous integration.
//!
//! Steps run in order, even after a failure. A step is skipped, with a reason, if a compiler, a
//! target or a tag is missing. It fails if a tool is missing that `--install` would install.

mod features;
mod minimal;
mod steps;
mod tools;

use std::{
    ffi::OsString,
    fmt::Write as _,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use lexopt::prelude::*;

use self::{
    steps::{STEPS, Step},
    tools::Tools,
};
use crate::workspace::Workspace;

const HELP: &str = "\
cargo xtask full [OPTION]…   run all release checks and print a summary
cargo xtask full --list      list the steps

--only STEP      run only this step; may be given more than once
--install        install missing tools with `cargo install --locked`
--baseline REV   the revision that `semver` compares with; default: the last tag v…
--root DIR       another checkout than the one that contains this program
";

/// The outcome of a step.
#[derive(Debug, PartialEq)]
enum Outcome {
    Passed,
    Skipped(String),
    Failed(String),
}

#[derive(Default)]
struct Options {
    only: Vec<String>,
    install: bool,
    baseline: Option<String>,
    list: bool,
    help: bool,
    root: Option<OsString>,
}

/// Runs the steps, and fails if one of them did.
pub(crate) fn run(args: impl Iterator<Item = OsString>, workspace: &Workspace) -> Result<ExitCode> {
    let options = parse(lexopt::Parser::from_args(args))?;
    if options.help {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    if options.list {
        for step in STEPS {
            println!("{:<12} {}", step.name, step.what);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let root = options
        .root
        .map_or_else(|| workspace.root().to_owned(), Into::into);
    let tools = Tools::new(root, options.install, options.baseline);
    let mut done = Vec::new();
    for step in chosen(&options.only)? {
        println!("\n== {}: {}", step.name, step.what);
        let started = Instant::now();
        let outcome =
            (step.run)(&tools).unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
        let took = started.elapsed();
        println!("== {}", line(step, &outcome, took));
        done.push((step, outcome, took));
    }
    let at = jiff::Zoned::now().strftime("%F %R %:z");
    println!("\n{at}, {}\n{}", tools.commit(), summary(&done));
    let is_failed = |outcome: &Outcome| matches!(outcome, Outcome::Failed(_));
    Ok(
        match done.iter().any(|(_, outcome, _)| is_failed(outcome)) {
            true => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        },
    )
}

fn parse(mut parser: lexopt::Parser) -> Result<Options> {
    let mut options = Options::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => options.help = true,
            Long("list") => options.list = true,
            Long("install") => options.install = true,
            Long("baseline") => options.baseline = Some(parser.value()?.string()?),
            Long("only") => options.only.push(parser.value()?.string()?),
            Long("root") => options.root = Some(parser.value()?),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(options)
}

/// Returns the steps with these names, in the order of all steps. No names select all steps.
fn chosen(only: &[String]) -> Result<Vec<&'static Step>> {
    if let Some(unknown) = only
        .iter()
        .find(|name| STEPS.iter().all(|step| step.name != **name))
    {
        let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        bail!(
            "unknown step {unknown:?}; the steps are: {}",
            names.join(", ")
        );
    }
    let is_wanted = |step: &&Step| only.is_empty() || only.iter().any(|name| name == step.name);
    Ok(STEPS.iter().filter(is_wanted).collect())
}

fn line(step: &Step, outcome: &Outcome, took: Duration) -> String {
    let (word, why) = match outcome {
        Outcome::Passed => ("passed", ""),
        Outcome::Skipped(why) => ("skipped", why.as_str()),
        Outcome::Failed(why) => ("FAILED", why.as_str()),
    };
    let seconds = took.as_secs();
    let line = format!(
        "{:<12} {word:<8} {:>4}:{:02}  {why}",
        step.name,
        seconds / 60,
        seconds % 60
    );
    line.trim_end().to_owned()
}

fn summary(done: &[(&Step, Outcome, Duration)]) -> String {
    let mut text = String::new();
    for (step, outcome, took) in done {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{}", line(step, outcome, *took));
    }
    let count = |wanted: fn(&Outcome) -> bool| {
        let outcomes = done.iter().map(|(_, outcome, _)| outcome);
        outcomes.filter(|outcome| wanted(outcome)).count()
    };
    let _ = write!(
        text,
        "{} passed, {} skipped, {} failed",
        count(|outcome| *outcome == Outcome::Passed),
        count(|outcome| matches!(outcome, Outcome::Skipped(_))),
        count(|outcome| matches!(outcome, Outcome::Failed(_)))
    );
    text
}
