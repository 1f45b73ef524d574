//! Processes of the lowest priority that keep the processors awake.
//!
//! A contender that reads pages one after the other sleeps while the server writes, and the server
//! sleeps while the contender decodes. Waking a virtual processor takes up to half a millisecond,
//! as long as a page of 1,000 rows over loopback: in one run, a page of 182 kB took 950 µs to
//! receive, and 290 µs with these processes. `SCHED_IDLE` gives way to every other process at once.

use std::{
    io::{self, BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

/// One process per processor. They end when this is dropped.
pub(super) struct Awake(Vec<Child>);

impl Awake {
    /// Starts the processes, or says why there are none.
    pub(super) fn start() -> Result<Self, String> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        // `chrt` is part of util-linux. A process of a normal priority would take its share.
        let mut command = Command::new("chrt");
        command.args(["--idle", "0"]).arg(&own).arg("keep-awake");
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        Self::of(&mut command, count)
    }

    /// Starts a command several times, and waits until each process has written a line.
    fn of(command: &mut Command, count: usize) -> Result<Self, String> {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut awake = Self(Vec::new());
        for _ in 0..count {
            let mut process = command.spawn().map_err(|error| format!("chrt: {error}"))?;
            let output = process.stdout.take();
            awake.0.push(process);
            let mut line = String::new();
            let read = output.map(|output| BufReader::new(output).read_line(&mut line));
            // Without the right to change its priority, `chrt` ends with an error.
            if !matches!(read, Some(Ok(1..))) {
                return Err("chrt did not start the process".to_owned());
            }
        }
        Ok(awake)
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        for process in &mut self.0 {
            // It ends when its input closes.
            drop(process.stdin.take());
            let _ = process.wait();
        }
    }
}

/// Keeps a processor awake until the input closes.
pub(crate) fn keep_awake() -> io::Result<()> {
    std::thread::spawn(|| {
        loop {
            std::hint::spin_loop();
        }
    });
    println!("awake");
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
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
    fn the_processes_end_with_the_run() {
        let mut awake = Awake::of(&mut shell("echo awake; cat"), 2).unwrap();
        let ids: Vec<u32> = awake.0.iter().map(Child::id).collect();
        for process in &mut awake.0 {
            assert!(process.try_wait().unwrap().is_none());
        }
        drop(awake);
        for id in ids {
            assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
        }
    }

    #[test]
    fn a_process_that_ends_at_once_is_an_error() {
        for mut command in [shell("exit 1"), Command::new("no-such-program")] {
            let why = Awake::of(&mut command, 2).err().unwrap();
            assert!(why.starts_with("chrt"), "{why}");
        }
    }
}
