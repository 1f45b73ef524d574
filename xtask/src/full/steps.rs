//! The steps of a full run.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result};
use toml_edit::DocumentMut;

use super::{
    Outcome,
    features::{COMBINATIONS, Combination, EVERYTHING, NATIVE_TLS},
    minimal::minimal_versions,
    tools::Tools,
};

/// A step of a full run.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) run: fn(&Tools) -> Result<Outcome>,
}

pub(super) const STEPS: &[Step] = &[
    Step {
        name: "deny",
        what: "sources and licenses of the libraries' dependencies",
        run: deny_libraries,
    },
    Step {
        name: "deny-xtask",
        what: "the same for xtask's dependencies",
        run: deny_xtask,
    },
    Step {
        name: "advisories",
        what: "known advisories for both",
        run: advisories,
    },
    Step {
        name: "semver",
        what: "public types, compared with the last tag or --baseline",
        run: semver,
    },
    Step {
        name: "features",
        what: "the combinations of features",
        run: features,
    },
    Step {
        name: "native-tls",
        what: "the combinations with the system's TLS library",
        run: native_tls,
    },
    Step {
        name: "msrv",
        what: "the libraries with the oldest supported compiler",
        run: msrv,
    },
    Step {
        name: "minimal",
        what: "the libraries with the oldest allowed dependencies",
        run: minimal_versions,
    },
    Step {
        name: "wasm32",
        what: "the clients and the facade for the browser, and a run in Node.js",
        run: wasm32,
    },
    Step {
        name: "docs",
        what: "the documentation as docs.rs builds it, with feature labels",
        run: labels,
    },
    Step {
        name: "package",
        what: "every crate, from the files that would be published",
        run: package,
    },
    Step {
        name: "browser",
        what: "the sandbox's page, in headless Chromium",
        run: browser,
    },
    Step {
        name: "chaos",
        what: "10,000 schedules of faults",
        run: chaos,
    },
    Step {
        name: "rows",
        what: "a million rows, compared with an independent reader",
        run: rows,
    },
    Step {
        name: "bench",
        what: "a short run of the benchmark, with small results",
        run: bench,
    },
    Step {
        name: "examples",
        what: "the programs in examples/: lints, tests, and a run of each without arguments",
        run: examples,
    },
    Step {
        name: "datafusion",
        what: "the tables of DataFusion: lints, documentation, tests, and without features",
        run: datafusion,
    },
    Step {
        name: "fuzz",
        what: "the build of the fuzz targets",
        run: fuzz,
    },
    Step {
        name: "guide",
        what: "the code of the guide",
        run: guide,
    },
];

/// The published crates, in the order of publication.
const PUBLISHED: [&str; 12] = [
    "rowfeed-rows",
    "rowfeed-client",
    "rowfeed-sandbox",
    "rowfeed-dune",
    "rowfeed-lightdash",
    "rowfeed-yandex-query",
    "rowfeed",
    "rowfeed-arrow",
    "rowfeed-cache",
    "rowfeed-snapshot",
    DATAFUSION,
    COMMAND,
];

/// Takes minutes to build and needs a newer Rust than the rest, so it has its own step.
const DATAFUSION: &str = "rowfeed-datafusion";

/// Has no library.
const COMMAND: &str = "rowfeed-cli";

/// The libraries that programs depend on.
pub(super) const LIBRARIES: [&str; 7] = [
    "rowfeed-rows",
    "rowfeed-client",
    "rowfeed-dune",
    "rowfeed-lightdash",
    "rowfeed-yandex-query",
    "rowfeed",
    "rowfeed-arrow",
];

const WASM: &str = "wasm32-unknown-unknown";

/// Returns the arguments for all published packages but `left_out`.
fn published(left_out: &[&str]) -> Vec<&'static str> {
    let of = PUBLISHED.iter().filter(|name| !left_out.contains(name));
    of.flat_map(|name| ["-p", *name]).collect()
}

pub(super) fn packages<'a>(names: &[&'a str]) -> Vec<&'a str> {
    names.iter().flat_map(|name| ["-p", name]).collect()
}

const RULES: [&str; 3] = ["bans", "licenses", "sources"];

fn deny_libraries(tools: &Tools) -> Result<Outcome> {
    deny(tools, &[], &RULES)
}

fn deny_xtask(tools: &Tools) -> Result<Outcome> {
    deny(tools, &OF_XTASK, &RULES)
}

const OF_XTASK: [&str; 4] = [
    "--manifest-path",
    "xtask/Cargo.toml",
    "--config",
    "xtask/deny.toml",
];

fn advisories(tools: &Tools) -> Result<Outcome> {
    match deny(tools, &[], &["advisories"])? {
        Outcome::Passed => deny(tools, &OF_XTASK, &["advisories"]),
        other => Ok(other),
    }
}

fn deny(tools: &Tools, of: &[&str], rules: &[&str]) -> Result<Outcome> {
    if let Some(missing) = tools.need("deny")? {
        return Ok(missing);
    }
    tools.run(tools.cargo([&["deny"], of, &["check"], rules].concat()))
}

