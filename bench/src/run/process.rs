//! The processes of a run: the page server and the workers. Dropping one ends the process.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use crate::{contenders::Job, worker::Reading};

/// The time in which a process must write a line: far longer than the slowest reading.
const PATIENCE: Duration = Duration::from_secs(600);

/// A process that reads and writes lines.
struct Talking {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    patience: Duration,
}

impl Talking {
    fn start(command: &mut Command) -> Result<Self> {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let output = child.stdout.take().context("no output")?;
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || {
            // The receiver ends before the process does.
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            lines
                .take_while(|line| tell.send(line.clone()).is_ok())
                .count()
        });
        Ok(Self {
            input: child.stdin.take(),
            lines,
            child,
            patience: PATIENCE,
        })
    }

    fn tell(&mut self, line: &str) -> Result<()> {
        let input = self.input.as_mut().context("no input")?;
        writeln!(input, "{line}")?;
        Ok(input.flush()?)
    }

    fn line(&mut self) -> Result<String> {
        match self.lines.recv_timeout(self.patience) {
            Ok(line) => Ok(line.trim_end().to_owned()),
            Err(RecvTimeoutError::Disconnected) => {
                bail!("the process ended with {}", self.child.wait()?)
            }
            Err(RecvTimeoutError::Timeout) => {
                // Otherwise its end would be awaited.
                self.child.kill()?;
                bail!("the process wrote nothing for {:?}", self.patience)
            }
        }
    }
}

impl Drop for Talking {
    fn drop(&mut self) {
        // Both kinds of process end when their input closes.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// The page server.
pub(crate) struct PageServer {
    _process: Talking,
    pub(crate) url: String,
}

impl PageServer {
    pub(crate) fn start() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = Talking::start(command.arg("page-server"))?;
        let port: u16 = process.line()?.parse()?;
        Ok(Self {
            _process: process,
            url: format!("http://127.0.0.1:{port}"),
        })
    }
}

/// Returns the program of a contender that is written in Rust: this program, or its neighbor that
/// was built without rowfeed.
pub(crate) fn program(contender: &str, is_apart: bool) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let needs_rowfeed = contender.starts_with("rowfeed") || contender == "hand-zlib-rs";
    Ok(match is_apart && !needs_rowfeed {
        true => own.with_file_name(format!(
            "rowfeed-bench-apart{}",
            std::env::consts::EXE_SUFFIX
        )),
        false => own,
    })
}

/// A worker that is ready.
pub(crate) struct Worker {
    process: Talking,
    name: String,
}

impl Worker {
    /// Starts a worker that is written in Rust.
    pub(crate) fn start(job: &Job, is_apart: bool) -> Result<Self> {
        let mut command = Command::new(program(&job.contender, is_apart)?);
        command.arg("worker");
        Self::of(job, command)
    }

    /// Starts a worker with an interpreter and its script.
    pub(crate) fn python(job: &Job, (interpreter, script): (&Path, &Path)) -> Result<Self> {
        let mut command = Command::new(interpreter);
        command.arg(script).env("NO_PROXY", "*");
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        Self::of(job, command)
    }

    fn of(job: &Job, mut command: Command) -> Result<Self> {
        let name = format!("{}/{} ({})", job.service.name(), job.contender, job.dataset);
        let mut process = Talking::start(command.arg(serde_json::to_string(job)?))?;
        let ready = process.line().with_context(|| name.clone())?;
        match ready.as_str() {
            "ready" => Ok(Self { process, name }),
            other => bail!("{name} printed {other:?} instead of ready"),
        }
    }

    /// Lets the worker read once.
    pub(crate) fn go(&mut self) -> Result<Reading> {
        let mut read = || -> Result<Reading> {
            self.process.tell("go")?;
            Ok(serde_json::from_str(&self.process.line()?)?)
        };
        read().with_context(|| self.name.clone())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_process_that_writes_nothing_is_ended() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo ready; exec sleep 600"]);
        let mut process = Talking::start(&mut command).unwrap();
        assert_eq!(process.line().unwrap(), "ready");
        process.patience = Duration::from_millis(50);
        let error = process.line().unwrap_err().to_string();
        assert!(error.contains("wrote nothing"), "{error}");
        assert!(!process.child.wait().unwrap().success());
    }

    #[test]
    fn the_end_of_a_process_is_an_error() {
        let mut command = Command::new("sh");
        command.args(["-c", "exit 3"]);
        let mut process = Talking::start(&mut command).unwrap();
        let error = process.line().unwrap_err().to_string();
        assert!(
            error.contains("ended with") && error.contains('3'),
            "{error}"
        );
    }

    #[test]
    fn only_contenders_without_rowfeed_run_apart() {
        let name = |contender: &str, is_apart| {
            let program = program(contender, is_apart).unwrap();
            program.file_stem().unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(name("hand", true), "rowfeed-bench-apart");
        for (contender, is_apart) in [
            ("hand", false),
            ("hand-zlib-rs", true),
            ("rowfeed-prefetch", true),
        ] {
            assert_ne!(name(contender, is_apart), "rowfeed-bench-apart");
        }
    }
}
