//! The list endpoints of Dune and Lightdash, page after page.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_util::stream::{FusedStream, Stream, TryStreamExt};
use rowfeed::{Error, ErrorKind, Items, ListCursor, dune, lightdash, prelude::*};
use rowfeed_sandbox::{Fault, Recorded, Service};
use serde_json::{Value, json};
use support::{Bench, numbers_sent, sent};

const QUERIES: &str = "/v1/queries";
const UPLOADS: &str = "/v1/uploads";
const CONTENT: &str = "/api/v2/content";

type Query = dune::types::QueryOverview;

/// A sandbox that answers requests for this path with these bodies, one after the other.
async fn serving(path: &str, bodies: impl IntoIterator<Item = Value>) -> Bench {
    let bench = Bench::start().await;
    serve(&bench, path, bodies);
    bench
}

fn serve(bench: &Bench, path: &str, bodies: impl IntoIterator<Item = Value>) {
    for body in bodies {
        let answer = Fault::answer(200, "application/json", body.to_string());
        bench.sandbox.fault(answer.method("GET").path(path));
    }
}

fn queries(ids: &[i64], total: impl Into<Option<i64>>) -> Value {
    let queries: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
    match total.into() {
        Some(total) => json!({ "queries": queries, "total": total }),
        None => json!({ "queries": queries }),
    }
}

fn tables(ids: &[i64], next_offset: impl Into<Option<i64>>) -> Value {
    let tables: Vec<Value> = ids
        .iter()
        .map(|id| json!({ "full_name": id.to_string() }))
        .collect();
    match next_offset.into() {
        Some(next) => json!({ "tables": tables, "next_offset": next }),
        None => json!({ "tables": tables }),
    }
}

/// A page of content: which page, its size, and how many pages there are.
fn content(ids: &[i64], pagination: impl Into<Option<[i64; 3]>>) -> Value {
    let named = |name: &str| json!({ "uuid": name, "name": name });
    let data: Vec<Value> = ids
        .iter()
        .map(|id| {
            json!({
                "contentType": "chart", "uuid": id.to_string(), "slug": "s", "name": "n",
                "createdAt": "2031-05-04T03:02:01Z", "organization": named("o"),
                "project": named("p"), "views": 0,
            })
        })
        .collect();
    let mut results = json!({ "data": data });
    if let Some([page, size, pages]) = pagination.into() {
        results["pagination"] = json!({
            "page": page, "pageSize": size, "totalPageCount": pages, "totalResults": size * pages,
        });
    }
    json!({ "status": "ok", "results": results })
}

/// What an item is told by.
trait Id {
    fn id(self) -> i64;
}

impl Id for Query {
    fn id(self) -> i64 {
        self.id.unwrap()
    }
}

impl Id for dune::types::TableListElement {
    fn id(self) -> i64 {
        self.full_name.unwrap().parse().unwrap()
    }
}

impl Id for lightdash::types::ContentItem {
    fn id(self) -> i64 {
        self.uuid.parse().unwrap()
    }
}

