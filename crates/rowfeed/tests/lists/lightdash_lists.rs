//! Where pages of Lightdash's lists begin and end.

use rowfeed::{ListCursor, prelude::*};
use rowfeed_sandbox::Service;
use serde_json::json;

use crate::support::{Bench, numbers_sent, sent};
use crate::{CONTENT, asked, content, read_all, read_until_misfit, serve, serving};

#[tokio::test]
async fn content_ends_with_its_last_page() {
    // A page that is not full is not the end if another page is announced.
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
    // The page size determines positions, so a smaller page would begin elsewhere.
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
    // A server without pagination sends the whole list at once.
    serve(&bench, CONTENT, [content(&[1, 2, 3], None)]);
    assert_eq!(read_all(list(&bench)).await, [1, 2, 3]);
    // A page with as many items as requested: only the next response shows whether it is the last.
    serve(
        &bench,
        CONTENT,
        [content(&[1, 2], None), content(&[1, 2], None)],
    );
    assert_eq!(read_until_misfit(list(&bench)).await.0, [1, 2]);
}

#[tokio::test]
async fn another_page_than_requested_is_an_error() {
    let bench = serving(
        CONTENT,
        [content(&[1], [1, 1, 3]), content(&[9], [1, 1, 3])],
    )
    .await;
    let items = bench.lightdash.list_content().page_size(1).items();
    let (ids, error) = read_until_misfit(items).await;
    assert_eq!(ids, [1]);
    assert!(
        error.contains("page 1 was sent where page 2 was requested"),
        "{error}"
    );
}

#[tokio::test]
async fn more_items_than_requested_are_an_error() {
    let bench = serving(CONTENT, [content(&[1, 2, 3], [1, 2, 3])]).await;
    let items = bench.lightdash.list_content().page_size(2).items();
    let (ids, error) = read_until_misfit(items).await;
    assert!(
        ids.is_empty() && error.contains("up to 3"),
        "{ids:?} {error}"
    );
}

#[tokio::test]
async fn the_server_s_own_page_size_is_used() {
    let pages = [content(&[1, 2], [1, 2, 2]), content(&[3], [2, 2, 2])];
    let bench = serving(CONTENT, pages).await;
    let list = bench.lightdash.list_content().page_size(500);
    assert_eq!(read_all(list.clone().items()).await, [1, 2, 3]);
    let seen = asked(&bench);
    assert_eq!(numbers_sent(&seen, "page"), [1, 2]);
    assert_eq!(numbers_sent(&seen, "pageSize"), [500, 2]);

    // After the beginning, the page number changes with the size, so the page is requested again.
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

    // A size that keeps changing is an error.
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
