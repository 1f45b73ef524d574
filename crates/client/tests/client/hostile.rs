//! Servers that break the rules, by mistake or on purpose. Each call ends in a typed error, soon,
//! and without much memory.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rowfeed_client::{CallError, CallErrorKind, RetryPolicy, TimeoutScope, TransportBuilder};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    generated::types::{ErrorResponse, Page},
    server::{Reply, Server},
    setup::{build, client, transport},
};

fn once(url: &str) -> TransportBuilder {
    transport(url).retry(RetryPolicy::none())
}

async fn get_within(transport: TransportBuilder) -> Result<Page, CallError<ErrorResponse>> {
    let call = build(transport).get_page().query_id("1").send();
    let soon = tokio::time::timeout(Duration::from_secs(20), call);
    Ok(soon.await.unwrap()?.into_inner())
}

async fn get(reply: Reply) -> Result<Page, CallError<ErrorResponse>> {
    let server = Server::start([reply]).await;
    get_within(once(&server.url)).await
}

/// Sends `head`, and then `piece` with a pause, until the client hangs up. Counts the bytes that
/// were sent.
async fn endless(head: &str, piece: Vec<u8>, pause: Duration) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicU64::new(0));
    let (head, counter) = (head.to_owned(), Arc::clone(&sent));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (head, piece, counter) = (head.clone(), piece.clone(), Arc::clone(&counter));
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(head.as_bytes()).await;
                while stream.write_all(&piece).await.is_ok() {
                    counter.fetch_add(piece.len() as u64, Ordering::Relaxed);
                    tokio::time::sleep(pause).await;
                }
            });
        }
    });
    (url, sent)
}

/// A chunk of a chunked body.
fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

const CHUNKED: &str = "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
/// An upper bound for the bytes in the socket buffers of both sides.
const IN_SOCKETS: u64 = 32 * 1024 * 1024;

#[tokio::test]
async fn a_body_without_end_is_given_up_at_the_limit() {
    let head = format!("HTTP/1.1 200 OK\r\n{CHUNKED}{{\"state\":\"");
    let piece = chunk(&[b'a'; 64 * 1024]);
    // The first part of the body is a chunk too.
    let head = head.replace("{\"state\":\"", "a\r\n{\"state\":\"\r\n");
    let (url, sent) = endless(&head, piece, Duration::ZERO).await;
    let error = get_within(once(&url).max_body_bytes(1_000_000))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::BodyTooLarge);
    assert!(
        error.to_string().contains("larger than 1000000 bytes"),
        "{error}"
    );
    assert!(sent.load(Ordering::Relaxed) < IN_SOCKETS);
}

#[tokio::test]
async fn an_error_body_without_end_is_cut_and_the_status_kept() {
    let head = format!("HTTP/1.1 404 Not Found\r\n{CHUNKED}");
    let piece = chunk(&[b'a'; 64 * 1024]);
    let (url, sent) = endless(&head, piece, Duration::ZERO).await;
    let error = get_within(once(&url)).await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.body().len(), 64 * 1024);
    assert!(sent.load(Ordering::Relaxed) < IN_SOCKETS);
}

#[tokio::test]
async fn an_error_body_that_trickles_for_ever_ends_with_the_timeout_and_the_status_is_kept() {
    let head = format!("HTTP/1.1 404 Not Found\r\n{CHUNKED}");
    let (url, _) = endless(&head, chunk(b"a"), Duration::from_millis(20)).await;
    let begun = Instant::now();
    let error = get_within(once(&url).timeout(Duration::from_millis(300)))
        .await
        .unwrap_err();
    assert!(error.is_not_found() && !error.body().is_empty());
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_body_that_trickles_for_ever_ends_with_the_deadline() {
    let head = format!("HTTP/1.1 200 OK\r\n{CHUNKED}");
    let (url, _) = endless(&head, chunk(b" "), Duration::from_millis(20)).await;
    let error = get_within(once(&url).deadline(Duration::from_millis(500)))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Timeout(TimeoutScope::Deadline));
}

#[tokio::test]
async fn a_head_without_end_is_given_up() {
    for line in [
        "x-a: b\r\n".repeat(1000),
        format!("x-a: {}\r\n", "b".repeat(60_000)),
    ] {
        let (url, sent) = endless("HTTP/1.1 200 OK\r\n", line.into_bytes(), Duration::ZERO).await;
        let error = get_within(once(&url)).await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::Io, "{error}");
        assert!(error.to_string().len() < 1000, "{error}");
        assert!(sent.load(Ordering::Relaxed) < IN_SOCKETS);
    }
    let line = vec![b'a'; 64 * 1024];
    let (url, _) = endless("HTTP/1.1 200 OK\r\nx-a: ", line, Duration::ZERO).await;
    assert_eq!(
        get_within(once(&url)).await.unwrap_err().kind(),
        CallErrorKind::Io
    );
}

