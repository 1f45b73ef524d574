//! `full` with fake cargo and rustup programs that record their arguments.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Output},
};

use tempfile::TempDir;

/// A checkout that contains only the files that a full run reads.
struct Bare(TempDir);

impl Bare {
    /// `fails` are shell patterns. A call of cargo fails if its arguments match one of them.
    fn new(fails: &str) -> Self {
        let this = Self(tempfile::tempdir().unwrap());
        let manifest = "[workspace.package]\nrust-version = \"1.70\"\n";
        fs::write(this.path("Cargo.toml"), manifest).unwrap();
        fs::create_dir(this.path("bin")).unwrap();
        let log = "echo \"$(basename \"$0\") $* [$ROWFEED_CHAOS_SCHEDULES]\" >> calls\n";
        let fails = match fails {
            "" => String::new(),
            fails => format!("case \"$*\" in {fails}) exit 1;; esac\n"),
        };
        this.program("cargo", &format!("{log}{fails}"));
        this.program("rustup", &format!("{log}exit 1\n"));
        this.program("pkg-config", "exit 1\n");
        this
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn full(&self, args: &[&str]) -> Output {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg("full")
            .args(args)
            .arg("--root")
            .arg(self.0.path())
            .env("CARGO", self.path("bin/cargo"))
            .env("PATH", path)
            .env("GIT_CEILING_DIRECTORIES", self.0.path())
            .env("GIT_DIR", self.path("none"))
            .output()
            .unwrap()
    }

    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }
}

fn text(output: &Output) -> String {
    let parts = [&output.stdout, &output.stderr];
    parts
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .concat()
}

/// Returns the last line about a step.
#[track_caller]
fn became(output: &Output, step: &str) -> String {
    let text = text(output);
    let lines = text.lines().rev();
    let mut lines = lines.filter(|line| line.split_whitespace().next() == Some(step));
    lines.next().unwrap_or_else(|| panic!("{text}")).to_owned()
}

const QUICK: [&str; 10] = [
    "--only", "deny", "--only", "semver", "--only", "msrv", "--only", "chaos", "--only", "guide",
];

#[test]
fn a_step_without_its_requirements_is_skipped_with_a_reason() {
    let bare = Bare::new("");
    let only = [
        "semver", "msrv", "minimal", "wasm32", "docs", "examples", "fuzz", "guide",
    ];
    let args: Vec<_> = only.iter().flat_map(|step| ["--only", step]).collect();
    let output = bare.full(&args);
    assert!(output.status.success(), "{}", text(&output));
    for (step, why) in only.into_iter().zip([
        "no tag",
        "rustup toolchain install 1.70",
        "rustup toolchain install nightly",
        "rustup target add wasm32-unknown-unknown",
        "rustup toolchain install nightly",
        "no examples/Cargo.toml",
        "no fuzz/Cargo.toml",
        "no guide/",
    ]) {
        let line = became(&output, step);
        assert!(line.contains("skipped") && line.contains(why), "{line}");
    }
    assert!(text(&output).contains("0 passed, 8 skipped, 0 failed"));
    // cargo was not called.
    assert!(bare.calls().iter().all(|call| call.starts_with("rustup ")));
}

#[test]
fn a_run_continues_after_a_failure_and_fails_at_the_end() {
    let bare = Bare::new("\"deny check \"*");
    let output = bare.full(&QUICK);
    assert!(!output.status.success(), "{}", text(&output));
    assert!(became(&output, "deny").contains("FAILED"));
    assert!(became(&output, "deny").contains("cargo deny check bans licenses sources"));
    assert!(became(&output, "chaos").contains("passed"));
    assert!(text(&output).contains("1 passed, 3 skipped, 1 failed"));
    let calls = bare.calls();
    let chaos = "cargo test --locked -p rowfeed --test chaos [10000]";
    assert!(calls.iter().any(|call| call == chaos), "{calls:?}");
}

#[test]
fn a_missing_tool_is_a_failure_unless_it_may_be_installed() {
    let bare = Bare::new("\"deny --version\"");
    let output = bare.full(&["--only", "deny"]);
    assert!(!output.status.success(), "{}", text(&output));
    let line = became(&output, "deny");
    assert!(line.contains("cargo-deny is not installed"), "{line}");
    assert!(line.contains("--install"), "{line}");
    assert!(!bare.calls().iter().any(|call| call.contains("install")));

    let output = bare.full(&["--only", "deny", "--install"]);
    assert!(output.status.success(), "{}", text(&output));
    let calls = bare.calls();
    let wanted = [
        "cargo install --locked cargo-deny []",
        "cargo deny check bans licenses sources []",
    ];
    assert_eq!(calls[calls.len() - 2..], wanted);
}

