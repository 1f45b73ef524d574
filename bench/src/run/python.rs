//! Finds the interpreter with the official clients.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

use crate::{dataset::Service, options::Options};

/// An interpreter, or the reason why there is none.
pub(crate) struct Python {
    interpreter: Result<PathBuf, String>,
    script: PathBuf,
}

impl Python {
    /// Selects the interpreter of `--python`, of `--python-setup`, or of the sandbox's checks.
    pub(crate) fn find(options: &Options) -> Result<Self> {
        let target = target_directory()?;
        let own = target.join("bench/python/bin/python");
        if options.python_setup {
            // Without the clients, the others are still measured.
            if let Err(error) = set_up(&options.root, &target.join("bench/python")) {
                eprintln!("--python-setup failed: {error:#}");
            }
        }
        let checks = target.join("interop/python/bin/python");
        let interpreter = match &options.python {
            Some(none) if none.as_os_str() == "none" => Err("left out by --python none".to_owned()),
            Some(path) => {
                // The system searches for a name; a path must exist.
                let is_there = path.components().count() == 1 || path.exists();
                ensure!(
                    is_there,
                    "the interpreter {} does not exist",
                    path.display()
                );
                Ok(path.clone())
            }
            None if options.quick => Err("left out by --quick".to_owned()),
            None if own.exists() => Ok(own),
            None if checks.exists() => Ok(checks),
            None => Err("no environment has them; --python-setup creates one".to_owned()),
        };
        Ok(Self {
            interpreter,
            script: options.root.join("bench/python/worker.py"),
        })
    }

    /// Returns the interpreter and the script for the client of a service.
    pub(crate) fn of(&self, service: Service) -> Result<(&Path, &Path), String> {
        let interpreter = self.interpreter.as_ref().map_err(Clone::clone)?;
        let mut has = Command::new(interpreter);
        has.arg(&self.script).args(["--has", service.name()]);
        match has.stdin(Stdio::null()).status() {
            Ok(status) if status.success() => Ok((interpreter, &self.script)),
            Ok(_) => Err(format!("{} does not have it", interpreter.display())),
            Err(error) => Err(format!("{}: {error}", interpreter.display())),
        }
    }
}

fn set_up(root: &Path, directory: &Path) -> Result<()> {
    let run = |program: &Path, args: &[&str], last: &Path| -> Result<()> {
        let mut command = Command::new(program);
        // Its output is not a result.
        command.args(args).arg(last).stdout(std::io::stderr());
        let status = command
            .status()
            .with_context(|| program.display().to_string())?;
        ensure!(
            status.success(),
            "{} {args:?} ended with {status}",
            program.display()
        );
        Ok(())
    };
    run(Path::new("python3"), &["-m", "venv"], directory)?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
    ];
    let requirements = root.join("bench/requirements.txt");
    run(&directory.join("bin/python"), &pip, &requirements)
}

/// Returns the target directory of this program.
pub(crate) fn target_directory() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let target = own
        .ancestors()
        .nth(2)
        .context("this program is not in a target directory")?;
    Ok(target.to_owned())
}
