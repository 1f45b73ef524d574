//! Checks that every test that `docs/reliability.md` names exists.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The texts between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The last cells of the rows of all tables that name tests, with their line numbers.
fn cells(page: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut names_tests = false;
    for (number, line) in page.lines().enumerate() {
        let row = line
            .strip_prefix('|')
            .and_then(|line| line.strip_suffix('|'));
        let Some(row) = row else {
            names_tests = false;
            continue;
        };
        let last = row.rsplit('|').next().unwrap().trim();
        match last {
            "test" => names_tests = true,
            _ if names_tests && !last.starts_with("---") => {
                found.push((number + 1, last.to_owned()))
            }
            _ => {}
        }
    }
    found
}

/// Finds a file; files without a path are in the client's tests.
fn file(name: &str) -> Option<PathBuf> {
    let client = root().join("crates/client");
    let places = [root(), client.join("tests/client"), client];
    places
        .map(|place| place.join(name))
        .into_iter()
        .find(|path| path.is_file())
}

/// Whether a file has a test with this name that is not ignored.
fn has_test(text: &str, name: &str) -> bool {
    let head = format!("fn {name}(");
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.starts_with(&head)
    });
    let Some(at) = at else { return false };
    let attributes = lines[..at]
        .iter()
        .rev()
        .take_while(|line| line.starts_with("#["));
    let attributes: Vec<_> = attributes.collect();
    // A property test needs no attribute of its own.
    let is_test = attributes.iter().any(|line| line.contains("test"));
    is_test && !attributes.iter().any(|line| line.contains("ignore"))
}

#[test]
fn every_test_that_the_page_names_exists() {
    let page = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let cells = cells(&page);
    let (mut missing, mut named) = (Vec::new(), 0);
    // All tests of a table may be in the file that is named above it.
    let hostile = fs::read_to_string(file("hostile.rs").unwrap()).unwrap();
    for (line, cell) in &cells {
        let mut text = hostile.clone();
        let before = named;
        for word in quoted(cell) {
            named += 1;
            if word.ends_with(".rs") {
                match file(word) {
                    Some(path) => text = fs::read_to_string(path).unwrap(),
                    None => missing.push(format!("line {line}: there is no file {word}")),
                }
                let runs = ["#[test]", "#[tokio::test", "proptest!"];
                if !runs.iter().any(|runs| text.contains(runs)) {
                    missing.push(format!("line {line}: {word} has no tests"));
                }
            } else if !has_test(&text, word) {
                missing.push(format!(
                    "line {line}: there is no test {word} in the named file"
                ));
            }
        }
        if named == before {
            missing.push(format!("line {line}: a promise without a test"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(
        cells.len() > 50 && named > 90,
        "{} rows, {named} names",
        cells.len()
    );
}

#[test]
fn missing_and_ignored_tests_are_detected() {
    let text = "#[tokio::test]\nasync fn a_one() {}\n#[test]\n#[ignore = \"no\"]\nfn a_two() {}\nfn a_three() {}";
    assert!(has_test(text, "a_one"));
    for name in ["a_two", "a_three", "a_four", "a_on"] {
        assert!(!has_test(text, name), "{name}");
    }
    let page =
        "| promise | test |\n|---|---|\n| a | `b.rs` |\n\n| a | b |\n|---|---|\n| `c` | `d` |";
    assert_eq!(cells(page), [(3, "`b.rs`".to_owned())]);
}
