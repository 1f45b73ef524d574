//! Builds the benchmark with its lock file, in release mode if it measures, and runs it.

use std::{
    ffi::OsString,
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result};
use lexopt::prelude::*;

use crate::workspace::Workspace;

/// The options of the benchmark. They are checked before the build, so a typo fails immediately.
const FLAGS: [&str; 7] = [
    "quick",
    "json",
    "callgrind",
    "build",
    "behavior",
    "sql",
    "python-setup",
];
const WITH_VALUE: [&str; 4] = ["only", "rounds", "rows", "python"];

/// Runs `rowfeed-bench run`, or with `--sql` the benchmark of `rowfeed-datafusion`, with these options.
pub(crate) fn run(args: impl Iterator<Item = OsString>, workspace: &Workspace) -> Result<ExitCode> {
    let Some((options, root)) = parse(lexopt::Parser::from_args(args))? else {
        print!("{}", include_str!("../../bench/help.txt"));
        return Ok(ExitCode::SUCCESS);
    };
    let root = root.unwrap_or_else(|| workspace.root().to_owned());
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    let has = |name: &str| options.iter().any(|option| option == name);
    if has("--sql") {
        // It is a part of the crate that it measures, so that the benchmark does not depend on
        // DataFusion.
        command.args(["bench", "--quiet", "--locked", "--bench", "sql"]);
        command
            .arg("--manifest-path")
            .arg(root.join("crates/datafusion/Cargo.toml"))
            .arg("--")
            .args(options.iter().filter(|option| *option != "--sql"));
    } else {
        command.args(["run", "--quiet", "--locked"]);
        if !has("--behavior") {
            // The benchmark measures times.
            command.arg("--release");
        }
        command
            .arg("--manifest-path")
            .arg(root.join("bench/Cargo.toml"))
            .args(["--", "run", "--root"])
            .arg(&root)
            .args(&options);
    }
    let status = command.status().context("cannot start cargo")?;
    Ok(match status.success() {
        true => ExitCode::SUCCESS,
        // The benchmark has printed its error.
        false => ExitCode::FAILURE,
    })
}

/// Returns the options of the benchmark, and the root if one was given. Returns `None` if help was
/// requested.
fn parse(mut parser: lexopt::Parser) -> Result<Option<(Vec<OsString>, Option<PathBuf>)>> {
    let (mut options, mut root) = (Vec::new(), None);
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(None),
            Long("root") => root = Some(parser.value()?.into()),
            Long(name) if FLAGS.contains(&name) => options.push(format!("--{name}").into()),
            Long(name) if WITH_VALUE.contains(&name) => {
                options.push(format!("--{name}").into());
                options.push(parser.value()?);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some((options, root)))
}
