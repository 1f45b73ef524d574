//! The list endpoints of Dune and Lightdash, read page by page.
#![allow(clippy::unwrap_used, missing_docs)]

mod cursors;
mod dune_lists;
mod lightdash_lists;
mod streams;
#[path = "../support/mod.rs"]
mod support;

use rowfeed::{Error, ErrorKind, Items, dune, lightdash};
use rowfeed_sandbox::{Fault, Recorded};
use serde_json::{Value, json};
use support::Bench;

const QUERIES: &str = "/v1/queries";
const UPLOADS: &str = "/v1/uploads";
const CONTENT: &str = "/api/v2/content";

type Query = dune::types::QueryOverview;

/// A sandbox that responds to requests for this path with these bodies, in order.
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

/// A page of content: its number, its size, and the number of pages.
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

/// The id of an item.
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

/// All items, and the error after them.
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

/// The items of a list that must fail because its pages do not fit together.
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