fn semver(tools: &Tools) -> Result<Outcome> {
    let Some(baseline) = tools.baseline() else {
        return skipped("there is no tag v… to compare with; name a commit with --baseline REV");
    };
    if let Some(missing) = tools.need("semver-checks")? {
        return Ok(missing);
    }
    let mut args = vec!["semver-checks", "--baseline-rev", &baseline];
    args.extend(published(&[COMMAND]));
    tools.run(tools.cargo(args))
}

fn features(tools: &Tools) -> Result<Outcome> {
    each(tools, COMBINATIONS)
}

fn native_tls(tools: &Tools) -> Result<Outcome> {
    let mut asks = tools.command("pkg-config");
    asks.args(["--exists", "openssl"]);
    if cfg!(target_os = "linux") && tools.asked(asks).is_none() {
        return skipped("pkg-config does not find openssl; install its development files");
    }
    each(tools, NATIVE_TLS)
}

/// Checks all combinations, even after a failure.
fn each(tools: &Tools, combinations: &[Combination]) -> Result<Outcome> {
    let mut failed = Vec::new();
    for (package, features) in combinations {
        let mut args = vec!["check", "--locked", "--quiet", "-p", package];
        args.extend(["--no-default-features", "--features", features]);
        if tools.run(tools.cargo(args))? != Outcome::Passed {
            failed.push(format!("{package} with [{features}]"));
        }
    }
    Ok(match failed.is_empty() {
        true => Outcome::Passed,
        false => Outcome::Failed(failed.join("; ")),
    })
}

fn msrv(tools: &Tools) -> Result<Outcome> {
    let path = tools.root().join("Cargo.toml");
    let text = fs::read_to_string(&path).context("cannot read Cargo.toml")?;
    let manifest: DocumentMut = text.parse().context("Cargo.toml is not valid")?;
    let version = manifest
        .get("workspace")
        .and_then(|item| item.get("package")?.get("rust-version")?.as_str())
        .context("Cargo.toml: workspace.package.rust-version is missing")?;
    if !tools.has_toolchain(version) {
        return skipped(format!("needs `rustup toolchain install {version}`"));
    }
    let mut args = vec!["check", "--locked"];
    args.extend(published(&[DATAFUSION]));
    args.extend(everything());
    tools.run(tools.cargo_of(version, args))
}

/// Returns the arguments for every feature that builds on every platform.
pub(super) fn everything() -> impl Iterator<Item = &'static str> {
    EVERYTHING.iter().flat_map(|list| ["--features", list])
}

/// Apart from the other libraries, because DataFusion takes minutes to build and needs a newer Rust.
fn datafusion(tools: &Tools) -> Result<Outcome> {
    const OF: [&str; 3] = ["--locked", "-p", "rowfeed-datafusion"];
    for (command, rest) in [
        ("check", &[][..]),
        (
            "clippy",
            &["--all-features", "--all-targets", "--", "-D", "warnings"],
        ),
        ("doc", &["--all-features", "--no-deps"]),
        ("test", &["--all-features"]),
    ] {
        match tools.run(tools.cargo([&[command], &OF[..], rest].concat()))? {
            Outcome::Passed => {}
            other => return Ok(other),
        }
    }
    // The command of the same crate: `rowfeed sql`.
    let command = ["test", "--locked", "-p", "rowfeed-cli", "--features", "sql"];
    tools.run(tools.cargo([&command[..], &["--test", "cli", "sql::"]].concat()))
}

fn labels(tools: &Tools) -> Result<Outcome> {
    if !tools.has_toolchain("nightly") {
        return skipped("needs `rustup toolchain install nightly`");
    }
    let mut args = vec![
        "doc",
        "--locked",
        "--no-deps",
        "--target-dir",
        "target/full/docs",
    ];
    args.extend(published(&[DATAFUSION]));
    args.extend(everything());
    let mut command = tools.cargo_of("nightly", args);
    command.env("RUSTDOCFLAGS", "--cfg docsrs -D warnings");
    tools.run(command)
}

fn wasm32(tools: &Tools) -> Result<Outcome> {
    if !tools.has_target(WASM) {
        return skipped(format!("needs `rustup target add {WASM}`"));
    }
    let mut args = vec!["check", "--locked", "--target", WASM];
    args.extend(packages(&LIBRARIES));
    args.push("--no-default-features");
    args.extend(["--features", "rowfeed/dune,rowfeed/lightdash"]);
    args.extend(["--features", "rowfeed/yandex-query"]);
    match tools.run(tools.cargo(args))? {
        Outcome::Passed => {}
        failed => return Ok(failed),
    }
    for program in ["node", "wasm-bindgen"] {
        let mut asks = tools.command(program);
        asks.arg("--version");
        if tools.asked(asks).is_none() {
            return skipped(format!(
                "the types check; to run it, install {program} (`cargo install wasm-bindgen-cli`)"
            ));
        }
    }
    let mut run = tools.command("node");
    run.arg("examples/wasm/run.mjs");
    tools.run_within(run, EXAMPLES_WITHIN)
}

