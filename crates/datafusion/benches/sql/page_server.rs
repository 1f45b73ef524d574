//! The page server of the package `bench`, as a process.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result};

/// A page server. It ends when this is dropped.
pub(crate) struct PageServer {
    child: Child,
    pub(crate) url: String,
}

impl PageServer {
    pub(crate) fn start(root: &Path) -> Result<Self> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut child = Command::new(cargo)
            .args(["run", "--quiet", "--locked", "--release", "--manifest-path"])
            .arg(root.join("bench/Cargo.toml"))
            .args(["--", "page-server"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start cargo")?;
        let mut line = String::new();
        let output = child.stdout.take().context("no output")?;
        BufReader::new(output).read_line(&mut line)?;
        let port: u16 = line
            .trim()
            .parse()
            .context("the page server did not start")?;
        Ok(Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
        })
    }
}

impl Drop for PageServer {
    fn drop(&mut self) {
        // It ends when its input closes.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
