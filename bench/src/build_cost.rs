//! Measures clean builds of crates: the number of crates, the CPU time of a check and of a release
//! build, and the generated lines.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Result, ensure};

use crate::{machine, options::Options, results::BuildCost, run::target_directory};

const PACKAGES: [&str; 5] = [
    "rowfeed-client",
    "rowfeed-dune",
    "rowfeed-lightdash",
    "rowfeed-yandex-query",
    "rowfeed",
];

/// Measures each crate with its default features.
pub(crate) fn measure(options: &Options) -> Result<Vec<BuildCost>> {
    let pattern = options.only.as_deref().unwrap_or_default();
    // In the target directory, and new for each build.
    let target = target_directory()?.join("bench/build");
    // Download everything before the clock starts.
    let host = machine::host()?;
    let fetch = ["fetch", "--quiet", "--locked", "--target", &host];
    cargo(&options.root, &target, &fetch)?;
    let mut costs = Vec::new();
    for package in PACKAGES
        .into_iter()
        .filter(|package| package.contains(pattern))
    {
        eprintln!("{package}");
        let crates = crates(&options.root, package)?;
        let build = |words: &[&str]| -> Result<(Option<f64>, f64)> {
            let _ = fs::remove_dir_all(&target);
            let (wall, before) = (Instant::now(), children_cpu_s());
            let words = [words, &["--quiet", "--locked", "--package", package]].concat();
            cargo(&options.root, &target, &words)?;
            let cpu = children_cpu_s()
                .zip(before)
                .map(|(after, before)| after - before);
            Ok((cpu, wall.elapsed().as_secs_f64()))
        };
        let (check_cpu_s, check_wall_s) = build(&["check"])?;
        let (release_cpu_s, release_wall_s) = build(&["build", "--release"])?;
        costs.push(BuildCost {
            package: package.to_owned(),
            crates,
            check_cpu_s,
            check_wall_s,
            release_cpu_s,
            release_wall_s,
            generated_lines: generated_lines(&options.root, package),
        });
    }
    let _ = fs::remove_dir_all(&target);
    ensure!(
        !costs.is_empty(),
        "no package has {:?} in its name",
        options.only.as_deref().unwrap_or_default()
    );
    Ok(costs)
}

fn cargo(root: &Path, target: &Path, words: &[&str]) -> Result<()> {
    let status = Command::new("cargo")
        .args(words)
        .current_dir(root)
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_INCREMENTAL", "0")
        .stdout(Stdio::null())
        .status()?;
    ensure!(
        status.success(),
        "cargo {} ended with {status}",
        words.join(" ")
    );
    Ok(())
}

fn crates(root: &Path, package: &str) -> Result<usize> {
    let words = [
        "tree",
        "--locked",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--package",
    ];
    let output = Command::new("cargo")
        .args(words)
        .arg(package)
        .current_dir(root)
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8_lossy(&output.stdout);
    let lines = tree.lines().filter(|line| !line.is_empty());
    // `cargo tree` marks repeated crates.
    let crates: BTreeSet<&str> = lines.map(|line| line.trim_end_matches(" (*)")).collect();
    Ok(crates.len())
}

fn generated_lines(root: &Path, package: &str) -> usize {
    let crate_ = package.trim_start_matches("rowfeed-");
    lines_below(&root.join("crates").join(crate_).join("src/generated"))
}

/// Counts the lines of all files in a directory and its subdirectories; 0 if the directory does not
/// exist.
fn lines_below(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .map(|path| match path.is_dir() {
            true => lines_below(&path),
            false => fs::read_to_string(path).map_or(0, |text| text.lines().count()),
        })
        .sum()
}

/// Returns the CPU time of all ended child processes and their descendants, if the system reports
/// it.
fn children_cpu_s() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // After the name, which may contain anything, the third field comes first.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    // Linux counts in hundredths of a second.
    Some((ticks(13)? + ticks(14)?) / 100.0)
}
