//! Cursors of lists.

use rowfeed::{ErrorKind, ListCursor, prelude::*};
use serde_json::{Value, json};

use crate::support::{Bench, numbers_sent};
use crate::{
    CONTENT, Id, QUERIES, UPLOADS, asked, content, queries, read_all, refused, serve, serving,
    tables,
};

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
async fn a_cursor_after_a_page_is_where_the_next_page_begins() {
    let bench = serving(UPLOADS, [tables(&[1, 2], 7), tables(&[3], None)]).await;
    let mut items = bench.dune.list_uploads().items();
    items.try_next().await.unwrap();
    assert_eq!(items.cursor().unwrap().position(), 1);
    items.try_next().await.unwrap();
    assert_eq!(items.cursor().unwrap().position(), 7);
    items.try_next().await.unwrap();
    assert_eq!(items.cursor().unwrap().position(), 8);
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
        let cursor = items.cursor().unwrap();
        assert_eq!(cursor.position(), taken as u64);
        drop(items);

        // Resumes with another page size.
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
    let cursor = datasets().items().cursor().unwrap();
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

    // Parameters that only select a page or a range may differ.
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
