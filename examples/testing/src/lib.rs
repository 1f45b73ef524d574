//! What the tests of the examples have in common: running a program for a limited time, with a
//! sandbox in the place of the service.
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
    /// Its exit code; `None` where a signal has ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub out: String,
    /// What it wrote to standard error.
    pub err: String,
}

/// Runs a program that must end well, and gives what it printed.
///
/// # Panics
///
/// It fails, or takes too long.
pub fn succeed(command: &mut Command) -> String {
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{command:?}: {ended:?}");
    ended.out
}

/// Runs a program to its end.
///
/// # Panics
///
/// It cannot be started, or takes too long.
pub fn run(command: &mut Command) -> Ended {
    end(start(command))
}

/// Starts a program; [`end`] waits for it.
///
/// # Panics
///
/// It cannot be started.
pub fn start(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for the end of a program.
///
/// # Panics
///
/// It takes too long.
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
            panic!("not at its end after {LIMIT:?}\n{out}\n{err}");
        }
        thread::sleep(Duration::from_millis(5));
    };
    Ended {
        code: status.code(),
        out: out.join().unwrap(),
        err: err.join().unwrap(),
    }
}

/// Waits until something is so.
///
/// # Panics
///
/// That takes too long.
pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < LIMIT, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Lets a program that is run with `--live` find the sandbox where it looks for Dune.
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
