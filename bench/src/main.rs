//! The benchmark: compares rowfeed with other ways to read the same pages.
//!
//! `cargo xtask bench` builds and runs it. A page server and one process per contender communicate
//! over loopback HTTP. Contenders take turns in each round. With `--behavior` nothing is measured:
//! the contenders run faulty situations, each in its own sandbox.

mod behavior;
mod build_cost;
mod callgrind;
mod contenders;
mod dataset;
mod encode;
mod machine;
mod options;
mod report;
mod results;
mod run;
mod server;
mod sum;
mod table;
mod worker;

use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<()> {
    match args {
        [command] if command == "page-server" => server::run(),
        [command] if command == "keep-awake" => Ok(run::awake::keep_awake()?),
        [command, job] if command == "worker" => worker::run(job),
        [command, job] if command == "behave" => behavior::behave(job),
        [command, options @ ..] if command == "run" => {
            run::run(&options::Options::parse(options.iter().cloned())?)
        }
        _ => bail!("start this program with `cargo xtask bench`"),
    }
}
