//! The machine and the date of a measurement.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: Option<u64>,
    pub(crate) os: String,
    pub(crate) rustc: String,
}

impl Machine {
    pub(crate) fn this() -> Self {
        let cpu = field("/proc/cpuinfo", "model name", ":")
            .or_else(|| output("sysctl", &["-n", "machdep.cpu.brand_string"], None));
        let memory = field("/proc/meminfo", "MemTotal", ":");
        let kib = memory.and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        let system = field("/etc/os-release", "PRETTY_NAME", "=");
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
        let os = [system, kernel].into_iter().flatten();
        let os: Vec<String> = os
            .map(|text| text.trim().trim_matches('"').to_owned())
            .collect();
        Self {
            cpu: cpu.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: kib.map(|kib| (kib + 512 * 1024) / (1024 * 1024)),
            os: match os.is_empty() {
                true => std::env::consts::OS.to_owned(),
                false => os.join(", Linux "),
            },
            rustc: output("rustc", &["-V"], None).unwrap_or_else(|| "unknown".to_owned()),
        }
    }
}

pub(crate) fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

/// Returns the commit of a checkout, and whether files other than results have changed since.
pub(crate) fn commit(root: &Path) -> String {
    let Some(commit) = output("git", &["rev-parse", "--short=10", "HEAD"], Some(root)) else {
        return "unknown".to_owned();
    };
    let changes = output("git", &["status", "--porcelain"], Some(root)).unwrap_or_default();
    let is_result = |line: &str| {
        [
            "bench/results.",
            "bench/RESULTS",
            "bench/BEHAVIOR",
            "bench/SQL.md",
        ]
        .iter()
        .any(|name| line.contains(name))
    };
    match changes.lines().all(is_result) {
        true => commit,
        false => format!("{commit} with changes"),
    }
}

/// Returns the default target of rustc.
pub(crate) fn host() -> Result<String> {
    let about = output("rustc", &["-vV"], None).context("rustc -vV failed")?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV does not name the host")?.to_owned())
}

/// Returns the value after the first `name` of a file of names and values.
fn field(path: &str, name: &str, separator: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    let (_, value) = line.split_once(separator)?;
    Some(value.trim().to_owned())
}

fn output(program: &str, args: &[&str], directory: Option<&Path>) -> Option<String> {
    let mut command = Command::new(program);
    command.args(args);
    if let Some(directory) = directory {
        command.current_dir(directory);
    }
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
