//! The processes of a run: the page server and the workers. Dropping one ends the process.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::{contenders::Job, worker::Reading};

/// A process that reads and writes lines.
struct Talking {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Talking {
    fn start(command: &mut Command) -> Result<Self> {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let output = child.stdout.take().context("no output")?;
        Ok(Self {
            input: child.stdin.take(),
            output: BufReader::new(output),
            child,
        })
    }

    fn tell(&mut self, line: &str) -> Result<()> {
        let input = self.input.as_mut().context("no input")?;
        writeln!(input, "{line}")?;
        Ok(input.flush()?)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("the process ended with {}", self.child.wait()?);
        }
        Ok(line.trim_end().to_owned())
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

/// A worker that is ready.
pub(crate) struct Worker {
    process: Talking,
    name: String,
}

impl Worker {
    /// Starts a worker. `python` is the interpreter of the contender `python`.
    pub(crate) fn start(job: &Job, python: Option<(&Path, &Path)>) -> Result<Self> {
        let name = format!("{}/{} ({})", job.service.name(), job.contender, job.dataset);
        let mut command = match python {
            Some((interpreter, script)) => {
                let mut command = Command::new(interpreter);
                command.arg(script).env("NO_PROXY", "*");
                command.env("PYTHONDONTWRITEBYTECODE", "1");
                command
            }
            None => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg("worker");
                command
            }
        };
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
