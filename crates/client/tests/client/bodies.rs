//! Bodies: size limits, raw rows, streams.

use std::time::Duration;

use rowfeed_client::{CallErrorKind, RetryPolicy, TimeoutScope};

use crate::{
    server::{Reply, Server},
    setup::{build, client, page, transport},
};

#[tokio::test]
async fn a_body_at_the_limit_is_read_and_one_above_is_not() {
    let body = "{\"state\":\"COMPLETED\",\"result\":{\"rows\":[]}}";
    let chunked = "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    let (first, second) = body.split_at(20);
    let in_two = Reply::default()
        .send(chunked)
        .send(format!("{:x}\r\n{first}\r\n", first.len()))
        .wait(30)
        .send(format!("{:x}\r\n{second}\r\n0\r\n\r\n", second.len()));
    for reply in [Reply::json("200 OK", body), in_two] {
        let server = Server::start([reply]).await;
        let limited = |bytes| build(transport(&server.url).max_body_bytes(bytes));
        let exact = limited(body.len() as u64);
        exact.get_page().query_id("1").send().await.unwrap();
        let short = limited(body.len() as u64 - 1);
        let error = short.get_page().query_id("1").send().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (CallErrorKind::BodyTooLarge, 1)
        );
        assert_eq!(error.status().unwrap(), 200);
        assert!(
            error.to_string().contains("larger than 41 bytes"),
            "{error}"
        );
        assert_eq!(server.count(), 2);
    }
}

#[tokio::test]
async fn a_body_announced_as_too_large_is_refused_before_it_is_read() {
    let giant = Reply::head("200 OK", &[], usize::MAX / 2)
        .send("{")
        .wait(10_000);
    let server = Server::start([giant]).await;
    let result = client(&server).get_page().query_id("1").send().await;
    assert_eq!(result.unwrap_err().kind(), CallErrorKind::BodyTooLarge);
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn the_limit_counts_decompressed_bytes() {
    use std::io::Write as _;

    let gzip = |bytes: &[u8]| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    };
    let headers = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    let bomb = gzip(" ".repeat(20_000_000).as_bytes());
    assert!(bomb.len() < 100_000);
    let fine = gzip(b"{\"state\":\"COMPLETED\",\"result\":{\"rows\":[1]}}");
    let server = Server::start([
        Reply::new("200 OK", &headers, &bomb),
        Reply::new("200 OK", &headers, &fine),
        Reply::new("200 OK", &headers, &fine[..fine.len() / 2]),
        page("[]"),
    ])
    .await;
    let client = build(transport(&server.url).max_body_bytes(1_000_000));
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::BodyTooLarge);
    let page = client.get_page().query_id("1").send().await.unwrap();
    assert_eq!(page.result.rows.as_str(), "[1]");
    let page = client.get_page().query_id("1").send().await.unwrap();
    assert_eq!(page.attempts(), 2, "a cut gzip stream is attempted again");
    assert_eq!(server.seen()[0].header("accept-encoding"), Some("gzip"));
}

#[tokio::test]
async fn rows_of_a_body_in_pieces_are_whole() {
    let row = format!("{{\"text\":\"{}\"}}", "ü,]\\\"".repeat(1000));
    let rows = format!("[{}]", vec![row.as_str(); 200].join(" , "));
    let server = Server::start([page(&rows)]).await;
    let page = client(&server)
        .get_page()
        .query_id("1")
        .send()
        .await
        .unwrap();
    assert_eq!(page.result.rows.as_str(), rows);
    assert_eq!(page.result.rows.count(), 200);
    assert!(page.result.rows.iter_raw().all(|found| found == row));
}

#[tokio::test]
async fn absent_and_null_rows_are_no_rows() {
    for body in [
        "{\"state\":\"RUNNING\",\"result\":{}}",
        "{\"state\":\"RUNNING\",\"result\":{\"rows\":null}}",
    ] {
        let server = Server::start([Reply::json("200 OK", body)]).await;
        let page = client(&server)
            .get_page()
            .query_id("1")
            .send()
            .await
            .unwrap();
        assert!(page.result.rows.is_empty());
    }
}

#[tokio::test]
async fn a_value_keeps_status_headers_and_request_id() {
    let body = "{\"state\":\"RUNNING\",\"result\":{}}";
    let server = Server::start([Reply::new("200 OK", &[("cf-ray", "r-1")], body)]).await;
    let page = client(&server)
        .get_page()
        .query_id("1")
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["cf-ray"], "r-1");
    assert_eq!(page.request_id(), Some("r-1"));
    let state = page.map(|page| page.state);
    assert_eq!(state.request_id(), Some("r-1"));
    assert_eq!(state.as_ref().as_str(), "RUNNING");
}

#[tokio::test]
async fn a_stream_is_bound_by_pauses_and_not_by_its_length() {
    let mut steady = Reply::head("200 OK", &[], 60);
    for _ in 0..6 {
        steady = steady.send("0123456789").wait(400);
    }
    let stalling = Reply::head("200 OK", &[], 60)
        .send("0123456789")
        .wait(10_000);
    let server = Server::start([steady, stalling]).await;
    let client = build(
        transport(&server.url)
            .timeout(Duration::from_millis(1500))
            .deadline(Duration::from_millis(2000))
            .max_body_bytes(10),
    );
    let mut stream = client.get_csv().send().await.unwrap().into_inner();
    let mut length = 0;
    while let Some(chunk) = stream.next_chunk().await {
        length += chunk.unwrap().len();
    }
    assert_eq!(length, 60);

    let mut stream = client.get_csv().send().await.unwrap().into_inner();
    assert_eq!(stream.next_chunk().await.unwrap().unwrap().len(), 10);
    let error = stream.next_chunk().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Timeout(TimeoutScope::Stall));
    assert!(
        error
            .to_string()
            .contains("get_csv: 200 OK: no further byte"),
        "{error}"
    );
    assert!(stream.next_chunk().await.is_none(), "fused after an error");
}

#[tokio::test]
async fn a_slow_reader_of_a_stream_does_not_time_out() {
    let reply = Reply::head("200 OK", &[], 4).send("ab").wait(10).send("cd");
    let server = Server::start([reply]).await;
    let client = build(transport(&server.url).timeout(Duration::from_millis(300)));
    let mut stream = client.get_csv().send().await.unwrap().into_inner();
    let mut text = Vec::new();
    while let Some(chunk) = stream.next_chunk().await {
        text.extend_from_slice(&chunk.unwrap());
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    assert_eq!(text, b"abcd");
}

#[tokio::test]
async fn a_cut_stream_is_an_error_and_not_an_end() {
    let server = Server::start([Reply::head("200 OK", &[], 60).send("0123456789")]).await;
    let mut stream = client(&server).get_csv().send().await.unwrap().into_inner();
    assert_eq!(stream.next_chunk().await.unwrap().unwrap().len(), 10);
    let error = stream.next_chunk().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Io);
    assert!(stream.next_chunk().await.is_none());
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_streamed_call_is_retried_until_it_begins() {
    let server = Server::start([
        Reply::new("503 Service Unavailable", &[], ""),
        Reply::new("200 OK", &[], "a,b"),
    ])
    .await;
    let transport = transport(&server.url).retry(RetryPolicy::new().base_delay(Duration::ZERO));
    let mut csv = build(transport).get_csv().send().await.unwrap();
    assert_eq!(csv.attempts(), 2);
    assert_eq!(csv.next_chunk().await.unwrap().unwrap(), "a,b");
    assert!(csv.next_chunk().await.is_none());
}
