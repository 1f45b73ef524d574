//! The memory that a hostile server can take from a client. This test runs in its own process with
//! a counting allocator, one test at a time.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

#[path = "client/generated.rs"]
mod generated;
#[path = "client/server.rs"]
mod server;
#[path = "client/setup.rs"]
mod setup;

#[cfg(feature = "gzip")]
use std::io::Write as _;
use std::time::Duration;

use peak_alloc::PeakAlloc;
use rowfeed_client::{CallError, CallErrorKind, RetryPolicy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Mutex,
};

use crate::{
    generated::types::{ErrorResponse, Page},
    server::{Reply, Server},
    setup::{build, transport},
};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MB: usize = 1_000_000;
/// The memory of a client, a connection and the server of the test, besides the body.
const BESIDES: usize = 2 * MB;

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Counts the memory allocated from here on.
struct Meter {
    before: usize,
}

impl Meter {
    fn start() -> Self {
        MEMORY.reset_peak_usage();
        Self {
            before: MEMORY.current_usage(),
        }
    }

    /// The most bytes that were allocated at once.
    fn peak(&self) -> usize {
        MEMORY.peak_usage().saturating_sub(self.before)
    }
}

async fn get(url: &str, max_body_bytes: u64) -> Result<Page, CallError<ErrorResponse>> {
    let limited = transport(url).retry(RetryPolicy::none());
    let client = build(limited.max_body_bytes(max_body_bytes));
    let call = client.get_page().query_id("1").send();
    let soon = tokio::time::timeout(Duration::from_secs(60), call);
    Ok(soon.await.unwrap()?.into_inner())
}

/// Sends `head`, and then `piece` until the client hangs up.
async fn endless(head: &'static str, piece: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(&piece).await.is_ok() {}
        }
    });
    url
}

/// A chunk of a chunked body with 64 KB of text.
fn chunk() -> Vec<u8> {
    [&b"10000\r\n"[..], &[b'a'; 0x10000], b"\r\n"].concat()
}

#[tokio::test]
async fn a_body_without_end_takes_one_and_a_half_times_the_limit_at_most() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for limit in [16 * MB, 64 * MB] {
        let meter = Meter::start();
        let url = endless(head, chunk()).await;
        let error = get(&url, limit as u64).await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::BodyTooLarge, "{error}");
        // While a buffer grows, two of them exist for a moment.
        let peak = meter.peak();
        let most = limit * 3 / 2 + BESIDES;
        assert!(peak < most, "{peak} for a limit of {limit}");
    }
}

#[tokio::test]
async fn an_announced_length_reserves_16_mib_at_most() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let meter = Meter::start();
    let announced = 200 * MB;
    let reply = Reply::head("200 OK", &[], announced).send(" ").wait(50);
    let reply = reply.send(" ").wait(50).send(" ");
    let server = Server::start([reply]).await;
    let error = get(&server.url, announced as u64).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Io, "{error}");
    let peak = meter.peak();
    assert!(peak < 17 * MB + BESIDES, "{peak}");
}

#[tokio::test]
async fn an_error_body_or_a_head_without_end_takes_next_to_nothing() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let error_body = "HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n";
    for (head, piece) in [
        (error_body, chunk()),
        ("HTTP/1.1 200 OK\r\n", b"x-a: b\r\n".repeat(1_000)),
        ("HTTP/1.1 200 OK\r\nx-a: ", vec![b'a'; 0x10000]),
    ] {
        let meter = Meter::start();
        let url = endless(head, piece).await;
        get(&url, 64 * MB as u64).await.unwrap_err();
        let peak = meter.peak();
        assert!(peak < BESIDES, "{peak} for {head:?}");
    }
}

#[tokio::test]
async fn an_error_does_not_hold_the_page_it_is_about() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let rows = "[1],".repeat(MB);
    let body = format!("{{\"result\":{{\"rows\":[{rows}[1]]}},\"state\":7}}");
    let server = Server::start([Reply::json("200 OK", &body)]).await;
    drop((rows, body));
    let meter = Meter::start();
    let error = get(&server.url, 64 * MB as u64).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Decode, "{error}");
    assert!(meter.peak() > 4 * MB, "the page was there");
    let held = MEMORY.current_usage().saturating_sub(meter.before);
    assert!(held < MB, "{held}");
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn a_decompression_bomb_takes_one_and_a_half_times_the_limit_at_most() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let megabyte = vec![b' '; MB];
    for _ in 0..60 {
        bomb.write_all(&megabyte).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    drop(megabyte);
    let gzip = [("content-encoding", "gzip")];
    for (status, most) in [
        ("200 OK", 3 * 16 * MB / 2 + BESIDES),
        ("404 Not Found", BESIDES),
    ] {
        let server = Server::start([Reply::new(status, &gzip, &bomb)]).await;
        let meter = Meter::start();
        get(&server.url, 16 * MB as u64).await.unwrap_err();
        let peak = meter.peak();
        assert!(peak < most, "{peak} for {status}");
    }
}