#[tokio::test]
async fn too_many_headers_are_refused() {
    let many: Vec<_> = (0..10_000).map(|n| format!("x-h-{n}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), "a")).collect();
    let error = get(Reply::new("200 OK", &many, "{}")).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Io);
    let long = "a".repeat(300_000);
    let error = get(Reply::new("404 Not Found", &[("x-a", &long)], ""))
        .await
        .unwrap_err();
    assert!(error.to_string().len() < 1000 && format!("{error:?}").len() < 1000);
}

#[tokio::test]
async fn endless_interim_responses_are_limited_by_the_timeout() {
    let piece = b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec();
    let (url, _) = endless("", piece, Duration::from_millis(5)).await;
    let begun = Instant::now();
    let error = get_within(once(&url).timeout(Duration::from_millis(300)))
        .await
        .unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(
        error.kind(),
        CallErrorKind::Timeout(TimeoutScope::Attempt),
        "{error}"
    );
}

#[tokio::test]
async fn a_response_that_is_not_http_is_a_broken_exchange() {
    for bytes in [
        &b"\x16\x03\x01\x00\xa5hello"[..],
        b"SSH-2.0-server\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\n{}",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n{}",
        b"\0\0\0\0\0\0\0\0\0",
    ] {
        let error = get(Reply::default().send(bytes)).await.unwrap_err();
        let text = String::from_utf8_lossy(bytes);
        assert_eq!(error.kind(), CallErrorKind::Io, "{text:?}: {error}");
        assert!(!error.to_string().contains(char::is_control), "{error:?}");
    }
    let switch = Reply::default().send("HTTP/1.1 101 Switching Protocols\r\nupgrade: a\r\n\r\n");
    let error = get(switch).await.unwrap_err();
    assert!(
        matches!(error.kind(), CallErrorKind::Api | CallErrorKind::Io),
        "{error}"
    );
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn a_decompression_bomb_is_given_up_at_the_limit_in_results_and_in_errors() {
    use std::io::Write as _;

    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let megabyte = vec![b' '; 1_000_000];
    for _ in 0..40 {
        bomb.write_all(&megabyte).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 200_000);
    let headers = [("content-encoding", "gzip")];
    let server = Server::start([Reply::new("200 OK", &headers, &bomb)]).await;
    let limited = once(&server.url).max_body_bytes(5_000_000);
    let error = get_within(limited).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::BodyTooLarge);
    let error = get(Reply::new("404 Not Found", &headers, &bomb))
        .await
        .unwrap_err();
    assert_eq!(
        (error.is_not_found(), error.body().len()),
        (true, 64 * 1024)
    );
    let broken = Reply::new("200 OK", &headers, "this is no gzip");
    assert_eq!(get(broken).await.unwrap_err().kind(), CallErrorKind::Io);
}

#[tokio::test]
async fn invalid_utf8_is_a_typed_error_and_its_bytes_are_kept() {
    let body = b"{\"error\":\"caf\xe9\"}";
    let json = [("content-type", "application/json")];
    let error = get(Reply::new("400 Bad Request", &json, body))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.body()),
        (CallErrorKind::Api, &body[..])
    );
    assert!(error.to_string().contains("caf\u{fffd}"), "{error}");
    let error = get(Reply::new("200 OK", &json, b"{\"state\":\"\xff\xfe\"}"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Decode);
    let error = get(Reply::default().send(b"HTTP/1.1 404 \xff\xfe\r\nx-a: \xff\r\n\r\n")).await;
    assert!(!error.unwrap_err().to_string().contains('\u{ff}'));
}

/// Deeper than a stack of two megabytes allows.
#[tokio::test]
async fn json_of_any_depth_overflows_no_stack() {
    for depth in [10_000, 60_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            // An unknown field is skipped.
            let body = format!("{{\"extra\":{deep},\"state\":\"A\",\"result\":{{\"rows\":[]}}}}");
            assert!(get(Reply::json("200 OK", &body)).await.is_ok());
            // Where another type is expected, it is an error.
            for body in [
                deep.clone(),
                format!("{{\"state\":{deep},\"result\":{{}}}}"),
                format!("{{\"state\":\"A\",\"next\":{deep},\"result\":{{}}}}"),
                format!("{{\"state\":\"A\",\"result\":[1,{deep}]}}"),
                format!(
                    "{{\"state\":\"A\",\"result\":{{\"rows\":{}",
                    open.repeat(depth)
                ),
            ] {
                let error = get(Reply::json("200 OK", &body)).await.unwrap_err();
                assert_eq!(error.kind(), CallErrorKind::Decode);
                assert!(error.to_string().len() < 1000, "{error}");
            }
            // Rows keep it unchanged.
            let body = format!("{{\"state\":\"A\",\"result\":{{\"rows\":[{deep}]}}}}");
            let page = get(Reply::json("200 OK", &body)).await.unwrap();
            assert_eq!(page.result.rows.count(), 1);
            for body in [deep.clone(), format!("{{\"error\":{deep}}}")] {
                let error = get(Reply::json("404 Not Found", &body)).await.unwrap_err();
                assert!(error.is_not_found() && error.api_error().is_none());
            }
        }
    }
}

