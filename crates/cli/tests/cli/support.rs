//! A sandbox, a directory, and the command with an empty environment.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use rowfeed_sandbox::{
    DUNE_API_KEY, LIGHTDASH_PROJECT_UUID, LIGHTDASH_TOKEN, Sandbox, SandboxBuilder,
    YANDEX_IAM_TOKEN, YANDEX_PROJECT,
};
use tempfile::TempDir;

/// A time limit that no command here reaches, even on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The result of a command.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) bytes: Vec<u8>,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            bytes: output.stdout,
        }
    }

    /// Asserts success, and returns standard output.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self.out
    }

    /// Asserts this exit code and these parts of standard error.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, parts: &[&str]) -> String {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        for part in parts {
            assert!(self.err.contains(part), "no {part:?} in:\n{}", self.err);
        }
        self.err
    }
}

/// A sandbox that responds at once, and a directory for output.
pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) directory: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(|sandbox| sandbox)
    }

    pub(crate) fn with(change: impl FnOnce(SandboxBuilder) -> SandboxBuilder) -> Self {
        let builder = Sandbox::builder()
            .poll_steps(0)
            .statement_time_limit(Duration::from_secs(60));
        Self {
            sandbox: change(builder).start_blocking().unwrap(),
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Returns the names in the directory, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Returns the command, in the directory, with the sandbox's addresses and credentials.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bare(self.directory.path(), arguments);
        command
            .env("DUNE_API_BASE_URL", self.sandbox.dune_url())
            .env("DUNE_API_KEY", DUNE_API_KEY)
            .env("LIGHTDASH_URL", self.sandbox.lightdash_url())
            .env("LIGHTDASH_API_KEY", LIGHTDASH_TOKEN)
            .env("LIGHTDASH_PROJECT", LIGHTDASH_PROJECT_UUID)
            .env("YANDEX_QUERY_URL", self.sandbox.yandex_query_url())
            .env("YC_IAM_TOKEN", YANDEX_IAM_TOKEN)
            .env("YC_FOLDER_ID", YANDEX_PROJECT);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        run(self.command(arguments))
    }

    /// Returns the number of requests whose path has this end.
    pub(crate) fn requests(&self, method: &str, end: &str) -> usize {
        let requests = self.sandbox.requests();
        requests
            .iter()
            .filter(|request| request.method == method && request.path.ends_with(end))
            .count()
    }
}

/// Returns the command with an empty environment.
pub(crate) fn bare(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rowfeed"));
    command
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("HOME", directory)
        .env("XDG_CONFIG_HOME", directory.join("config"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // Credential commands and pagers are found there.
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

pub(crate) fn run(mut command: Command) -> Ran {
    finish(command.spawn().unwrap())
}

pub(crate) fn run_with_input(mut command: Command, input: &str) -> Ran {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    finish(child)
}

/// Waits for the end of the command. One that does not end is killed, and fails the test.
pub(crate) fn finish(mut child: Child) -> Ran {
    let read = |from: Option<Box<dyn std::io::Read + Send>>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut from) = from {
                from.read_to_end(&mut bytes).unwrap();
            }
            bytes
        })
    };
    let out = read(child.stdout.take().map(|out| Box::new(out) as _));
    let err = read(child.stderr.take().map(|err| Box::new(err) as _));
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!(
                "the command does not end; it wrote {:?}",
                String::from_utf8_lossy(&err.join().unwrap())
            );
        }
        thread::sleep(Duration::from_millis(5));
    };
    Ran::of(Output {
        status,
        stdout: out.join().unwrap(),
        stderr: err.join().unwrap(),
    })
}

/// Waits until a condition holds, and fails the test if it never does.
#[track_caller]
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
