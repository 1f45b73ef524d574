//! A run on small results. Every contender that does not need Python reads every workload, and the
//! sums agree.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, path::Path, process::Command};

use serde_json::Value;

fn run(root: &Path, args: &[&str]) -> (bool, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rowfeed-bench"));
    let output = command
        .args(["run", "--quick", "--root"])
        .arg(root)
        .args(args)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (output.status.success(), out, err)
}

#[test]
fn all_contenders_read_the_same_rows() {
    let root = tempfile::tempdir().unwrap();
    let (is_well, out, err) = run(root.path(), &["--json"]);
    assert!(is_well, "{err}");
    let results: Value = serde_json::from_str(&out).unwrap();
    let mut readers: BTreeMap<&str, usize> = BTreeMap::new();
    for workload in results["timings"]["data"]["workloads"].as_array().unwrap() {
        let contenders = workload["contenders"].as_array().unwrap().len();
        *readers
            .entry(workload["name"].as_str().unwrap())
            .or_default() += contenders;
    }
    let expected = [
        ("chain", 6),
        ("columns", 12),
        ("export", 9),
        ("gzip", 15),
        ("latency", 9),
        ("mixed", 30),
        ("outside", 15),
        ("stream", 6),
        ("stream ×10", 6),
        ("tiny", 12),
        ("wide", 10),
        ("wide columns", 12),
    ];
    assert_eq!(readers, BTreeMap::from(expected));
    // A quick run measures nothing and writes nothing.
    assert_eq!(root.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_selected_contender_is_compared_with_the_hand_written_loop() {
    let root = tempfile::tempdir().unwrap();
    let (is_well, out, err) = run(root.path(), &["--only", "mixed/lightdash/rowfeed-prefetch"]);
    assert!(is_well, "{err}");
    assert!(out.contains("| | Lightdash |\n"), "{out}");
    assert!(out.contains("| hand-written loop |"), "{out}");
    assert!(!out.contains("generated"), "{out}");
}

#[test]
fn invalid_options_are_errors() {
    let root = tempfile::tempdir().unwrap();
    for (args, message) in [
        (
            &["--only", "sideways"][..],
            "nothing has \"sideways\" in its name",
        ),
        (&["--rounds", "0"], "at least 1"),
        (
            &["--python", "/no/such/python"],
            "the interpreter /no/such/python does not exist",
        ),
    ] {
        let (is_well, _, err) = run(root.path(), args);
        assert!(!is_well && err.contains(message), "{args:?}: {err}");
    }
}
