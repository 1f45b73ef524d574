//! Checks that the book is complete: it includes every page, its code runs, and its links resolve.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

fn guide() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the chapters by file name, without the summary.
fn pages() -> BTreeMap<String, String> {
    let entries = fs::read_dir(guide().join("src")).unwrap();
    let pages = entries.map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    });
    pages.filter(|(name, _)| name != "SUMMARY.md").collect()
}

#[test]
fn every_page_is_in_the_summary_and_its_code_is_run() {
    let summary = fs::read_to_string(guide().join("src/SUMMARY.md")).unwrap();
    let run = fs::read_to_string(guide().join("lib.rs")).unwrap();
    // The code that needs DataFusion is run by its crate, which takes minutes to build.
    let elsewhere = fs::read_to_string(guide().join("../crates/datafusion/src/lib.rs")).unwrap();
    let pages = pages();
    for (name, text) in &pages {
        let title = text.lines().next().unwrap().trim_start_matches("# ");
        assert!(summary.contains(&format!("[{title}]({name})")), "{name}");
        let is_run =
            run.contains(&format!("= \"{name}\",")) || elsewhere.contains(&format!("/{name}\""));
        assert!(is_run, "{name}");
    }
    assert_eq!(summary.matches(".md)").count(), pages.len());
}

#[test]
fn no_code_is_left_out_of_the_tests() {
    for (name, text) in pages() {
        let fences = text.lines().filter_map(|line| line.strip_prefix("```"));
        // Opening and closing fences alternate.
        for language in fences.step_by(2) {
            assert!(
                ["rust", "sh", "text"].contains(&language),
                "{name}: a block of {language:?}; use `rust`, `sh` or `text` without attributes"
            );
        }
    }
}

#[test]
fn links_within_the_book_resolve() {
    let pages = pages();
    for (name, text) in &pages {
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            if !link.contains("://") {
                let file = link.split('#').next().unwrap();
                assert!(pages.contains_key(file), "{name}: {link}");
            }
        }
    }
}

/// A block that names a file in its first line contains lines of that file, except where `…` omits
/// some.
#[test]
fn excerpts_match_the_files() {
    let mut count = 0;
    for (name, text) in pages() {
        for block in text.split("```").skip(1).step_by(2) {
            let Some(excerpt) = block.strip_prefix("text\n// ") else {
                continue;
            };
            let (file, lines) = excerpt.split_once('\n').unwrap();
            let whole = fs::read_to_string(guide().join("tides").join(file)).unwrap();
            for part in lines.split("// …\n") {
                assert!(whole.contains(part), "{name}: {file} does not have\n{part}");
                count += 1;
            }
        }
    }
    assert!(count > 5);
}

/// The files that the maintainers' chapters and CONTRIBUTING.md name.
#[test]
fn named_paths_exist() {
    let root = guide();
    let root = root.parent().unwrap();
    let notes = fs::read_to_string(root.join("CONTRIBUTING.md")).unwrap();
    let notes = ("CONTRIBUTING.md".to_owned(), notes);
    let mut count = 0;
    for (name, text) in pages().into_iter().chain([notes]) {
        for word in text.replace("```", "").split('`').skip(1).step_by(2) {
            let is_path = ["crates/", "specs/", "xtask/", "guide/", "bench/"].iter();
            let is_path = is_path.clone().any(|start| word.starts_with(start));
            if is_path && !word.contains(['*', ' ', '\n']) {
                let word = word.replace("SERVICE", "dune").replace("NAME", "dune");
                // The files of the fictional service are in a folder of their own.
                let below = ["", "guide/tides"].map(|folder| root.join(folder).join(&word));
                assert!(
                    below.iter().any(|path| Path::exists(path)),
                    "{name}: {word}"
                );
                count += 1;
            }
        }
    }
    assert!(count > 10);
}
