//! Pages that no service should send. Each of them ends in a typed error, or in the rows that can
//! be read, within bounded time and memory.

use std::{future::Future, time::Duration};

use crate::support::page_server::{Answer, Asked, PageServer};
use rowfeed::{Error, ErrorKind, Pages, Value, prelude::*};
use serde::Deserialize;
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Dune,
    Lightdash,
    YandexQuery,
}

const ALL: [Service; 3] = [Service::Dune, Service::Lightdash, Service::YandexQuery];

/// What a page reports besides its rows.
#[derive(Clone, Copy, Default)]
struct Said {
    total: Option<i64>,
    next: Option<i64>,
}

/// A page with these rows, as text, and one column `a` of this type.
fn body(service: Service, column: &str, rows: &str, said: Said) -> String {
    let mut head = match service {
        Service::Dune => json!({
            "execution_id": "x", "state": "QUERY_STATE_COMPLETED", "is_execution_finished": true,
            "result": {
                "rows": "$rows", "metadata": { "column_names": ["a"], "column_types": [column] },
            },
        }),
        Service::Lightdash => json!({ "status": "ok", "results": {
            "status": "ready", "queryUuid": "x", "rows": "$rows",
            "columns": { "a": { "reference": "a", "type": column } },
        } }),
        Service::YandexQuery => {
            json!({ "columns": [{ "name": "a", "type": column }], "rows": "$rows" })
        }
    };
    let (total, next) = match service {
        Service::Dune => ("/result/metadata/total_row_count", "/next_offset"),
        _ => ("/results/totalResults", "/results/nextPage"),
    };
    for (place, value) in [(total, said.total), (next, said.next)] {
        if let Some(value) = value.filter(|_| service != Service::YandexQuery) {
            let (parent, name) = place.rsplit_once('/').unwrap();
            head.pointer_mut(parent).unwrap()[name] = value.into();
        }
    }
    head.to_string().replace("\"$rows\"", rows)
}

/// A row with this cell in the format of the service.
fn row(service: Service, cell: &str) -> String {
    match service {
        Service::Dune => format!("{{\"a\":{cell}}}"),
        Service::Lightdash => {
            format!("{{\"a\":{{\"value\":{{\"raw\":{cell},\"formatted\":\"\"}}}}}}")
        }
        Service::YandexQuery => format!("[{cell}]"),
    }
}

/// A server whose pages `page` creates. Yandex Query announces that many rows.
fn serving(
    service: Service,
    announced: i64,
    page: impl Fn(&Asked) -> String + Send + Sync + 'static,
) -> PageServer {
    PageServer::start(move |asked, _| -> Answer {
        if service == Service::YandexQuery && !asked.is_page() {
            let query = json!({
                "id": "x", "status": "COMPLETED", "result_sets": [{ "rows_count": announced }],
            });
            return (200, query.to_string());
        }
        (200, page(asked))
    })
}

fn pages(server: &PageServer, service: Service) -> Pages {
    match service {
        Service::Dune => {
            let results = server.dune().get_execution_results();
            results.execution_id("x").pages()
        }
        Service::Lightdash => {
            let results = server.lightdash().get_async_query_results();
            results.project_uuid("p").query_uuid("x").pages()
        }
        Service::YandexQuery => {
            let results = server.yandex_query().get_query_results();
            let results = results.project("p").query_id("x");
            results.result_set_index(0_u32).pages()
        }
    }
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}

/// Reads the rows of one page with this cell.
async fn cell<T>(service: Service, column: &'static str, cell: &str) -> Result<Vec<T>, Error>
where
    T: serde::de::DeserializeOwned + Send + 'static,
{
    let rows = format!("[{}]", row(service, cell));
    let server = serving(service, 1, move |_| {
        let said = Said {
            total: Some(1),
            next: None,
        };
        body(service, column, &rows, said)
    });
    in_time(pages(&server, service).rows::<T>().try_collect()).await
}

#[derive(Debug, Deserialize)]
struct FetchOptions<T> {
    a: T,
}

#[derive(Debug, Deserialize)]
struct Nothing {}

fn typed(service: Service) -> &'static str {
    match service {
        Service::Dune => "json",
        Service::Lightdash => "string",
        Service::YandexQuery => "List<Int32>",
    }
}

#[tokio::test]
async fn json_ten_thousand_deep_is_an_error_where_it_is_read_and_skipped_elsewhere() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for service in ALL {
        let read = cell::<FetchOptions<Value>>(service, typed(service), &deep).await;
        let error = read.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{service:?}: {error}");
        let passed = cell::<Nothing>(service, typed(service), &deep).await;
        assert!(
            passed.is_ok() || service == Service::YandexQuery,
            "{passed:?}"
        );
    }
}

#[tokio::test]
async fn numbers_of_ten_thousand_digits_are_text_or_an_error_and_never_another_number() {
    let digits = "9".repeat(10_000);
    for (service, column) in ALL.into_iter().zip(["uint256", "number", "Decimal(35,0)"]) {
        for sent in [digits.clone(), format!("\"{digits}\"")] {
            let error = cell::<FetchOptions<i64>>(service, column, &sent)
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{service:?}");
            assert!(
                error.message().len() < 2_000,
                "{service:?}: {}",
                error.message().len()
            );
            let text = cell::<FetchOptions<String>>(service, column, &sent)
                .await
                .unwrap();
            assert_eq!(text[0].a, digits, "{service:?}");
        }
    }
}

