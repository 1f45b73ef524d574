//! Buffers of bodies. Pages in flight take at most 1.5 times `max_body_bytes` each, whatever a
//! server's compressed responses unpack to. This is a separate process with a counting allocator,
//! and one test, so that nothing else is counted. `PeakAlloc` counts a buffer that moves twice.
#![cfg(feature = "gzip")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use peak_alloc::PeakAlloc;
use rowfeed::{CallErrorKind, RetryPolicy, Secret, dune, prelude::*};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MB: usize = 1_000_000;
/// The largest body that the client takes.
const LIMIT: usize = 3 * MB;
/// What the client and the server need besides bodies: connections, decompression, threads.
const BESIDES: usize = 3 * MB / 2;
const PAGE_ROWS: usize = 2_600;
const PAGES: usize = 10;

/// A page that unpacks to a little less than the limit. A compressed body has no known length.
fn page(number: usize) -> Vec<u8> {
    let row = format!("{{\"text\":\"{}\"}}", "a".repeat(1_100));
    let rows = vec![row; PAGE_ROWS].join(",");
    let next = match number + 1 {
        PAGES => String::new(),
        next => format!("\"next_offset\":{},", next * PAGE_ROWS),
    };
    let body = format!(
        "{{\"execution_id\":\"x\",\"state\":\"QUERY_STATE_COMPLETED\",\
          \"is_execution_finished\":true,{next}\"result\":{{\"rows\":[{rows}],\
          \"metadata\":{{\"column_names\":[\"text\"],\"column_types\":[\"varchar\"],\
          \"total_row_count\":{}}}}}}}",
        PAGES * PAGE_ROWS
    );
    assert!(body.len() < LIMIT && body.len() > LIMIT * 9 / 10);
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(body.as_bytes()).unwrap();
    packed.finish().unwrap()
}

/// Unpacks to 50 MB.
fn bomb() -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(b"{\"execution_id\":\"").unwrap();
    let piece = vec![b'a'; MB];
    for _ in 0..50 {
        packed.write_all(&piece).unwrap();
    }
    packed.finish().unwrap()
}

/// Responds with the page at the offset, from memory that was allocated before counting starts.
struct Server {
    url: String,
    asked: Arc<AtomicUsize>,
}

impl Server {
    fn start(pages: Arc<Vec<Vec<u8>>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (pages, count) = (Arc::clone(&pages), Arc::clone(&count));
                // An error means that the client has disconnected.
                thread::spawn(move || serve(stream?, &pages, &count));
            }
        });
        Self { url, asked }
    }
}

fn serve(stream: TcpStream, pages: &[Vec<u8>], count: &AtomicUsize) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    let (mut line, mut offset) = (String::new(), 0);
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if let Some(target) = line.strip_prefix("GET ") {
            let pairs = target.split(['?', '&', ' ']);
            let mut offsets = pairs.filter_map(|pair| pair.strip_prefix("offset="));
            offset = offsets.next().map_or(0, |text| text.parse().unwrap());
        }
        if line != "\r\n" {
            continue;
        }
        count.fetch_add(1, Ordering::SeqCst);
        let body = &pages[offset / PAGE_ROWS];
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
    }
}

fn client(url: &str) -> dune::Client {
    let builder = dune::Client::builder()
        .base_url(url)
        .http(|http| http.no_proxy());
    let builder = builder.api_key(Secret::new("correct-horse").unwrap());
    let builder = builder
        .retry(RetryPolicy::none())
        .max_body_bytes(LIMIT as u64);
    builder.build().unwrap()
}

/// Waits until the pages ahead have been received.
async fn until_quiet(asked: &AtomicUsize) {
    let until = Instant::now() + Duration::from_secs(20);
    let mut before = (usize::MAX, usize::MAX);
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = (asked.load(Ordering::SeqCst), MEMORY.current_usage() / MB);
        if now == before || Instant::now() > until {
            return;
        }
        before = now;
    }
}

#[tokio::test]
async fn pages_in_flight_take_one_and_a_half_times_the_limit_each() {
    let whole: Vec<_> = (0..PAGES).map(page).collect();
    // The bomb is the third page.
    let mut bombed = whole.clone();
    bombed[2] = bomb();
    let (whole, bombed) = (Arc::new(whole), Arc::new(bombed));
    for prefetch in [0, 2, 8] {
        for pages in [&whole, &bombed] {
            let server = Server::start(Arc::clone(pages));
            let client = client(&server.url);
            MEMORY.reset_peak_usage();
            let before = MEMORY.current_usage();
            let results = client.get_execution_results().execution_id("x").pages();
            let mut results = results.page_size(PAGE_ROWS as u32).prefetch(prefetch);
            let (mut read, mut failed) = (0, None);
            loop {
                match results.try_next().await {
                    Ok(Some(page)) => {
                        if read == 0 {
                            // While the reader is busy with a page, the pages ahead are held in
                            // memory.
                            until_quiet(&server.asked).await;
                            let asked = server.asked.load(Ordering::SeqCst);
                            assert_eq!(asked, 1 + prefetch, "prefetch {prefetch}");
                        }
                        read += page.len();
                    }
                    Ok(None) => break,
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
            }
            let peak = MEMORY.peak_usage().saturating_sub(before);
            let most = (prefetch + 1) * LIMIT * 3 / 2 + BESIDES;
            assert!(peak < most, "prefetch {prefetch}: {peak}, wanted {most}");
            assert_eq!(failed.is_some(), Arc::ptr_eq(pages, &bombed), "{failed:?}");
            match failed {
                None => assert_eq!(read, PAGES * PAGE_ROWS),
                Some(error) => {
                    assert_eq!(read, 2 * PAGE_ROWS);
                    let kind = error.as_call().unwrap().kind();
                    assert_eq!(kind, CallErrorKind::BodyTooLarge, "{error}");
                }
            }
        }
    }
}
