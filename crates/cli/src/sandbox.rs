//! The sandbox inside this process, and as a server.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use rowfeed_sandbox::{
    Conversation, DUNE_API_KEY, DUNE_PARAMETERIZED_QUERY_ID, DUNE_QUERY_ID, Fault,
    LIGHTDASH_PROJECT_UUID, LIGHTDASH_TOKEN, Sandbox, YANDEX_IAM_TOKEN, YANDEX_PROJECT,
};
use serde_json::json;

use crate::{
    args::SandboxArgs,
    context::Context,
    error::{Failure, Kind, Result},
};

/// Bytes that statements may take in SQLite.
const SQLITE_MEMORY: usize = 128 << 20;

/// Starts the sandbox of `--sandbox`. A person waits for it, so that runs end after one look.
pub(crate) fn start_inside() -> io::Result<Sandbox> {
    let builder = Sandbox::builder()
        .poll_steps(1)
        .sqlite_memory_limit(SQLITE_MEMORY);
    builder
        .statement_time_limit(Duration::from_secs(10))
        .start_blocking()
}

/// `rowfeed sandbox`.
pub(crate) async fn serve(context: &Context, args: SandboxArgs) -> Result<()> {
    let faults = args.fault.iter().map(|text| {
        text.parse::<Fault>()
            .map_err(|error| Failure::usage(format!("--fault {text:?}: {error}")))
    });
    let faults = faults.collect::<Result<Vec<_>>>()?;
    let conversations = args.replay.iter().map(|path| {
        Conversation::load(path)
            .map_err(|error| Failure::usage(format!("--replay {}: {error}", path.display())))
    });
    let conversations = conversations.collect::<Result<Vec<_>>>()?;
    let memory = args.sample_rows.unwrap_or(0).saturating_mul(1_024);
    let mut builder = Sandbox::builder()
        .log_requests(!context.ui.is_quiet)
        .sqlite_memory_limit(memory.saturating_add(SQLITE_MEMORY));
    if let Some(address) = args.listen {
        builder = builder.listen(address);
    }
    if let Some(time) = args.run_time {
        builder = builder.run_time(time);
    }
    if let Some(steps) = args.poll_steps {
        builder = builder.poll_steps(steps);
    }
    if let Some(rows) = args.max_page_rows {
        builder = builder.max_page_rows(rows);
    }
    if let Some(rows) = args.sample_rows {
        builder = builder.sample_rows(rows);
    }
    if let Some(lifetime) = args.results_lifetime {
        builder = builder.results_lifetime(lifetime);
    }
    if let Some(requests) = args.dune_requests_per_minute {
        builder = builder.dune_requests_per_minute(requests);
    }
    let sandbox = builder.start_blocking().map_err(|error| {
        let address = args
            .listen
            .map_or_else(|| "127.0.0.1".to_owned(), |at| at.to_string());
        Failure::new(
            Kind::Other,
            format!("the sandbox cannot listen on {address}: {error}"),
        )
    })?;
    for fault in faults {
        sandbox.fault(fault);
    }
    for conversation in conversations {
        sandbox.replay(conversation);
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}", description(&sandbox))
        .and_then(|()| out.flush())
        .map_err(|error| Failure::stdout(&error))?;
    drop(out);
    context.ui.note(&exports(&sandbox));
    context.interrupt.wait().await;
    Ok(())
}

fn description(sandbox: &Sandbox) -> serde_json::Value {
    json!({
        "dune": {
            "base_url": sandbox.dune_url(),
            "api_key": DUNE_API_KEY,
            "query_id": DUNE_QUERY_ID,
            "parameterized_query_id": DUNE_PARAMETERIZED_QUERY_ID,
        },
        "lightdash": {
            "base_url": sandbox.lightdash_url(),
            "token": LIGHTDASH_TOKEN,
            "project_uuid": LIGHTDASH_PROJECT_UUID,
        },
        "yandex_query": {
            "base_url": sandbox.yandex_query_url(),
            "iam_token": YANDEX_IAM_TOKEN,
            "project": YANDEX_PROJECT,
        },
        "control_url": format!("http://{}/sandbox", sandbox.address()),
    })
}

/// What to set in a shell, for rowfeed and for other programs.
fn exports(sandbox: &Sandbox) -> String {
    format!(
        "The sandbox listens on http://{address}/sandbox until Ctrl-C. In another shell:\n\
         export DUNE_API_BASE_URL={dune} DUNE_API_KEY={DUNE_API_KEY}\n\
         export LIGHTDASH_URL={lightdash} LIGHTDASH_API_KEY={LIGHTDASH_TOKEN} LIGHTDASH_PROJECT={LIGHTDASH_PROJECT_UUID}\n\
         export YANDEX_QUERY_URL={yandex} YC_IAM_TOKEN={YANDEX_IAM_TOKEN} YC_FOLDER_ID={YANDEX_PROJECT}",
        address = sandbox.address(),
        dune = sandbox.dune_url(),
        lightdash = sandbox.lightdash_url(),
        yandex = sandbox.yandex_query_url(),
    )
}
