//! A failure in the middle of a long read: the rows before it, the cursor, and the rest that can be
//! resumed.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::support::page_server::{Answer, Asked, PATIENCE, PageServer, Table};
use rowfeed::{Cursor, ErrorKind, Pages, prelude::*};
use serde::Deserialize;

const ROWS: usize = 60;
/// The wrong row, in the middle of the page that begins with row 28.
const FLAWED: usize = 30;
const PAGE: u32 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Dune,
    Lightdash,
    YandexQuery,
}

const ALL: [Service; 3] = [Service::Dune, Service::Lightdash, Service::YandexQuery];

/// What is wrong with the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    /// A row does not fit the type.
    Row,
    /// The JSON ends in the middle of a row.
    Json,
    /// The service no longer has the page.
    Gone,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Number {
    n: i64,
}

fn cell(service: Service, n: &str) -> String {
    match service {
        Service::Dune => format!("{{\"n\":{n}}}"),
        Service::Lightdash => format!("{{\"n\":{{\"value\":{{\"raw\":{n},\"formatted\":\"\"}}}}}}"),
        Service::YandexQuery => format!("[{n}]"),
    }
}

fn table(service: Service, flaw: Option<Wrong>) -> Table {
    let type_name = match service {
        Service::Dune => "bigint",
        Service::Lightdash => "number",
        Service::YandexQuery => "Int64",
    };
    let rows = (0..ROWS).map(|n| match flaw {
        Some(Wrong::Row) if n == FLAWED => cell(service, "true"),
        _ => cell(service, &n.to_string()),
    });
    Table {
        rows: rows.collect(),
        columns: vec![("n".to_owned(), type_name.to_owned())],
    }
}

fn answer(service: Service, table: &Table, asked: &Asked) -> Answer {
    let (offset, limit) = (asked.number("offset"), asked.number("limit"));
    match service {
        Service::Dune => table.dune_page(offset, limit, Some(ROWS)),
        Service::Lightdash => table.lightdash_page(asked.number("page"), asked.number("pageSize")),
        Service::YandexQuery if asked.is_page() => table.yandex_page(offset, limit),
        Service::YandexQuery => table.yandex_query(),
    }
}

fn holds_the_flaw(service: Service, asked: &Asked) -> bool {
    let (first, rows) = match service {
        Service::Lightdash => {
            let size = asked.number("pageSize");
            ((asked.number("page") - 1) * size, size)
        }
        _ => (asked.number("offset"), asked.number("limit")),
    };
    asked.is_page() && (first..first + rows).contains(&FLAWED)
}

/// A server with the fault, and a switch that turns it off.
fn serving(service: Service, wrong: Wrong) -> (PageServer, Arc<AtomicBool>) {
    let is_wrong = Arc::new(AtomicBool::new(true));
    let (flawed, whole) = (table(service, Some(wrong)), table(service, None));
    let told = Arc::clone(&is_wrong);
    let server = PageServer::start(move |asked, _| {
        if !told.load(Ordering::SeqCst) || !holds_the_flaw(service, asked) {
            return answer(service, &whole, asked);
        }
        match wrong {
            Wrong::Row => answer(service, &flawed, asked),
            Wrong::Json => {
                let (status, body) = answer(service, &whole, asked);
                let cut = body.find(&cell(service, "30")).unwrap() + 3;
                (status, body[..cut].to_owned())
            }
            Wrong::Gone => (410, "{\"error\":\"gone\"}".to_owned()),
        }
    });
    (server, is_wrong)
}

fn pages(server: &PageServer, service: Service) -> Pages {
    let pages = match service {
        Service::Dune => {
            let results = server.dune().get_execution_results();
            results.execution_id("01EXECUTION").pages()
        }
        Service::Lightdash => {
            let results = server.lightdash().get_async_query_results();
            results.project_uuid("p").query_uuid("the-query").pages()
        }
        Service::YandexQuery => {
            let results = server.yandex_query().get_query_results();
            let results = results.project("p").query_id("the-query");
            results.result_set_index(0_u32).pages()
        }
    };
    pages.page_size(PAGE)
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}

#[tokio::test]
async fn rows_before_an_error_are_returned_and_the_rest_can_be_resumed() {
    for service in ALL {
        for wrong in [Wrong::Row, Wrong::Json, Wrong::Gone] {
            for prefetch in [0, 1, 8] {
                let (server, is_wrong) = serving(service, wrong);
                let case = format!("{service:?} {wrong:?} {prefetch}");
                let mut rows = pages(&server, service).prefetch(prefetch).rows::<Number>();
                let mut before = Vec::new();
                let error = loop {
                    match in_time(rows.try_next()).await {
                        Ok(row) => before.push(row.unwrap().n),
                        Err(error) => break error,
                    }
                };
                // A page that cannot be parsed is lost as a whole. With a wrong row, the rows
                // before it are returned.
                let (kind, stop) = match wrong {
                    Wrong::Row => (ErrorKind::Decode, FLAWED),
                    Wrong::Json | Wrong::Gone => (ErrorKind::Call, 28),
                };
                assert_eq!(error.kind(), kind, "{case}: {error}");
                assert!(
                    before.iter().copied().eq(0..stop as i64),
                    "{case}: {before:?}"
                );
                assert_eq!(in_time(rows.try_next()).await.unwrap(), None, "{case}");

                let stored = serde_json::to_string(&rows.cursor().unwrap()).unwrap();
                let cursor: Cursor = serde_json::from_str(&stored).unwrap();
                assert_eq!(cursor.row(), stop as u64, "{case}");
                assert_eq!(error.run_id(), Some(cursor.run_id()), "{case}");

                // It fails at the same place as long as the page is wrong, and loses nothing.
                let mut again = pages(&server, service)
                    .prefetch(prefetch)
                    .resume(&cursor)
                    .rows();
                let read: Result<Option<Number>, _> = in_time(again.try_next()).await;
                assert_eq!(read.unwrap_err().kind(), kind, "{case}");
                assert_eq!(again.cursor().as_ref(), Some(&cursor), "{case}");

                is_wrong.store(false, Ordering::SeqCst);
                let rest = pages(&server, service).rows::<Number>().prefetch(prefetch);
                let rest: Vec<Number> = in_time(rest.resume(&cursor).try_collect()).await.unwrap();
                let rest = rest.iter().map(|row| row.n);
                assert!(rest.eq(stop as i64..ROWS as i64), "{case}");
            }
        }
    }
}
