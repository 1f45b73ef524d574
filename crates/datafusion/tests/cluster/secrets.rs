//! What travels between the machines.

use std::sync::{Arc, Mutex};

use rowfeed_datafusion::prepare;
use rowfeed_sandbox::{DUNE_API_KEY, LIGHTDASH_TOKEN, YANDEX_IAM_TOKEN};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    support::{Bench, TRADES, lines},
    workers::{PROFILE, WorkerProcess, cluster},
};

/// Passes everything on to a port and keeps what the client sends. Returns its own port.
async fn listen_in(to: u16, heard: Arc<Mutex<Vec<u8>>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let heard = Arc::clone(&heard);
            tokio::spawn(async move {
                let worker = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_worker, mut to_worker) = worker.into_split();
                tokio::spawn(async move {
                    let _ = tokio::io::copy(&mut from_worker, &mut to_client).await;
                });
                let mut buffer = vec![0; 65_536];
                while let Ok(count) = from_client.read(&mut buffer).await {
                    if count == 0 || to_worker.write_all(&buffer[..count]).await.is_err() {
                        return;
                    }
                    heard.lock().unwrap().extend_from_slice(&buffer[..count]);
                }
            });
        }
    });
    port
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_credential_and_no_statement_travels() {
    let bench = Bench::start().await;
    let workers = [WorkerProcess::start(&bench), WorkerProcess::start(&bench)];
    let heard = Arc::new(Mutex::new(Vec::new()));
    let mut ports = Vec::new();
    for worker in &workers {
        ports.push(listen_in(worker.port(), Arc::clone(&heard)).await);
    }
    let ctx = cluster(ports, 4);
    let services = bench.services();
    let services = services.configure_tables(|table| table.page_size(10).profile(PROFILE));
    services.register(&ctx);
    let sql = format!("SELECT k, count(*), sum(id) FROM dune('{TRADES}') GROUP BY k");
    let query = prepare(&ctx, &sql).await.unwrap();
    let run_id = query
        .tables()
        .next()
        .unwrap()
        .1
        .run_id()
        .unwrap()
        .to_owned();
    let rows = query.dataframe().await.unwrap().collect().await.unwrap();
    assert_eq!(lines(&rows, false).len(), 8);

    let heard = heard.lock().unwrap();
    // The plan did pass here, as it is.
    assert!(contains(&heard, &run_id) && contains(&heard, PROFILE));
    for secret in [
        DUNE_API_KEY,
        LIGHTDASH_TOKEN,
        YANDEX_IAM_TOKEN,
        TRADES,
        "all_types",
    ] {
        assert!(!contains(&heard, secret), "{secret} was sent to a worker");
    }
}