fn package(tools: &Tools) -> Result<Outcome> {
    let mut args = vec!["package", "--locked", "--allow-dirty"];
    args.extend(published(&[]));
    tools.run(tools.cargo(args))
}

fn browser(tools: &Tools) -> Result<Outcome> {
    for program in ["chromium", "chromedriver"] {
        let mut asks = tools.command(program);
        asks.arg("--version");
        if tools.asked(asks).is_none() {
            return skipped(format!(
                "needs {program} (`apt-get install chromium chromium-driver`)"
            ));
        }
    }
    let mut run = tools.command(tools.root().join("crates/sandbox/interop/run"));
    run.arg("browser.py");
    tools.run(run)
}

fn chaos(tools: &Tools) -> Result<Outcome> {
    let mut command = tools.cargo(["test", "--locked", "-p", "rowfeed", "--test", "chaos"]);
    command.env("ROWFEED_CHAOS_SCHEDULES", "10000");
    tools.run(command)
}

fn rows(tools: &Tools) -> Result<Outcome> {
    let test = [
        "test",
        "--locked",
        "-p",
        "rowfeed-rows",
        "--test",
        "differential",
    ];
    let mut command = tools.cargo(test);
    command.env("ROWFEED_DIFFERENTIAL_ROWS", "1000000");
    tools.run(command)
}

fn bench(tools: &Tools) -> Result<Outcome> {
    let this = std::env::current_exe().context("cannot find the path of this program")?;
    let mut command = tools.command(this);
    command.args(["bench", "--quick", "--root"]);
    command.arg(tools.root());
    tools.run(command)
}

/// The time limit for all tests of the examples, without the build.
const EXAMPLES_WITHIN: Duration = Duration::from_secs(15 * 60);

/// Checks the workspace of the examples. Its tests also run each example without arguments.
fn examples(tools: &Tools) -> Result<Outcome> {
    if !tools.root().join("examples/Cargo.toml").exists() {
        return skipped("there is no examples/Cargo.toml");
    }
    let of_examples = |args: &[&str], more: &[&str]| {
        let manifest = ["--manifest-path", "examples/Cargo.toml"];
        let mut command = tools.cargo([args, &manifest, more].concat());
        // The build is large enough without incremental data.
        command.env("CARGO_INCREMENTAL", "0");
        command
    };
    let linted = ["clippy", "--locked", "--all-targets"];
    for command in [
        of_examples(&["fmt", "--all", "--check"], &[]),
        of_examples(&linted, &["--", "-D", "warnings"]),
        of_examples(&["test", "--locked", "--no-run"], &[]),
    ] {
        match tools.run(command)? {
            Outcome::Passed => {}
            other => return Ok(other),
        }
    }
    let tests = of_examples(&["test", "--locked", "--no-fail-fast"], &[]);
    tools.run_within(tests, EXAMPLES_WITHIN)
}

/// Checks that the fuzz targets build, with the stable compiler and without instrumentation.
fn fuzz(tools: &Tools) -> Result<Outcome> {
    if !tools.root().join("fuzz/Cargo.toml").exists() {
        return skipped("there is no fuzz/Cargo.toml");
    }
    let manifest = ["--manifest-path", "fuzz/Cargo.toml"];
    let mut check = tools.cargo([&["check", "--locked"][..], &manifest].concat());
    check.args(["--target-dir", "target/full/fuzz"]);
    check.env("RUSTFLAGS", "--cfg rowfeed_fuzzing");
    tools.run(check)
}

fn guide(tools: &Tools) -> Result<Outcome> {
    if !tools.root().join("guide/Cargo.toml").exists() {
        return skipped("there is no guide/");
    }
    tools.run(tools.cargo(["test", "--locked", "-p", "rowfeed-guide"]))
}

pub(super) fn skipped(why: impl Into<String>) -> Result<Outcome> {
    Ok(Outcome::Skipped(why.into()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_is_published_after_its_dependencies() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut names = Vec::new();
        for entry in fs::read_dir(root.join("crates")).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path().join("Cargo.toml")).unwrap();
            let manifest: DocumentMut = text.parse().unwrap();
            let name = manifest["package"]["name"].as_str().unwrap().to_owned();
            let place = PUBLISHED.iter().position(|published| *published == name);
            let place = place.unwrap_or_else(|| panic!("{name} is not in PUBLISHED"));
            for table in ["dependencies", "build-dependencies"] {
                let dependencies = manifest.get(table).and_then(|table| table.as_table());
                for (dependency, _) in dependencies.into_iter().flat_map(|table| table.iter()) {
                    let needed = PUBLISHED
                        .iter()
                        .position(|published| *published == dependency);
                    assert!(
                        needed.is_none_or(|needed| needed < place),
                        "{name}: {dependency}"
                    );
                }
            }
            names.push(name);
        }
        assert_eq!(names.len(), PUBLISHED.len());
        let text = fs::read_to_string(root.join("CONTRIBUTING.md")).unwrap();
        let order = PUBLISHED.map(|name| format!("`{name}`")).join(", ");
        let words: Vec<_> = text.split_whitespace().collect();
        assert!(words.join(" ").contains(&order), "CONTRIBUTING.md: {order}");
    }
}
