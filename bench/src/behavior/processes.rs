//! Runs the process of a contender.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use super::{
    job::{Job, Report, Who},
    judge::Ending,
};
use crate::{dataset::Service, options::Options, run::python::Python};

/// The time limit of a contender in seconds.
pub(super) const SECONDS: u64 = 20;

/// The programs of the contenders.
pub(super) struct Contenders {
    own: PathBuf,
    /// An interpreter with all official clients, if available.
    python: Option<PathBuf>,
    script: PathBuf,
}

impl Contenders {
    pub(super) fn find(options: &Options) -> Result<Self> {
        let python = Python::find(options)?;
        let mut interpreter = None;
        for service in Service::ALL {
            match python.of(service) {
                Ok((path, _)) => interpreter = Some(path.to_owned()),
                Err(why) => {
                    eprintln!("without the Python clients: {}: {why}", service.title());
                    interpreter = None;
                    break;
                }
            }
        }
        Ok(Self {
            own: std::env::current_exe()?,
            python: interpreter,
            script: options.root.join("bench/python/behavior.py"),
        })
    }

    pub(super) fn has_python(&self) -> bool {
        self.python.is_some()
    }

    /// Returns the names and versions of the Python clients.
    pub(super) fn python_versions(&self) -> Option<String> {
        let mut command = Command::new(self.python.as_ref()?);
        let output = command.arg(&self.script).arg("--versions").output().ok()?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
    }

    /// Runs the contender, and ends it after the time limit.
    pub(super) fn ending(&self, job: &Job) -> Result<Ending> {
        let mut command = match (job.who, &self.python) {
            (Who::Python, None) => return Ok(Ending::Told(Report::default())),
            (Who::Python, Some(python)) => by(python, &[self.script.as_ref()]),
            _ => by(&self.own, &["behave".as_ref()]),
        };
        command.arg(serde_json::to_string(job)?);
        let name = format!("{:?} at {:?}", job.who, job.service);
        await_report(command, Duration::from_secs(SECONDS)).context(name)
    }
}

fn by(program: &Path, arguments: &[&Path]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
        .env("NO_PROXY", "*")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command.env_remove("RUST_BACKTRACE");
    command
}

fn await_report(mut command: Command, time: Duration) -> Result<Ending> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::null()).spawn()?;
    let mut output = child.stdout.take().context("no output")?;
    let (tell, report) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        let read = output.read_to_string(&mut text).map(|_| text);
        // After the time limit, nobody receives this.
        let _ = tell.send(read);
    });
    let Ok(text) = report.recv_timeout(time) else {
        child.kill()?;
        child.wait()?;
        let _ = reader.join();
        return Ok(Ending::Waiting(time.as_secs()));
    };
    let status = child.wait()?;
    let text = text?;
    match serde_json::from_str(text.trim()) {
        Ok(report) => Ok(Ending::Told(report)),
        Err(_) => bail!("it ended with {status} and said {text:?}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_process_is_ended_after_its_time_limit() {
        let ending = await_report(shell("exec sleep 60"), Duration::from_secs(1)).unwrap();
        assert!(matches!(ending, Ending::Waiting(1)), "{ending:?}");
    }

    #[test]
    fn output_without_a_report_is_an_error() {
        let said = await_report(shell("echo nothing; exit 3"), Duration::from_secs(60));
        let error = format!("{:#}", said.unwrap_err());
        assert!(error.contains("nothing") && error.contains('3'), "{error}");
        let report = await_report(shell("echo '{\"error\":\"no\"}'"), Duration::from_secs(60));
        let Ending::Told(report) = report.unwrap() else {
            panic!("it had a minute to say so");
        };
        assert_eq!(report.error.as_deref(), Some("no"));
    }
}
