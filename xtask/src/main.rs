//! Maintainer commands of rowfeed: `cargo xtask codegen | vendor | drift | bench | full`.

mod bench;
mod cli;
mod codegen;
mod document;
mod drift;
mod full;
#[cfg(test)]
mod fuzzing;
mod lower;
mod new_service;
mod normalize;
mod overlay;
mod text;
mod upstream;
mod vendor;
mod workspace;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run(
        std::env::args_os().skip(1),
        &workspace::Workspace::of_this_build(),
    ) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", text::shown_lines(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}