/// All items, and the error that there was after them.
async fn read<T: Id>(mut items: Items<T>) -> (Vec<i64>, Option<Error>) {
    let mut ids = Vec::new();
    let error = loop {
        match items.try_next().await {
            Ok(Some(item)) => ids.push(item.id()),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(items.try_next().await.unwrap().is_none());
    (ids, error)
}

async fn read_all<T: Id>(items: Items<T>) -> Vec<i64> {
    let (ids, error) = read(items).await;
    assert!(error.is_none(), "{error:?}");
    ids
}

/// The items of a list that must fail as its pages do not fit together.
async fn read_until_misfit<T: Id>(items: Items<T>) -> (Vec<i64>, String) {
    let (ids, error) = read(items).await;
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
    (ids, error.to_string())
}

async fn refused<T: Id>(items: Items<T>) -> String {
    let (ids, error) = read(items).await;
    let error = error.unwrap();
    assert_eq!((ids, error.kind()), (vec![], ErrorKind::InvalidRequest));
    error.to_string()
}

fn asked(bench: &Bench) -> Vec<Recorded> {
    bench.sandbox.take_requests()
}

#[tokio::test]
async fn a_list_with_a_total_ends_there_and_goes_on_behind_what_came() {
    // The server sends fewer than asked for: a short page is not the end.
    let pages = [queries(&[1, 2], 5), queries(&[3, 4], 5), queries(&[5], 5)];
    let bench = serving(QUERIES, pages).await;
    assert_eq!(
        read_all(bench.dune.list_queries().items()).await,
        [1, 2, 3, 4, 5]
    );
    let asked = asked(&bench);
    assert_eq!(numbers_sent(&asked, "offset"), [0, 2, 4]);
    assert_eq!(numbers_sent(&asked, "limit"), [20; 3]);
}

#[tokio::test]
async fn a_list_with_a_total_ends_with_an_empty_page_too() {
    for total in [None, Some(7)] {
        let pages = [
            queries(&[1, 2], total),
            queries(&[3], total),
            queries(&[], total),
        ];
        let bench = serving(QUERIES, pages).await;
        assert_eq!(read_all(bench.dune.list_queries().items()).await, [1, 2, 3]);
        assert_eq!(numbers_sent(&asked(&bench), "offset"), [0, 2, 3]);
    }
}

#[tokio::test]
async fn all_queries_come_once_and_in_order_in_pages_of_any_size() {
    let bench = Bench::start().await;
    let all = read_all(bench.dune.list_queries().items()).await;
    assert!(all.len() > 1);
    for size in 1..=all.len() + 1 {
        asked(&bench);
        let items = bench.dune.list_queries().items().page_size(size as u32);
        assert_eq!(read_all(items).await, all);
        assert_eq!(asked(&bench).len(), all.len().div_ceil(size));
    }
}

#[tokio::test]
async fn parameters_go_with_every_page() {
    let page = |name: &str| json!({ "datasets": [{ "full_name": name }], "total": 2 });
    let bench = serving("/v1/datasets", [page("a.b"), page("a.c")]).await;
    let list = bench
        .dune
        .list_datasets()
        .owner_handle("lagoon")
        .type_("spell");
    let datasets: Vec<_> = list.items().try_collect().await.unwrap();
    let names: Vec<_> = datasets
        .into_iter()
        .map(|set| set.full_name.unwrap())
        .collect();
    assert_eq!(names, ["a.b", "a.c"]);
    let asked = asked(&bench);
    assert_eq!(numbers_sent(&asked, "offset"), [0, 1]);
    assert_eq!(numbers_sent(&asked, "limit"), [250, 250]);
    let twice = |value: &str| vec![Some(value.to_owned()); 2];
    assert_eq!(sent(&asked, "owner_handle"), twice("lagoon"));
    assert_eq!(sent(&asked, "type"), twice("spell"));
}

#[tokio::test]
async fn uploads_go_on_where_dune_says_until_it_says_nothing() {
    // Neither an empty page nor a short one is the end, and a 0 is no next page.
    for last in [None, Some(0)] {
        let pages = [tables(&[1, 2], 4), tables(&[], 6), tables(&[3], last)];
        let bench = serving(UPLOADS, pages).await;
        assert_eq!(read_all(bench.dune.list_uploads().items()).await, [1, 2, 3]);
        let asked = asked(&bench);
        assert_eq!(numbers_sent(&asked, "offset"), [0, 4, 6]);
        assert_eq!(numbers_sent(&asked, "limit"), [1_000; 3]);
    }
}

#[tokio::test]
async fn materialised_views_go_on_where_dune_says() {
    let page = |id: &str, next: Option<i64>| json!({ "materialized_views": [{ "id": id }], "next_offset": next });
    let bench = serving(
        "/v1/materialized-views",
        [page("a", Some(1)), page("b", None)],
    )
    .await;
    let views: Vec<_> = bench
        .dune
        .list_materialized_views()
        .items()
        .try_collect()
        .await
        .unwrap();
    let ids: Vec<_> = views.into_iter().map(|view| view.id.unwrap()).collect();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(numbers_sent(&asked(&bench), "offset"), [0, 1]);
}

#[tokio::test]
async fn a_next_page_that_does_not_advance_is_an_error() {
    // Page two has the items from 2 up to 4.
    for next in [2, 1, 3, -1] {
        let pages = [tables(&[1, 2], 2), tables(&[3, 4], next)];
        let bench = serving(UPLOADS, pages).await;
        let (ids, error) = read_until_misfit(bench.dune.list_uploads().items()).await;
        assert_eq!(ids, [1, 2]);
        let expected = format!("begin at item {next}, and this one has the items from 2 up to 4");
        assert!(error.contains(&expected), "{error}");
        assert_eq!(asked(&bench).len(), 2);
    }
    // An empty one that names itself.
    let bench = serving(UPLOADS, [tables(&[1, 2], 2), tables(&[], 2)]).await;
    let (_, error) = read_until_misfit(bench.dune.list_uploads().items()).await;
    assert!(error.contains("begin at item 2"), "{error}");
    assert_eq!(asked(&bench).len(), 2);
}

#[tokio::test]
async fn a_page_that_comes_again_is_an_error() {
    let pages = [queries(&[1, 2], 9), queries(&[1, 2], 9)];
    let bench = serving(QUERIES, pages).await;
    let (ids, error) = read_until_misfit(bench.dune.list_queries().items()).await;
    assert_eq!(ids, [1, 2]);
    assert!(error.contains("item 2"), "{error}");

    let pages = [tables(&[1], 1), tables(&[2], 2), tables(&[1], 3)];
    let bench = serving(UPLOADS, pages).await;
    let (ids, _) = read_until_misfit(bench.dune.list_uploads().items()).await;
    assert_eq!(ids, [1, 2]);
}

#[tokio::test]
async fn empty_pages_without_end_are_an_error() {
    let bench = serving(UPLOADS, (1..=120).map(|next| tables(&[], next))).await;
    let (ids, error) = read_until_misfit(bench.dune.list_uploads().items()).await;
    assert!(
        ids.is_empty() && error.contains("100 pages"),
        "{ids:?} {error}"
    );
    assert_eq!(asked(&bench).len(), 100);
}

#[tokio::test]
async fn no_more_is_asked_for_than_is_wanted() {
    let pages = [
        queries(&[1, 2], 99),
        queries(&[3, 4], 99),
        queries(&[5], 99),
    ];
    let bench = serving(QUERIES, pages.clone()).await;
    let list = bench.dune.list_queries().limit(5).offset(7);
    assert_eq!(read_all(list.items().page_size(2)).await, [1, 2, 3, 4, 5]);
    let seen = asked(&bench);
    assert_eq!(numbers_sent(&seen, "offset"), [7, 9, 11]);
    assert_eq!(numbers_sent(&seen, "limit"), [2, 2, 1]);

    serve(
        &bench,
        QUERIES,
        [queries(&[1, 2], 99), queries(&[3, 4], 99)],
    );
    let items = bench.dune.list_queries().limit(5).items().page_size(2);
    assert_eq!(read_all(items.max_items(3)).await, [1, 2, 3]);
    assert_eq!(numbers_sent(&asked(&bench), "limit"), [2, 1]);
    serve(&bench, QUERIES, [queries(&[1], 99)]);
    let items = bench.dune.list_queries().limit(1).items().max_items(9);
    assert_eq!(read_all(items).await, [1]);
    assert_eq!(numbers_sent(&asked(&bench), "limit"), [1]);

    assert!(
        read_all(bench.dune.list_queries().items().max_items(0))
            .await
            .is_empty()
    );
    assert_eq!(asked(&bench).len(), 0);
}

#[tokio::test]
async fn a_cursor_after_every_item_gives_exactly_the_rest() {
    let all = [1, 2, 3, 4, 5];
    for taken in 0..=all.len() {
        let bench = serving(QUERIES, [queries(&all[..3], 5), queries(&all[3..], 5)]).await;
        let mut items = bench.dune.list_queries().items().page_size(3);
        for id in &all[..taken] {
            assert_eq!(items.try_next().await.unwrap().unwrap().id(), *id);
        }
        let stored = serde_json::to_string(&items.cursor()).unwrap();
        let expected = json!({
            "service": "dune", "operation": "list_queries", "position": taken,
        });
        assert_eq!(serde_json::from_str::<Value>(&stored).unwrap(), expected);

        let cursor: ListCursor = serde_json::from_str(&stored).unwrap();
        let bench = serving(QUERIES, [queries(&all[taken..], 5)]).await;
        let rest = bench.dune.list_queries().items().resume(&cursor);
        assert_eq!(read_all(rest).await, all[taken..]);
        assert_eq!(numbers_sent(&asked(&bench), "offset"), [taken as i64]);
    }
}

#[tokio::test]
async fn a_cursor_behind_a_page_stands_where_the_next_one_begins() {
    let bench = serving(UPLOADS, [tables(&[1, 2], 7), tables(&[3], None)]).await;
    let mut items = bench.dune.list_uploads().items();
    items.try_next().await.unwrap();
    assert_eq!(items.cursor().position(), 1);
    items.try_next().await.unwrap();
    assert_eq!(items.cursor().position(), 7);
    items.try_next().await.unwrap();
    assert_eq!(items.cursor().position(), 8);
}

#[tokio::test]
async fn a_cursor_in_the_middle_of_a_numbered_page_gives_exactly_the_rest() {
    let all = [1, 2, 3, 4, 5];
    for taken in 0..all.len() {
        let pages = [content(&all[..3], [1, 3, 2]), content(&all[3..], [2, 3, 2])];
        let bench = serving(CONTENT, pages).await;
        let list = bench.lightdash.list_content().search("x");
        let mut items = list.clone().items().page_size(3);
        for id in &all[..taken] {
            assert_eq!(items.try_next().await.unwrap().unwrap().id(), *id);
        }
        let cursor = items.cursor();
        assert_eq!(cursor.position(), taken as u64);
        drop(items);

        // On with pages of another size.
        let bench = Bench::start().await;
        let first = taken / 2;
        let pages: Vec<_> = all.chunks(2).enumerate().skip(first).collect();
        let numbers: Vec<i64> = pages.iter().map(|(index, _)| *index as i64 + 1).collect();
        serve(
            &bench,
            CONTENT,
            pages
                .iter()
                .map(|(index, ids)| content(ids, [*index as i64 + 1, 2, 3])),
        );
        let list = bench.lightdash.list_content().search("x");
        let rest = list.items().page_size(2).resume(&cursor);
        assert_eq!(read_all(rest).await, all[taken..]);
        let asked = asked(&bench);
        assert_eq!(numbers_sent(&asked, "page"), numbers);
        assert!(
            numbers_sent(&asked, "pageSize")
                .iter()
                .all(|size| *size == 2)
        );
    }
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let bench = Bench::start().await;
    let dune = &bench.dune;
    let datasets = || {
        dune.list_datasets()
            .owner_handle("lagoon")
            .limit(9)
            .offset(4)
    };
    let cursor = datasets().items().cursor();
    let expected = json!({
        "service": "dune", "operation": "list_datasets",
        "parameters": "owner_handle=\"lagoon\"", "position": 4,
    });
    assert_eq!(serde_json::to_value(&cursor).unwrap(), expected);
    assert_eq!(
        (cursor.service(), cursor.operation()),
        ("dune", "list_datasets")
    );

    let error = refused(dune.list_queries().items().resume(&cursor)).await;
    assert!(
        error.contains("list_datasets") && error.contains("list_queries"),
        "{error}"
    );
    let error = refused(bench.lightdash.list_content().items().resume(&cursor)).await;
    assert!(error.contains("list_content of lightdash"), "{error}");

    let queries = dune.list_queries().items().cursor();
    let mut far = serde_json::to_value(&queries).unwrap();
    far["position"] = u64::MAX.into();
    let far: ListCursor = serde_json::from_value(far).unwrap();
    let error = refused(dune.list_queries().items().resume(&far)).await;
    assert!(error.contains(&u64::MAX.to_string()), "{error}");

    let lists = [
        dune.list_datasets(),
        dune.list_datasets().owner_handle("estuary"),
    ];
    for list in lists {
        let mut others = list.items().resume(&cursor);
        let error = others.try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(
            error.to_string().contains("owner_handle=\"lagoon\" then"),
            "{error}"
        );
    }
    assert_eq!(asked(&bench).len(), 0);

    // What says which page is meant, and how much is wanted, may be another.
    serve(
        &bench,
        "/v1/datasets",
        [json!({ "datasets": [], "total": 4 })],
    );
    let list = dune.list_datasets().owner_handle("lagoon").limit(3);
    let datasets: Vec<_> = list.items().resume(&cursor).try_collect().await.unwrap();
    assert!(datasets.is_empty());
    assert_eq!(numbers_sent(&asked(&bench), "offset"), [4]);
}

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
async fn a_page_is_fetched_when_its_first_item_is_asked_for() {
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

    // Polled once, and dropped with the request under way.
    let mut items = bench.dune.list_queries().items();
    let mut context = Context::from_waker(Waker::noop());
    let polled = Pin::new(&mut items).poll_next(&mut context);
    assert!(matches!(polled, Poll::Pending));
    drop(sendable(items));
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_anything_is_sent() {
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
    assert!(error.contains("page size of -2"), "{error}");
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
    assert_eq!(error.call().unwrap().status().unwrap(), 400);
    assert!(error.to_string().contains("no such thing"), "{error}");
}

#[tokio::test]
async fn content_ends_with_its_last_page() {
    // A page that is not full is not the end as long as another is announced.
    let pages = [
        content(&[1, 2], [1, 3, 3]),
        content(&[], [2, 3, 3]),
        content(&[3, 4, 5], [3, 3, 3]),
    ];
    let bench = serving(CONTENT, pages).await;
    let list = bench
        .lightdash
        .list_content()
        .search("tide")
        .page_size(3)
        .page(1);
    assert_eq!(read_all(list.items()).await, [1, 2, 3, 4, 5]);
    let asked = asked(&bench);
    assert_eq!(numbers_sent(&asked, "page"), [1, 2, 3]);
    assert_eq!(numbers_sent(&asked, "pageSize"), [3, 3, 3]);
    assert_eq!(sent(&asked, "search"), vec![Some("tide".to_owned()); 3]);

    let bench = serving(CONTENT, [content(&[1], [1, 100, 1])]).await;
    assert_eq!(read_all(bench.lightdash.list_content().items()).await, [1]);
    assert_eq!(
        numbers_sent(&bench.sandbox.take_requests(), "pageSize"),
        [100]
    );
    // An empty list has no pages at all.
    serve(&bench, CONTENT, [content(&[], [1, 100, 0])]);
    assert!(
        read_all(bench.lightdash.list_content().items())
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn the_last_pages_of_content_stay_as_large_as_the_others() {
    // Pages are counted by their size, so that a smaller one would begin elsewhere.
    let bench = serving(
        CONTENT,
        [content(&[1, 2], [1, 2, 4]), content(&[3, 4], [2, 2, 4])],
    )
    .await;
    let items = bench
        .lightdash
        .list_content()
        .items()
        .page_size(2)
        .max_items(3);
    assert_eq!(read_all(items).await, [1, 2, 3]);
    assert_eq!(numbers_sent(&asked(&bench), "pageSize"), [2, 2]);
    serve(&bench, CONTENT, [content(&[1], [1, 1, 7])]);
    assert_eq!(
        read_all(bench.lightdash.list_content().items().max_items(1)).await,
        [1]
    );
    assert_eq!(numbers_sent(&asked(&bench), "pageSize"), [1]);
}

#[tokio::test]
async fn content_without_pagination_ends_with_a_page_that_is_not_full() {
    let list = |bench: &Bench| bench.lightdash.list_content().items().page_size(2);
    let bench = serving(CONTENT, [content(&[1, 2], None), content(&[3], None)]).await;
    assert_eq!(read_all(list(&bench)).await, [1, 2, 3]);
    assert_eq!(asked(&bench).len(), 2);
    serve(
        &bench,
        CONTENT,
        [content(&[1, 2], None), content(&[], None)],
    );
    assert_eq!(read_all(list(&bench)).await, [1, 2]);
    // A server that knows no pages sends all at once.
    serve(&bench, CONTENT, [content(&[1, 2, 3], None)]);
    assert_eq!(read_all(list(&bench)).await, [1, 2, 3]);
    // As many as were asked for: whether it is a page only the next answer can tell.
    serve(
        &bench,
        CONTENT,
        [content(&[1, 2], None), content(&[1, 2], None)],
    );
    assert_eq!(read_until_misfit(list(&bench)).await.0, [1, 2]);
}

#[tokio::test]
async fn another_page_than_the_one_asked_for_is_an_error() {
    let bench = serving(
        CONTENT,
        [content(&[1], [1, 1, 3]), content(&[9], [1, 1, 3])],
    )
    .await;
    let items = bench.lightdash.list_content().page_size(1).items();
    let (ids, error) = read_until_misfit(items).await;
    assert_eq!(ids, [1]);
    assert!(
        error.contains("page 1 was sent where page 2 was asked for"),
        "{error}"
    );
}

#[tokio::test]
async fn more_items_than_a_page_has_are_an_error() {
    let bench = serving(CONTENT, [content(&[1, 2, 3], [1, 2, 3])]).await;
    let items = bench.lightdash.list_content().page_size(2).items();
    let (ids, error) = read_until_misfit(items).await;
    assert!(
        ids.is_empty() && error.contains("up to 3"),
        "{ids:?} {error}"
    );
}

#[tokio::test]
async fn a_server_s_own_page_size_is_kept_to() {
    let pages = [content(&[1, 2], [1, 2, 2]), content(&[3], [2, 2, 2])];
    let bench = serving(CONTENT, pages).await;
    let list = bench.lightdash.list_content().page_size(500);
    assert_eq!(read_all(list.clone().items()).await, [1, 2, 3]);
    let seen = asked(&bench);
    assert_eq!(numbers_sent(&seen, "page"), [1, 2]);
    assert_eq!(numbers_sent(&seen, "pageSize"), [500, 2]);

    // Behind the beginning the page is another one: it is asked for again.
    let mut cursor = serde_json::to_value(list.clone().items().cursor()).unwrap();
    cursor["position"] = 5.into();
    let cursor: ListCursor = serde_json::from_value(cursor).unwrap();
    let pages = [
        content(&[1, 2], [1, 2, 4]),
        content(&[5, 6], [3, 2, 4]),
        content(&[7], [4, 2, 4]),
    ];
    serve(&bench, CONTENT, pages);
    assert_eq!(read_all(list.clone().items().resume(&cursor)).await, [6, 7]);
    let seen = asked(&bench);
    assert_eq!(numbers_sent(&seen, "page"), [1, 3, 4]);
    assert_eq!(numbers_sent(&seen, "pageSize"), [500, 2, 2]);

    // One that changes all the time is none.
    serve(
        &bench,
        CONTENT,
        [content(&[1, 2], [1, 2, 4]), content(&[5], [3, 1, 9])],
    );
    let (ids, error) = read_until_misfit(list.items().resume(&cursor)).await;
    assert!(
        ids.is_empty() && error.contains("pages of 1 items"),
        "{error}"
    );
}

#[tokio::test]
async fn the_history_of_queries_is_read_to_its_end() {
    let item = |id: &str| {
        json!({
            "cacheHit": false, "chartName": null, "chartUuid": null, "compiledSql": "SELECT 1",
            "context": "api", "createdAt": "2031-05-04T03:02:01Z", "dashboardName": null,
            "dashboardUuid": null, "error": null, "erroredAt": null, "exploreName": null,
            "language": "sql", "metricQuery": null, "processingStartedAt": null,
            "projectUuid": null, "queryUuid": id, "requestParameters": {},
            "resultsExpiresAt": null, "resultsUpdatedAt": null, "savedSqlUuid": null,
            "status": "ready", "subline": "", "title": "t", "totalRowCount": 1,
            "trigger": "api", "warehouseExecutionTimeMs": 2.5,
        })
    };
    let page = |number: i64, id: &str| {
        json!({ "status": "ok", "results": {
            "data": [item(id)],
            "pagination": { "page": number, "pageSize": 1, "totalPageCount": 2, "totalResults": 2 },
        }})
    };
    let bench = serving("/projects/p-1/query/history", [page(1, "a"), page(2, "b")]).await;
    let history = bench
        .lightdash
        .get_query_history()
        .project_uuid("p-1")
        .search("tide");
    let mut items = history.items().page_size(1);
    let mut ids = Vec::new();
    while let Some(query) = items.try_next().await.unwrap() {
        ids.push(query.query_uuid);
    }
    assert_eq!(ids, ["a", "b"]);
    let seen = asked(&bench);
    assert_eq!(numbers_sent(&seen, "page"), [1, 2]);
    assert_eq!(sent(&seen, "search"), vec![Some("tide".to_owned()); 2]);
    assert!(
        seen.iter()
            .all(|request| request.service == Some(Service::Lightdash))
    );
    let cursor = serde_json::to_value(items.cursor()).unwrap();
    assert_eq!(cursor["parameters"], "project_uuid=\"p-1\" search=\"tide\"");
}
