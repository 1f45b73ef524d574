//! `rowfeed-sandbox`: the sandbox as a program.
//!
//! The first line of standard output is a JSON object with the base URLs and the credentials. After
//! that the program logs one line per request to standard error. It stops on SIGTERM, on SIGINT
//! and, with `--until-stdin-closes`, when standard input closes.

#![forbid(unsafe_code)]

use std::io::{self, Write as _};
use std::process::ExitCode;

use rowfeed_sandbox::{
    DUNE_API_KEY, DUNE_PARAMETERIZED_QUERY_ID, DUNE_QUERY_ID, LIGHTDASH_PROJECT_UUID,
    LIGHTDASH_SERVICE_TOKEN, LIGHTDASH_TOKEN, Sandbox, YANDEX_IAM_TOKEN, YANDEX_OAUTH_TOKEN,
    YANDEX_PROJECT,
};
use tokio::io::AsyncReadExt as _;

mod allocator;
mod arguments;

use arguments::{Arguments, USAGE};

fn main() -> ExitCode {
    allocator::settle();
    let arguments = match Arguments::read(std::env::args().skip(1)) {
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
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rowfeed-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> io::Result<()> {
    let sandbox = arguments.builder.log_requests(true).start_blocking()?;
    for fault in arguments.faults {
        sandbox.fault(fault);
    }
    for conversation in arguments.conversations {
        sandbox.replay(conversation);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let until_stdin_closes = arguments.until_stdin_closes;
    let ended = runtime.block_on(async {
        // handles signals before it announces that it is ready
        let signal = signal()?;
        let mut out = io::stdout().lock();
        writeln!(out, "{}", description(&sandbox))?;
        out.flush()?;
        drop(out);
        tokio::select! {
            () = signal => {}
            () = stdin_closes(), if until_stdin_closes => {}
        }
        Ok(())
    });
    // a pending read of standard input cannot be canceled
    runtime.shutdown_background();
    ended
}

async fn stdin_closes() {
    let mut ignored = [0; 1024];
    let mut stdin = tokio::io::stdin();
    while matches!(stdin.read(&mut ignored).await, Ok(read) if read > 0) {}
}

/// Completes on the first SIGTERM or SIGINT.
#[cfg(unix)]
fn signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Completes on Ctrl-C.
#[cfg(not(unix))]
fn signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

fn description(sandbox: &Sandbox) -> serde_json::Value {
    serde_json::json!({
        "dune": {
            "base_url": sandbox.dune_url(),
            "api_key": DUNE_API_KEY,
            "query_id": DUNE_QUERY_ID,
            "parameterized_query_id": DUNE_PARAMETERIZED_QUERY_ID,
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
            "iam_url": sandbox.yandex_iam_url(),
            "oauth_token": YANDEX_OAUTH_TOKEN,
            "metadata_address": sandbox.yandex_metadata_address(),
        },
        "control_url": format!("http://{}/sandbox", sandbox.address()),
    })
}