#[test]
fn every_combination_of_features_is_checked_even_after_a_failure() {
    let bare = Bare::new("*\" rowfeed-dune \"*schemars");
    let output = bare.full(&["--only", "features"]);
    assert!(!output.status.success(), "{}", text(&output));
    let line = became(&output, "features");
    assert!(line.ends_with("rowfeed-dune with [schemars]"), "{line}");
    let calls = bare.calls();
    let last = "check --locked --quiet -p rowfeed --no-default-features --features dune,lightdash,\
                yandex-query,rustls,gzip,blocking,service-account,schemars";
    assert!(calls.last().unwrap().contains(last), "{calls:?}");
}

#[test]
fn a_commit_can_replace_the_last_tag() {
    let bare = Bare::new("");
    let output = bare.full(&["--only", "semver", "--baseline", "abc123"]);
    assert!(output.status.success(), "{}", text(&output));
    let calls = bare.calls();
    let wanted = "cargo semver-checks --baseline-rev abc123 -p rowfeed-rows -p rowfeed-client";
    assert!(calls.last().unwrap().starts_with(wanted), "{calls:?}");
}

#[test]
fn another_compiler_runs_through_rustup() {
    let bare = Bare::new("");
    bare.program("rustup", "echo \"rustup $*\" >> calls\n");
    let output = bare.full(&["--only", "msrv"]);
    assert!(output.status.success(), "{}", text(&output));
    let calls = bare.calls();
    let wanted = "rustup run 1.70 cargo check --locked -p rowfeed-rows -p rowfeed-client";
    assert!(calls[1].starts_with(wanted), "{calls:?}");
}

#[test]
fn the_examples_are_a_separate_workspace() {
    let all = [
        "cargo fmt --all --check --manifest-path examples/Cargo.toml []",
        "cargo clippy --locked --all-targets --manifest-path examples/Cargo.toml -- -D warnings []",
        "cargo test --locked --no-run --manifest-path examples/Cargo.toml []",
        "cargo test --locked --no-fail-fast --manifest-path examples/Cargo.toml []",
    ];
    for (fails, calls) in [("", 4), ("*--no-fail-fast*", 4), ("*--no-run*", 3)] {
        let bare = Bare::new(fails);
        fs::create_dir(bare.path("examples")).unwrap();
        fs::write(bare.path("examples/Cargo.toml"), "").unwrap();
        let output = bare.full(&["--only", "examples"]);
        let passed = output.status.success();
        assert_eq!(passed, fails.is_empty(), "{}", text(&output));
        assert_eq!(bare.calls(), all[..calls]);
    }
}

#[test]
fn the_error_for_an_unknown_step_lists_the_steps() {
    let bare = Bare::new("");
    let output = bare.full(&["--only", "dney"]);
    assert!(!output.status.success());
    assert!(text(&output).contains("unknown step \"dney\"; the steps are: deny, deny-xtask"));
    assert!(text(&bare.full(&["--list"])).contains("chaos        10,000 schedules"));
    assert!(text(&bare.full(&["--help"])).contains("--install"));
    assert!(bare.calls().is_empty());
}

#[test]
fn the_oldest_dependencies_are_checked_in_a_copy() {
    let bare = Bare::new("");
    bare.program("rustup", "");
    // The files that git lists.
    bare.program("git", "printf 'Cargo.toml\\0crates/a/LICENSE\\0'\n");
    fs::create_dir_all(bare.path("crates/a")).unwrap();
    fs::write(bare.path("LICENSE"), "may be used").unwrap();
    std::os::unix::fs::symlink("../../LICENSE", bare.path("crates/a/LICENSE")).unwrap();
    let output = bare.full(&["--only", "minimal"]);
    assert!(output.status.success(), "{}", text(&output));
    let copied = bare.path("target/full/minimal/crates/a/LICENSE");
    assert_eq!(fs::read_to_string(copied).unwrap(), "may be used");
    assert!(text(&output).contains("cargo update -Zdirect-minimal-versions"));
}
