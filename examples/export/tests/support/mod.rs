//! Helpers that interrupt exports.
#![allow(clippy::unwrap_used, dead_code)]

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use example_testing::{as_dune, end, start, succeed, wait_until};
use rowfeed_sandbox::{Fault, Sandbox};
use tempfile::TempDir;

/// An export into its own directory.
pub(crate) struct Export {
    directory: TempDir,
    name: &'static str,
}

/// How to interrupt it.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Stop {
    Kill,
    Interrupt,
}

impl Export {
    pub(crate) fn new(name: &'static str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory, name }
    }

    pub(crate) fn output(&self) -> PathBuf {
        self.path("")
    }

    pub(crate) fn path(&self, ending: &str) -> PathBuf {
        self.directory.path().join(format!("{}{ending}", self.name))
    }

    /// With a sandbox that the program starts.
    pub(crate) fn sandboxed(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_export"));
        command.current_dir(self.directory.path());
        command.args(["--out", self.name]);
        command
    }

    /// With this sandbox as Dune.
    pub(crate) fn command(&self, sandbox: &Sandbox) -> Command {
        let mut command = self.sandboxed();
        as_dune(command.arg("--live"), sandbox);
        command
    }

    fn long(&self, sandbox: &Sandbox) -> Command {
        let mut command = self.command(sandbox);
        command.args([
            "--sql",
            "SELECT * FROM synthetic(10_000)",
            "--page-rows",
            "500",
        ]);
        command
    }

    /// How much the state says has been written.
    pub(crate) fn written(&self) -> u64 {
        let Ok(state) = fs::read(self.path(".state.json")) else {
            return 0;
        };
        let state: serde_json::Value = serde_json::from_slice(&state).unwrap();
        state["written"].as_u64().unwrap()
    }
}

/// Interrupts an export twice, and compares its final output with that of an uninterrupted export.
pub(crate) fn resumes_after(name: &'static str, stop: Stop) {
    let sandbox = Sandbox::start_blocking().unwrap();
    let whole = Export::new(name);
    succeed(&mut whole.long(&sandbox));
    let pages = sandbox
        .take_requests()
        .iter()
        .filter(|page| page.rows.is_some())
        .count();

    let export = Export::new(name);
    sandbox.fault(
        Fault::delay(Duration::from_millis(60))
            .path("/results")
            .always(),
    );
    for _ in 0..2 {
        let before = export.written();
        let mut child = start(&mut export.long(&sandbox));
        wait_until("a page is written", || export.written() > before);
        match stop {
            Stop::Kill => child.kill().unwrap(),
            Stop::Interrupt => {
                let kill = Command::new("kill")
                    .args(["-INT", &child.id().to_string()])
                    .status();
                assert!(kill.unwrap().success());
            }
        }
        let ended = end(child);
        if stop == Stop::Interrupt {
            assert_eq!(ended.code, Some(130), "{ended:?}");
            assert!(
                ended.err.contains("run the same command to resume"),
                "{ended:?}"
            );
        }
        assert!(
            !export.output().exists(),
            "an incomplete output has the final name"
        );
        tear(&export.path(".part"), export.written());
    }
    sandbox.clear_faults();
    succeed(&mut export.long(&sandbox));

    assert_eq!(content(&whole.output()), content(&export.output()));
    assert!(!export.path(".state.json").exists());
    assert!(!export.path(".part").exists());
    let requests = sandbox.requests();
    let runs = requests
        .iter()
        .filter(|request| request.method == "POST")
        .count();
    assert_eq!(runs, 1, "the query was run again");
    // A page that was in flight when the export was interrupted is fetched again; no earlier page
    // is.
    let fetched = requests.iter().filter(|page| page.rows.is_some()).count();
    assert!(fetched <= pages + 2, "{fetched} pages, of {pages}");
}

/// Leaves behind what a crash in the middle of a write would leave.
fn tear(part: &Path, written: u64) {
    match part.is_dir() {
        true => fs::write(part.join(format!("part-{written:05}.parquet")), "PAR1 torn").unwrap(),
        false => {
            let mut file = fs::OpenOptions::new().append(true).open(part).unwrap();
            file.write_all(b"a line that was never fin").unwrap();
        }
    }
}

/// A file, or all files of a directory.
fn content(path: &Path) -> BTreeMap<String, Vec<u8>> {
    if path.is_file() {
        return BTreeMap::from([(String::new(), fs::read(path).unwrap())]);
    }
    let files = fs::read_dir(path).unwrap().map(|file| file.unwrap());
    files
        .map(|file| {
            (
                file.file_name().into_string().unwrap(),
                fs::read(file.path()).unwrap(),
            )
        })
        .collect()
}
