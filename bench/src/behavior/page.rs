//! Writes the page with the table.

use std::{fmt::Write as _, path::Path};

use super::{Outcome, processes::Contenders, processes::SECONDS};
use crate::machine;

pub(super) fn page(outcomes: &[Outcome], contenders: &Contenders, root: &Path) -> String {
    let python = contenders.python_versions();
    let python = python.as_deref().unwrap_or("(left out)");
    let mut page = format!(
        "# Behavior in faulty situations

<!-- Written by `cargo xtask bench --behavior`; do not edit. -->

Written by `cargo xtask bench --behavior` on {date} at commit {commit}.

Each contender runs each situation in its own process, against its own
[sandbox](../crates/sandbox), and has {SECONDS} seconds. It runs a statement, waits for its end and
reads three pages. Where the result is replaced, it reads the latest result of a saved query
instead. A program judges the outcome and uses the same wording for all contenders. Errors are
truncated to 60 characters. The situations are in [situations.rs](src/behavior/situations.rs), the
judgments in [judge.rs](src/behavior/judge.rs).

| contender | version | how it is used |
|---|---|---|
| rowfeed | {own} | as its README shows, with default settings |
| by hand | reqwest {reqwest}, serde_json {serde_json} | [the usual loop](src/behavior/contenders/hand.rs), with `error_for_status` and the service's rule for the next page |
| progenitor alone | {progenitor} | its output with default settings for [a document](behavior.json) of the operations and their errors, with [the same loop](src/behavior/contenders/generated.rs) around it |
| Python clients | {python} | [as their documentation shows](python/behavior.py), with default settings; the model of Lightdash gets its client through a private method, because the sandbox has no catalog to look it up in |

A `-` means that a contender has no such operation or setting. The Python client of Lightdash runs a
query over an explore instead of SQL, so it cannot run an invalid statement. Lightdash does not
report a position in a statement. The key is searched in the text and the `Debug` of the error (in
Python `repr` and traceback), in the `Debug` or `repr` of the client, and in the log at every level.

| situation | service | rowfeed | by hand | progenitor alone | Python client |
|---|---|---|---|---|---|
",
        date = machine::today(),
        commit = machine::commit(root),
        own = env!("CARGO_PKG_VERSION"),
        reqwest = locked("reqwest"),
        serde_json = locked("serde_json"),
        progenitor = locked("progenitor-impl"),
    );
    for outcome in outcomes {
        let _ = write!(
            page,
            "| {} | {} |",
            outcome.situation,
            outcome.service.title()
        );
        for cell in &outcome.cells {
            let _ = write!(page, " {} |", escaped(cell));
        }
        page.push('\n');
    }
    page
}

/// Escapes text for a cell of a Markdown table.
fn escaped(cell: &str) -> String {
    let mut text = String::new();
    for letter in cell.chars() {
        if matches!(letter, '|' | '<' | '>' | '*' | '_' | '`' | '[' | ']' | '\\') {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

/// Returns the version of a dependency in the lock file that this program was built with.
fn locked(name: &str) -> &'static str {
    let lock = include_str!("../../../Cargo.lock");
    // Where there are several versions, the lock file names the one of this package.
    let own = lock
        .split("\n\n")
        .find(|entry| entry.contains("\nname = \"rowfeed-bench\"\n"));
    let of_own = own.and_then(|entry| after(entry, &format!("\n \"{name} ")));
    let any = after(lock, &format!("\nname = \"{name}\"\nversion = \""));
    of_own.or(any).unwrap_or("?")
}

/// Returns the text from after `before` to the next quotation mark.
fn after<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once('"')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_escaped() {
        assert_eq!(escaped("a|b <main> *"), "a\\|b \\<main\\> \\*");
        assert_eq!(escaped("all rows"), "all rows");
    }

    #[test]
    fn versions_are_those_of_the_lock_file() {
        assert_eq!(locked("progenitor-impl"), "0.15.1");
        assert!(
            locked("reqwest").starts_with("0.13."),
            "not of object_store"
        );
        assert_eq!(locked("no-such-crate"), "?");
    }
}
