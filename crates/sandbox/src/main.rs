//! `rowfeed-sandbox`: the sandbox as a program.
//!
//! The first line of standard output is a JSON object with the base URLs and the
//! credentials to use; then one line a request goes to standard error.

#![forbid(unsafe_code)]

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use rowfeed_sandbox::{
    DUNE_API_KEY, DUNE_PARAMETERISED_QUERY_ID, DUNE_QUERY_ID, LIGHTDASH_PROJECT_UUID,
    LIGHTDASH_SERVICE_TOKEN, LIGHTDASH_TOKEN, Sandbox, YANDEX_IAM_TOKEN, YANDEX_PROJECT,
};

const USAGE: &str = "\
usage: rowfeed-sandbox [--listen ADDRESS:PORT] [--until-stdin-closes]

  --listen ADDRESS:PORT   where to listen (default 127.0.0.1:0, a free port)
  --until-stdin-closes    end when standard input does
";

struct Arguments {
    listen: Option<SocketAddr>,
    until_stdin_closes: bool,
}

fn main() -> ExitCode {
    let arguments = match arguments(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprint!("rowfeed-sandbox: {message}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rowfeed-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> std::io::Result<()> {
    let mut builder = Sandbox::builder().log_requests(true);
    if let Some(address) = arguments.listen {
        builder = builder.listen(address);
    }
    let sandbox = builder.start_blocking()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", description(&sandbox))?;
    out.flush()?;
    if arguments.until_stdin_closes {
        let mut ignored = [0; 1024];
        let mut stdin = std::io::stdin().lock();
        while stdin.read(&mut ignored)? > 0 {}
    } else {
        loop {
            std::thread::park();
        }
    }
    Ok(())
}

fn description(sandbox: &Sandbox) -> serde_json::Value {
    serde_json::json!({
        "dune": {
            "base_url": sandbox.dune_url(),
            "api_key": DUNE_API_KEY,
            "query_id": DUNE_QUERY_ID,
            "parameterised_query_id": DUNE_PARAMETERISED_QUERY_ID,
        },
        "lightdash": {
            "base_url": sandbox.lightdash_url(),
            "token": LIGHTDASH_TOKEN,
            "service_token": LIGHTDASH_SERVICE_TOKEN,
            "project_uuid": LIGHTDASH_PROJECT_UUID,
        },
        "yandex_query": {
            "base_url": sandbox.yandex_query_url(),
            "iam_token": YANDEX_IAM_TOKEN,
            "project": YANDEX_PROJECT,
        },
    })
}

/// `None` when only help is wanted.
fn arguments(mut given: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
    let mut arguments = Arguments {
        listen: None,
        until_stdin_closes: false,
    };
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--help" | "-h" => return Ok(None),
            "--until-stdin-closes" => arguments.until_stdin_closes = true,
            "--listen" => {
                let address = given.next().unwrap_or_default();
                let parsed = address.parse().map_err(|_| {
                    format!("--listen wants ADDRESS:PORT such as 127.0.0.1:8080, not {address:?}")
                })?;
                arguments.listen = Some(parsed);
            }
            other => return Err(format!("unknown argument {other:?}")),
        }
    }
    Ok(Some(arguments))
}

#[cfg(test)]
mod tests {
    use super::arguments;

    fn read(line: &str) -> Result<Option<super::Arguments>, String> {
        arguments(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn arguments_are_read_or_explained() {
        assert!(matches!(read("--listen 127.0.0.1:0"), Ok(Some(a)) if a.listen.is_some()));
        assert!(matches!(read("--until-stdin-closes"), Ok(Some(a)) if a.until_stdin_closes));
        assert!(matches!(read("--help"), Ok(None)));
        assert!(matches!(read("--listen 8080"), Err(text) if text.contains("ADDRESS:PORT")));
        assert!(read("--what").is_err());
    }
}
