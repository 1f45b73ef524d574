//! What a run of the benchmark is asked for.

use std::path::PathBuf;

use anyhow::Result;
use lexopt::prelude::*;

pub(crate) const HELP: &str = "\
cargo xtask bench [OPTIONS]     measure, and rewrite bench/RESULTS.md with what belongs to it

--quick           small results, one round: shows that all works, and measures nothing
--only PATTERN    only what has PATTERN in its name, such as mixed/dune/hand or tiny
--rounds N        how often every contender reads (5; the Python clients at most 3 times)
--rows N          rows of the workloads mixed and gzip (1,000,000 and 200,000)
--json            print the results as JSON
--callgrind       count instructions with valgrind, instead of measuring times
--build           measure what each crate costs to build, instead
--python PATH     an interpreter that has the official clients; none: leave them out
--python-setup    make such an environment below the target directory first

Only a whole run, without --quick, --only, --rounds and --rows, is written down.
";

/// The words of the command line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) quick: bool,
    pub(crate) only: Option<String>,
    pub(crate) rounds: Option<usize>,
    pub(crate) rows: Option<u64>,
    pub(crate) json: bool,
    pub(crate) callgrind: bool,
    pub(crate) build: bool,
    pub(crate) python: Option<PathBuf>,
    pub(crate) python_setup: bool,
    pub(crate) root: PathBuf,
    pub(crate) help: bool,
}

impl Options {
    pub(crate) fn parse(args: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            root: PathBuf::from("."),
            ..Self::default()
        };
        let mut parser = lexopt::Parser::from_args(args);
        while let Some(arg) = parser.next()? {
            match arg {
                Short('h') | Long("help") => options.help = true,
                Long("quick") => options.quick = true,
                Long("only") => options.only = Some(parser.value()?.string()?),
                Long("rounds") => options.rounds = Some(parser.value()?.parse()?),
                Long("rows") => options.rows = Some(parser.value()?.parse()?),
                Long("json") => options.json = true,
                Long("callgrind") => options.callgrind = true,
                Long("build") => options.build = true,
                Long("python") => options.python = Some(parser.value()?.into()),
                Long("python-setup") => options.python_setup = true,
                Long("root") => options.root = parser.value()?.into(),
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }

    /// Whether the results are those that everyone should see.
    pub(crate) fn is_whole(&self) -> bool {
        !self.quick && self.only.is_none() && self.rounds.is_none() && self.rows.is_none()
    }
}
