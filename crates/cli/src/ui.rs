//! Standard error: messages for people, or JSON for programs.

use std::io::{self, IsTerminal as _, Write as _};

use indicatif::MultiProgress;
use serde_json::Value;

use crate::{
    args::{Color, GlobalArgs},
    error::Failure,
    text::printable,
};

/// How the command talks beside its rows. Cloning is cheap; all clones share the terminal.
#[derive(Clone)]
pub(crate) struct Ui {
    pub(crate) is_json: bool,
    pub(crate) is_quiet: bool,
    pub(crate) is_verbose: bool,
    /// Whether messages have colors.
    pub(crate) has_color: bool,
    /// Whether standard error is a terminal that shows progress.
    pub(crate) shows_progress: bool,
    color: Color,
    pub(crate) bars: MultiProgress,
}

impl Ui {
    pub(crate) fn new(global: &GlobalArgs) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let has_color = wants_color(global.color, is_terminal);
        Self {
            is_json: global.json,
            is_quiet: global.quiet,
            is_verbose: global.verbose > 0,
            has_color: has_color && !global.json,
            shows_progress: is_terminal && !global.quiet && !global.json && global.verbose == 0,
            color: global.color,
            bars: MultiProgress::new(),
        }
    }

    /// Whether what goes to standard output has colors.
    pub(crate) fn stdout_has_color(&self) -> bool {
        wants_color(self.color, io::stdout().is_terminal())
    }

    /// A message that `--quiet` and `--json` suppress.
    pub(crate) fn note(&self, text: &str) {
        if !self.is_quiet && !self.is_json {
            self.line(&printable(text));
        }
    }

    /// A message only for those who look on.
    pub(crate) fn detail(&self, text: &str) {
        if self.shows_progress || self.is_verbose {
            self.note(text);
        }
    }

    /// A message that `-v` asks for.
    pub(crate) fn verbose(&self, text: &str) {
        if self.is_verbose {
            self.note(text);
        }
    }

    /// A warning.
    pub(crate) fn warn(&self, text: &str) {
        if self.is_json {
            self.event(&serde_json::json!({"event": "warning", "message": text}));
        } else if !self.is_quiet {
            let (yellow, reset) = match self.has_color {
                true => ("\x1b[33;1m", "\x1b[0m"),
                false => ("", ""),
            };
            self.line(&format!("{yellow}warning{reset}: {}", printable(text)));
        }
    }

    /// Writes a line of JSON with `--json`.
    pub(crate) fn event(&self, event: &Value) {
        if self.is_json && !self.is_quiet {
            self.line(&event.to_string());
        }
    }

    /// Why the command fails. Nothing suppresses it.
    pub(crate) fn failure(&self, failure: &Failure) {
        match self.is_json {
            true => self.line(&failure.json().to_string()),
            false => self.line(&failure.text(self.has_color)),
        }
    }

    fn line(&self, text: &str) {
        self.bars.suspend(|| {
            // A closed standard error cannot be reported.
            let _ = writeln!(io::stderr().lock(), "{text}");
        });
    }
}

fn wants_color(color: Color, is_terminal: bool) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
            is_terminal
                && !is_set("NO_COLOR")
                && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        }
    }
}
