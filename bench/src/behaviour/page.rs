//! The page that shows the table.

use std::{fmt::Write as _, path::Path};

use super::{Outcome, processes::Contenders, processes::SECONDS};
use crate::machine;

pub(super) fn page(outcomes: &[Outcome], contenders: &Contenders, root: &Path) -> String {
    let python = contenders.python_versions();
    let python = python.as_deref().unwrap_or("(left out)");
    let mut page = format!(
        "# What each makes of what goes wrong

<!-- Written by `cargo xtask bench --behaviour`; not to be edited. -->

Written by `cargo xtask bench --behaviour` on {date} at commit {commit}.

Each contender meets each situation in a process of its own, in front of a
[sandbox](../crates/sandbox) of its own in which that goes wrong, and has {SECONDS} seconds. It runs
a statement, waits for its end and reads its three pages; only a result that is replaced is the
latest one of a saved query. A program judges what it ends with, always in the same words; of an
error, the first 60 characters are shown. The situations are in
[situations.rs](src/behaviour/situations.rs), the judging is in [judge.rs](src/behaviour/judge.rs).

| contender | version | how it is used |
|---|---|---|
| rowfeed | {own} | as its README shows, with the settings it comes with |
| by hand | reqwest {reqwest}, serde_json {serde_json} | [the usual loop](src/behaviour/contenders/hand.rs), with `error_for_status` and the service's rule for the next page |
| progenitor alone | {progenitor} | what it generates without settings from [a document](behaviour.json) of the operations and their refusals, with [the same loop](src/behaviour/contenders/generated.rs) around it |
| Python clients | {python} | [as their own documentation shows](python/behaviour.py), with the settings they come with; Lightdash's model is given its client by a private method, as the sandbox has no catalogue that it could be looked up in |

A `-` says that a contender has no such operation or setting of its own. Lightdash's Python client
is asked for a query over an explore, as the sandbox does not have the older interface over which it
runs SQL, and so cannot run a wrong statement. Lightdash tells no place in a statement. A key is
looked for in the text and the `Debug` of the error (in Python `repr` and traceback), in the `Debug`
or `repr` of the client, and in all that is logged, at every level.

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

/// Text in a cell of a Markdown table that is shown as it is.
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

/// The version of a crate in the lock file that this program was built with.
fn locked(name: &str) -> &'static str {
    let lock = include_str!("../../../Cargo.lock");
    let entry = format!("name = \"{name}\"\nversion = \"");
    let version = lock
        .split_once(&entry)
        .and_then(|(_, rest)| rest.split_once('"'));
    version.map_or("?", |(version, _)| version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_shown_as_they_are() {
        assert_eq!(escaped("a|b <main> *"), "a\\|b \\<main\\> \\*");
        assert_eq!(escaped("all rows"), "all rows");
    }

    #[test]
    fn versions_are_those_of_the_lock_file() {
        assert_eq!(locked("progenitor-impl"), "0.15.1");
        assert_eq!(locked("no-such-crate"), "?");
    }
}
