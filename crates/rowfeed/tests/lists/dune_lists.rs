//! Where pages of Dune's lists begin and end.

use rowfeed::prelude::*;
use serde_json::json;

use crate::support::{Bench, numbers_sent, sent};
use crate::{
    QUERIES, UPLOADS, asked, queries, read_all, read_until_misfit, serve, serving, tables,
};

#[tokio::test]
async fn a_list_with_a_total_follows_the_received_items_to_the_total() {
    // The server sends fewer items than requested: a short page is not the end.
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
async fn a_list_with_a_total_also_ends_with_an_empty_page() {
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
async fn parameters_are_sent_with_every_page() {
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
async fn uploads_follow_next_offset_until_it_is_absent() {
    // Neither an empty page nor a short one is the end, and 0 is not a next page.
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
async fn materialized_views_follow_next_offset() {
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
        let expected = format!("begin at item {next}, but this one has the items from 2 up to 4");
        assert!(error.contains(&expected), "{error}");
        assert_eq!(asked(&bench).len(), 2);
    }
    // An empty page that names itself as the next one.
    let bench = serving(UPLOADS, [tables(&[1, 2], 2), tables(&[], 2)]).await;
    let (_, error) = read_until_misfit(bench.dune.list_uploads().items()).await;
    assert!(error.contains("begin at item 2"), "{error}");
    assert_eq!(asked(&bench).len(), 2);
}

#[tokio::test]
async fn a_repeated_page_is_an_error() {
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
async fn no_more_is_requested_than_needed() {
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
