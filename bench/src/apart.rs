//! The contenders other than rowfeed, built without it, so that they have the dependencies with the
//! features that they have without rowfeed. `cargo xtask bench` builds this program, and the
//! benchmark starts it once for each of these contenders.

mod contenders;
#[allow(dead_code, reason = "the benchmark uses the rest")]
mod dataset;
#[allow(dead_code, reason = "the benchmark compares the sums")]
mod sum;
#[allow(dead_code, reason = "the page server uses the rest")]
mod table;
mod worker;

use std::process::ExitCode;

use anyhow::{Result, bail, ensure};

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
    ensure!(
        !cfg!(feature = "rowfeed"),
        "this program was built with rowfeed; build it with --no-default-features"
    );
    match args {
        [command, job] if command == "worker" => worker::run(job),
        _ => bail!("start this program with `cargo xtask bench`"),
    }
}
