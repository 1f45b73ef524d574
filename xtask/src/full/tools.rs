//! Commands: running them and checking whether they are installed.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use super::Outcome;

/// The folder in which commands run, and whether missing commands may be installed.
pub(super) struct Tools {
    root: PathBuf,
    install: bool,
    baseline: Option<String>,
    cargo: OsString,
}

impl Tools {
    pub(super) fn new(root: PathBuf, install: bool, baseline: Option<String>) -> Self {
        Self {
            root,
            install,
            baseline,
            cargo: std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns a cargo command in the workspace.
    pub(super) fn cargo<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Command {
        let mut command = self.command(&self.cargo);
        command.args(args);
        command
    }

    /// Returns a cargo command of another toolchain.
    pub(super) fn cargo_of<I: AsRef<OsStr>>(
        &self,
        toolchain: &str,
        args: impl IntoIterator<Item = I>,
    ) -> Command {
        let mut command = self.command("rustup");
        command.args(["run", toolchain, "cargo"]).args(args);
        // These belong to the toolchain that started this program.
        for var in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
            command.env_remove(var);
        }
        command
    }

    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// Prints and runs a command. It passes if the exit status is 0.
    pub(super) fn run(&self, mut command: Command) -> Result<Outcome> {
        let shown = shown(&command);
        println!("$ {shown}");
        let status = command
            .status()
            .with_context(|| format!("cannot start {shown}"))?;
        Ok(match status.success() {
            true => Outcome::Passed,
            false => Outcome::Failed(format!("{shown}: {status}")),
        })
    }

    /// Prints and runs a command that fails if it takes longer than `limit`.
    pub(super) fn run_within(&self, mut command: Command, limit: Duration) -> Result<Outcome> {
        let shown = shown(&command);
        println!("$ {shown}");
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {shown}"))?;
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(match status.success() {
                    true => Outcome::Passed,
                    false => Outcome::Failed(format!("{shown}: {status}")),
                });
            }
            if started.elapsed() > limit {
                child.kill()?;
                child.wait()?;
                return Ok(Outcome::Failed(format!(
                    "{shown}: not done within {limit:?}"
                )));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Returns the output of a command, if it runs with exit status 0.
    pub(super) fn asked(&self, mut command: Command) -> Option<String> {
        let output = command.stderr(Stdio::null()).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        output.status.success().then(|| text.trim().to_owned())
    }

    /// Ensures that `cargo NAME` is installed. Returns the outcome of the step if it is not.
    pub(super) fn need(&self, name: &str) -> Result<Option<Outcome>> {
        let package = format!("cargo-{name}");
        if self.asked(self.cargo([name, "--version"])).is_some() {
            return Ok(None);
        }
        if !self.install {
            let why = format!("{package} is not installed; --install installs it");
            return Ok(Some(Outcome::Failed(why)));
        }
        Ok(
            match self.run(self.cargo(["install", "--locked", &package]))? {
                Outcome::Passed => None,
                failed => Some(failed),
            },
        )
    }

    pub(super) fn has_toolchain(&self, name: &str) -> bool {
        let mut command = self.command("rustup");
        command.args(["run", name, "cargo", "--version"]);
        self.asked(command).is_some()
    }

    pub(super) fn has_target(&self, name: &str) -> bool {
        let mut command = self.command("rustup");
        command.args(["target", "list", "--installed"]);
        let installed = self.asked(command).unwrap_or_default();
        installed.lines().any(|line| line == name)
    }

    /// Returns the revision to compare with: the given one, or the tag of the last release.
    pub(super) fn baseline(&self) -> Option<String> {
        if self.baseline.is_some() {
            return self.baseline.clone();
        }
        let mut command = self.command("git");
        command.args(["describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"]);
        self.asked(command)
    }

    /// Returns the checked commit, for the summary.
    pub(super) fn commit(&self) -> String {
        let mut command = self.command("git");
        command.args(["describe", "--always", "--dirty", "--exclude", "*"]);
        let commit = self.asked(command);
        commit.map_or_else(|| "no commit".to_owned(), |id| format!("commit {id}"))
    }
}

/// Formats a command as a shell command.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(command.get_program());
    let envs = command.get_envs().filter_map(|(key, value)| {
        let (key, value) = (key.to_string_lossy(), value?.to_string_lossy());
        Some(format!("{key}={value}"))
    });
    let args = command.get_args().map(OsStr::to_string_lossy);
    let words = envs.chain([program.to_string_lossy().into_owned()]);
    let words: Vec<_> = words.chain(args.map(Into::into)).collect();
    words.join(" ")
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_command_that_exceeds_its_limit_fails() {
        let tools = Tools::new(PathBuf::from("."), false, None);
        let within = |seconds: &str, limit| {
            let mut command = tools.command("sleep");
            command.arg(seconds);
            tools
                .run_within(command, Duration::from_millis(limit))
                .unwrap()
        };
        assert_eq!(within("0", 60_000), Outcome::Passed);
        let Outcome::Failed(why) = within("60", 100) else {
            panic!("a command of 60 s passed within 100 ms");
        };
        assert_eq!(why, "sleep 60: not done within 100ms");
    }
}
