//! The worker processes.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result};
use rowfeed::{Secret, dune, lightdash, yandex_query};
use rowfeed_datafusion::distributed::{Profiles, Url, WorkerServer};
use rowfeed_sandbox::{DUNE_API_KEY, LIGHTDASH_TOKEN, YANDEX_IAM_TOKEN};

/// A worker that this program has started. It ends when this is dropped.
pub(crate) struct WorkerProcess {
    child: Child,
    pub(crate) url: Url,
}

impl WorkerProcess {
    pub(crate) fn start(sandbox: &str, name: &str) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--worker", sandbox, "--name", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let out = child.stdout.take().context("the worker has no output")?;
        BufReader::new(out).read_line(&mut line)?;
        let url = Url::parse(line.trim()).context("the worker did not start")?;
        Ok(Self { child, url })
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until the standard input is closed. The credentials are this process's own; in a real
/// cluster they would come from its environment.
pub(crate) async fn serve(sandbox: &str, name: &str) -> Result<()> {
    let dune = dune::Client::builder().base_url(format!("{sandbox}/dune/api"));
    let dune = dune
        .api_key(Secret::new(DUNE_API_KEY)?)
        .user_agent(name)
        .build()?;
    let lightdash = lightdash::Client::builder().base_url(format!("{sandbox}/lightdash"));
    let lightdash = lightdash
        .token(Secret::new(LIGHTDASH_TOKEN)?)
        .user_agent(name)
        .build()?;
    let url = format!("{sandbox}/yandex-query/api/fq/v1");
    let yandex = yandex_query::Client::builder().base_url(url);
    let yandex = yandex
        .iam_token(Secret::new(YANDEX_IAM_TOKEN)?)
        .user_agent(name)
        .build()?;
    let profiles = Profiles::new()
        .dune("default", dune)
        .lightdash("default", lightdash)
        .yandex_query("default", yandex);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let input_closed = tokio::task::spawn_blocking(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
    });
    let shutdown = async {
        let _ = input_closed.await;
    };
    WorkerServer::new(profiles)
        .serve(listener, shutdown)
        .await?;
    Ok(())
}