#[tokio::test]
async fn numbers_of_any_length_are_a_typed_error() {
    for number in [
        "1".repeat(10_000),
        format!("-{}", "9".repeat(10_000)),
        format!("0.{}", "3".repeat(10_000)),
        "1e999999999999".to_owned(),
        "-1".to_owned(),
        "18446744073709551616".to_owned(),
        "1.5".to_owned(),
    ] {
        let body = format!("{{\"state\":\"A\",\"next\":{number},\"result\":{{}}}}");
        let error = get(Reply::json("200 OK", &body)).await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::Decode);
        assert!(error.to_string().len() < 1000, "{error}");
        // Rows keep the text that was sent.
        let body = format!("{{\"state\":\"A\",\"result\":{{\"rows\":[{number}]}}}}");
        let page = get(Reply::json("200 OK", &body)).await.unwrap();
        assert_eq!(page.result.rows.iter_raw().next(), Some(number.as_str()));
    }
}

#[tokio::test]
async fn a_duplicate_key_is_an_error() {
    for body in [
        "{\"state\":\"A\",\"state\":\"B\",\"result\":{}}",
        "{\"state\":\"A\",\"result\":{\"rows\":[1]},\"result\":{\"rows\":[2]}}",
        "{\"state\":\"A\",\"result\":{\"rows\":[1],\"rows\":[2]}}",
    ] {
        let error = get(Reply::json("200 OK", body)).await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::Decode);
        assert!(error.to_string().contains("duplicate field"), "{error}");
    }
}

#[tokio::test]
async fn no_spelling_of_a_redirect_leads_to_another_origin() {
    let other = Server::start([Reply::json("200 OK", "{}")]).await;
    let authority = other.url.trim_start_matches("http://");
    let port = authority.rsplit(':').next().unwrap();
    for location in [
        other.url.clone(),
        format!("//{authority}/a"),
        format!("\\\\{authority}\\a"),
        format!("/\\{authority}/a"),
        format!("http:\\\\{authority}"),
        format!("\thttp://{authority}/a"),
        format!("HTTP://{authority}/a"),
        format!("http://user@{authority}/a"),
        format!("http://localhost:{port}/a"),
        format!("http://127.1:{port}/a"),
        format!("http://0x7f.0.0.1:{port}/a"),
        "file:///etc/hosts".to_owned(),
        "data:application/json,{}".to_owned(),
    ] {
        let server = Server::start([Reply::new("302 Found", &[("location", &location)], "")]).await;
        let error = get_within(once(&server.url)).await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::Redirect, "{location}: {error}");
        assert_eq!(server.count(), 1, "{location}");
    }
    assert_eq!(other.count(), 0);
}

#[tokio::test]
async fn a_redirect_within_the_origin_cannot_replace_the_credential() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = format!("http://user:hunter3@{}/a", listener.local_addr().unwrap());
    let reply = Reply::new("307 Temporary Redirect", &[("location", &own)], "");
    let server = Server::on(listener, vec![reply]);
    let error = get_within(once(&server.url)).await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (CallErrorKind::Redirect, 1));
    let shown = format!("{error} {error:?}");
    assert!(
        shown.contains("user name or password") && !shown.contains("hunter"),
        "{shown}"
    );
}

#[tokio::test]
async fn an_id_that_would_change_the_path_is_refused_or_encoded() {
    let server = Server::start([Reply::json("200 OK", "{\"state\":\"A\",\"result\":{}}")]).await;
    let client = client(&server);
    for id in ["", ".", "..", "a\0b", "\0", "a\r\nx-b: c", "\u{7f}"] {
        let error = client.get_page().query_id(id).send().await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::InvalidRequest, "{id:?}");
        assert!(!error.to_string().contains(char::is_control), "{error:?}");
    }
    assert_eq!(server.count(), 0);
    for (id, sent) in [
        ("a/b", "a%2Fb"),
        ("a\\b", "a%5Cb"),
        ("../x", "..%2Fx"),
        ("%2e%2e", "%252e%252e"),
        ("a%00", "a%2500"),
        ("a?b#c", "a%3Fb%23c"),
        ("...", "..."),
    ] {
        client.get_page().query_id(id).send().await.unwrap();
        let line = server.seen().pop().unwrap().line;
        assert_eq!(line, format!("GET /v1/query/{sent}/results HTTP/1.1"));
    }
}

#[test]
fn a_base_url_with_user_info_or_another_scheme_is_refused() {
    for (url, why) in [
        ("https://user@h", "user name or password"),
        ("https://user:hunter3@h", "user name or password"),
        ("https://:hunter3@h", "user name or password"),
        ("ftp://h", "scheme"),
        ("file:///a", "scheme"),
        ("javascript:a", "scheme"),
        ("https://h/?key=hunter3", "query"),
    ] {
        let error = transport(url).build().unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(
            shown.contains(why) && !shown.contains("hunter3"),
            "{url}: {shown}"
        );
    }
}
