//! The command line.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result, anyhow, bail};
use lexopt::prelude::*;

use crate::{bench, codegen, drift, full, new_service, vendor, workspace::Workspace};

const HELP: &str = "\
cargo xtask codegen [--check] [SERVICE…]     rewrite crates/SERVICE/src/generated/ from specs/SERVICE
cargo xtask codegen SERVICE --accept N       the same, and pin the new facts that action N of the
                                             overlay hides
cargo xtask codegen --print-normalized SERVICE
                                             print the document that progenitor reads
cargo xtask vendor SERVICE --from FILE [--date YYYY-MM-DD]
                                             rewrite specs/SERVICE/openapi.json and its pin from FILE

cargo xtask new-service NAME --from FILE [--date YYYY-MM-DD]
                                             create specs/NAME and crates/NAME from the document FILE

cargo xtask drift SERVICE --from FILE [--json] [--all]
                                             report what FILE changes for users; exit code 0: no
                                             changes, 10: changes, 20: breaking changes

cargo xtask bench [OPTIONS]                  compare rowfeed with other ways to read the same
                                             pages; bench --help lists the options

cargo xtask full [--only STEP]… [--install]  run the release checks that .ci/run omits: dependencies,
                                             public types, features, compilers, packages, chaos;
                                             full --help lists the steps

Every command accepts --root DIR: another checkout than the one that contains this program.
codegen --check writes nothing. It prints what would change, and fails if anything would.
";

/// The parsed arguments of a command line.
#[derive(Default)]
struct Arguments {
    words: Vec<String>,
    check: bool,
    json: bool,
    all: bool,
    print_normalized: bool,
    accept: Vec<usize>,
    from: Option<PathBuf>,
    date: Option<String>,
    root: Option<PathBuf>,
}

/// Runs the command that `args` name.
pub(crate) fn run(args: impl Iterator<Item = OsString>, workspace: &Workspace) -> Result<ExitCode> {
    let mut args = args.peekable();
    if args.next_if(|first| first == "bench").is_some() {
        return bench::run(args, workspace);
    }
    if args.next_if(|first| first == "full").is_some() {
        return full::run(args, workspace);
    }
    let arguments = parse(lexopt::Parser::from_args(args))?;
    let Some(arguments) = arguments else {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    };
    let workspace = match &arguments.root {
        Some(root) => Workspace::new(root),
        None => workspace.clone(),
    };
    let (command, names) = arguments
        .words
        .split_first()
        .ok_or_else(|| anyhow!("no command was given\n\n{HELP}"))?;
    match command.as_str() {
        "codegen" if arguments.print_normalized => {
            let service = workspace.service(one(names)?)?;
            print!("{}", codegen::normalized_text(&service)?);
            Ok(ExitCode::SUCCESS)
        }
        "codegen" => {
            let services = if names.is_empty() {
                workspace.services()?
            } else {
                names
                    .iter()
                    .map(|name| workspace.service(name))
                    .collect::<Result<_>>()?
            };
            if !arguments.accept.is_empty() && services.len() != 1 {
                bail!("--accept applies to one overlay: name one SERVICE");
            }
            codegen::run(&services, arguments.check, &arguments.accept)
        }
        "vendor" => {
            let service = workspace.service(one(names)?)?;
            let from = arguments.from.context("vendor needs --from FILE")?;
            vendor::run(&service, &from, arguments.date.as_deref())?;
            Ok(ExitCode::SUCCESS)
        }
        "new-service" => {
            let name = one(names)?;
            let from = arguments.from.context("new-service needs --from FILE")?;
            new_service::run(&workspace, name, &from, arguments.date.as_deref())?;
            Ok(ExitCode::SUCCESS)
        }
        "drift" => {
            let service = workspace.service(one(names)?)?;
            let from = arguments.from.context("drift needs --from FILE")?;
            drift::run(&service, &from, arguments.json, arguments.all)
        }
        unknown => bail!("unknown command {unknown:?}\n\n{HELP}"),
    }
}

/// Parses the arguments. Returns `None` if help was requested.
fn parse(mut parser: lexopt::Parser) -> Result<Option<Arguments>> {
    let mut arguments = Arguments::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(None),
            Long("check") => arguments.check = true,
            Long("json") => arguments.json = true,
            Long("all") => arguments.all = true,
            Long("print-normalized") => arguments.print_normalized = true,
            Long("accept") => arguments.accept.push(parser.value()?.parse()?),
            Long("from") => arguments.from = Some(parser.value()?.into()),
            Long("date") => arguments.date = Some(parser.value()?.string()?),
            Long("root") => arguments.root = Some(parser.value()?.into()),
            Value(word) => arguments.words.push(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(arguments))
}

fn one(names: &[String]) -> Result<&str> {
    match names {
        [name] => Ok(name),
        _ => bail!(
            "this command takes one SERVICE, but {} were given",
            names.len()
        ),
    }
}
