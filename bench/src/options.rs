//! The options of the benchmark.

use std::path::PathBuf;

use anyhow::Result;
use lexopt::prelude::*;

/// `cargo xtask bench --help` prints this too.
pub(crate) const HELP: &str = include_str!("../help.txt");

/// The arguments of the command line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) quick: bool,
    pub(crate) only: Option<String>,
    pub(crate) rounds: Option<usize>,
    pub(crate) rows: Option<u64>,
    pub(crate) json: bool,
    pub(crate) callgrind: bool,
    pub(crate) build: bool,
    pub(crate) behavior: bool,
    pub(crate) python: Option<PathBuf>,
    pub(crate) python_setup: bool,
    /// `cargo xtask bench` adds it, because it has built the program.
    pub(crate) apart: bool,
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
                Long("behavior") => options.behavior = true,
                Long("python") => options.python = Some(parser.value()?.into()),
                Long("python-setup") => options.python_setup = true,
                Long("apart") => options.apart = true,
                Long("root") => options.root = parser.value()?.into(),
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }

    /// Whether the results are complete and can be published.
    pub(crate) fn is_whole(&self) -> bool {
        !self.quick && self.only.is_none() && self.rounds.is_none() && self.rows.is_none()
    }
}
