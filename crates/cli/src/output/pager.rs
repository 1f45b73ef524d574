//! `$PAGER`.

use std::{
    io::{self, Write as _},
    process::{Command, Stdio},
};

use crate::{
    error::{Failure, Kind, Result},
    profile::env,
};

/// Shows the text in `$PAGER`, or in `less`, which does not wrap the lines of a table.
pub(super) fn show(text: &str) -> Result<()> {
    let line = env("PAGER").unwrap_or_else(|| "less -SRFX".to_owned());
    let words = shlex::split(&line).unwrap_or_default();
    let Some((program, arguments)) = words.split_first() else {
        return Err(Failure::usage(format!(
            "PAGER is {line:?}, which names no program"
        )));
    };
    let failure = |error: io::Error| {
        Failure::new(
            Kind::Output,
            format!("the pager {program:?} cannot be used: {error}"),
        )
        .hint("set PAGER, or leave --pager out")
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped());
    let mut child = command.spawn().map_err(failure)?;
    if let Some(mut stdin) = child.stdin.take() {
        match stdin.write_all(text.as_bytes()) {
            // The user may quit the pager early.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written.map_err(failure)?,
        }
    }
    child.wait().map(drop).map_err(failure)
}
