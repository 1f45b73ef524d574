//! Memory does not grow with the length of a result, or with runs that are dropped. This is a
//! separate process with a counting allocator. It runs one test at a time.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use peak_alloc::PeakAlloc;
use rowfeed::{RetryPolicy, Secret, dune, prelude::*};
use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    runtime::{Builder, Handle},
    sync::Mutex,
};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

const KB: usize = 1_000;
const PATIENCE: Duration = Duration::from_secs(60);
const PAGE_ROWS: u64 = 50;
const PAGE_BYTES: usize = 100 * KB;

#[derive(Deserialize)]
struct Long {
    text: String,
}

/// Dune's runs and endless results, on a separate thread. The server keeps only the number of open
/// connections and of cancellations.
#[derive(Default)]
struct Counts {
    open: AtomicUsize,
    cancelled: AtomicUsize,
}

fn start() -> (String, Arc<Counts>) {
    let counts = Arc::<Counts>::default();
    let (tell, told) = std::sync::mpsc::channel();
    let shared = Arc::clone(&counts);
    std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            // Large enough for all connections at once: a connection beyond the queue stays half
            // open forever.
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let listener = socket.listen(4096).unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let counts = Arc::clone(&shared);
                tokio::spawn(async move {
                    counts.open.fetch_add(1, Ordering::SeqCst);
                    let _ = serve(stream, &counts).await;
                    counts.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
    });
    (format!("http://{}", told.recv().unwrap()), counts)
}

async fn serve(mut stream: TcpStream, counts: &Counts) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.parse::<usize>().unwrap())
        });
        let end = end + length.unwrap_or(0);
        while bytes.len() < end {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        }
        bytes.drain(..end);
        let body = answer(head.lines().next().unwrap(), counts);
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
    }
}

fn answer(line: &str, counts: &Counts) -> String {
    if line.contains("/execute") {
        return r#"{"execution_id":"x","state":"QUERY_STATE_PENDING"}"#.to_owned();
    }
    if line.contains("/cancel") {
        counts.cancelled.fetch_add(1, Ordering::SeqCst);
        return r#"{"success":true}"#.to_owned();
    }
    if line.contains("/status") {
        return r#"{"execution_id":"x","query_id":1,"is_execution_finished":false,
                   "state":"QUERY_STATE_EXECUTING"}"#
            .to_owned();
    }
    let offset = line
        .split(['?', '&', ' '])
        .find_map(|pair| pair.strip_prefix("offset="));
    let next = offset.unwrap().parse::<u64>().unwrap() + PAGE_ROWS;
    let text = "a".repeat(PAGE_BYTES / PAGE_ROWS as usize);
    let rows = vec![format!("{{\"text\":\"{text}\"}}"); PAGE_ROWS as usize].join(",");
    format!(
        "{{\"execution_id\":\"x\",\"state\":\"QUERY_STATE_COMPLETED\",\
          \"is_execution_finished\":true,\"next_offset\":{next},\"result\":{{\"rows\":[{rows}],\
          \"metadata\":{{\"column_names\":[\"text\"],\"column_types\":[\"varchar\"],\
          \"total_row_count\":1000000000}}}}}}"
    )
}

fn client(url: &str) -> dune::Client {
    let builder = dune::Client::builder().base_url(url);
    let builder = builder.api_key(Secret::new("key").unwrap());
    // Kept connections are not a leak, but would look like one.
    let builder = builder.http(|http| http.no_proxy().pool_max_idle_per_host(4));
    builder.retry(RetryPolicy::new()).build().unwrap()
}

#[tokio::test]
async fn a_long_result_takes_no_more_memory_than_a_short_one() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let (url, _) = start();
    let client = client(&url);
    for prefetch in [0, 4] {
        let mut peaks = Vec::new();
        for pages in [20, 20, 400] {
            MEMORY.reset_peak_usage();
            let before = MEMORY.current_usage();
            let results = client.get_execution_results().execution_id("x");
            let rows = results.rows::<Long>().page_size(PAGE_ROWS as u32);
            let mut rows = rows.prefetch(prefetch).max_rows(pages * PAGE_ROWS);
            let mut read = 0;
            while let Some(row) = rows.try_next().await.unwrap() {
                read += row.text.len();
            }
            assert_eq!(read, pages as usize * PAGE_BYTES);
            peaks.push(MEMORY.peak_usage().saturating_sub(before));
        }
        // The first read of the three opens the connections.
        let (short, long) = (peaks[1], peaks[2]);
        // How many of the pages ahead are held at the peak depends on the speed of the server. A
        // long read that kept 3 KB of each of its 380 further pages would be above this.
        let chance = 300 * KB + prefetch * 2 * PAGE_BYTES;
        assert!(long < short + chance, "prefetch {prefetch}: {peaks:?}");
        // Each page ahead, once as it is and once as it is received and sent.
        let most = (prefetch + 2) * 4 * PAGE_BYTES + 1_000 * KB;
        assert!(long < most, "prefetch {prefetch}: {peaks:?}");
    }
}

/// Starts a thousand runs at once and drops them all, sooner or later.
async fn a_thousand_given_up(client: &dune::Client, counts: &Counts, random: &mut fastrand::Rng) {
    let runs: Vec<_> = (0..1_000)
        .map(|_| {
            let starting = client.execute_sql().body("SELECT 1").run();
            let often = Duration::from_millis(20);
            let starting = starting.poll_interval(often, often).cancel_on_drop();
            let patience = Duration::from_millis(random.u64(0..600));
            tokio::spawn(async move {
                let run = tokio::time::timeout(patience, starting).await;
                assert!(run.is_err(), "it never ends");
            })
        })
        .collect();
    for run in runs {
        run.await.unwrap();
    }
    // Requests in flight still end, including cancellations.
    let until = Instant::now() + PATIENCE;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    while tasks() > 5 || counts.open.load(Ordering::SeqCst) > 4 {
        let open = counts.open.load(Ordering::SeqCst);
        assert!(
            Instant::now() < until,
            "{} tasks, {open} connections",
            tasks()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn thousands_of_dropped_runs_leak_no_memory() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let (url, counts) = start();
    let client = client(&url);
    let mut random = fastrand::Rng::with_seed(5);
    let (mut held, mut peaks) = (Vec::new(), Vec::new());
    for _ in 0..6 {
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        a_thousand_given_up(&client, &counts, &mut random).await;
        peaks.push(MEMORY.peak_usage().saturating_sub(before));
        held.push(MEMORY.current_usage());
    }
    assert!(counts.cancelled.load(Ordering::SeqCst) > 1_000);
    // The first two rounds grow tables that are kept.
    assert!(held[5] < held[2] + 200 * KB, "held after each: {held:?}");
    // A connection, a request and a response each, on both sides.
    assert!(peaks[5] < 1_000 * 120 * KB, "at most: {peaks:?}");
}
