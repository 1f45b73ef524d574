//! A proxy and a private certificate authority, as companies use them.
//!
//! ```text
//! cargo run -p proxy-and-root-certificate              # all of it on this machine
//! cargo run -p proxy-and-root-certificate -- --live --proxy http://proxy:3128 --root company.pem
//! ```
//!
//! Without `--live` it starts a sandbox, puts TLS in front of it with a new certificate, and starts
//! a proxy. Then it sends requests twice: without the root certificate, to show the error, and with
//! it. `--live` needs `DUNE_API_KEY`.

mod connect_proxy;
mod tls_front;

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Result, anyhow, bail};
use clap::Parser;
use reqwest::{Certificate, Proxy};
use rowfeed::{Secret, dune, prelude::*};
use rowfeed_sandbox::Sandbox;

use crate::{connect_proxy::ConnectProxy, tls_front::TlsFront};

/// Talks to Dune through a proxy, and trusts one root certificate only.
#[derive(Parser)]
struct Args {
    /// The real Dune, with the key in DUNE_API_KEY, instead of a sandbox.
    #[arg(long, requires = "proxy")]
    live: bool,
    /// The proxy to go through.
    #[arg(long, value_name = "URL", requires = "live")]
    proxy: Option<String>,
    /// The only root certificates to trust, as PEM; by default, those of the system.
    #[arg(long, value_name = "FILE", requires = "live")]
    root: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let result = match &args.proxy {
        Some(proxy) => live(proxy, args.root).await,
        None => sandboxed().await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The client's HTTP settings are reqwest's own builder, so every setting of reqwest is available.
fn through(
    builder: dune::ClientBuilder,
    proxy: &str,
    root_pem: Option<&[u8]>,
) -> Result<dune::ClientBuilder> {
    let proxy =
        Proxy::all(proxy).map_err(|error| anyhow!("{proxy} is not a proxy URL: {error}"))?;
    let roots = root_pem.map(Certificate::from_pem_bundle).transpose()?;
    Ok(builder.http(move |http| {
        let http = http.proxy(proxy.clone());
        match &roots {
            Some(roots) => http.tls_certs_only(roots.clone()),
            None => http,
        }
    }))
}

async fn live(proxy: &str, root: Option<PathBuf>) -> Result<()> {
    let read =
        |path: PathBuf| fs::read(&path).map_err(|error| anyhow!("{}: {error}", path.display()));
    let root = root.map(read).transpose()?;
    let builder = dune::Client::builder().api_key(Secret::from_env("DUNE_API_KEY")?);
    let dune = through(builder, proxy, root.as_deref())?.build()?;
    println!("{} came through {proxy}", answer(&dune).await?);
    Ok(())
}

async fn sandboxed() -> Result<()> {
    let sandbox = Sandbox::start().await?;
    let front = TlsFront::start(sandbox.address()).await?;
    let proxy = ConnectProxy::start().await?;

    let base_url = format!("https://localhost:{}/dune/api", front.port);
    let builder = || -> Result<dune::ClientBuilder> {
        let key = Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
        Ok(dune::Client::builder().base_url(&base_url).api_key(key))
    };

    let dune = through(builder()?, &proxy.url, None)?.build()?;
    match answer(&dune).await {
        Ok(_) => bail!("an unknown certificate was trusted"),
        Err(error) => println!("without the root certificate: {error}\n"),
    }
    let dune = through(builder()?, &proxy.url, Some(front.root_pem.as_bytes()))?.build()?;
    println!(
        "with it: {} came through the proxy, which saw",
        answer(&dune).await?
    );
    for line in proxy.seen() {
        println!("  {line}");
    }
    Ok(())
}

async fn answer(dune: &dune::Client) -> Result<u32, rowfeed::Error> {
    let run = dune.execute_sql().body("SELECT 42 AS answer").run().await?;
    let mut answers = run.rows().max_rows(1);
    Ok(answers.try_next().await?.unwrap_or_default())
}
