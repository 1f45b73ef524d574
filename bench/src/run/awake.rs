//! Processes of the lowest priority that keep the processors awake.
//!
//! A contender that reads pages one after the other sleeps while the server writes, and the server
//! sleeps while the contender decodes. Waking a virtual processor takes up to half a millisecond,
//! as long as a page of 1,000 rows over loopback: in one run, a page of 182 kB took 950 µs to
//! receive, and 290 µs with these processes. `SCHED_IDLE` gives way to every other process at once.

use std::{
    io,
    process::{Child, Command, Stdio},
};

/// One process per processor. They end when this is dropped.
pub(super) struct Awake(Vec<Child>);

impl Awake {
    /// Starts the processes, or says why there are none.
    pub(super) fn start() -> Result<Self, String> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let mut awake = Self(Vec::new());
        for _ in 0..count {
            // `chrt` is part of util-linux. A process of a normal priority would take its share.
            let process = Command::new("chrt")
                .args(["--idle", "0"])
                .arg(&own)
                .arg("keep-awake")
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn();
            match process {
                Ok(process) => awake.0.push(process),
                Err(error) => return Err(format!("chrt: {error}")),
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
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_processes_end_with_the_run() {
        let mut awake = Awake(vec![
            Command::new("cat")
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap(),
        ]);
        let id = awake.0[0].id();
        assert!(awake.0[0].try_wait().unwrap().is_none());
        drop(awake);
        assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
    }
}
