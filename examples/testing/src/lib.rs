//! Helpers for the tests of the examples: they run a program for a limited time, with a sandbox
//! instead of the service.
#![allow(clippy::unwrap_used)]

use std::{
    io::Read,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rowfeed_sandbox::Sandbox;

/// How long a program may run; far more than any of them needs.
const LIMIT: Duration = Duration::from_secs(120);

/// A program that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub out: String,
    /// What it wrote to standard error.
    pub err: String,
}

/// Runs a program that must succeed, and returns what it printed.
///
/// # Panics
///
/// Panics if the program fails or takes too long.
pub fn succeed(command: &mut Command) -> String {
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{command:?}: {ended:?}");
    ended.out
}

/// Runs a program until it ends.
///
/// # Panics
///
/// Panics if the program cannot be started or takes too long.
pub fn run(command: &mut Command) -> Ended {
    end(start(command))
}

/// Starts a program; [`end`] waits for it.
///
/// # Panics
///
/// Panics if the program cannot be started.
pub fn start(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until a program ends.
///
/// # Panics
///
/// Panics if the program takes too long.
pub fn end(mut child: Child) -> Ended {
    let (out, err) = (read(child.stdout.take()), read(child.stderr.take()));
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > LIMIT {
            child.kill().unwrap();
            let (out, err) = (out.join().unwrap(), err.join().unwrap());
            panic!("not finished after {LIMIT:?}\n{out}\n{err}");
        }
        thread::sleep(Duration::from_millis(5));
    };
    Ended {
        code: status.code(),
        out: out.join().unwrap(),
        err: err.join().unwrap(),
    }
}

/// Waits until a condition holds.
///
/// # Panics
///
/// Panics if that takes too long.
pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < LIMIT, "timed out waiting until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Points a program that runs with `--live` to the sandbox instead of Dune.
pub fn as_dune<'a>(command: &'a mut Command, sandbox: &Sandbox) -> &'a mut Command {
    command
        .env("DUNE_API_BASE_URL", sandbox.dune_url())
        .env("DUNE_API_KEY", rowfeed_sandbox::DUNE_API_KEY)
}

fn read(from: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.unwrap().read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
