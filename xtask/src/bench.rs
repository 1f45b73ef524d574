//! Builds the benchmark with its lock file, in release mode if it measures, and runs it.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
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
    let has = |name: &str| options.iter().any(|option| option == name);
    if has("--sql") {
        return succeed(&mut sql(&root, &options));
    }
    // Only this does not measure times.
    let is_release = !has("--behavior");
    let is_apart = is_release && !has("--build");
    if is_apart {
        // The contenders other than rowfeed, without the features that rowfeed gives their
        // dependencies.
        let mut build = of_package("build", &root, is_release);
        build.args(["--no-default-features", "--bin", "rowfeed-bench-apart"]);
        if succeed(&mut build)? != ExitCode::SUCCESS {
            return Ok(ExitCode::FAILURE);
        }
    }
    let mut command = of_package("run", &root, is_release);
    command.args(["--", "run", "--root"]).arg(&root);
    if is_apart {
        command.arg("--apart");
    }
    succeed(command.args(options))
}

/// Runs a command that prints its own errors.
fn succeed(command: &mut Command) -> Result<ExitCode> {
    let status = command.status().context("cannot start cargo")?;
    Ok(match status.success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn cargo(subcommand: &str) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args([subcommand, "--quiet", "--locked"]);
    command
}

fn of_package(subcommand: &str, root: &Path, is_release: bool) -> Command {
    let mut command = cargo(subcommand);
    if is_release {
        command.arg("--release");
    }
    command.arg("--manifest-path");
    command.arg(root.join("bench/Cargo.toml"));
    command
}

/// The benchmark of SQL is a part of the crate that it measures, so that the others do not depend on
/// DataFusion.
fn sql(root: &Path, options: &[OsString]) -> Command {
    let mut command = cargo("bench");
    command.args(["--bench", "sql", "--manifest-path"]);
    command.arg(root.join("crates/datafusion/Cargo.toml"));
    command.arg("--");
    command.args(options.iter().filter(|option| *option != "--sql"));
    command
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
