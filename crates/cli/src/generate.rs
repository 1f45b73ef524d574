//! Completions and manual pages.

use std::io::{self, Write as _};

use clap::CommandFactory as _;

use crate::{
    args::{Cli, CompletionsArgs, ManArgs},
    error::{Failure, Result},
};

pub(crate) fn completions(args: &CompletionsArgs) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "rowfeed", &mut script);
    io::stdout()
        .lock()
        .write_all(&script)
        .map_err(|error| Failure::stdout(&error))
}

pub(crate) fn man(args: &ManArgs) -> Result<()> {
    let directory = &args.directory;
    let written = std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), directory));
    written.map_err(|error| Failure::file("writing manual pages into", directory, &error))
}