#[tokio::test]
async fn a_repeated_cell_is_an_error() {
    for service in [Service::Dune, Service::Lightdash] {
        let (one, two) = (row(service, "1"), row(service, "2"));
        let twice = format!("[{},{}]", one.trim_end_matches('}'), &two[1..]);
        let twice = match service {
            Service::Dune => "[{\"a\":1,\"a\":2}]".to_owned(),
            _ => twice.replace("\"formatted\":\"\",", "\"formatted\":\"\"}},"),
        };
        let server = serving(service, 1, move |_| {
            body(service, "number", &twice, Said::default())
        });
        let read = pages(&server, service).rows::<FetchOptions<i64>>();
        let error = in_time(read.try_collect::<Vec<_>>()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{service:?}: {error}");
    }
    // A repeated member of the envelope is an error too: neither value is chosen.
    for service in ALL {
        let server = serving(service, 1, move |_| {
            let page = body(service, "number", "[]", Said::default());
            page.replacen("\"rows\":[]", "\"rows\":[],\"rows\":[[1]]", 1)
        });
        let error = in_time(pages(&server, service).try_next())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Call, "{service:?}: {error}");
    }
}

#[tokio::test]
async fn columns_and_rows_that_disagree_in_length_are_an_error() {
    for rows in ["[[1,2]]", "[[]]", "[[1],[1,2],[1]]"] {
        let server = serving(Service::YandexQuery, 3, move |_| {
            body(Service::YandexQuery, "Int32", rows, Said::default())
        });
        let read = pages(&server, Service::YandexQuery).rows::<(i32,)>();
        let error = in_time(read.try_collect::<Vec<_>>()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{rows}: {error}");
        let read = pages(&server, Service::YandexQuery).rows::<rowfeed::Row>();
        let error = in_time(read.try_collect::<Vec<_>>()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{rows}: {error}");
    }
    // Dune names columns and types in two lists. A column without a type is decoded by its values.
    let server = serving(Service::Dune, 1, |_| {
        let page = body(
            Service::Dune,
            "bigint",
            "[{\"a\":1,\"b\":\"2\"}]",
            Said::default(),
        );
        page.replace("\"column_names\":[\"a\"]", "\"column_names\":[\"a\",\"b\"]")
    });
    let rows = pages(&server, Service::Dune).rows::<(i32, String)>();
    let rows: Vec<_> = in_time(rows.try_collect()).await.unwrap();
    assert_eq!(rows, [(1, "2".to_owned())]);
    // A row without a column that the type needs is an error.
    for service in [Service::Dune, Service::Lightdash] {
        let server = serving(service, 1, move |_| {
            body(service, "number", "[{}]", Said::default())
        });
        let read = pages(&server, service).rows::<FetchOptions<i64>>();
        let error = in_time(read.try_collect::<Vec<_>>()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{service:?}: {error}");
    }
}

#[tokio::test]
async fn a_negative_total_is_an_error() {
    for service in ALL {
        let rows = format!("[{}]", row(service, "1"));
        let server = serving(service, -5, move |_| {
            let said = Said {
                total: Some(-5),
                next: None,
            };
            body(service, "number", &rows, said)
        });
        let read = pages(&server, service).rows::<FetchOptions<i64>>();
        let error = in_time(read.try_collect::<Vec<_>>()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Paging, "{service:?}: {error}");
    }
}

#[tokio::test]
async fn a_next_page_that_goes_back_is_an_error() {
    for service in [Service::Dune, Service::Lightdash] {
        for next in [i64::MIN, -1, 0] {
            let rows = format!("[{}]", row(service, "1"));
            let server = serving(service, 1, move |_| {
                let said = Said {
                    total: None,
                    next: Some(next),
                };
                body(service, "number", &rows, said)
            });
            let read = pages(&server, service).rows::<FetchOptions<i64>>();
            let error = in_time(read.try_collect::<Vec<_>>()).await.unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::Paging,
                "{service:?} {next}: {error}"
            );
            assert_eq!(server.asked().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_million_empty_pages_end_in_an_error_soon() {
    for service in ALL {
        for prefetch in [0, 4] {
            let server = serving(service, 1_000_000, move |asked| {
                let next = match service {
                    Service::Lightdash => asked.number("page") as i64 + 1,
                    _ => asked.number("offset") as i64 + 1,
                };
                let said = Said {
                    total: None,
                    next: Some(next).filter(|next| *next < 1_000_000),
                };
                body(service, "number", "[]", said)
            });
            let mut read = pages(&server, service).page_size(1);
            if prefetch > 0 {
                read = read.prefetch(prefetch);
            }
            let error = in_time(read.rows::<FetchOptions<i64>>().try_collect::<Vec<_>>()).await;
            let error = error.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Paging, "{service:?}: {error}");
            assert!(
                server.asked().len() <= 110,
                "{service:?}: {}",
                server.asked().len()
            );
        }
    }
}

#[tokio::test]
async fn a_few_empty_pages_of_dune_are_not_the_end() {
    // Up to 99 empty pages in a row are allowed, and any number of them with rows in between.
    let server = serving(Service::Dune, 0, |asked| {
        let offset = asked.number("offset") as i64;
        let rows = if offset % 100 == 99 {
            "[{\"a\":1}]"
        } else {
            "[]"
        };
        let said = Said {
            total: None,
            next: Some(offset + 1).filter(|next| *next < 250),
        };
        body(Service::Dune, "bigint", rows, said)
    });
    let read = pages(&server, Service::Dune)
        .page_size(1)
        .rows::<FetchOptions<i64>>();
    let rows = in_time(read.try_collect::<Vec<_>>()).await.unwrap();
    assert_eq!(rows.len(), 2);
}
