//! Lists as a caller uses them.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_util::stream::{FusedStream, Stream, TryStreamExt};
use rowfeed::{ErrorKind, prelude::*};
use rowfeed_sandbox::Fault;
use serde_json::json;

use crate::support::Bench;
use crate::{Id, QUERIES, Query, asked, queries, read, read_all, refused, serve, serving};

#[tokio::test]
async fn nothing_is_sent_before_the_first_item_and_after_the_last() {
    let bench = serving(QUERIES, [queries(&[1], 1)]).await;
    let mut items = bench.dune.list_queries().items();
    assert_eq!(asked(&bench).len(), 0);
    assert!(!items.is_terminated());
    assert!(items.try_next().await.unwrap().is_some());
    assert!(items.try_next().await.unwrap().is_none());
    assert!(items.is_terminated());
    assert!(items.try_next().await.unwrap().is_none());
    assert_eq!(asked(&bench).len(), 1);
}

#[tokio::test]
async fn a_page_is_fetched_when_its_first_item_is_needed() {
    let bench = serving(QUERIES, [queries(&[1, 2], 3), queries(&[3], 3)]).await;
    let mut items = bench.dune.list_queries().items();
    for requests in [1, 0, 1] {
        items.try_next().await.unwrap().unwrap();
        assert_eq!(asked(&bench).len(), requests);
    }
}

#[tokio::test]
async fn a_dropped_try_next_loses_nothing() {
    let bench = Bench::start().await;
    bench
        .sandbox
        .fault(Fault::delay(Duration::from_millis(200)).path(QUERIES));
    serve(&bench, QUERIES, [queries(&[1, 2], 2)]);
    let mut items = bench.dune.list_queries().items();
    let soon = tokio::time::timeout(Duration::from_millis(20), items.try_next()).await;
    assert!(soon.is_err());
    assert_eq!(read_all(items).await, [1, 2]);
    assert_eq!(asked(&bench).len(), 1);
}

#[tokio::test]
async fn items_are_a_stream_that_can_be_sent() {
    fn sendable<T: Send + 'static>(value: T) -> T {
        value
    }
    let bench = serving(QUERIES, [queries(&[1, 2], 3), queries(&[3], 3)]).await;
    let items = sendable(bench.dune.list_queries().items());
    let queries: Vec<Query> = tokio::spawn(TryStreamExt::try_collect(items))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        queries.into_iter().map(Id::id).collect::<Vec<_>>(),
        [1, 2, 3]
    );

    // Polled once, and dropped with a request in flight.
    let mut items = bench.dune.list_queries().items();
    let mut context = Context::from_waker(Waker::noop());
    let polled = Pin::new(&mut items).poll_next(&mut context);
    assert!(matches!(polled, Poll::Pending));
    drop(sendable(items));
}

#[tokio::test]
async fn invalid_parameters_are_refused_before_anything_is_sent() {
    let bench = Bench::start().await;
    let (dune, lightdash) = (&bench.dune, &bench.lightdash);
    let error = refused(dune.list_queries().items().page_size(0)).await;
    assert!(error.contains("page size of 0"), "{error}");
    let error = refused(dune.list_queries().limit(-1).items()).await;
    assert!(error.contains("limit is -1"), "{error}");
    let error = refused(dune.list_uploads().offset(-3).items().max_items(0)).await;
    assert!(error.contains("offset is -3"), "{error}");
    let error = refused(dune.list_queries().limit(u64::MAX).items()).await;
    assert!(error.contains("limit"), "{error}");
    let error = refused(lightdash.list_content().page(2).items()).await;
    assert!(error.contains("first page"), "{error}");
    let error = refused(lightdash.list_content().page_size(-2).items()).await;
    assert!(error.contains("page_size is -2"), "{error}");
    assert_eq!(asked(&bench).len(), 0);
}

#[tokio::test]
async fn a_failed_page_is_the_service_s_error() {
    let bench = serving(QUERIES, [queries(&[1], 2)]).await;
    let body = json!({ "error": "no such thing" }).to_string();
    bench
        .sandbox
        .fault(Fault::answer(400, "application/json", body).path(QUERIES));
    let (ids, error) = read(bench.dune.list_queries().items()).await;
    let error = error.unwrap();
    assert_eq!((ids, error.kind()), (vec![1], ErrorKind::Call));
    assert_eq!(error.as_call().unwrap().status().unwrap(), 400);
    assert!(error.to_string().contains("no such thing"), "{error}");
}
