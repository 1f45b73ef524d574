//! Sources outside of rowfeed that resume as their service allows: at a page boundary, at the
//! beginning, or too far ahead. The reader still continues at the cursor.

use crate::support::page_server::PageServer;
use rowfeed::{
    Columns, Cursor, Error, ErrorKind, Page, Pages,
    source::{ColumnType, FetchOptions, FetchPlan, RawRows, ResultId, Source},
};

const SERVICE: &str = "numbered";
const RUN: &str = "the-run";
const PAGE: u64 = 3;

/// Where reading begins after a cursor.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Restart {
    /// At the page that has the row.
    Boundary,
    /// At the first page.
    Beginning,
    /// At the page after the one that has the row.
    TooFar,
}

/// Pages are requested by number, from 0. A page that is not full is the last.
struct Numbered {
    http: reqwest::Client,
    url: String,
    restart: Restart,
    page: u64,
    has_ended: bool,
}

impl Source for Numbered {
    type Response = (u64, String);
    type Page = Page;

    fn service(&self) -> &'static str {
        SERVICE
    }

    fn resume(&mut self, cursor: &Cursor) -> Result<(), Error> {
        cursor.check(SERVICE, &ResultId::new(RUN))?;
        self.page = match self.restart {
            Restart::Boundary => cursor.row() / PAGE,
            Restart::Beginning => 0,
            Restart::TooFar => cursor.row() / PAGE + 1,
        };
        Ok(())
    }

    fn plan(&mut self, options: &FetchOptions) -> Result<FetchPlan<(u64, String)>, Error> {
        if options.in_flight > 0 {
            return Ok(FetchPlan::Wait);
        }
        let page = self.page;
        let request = self.http.get(format!("{}/page?number={page}", self.url));
        Ok(FetchPlan::Fetch(Box::pin(async move {
            let body = request.send().await.unwrap().text().await.unwrap();
            Ok((page, body))
        })))
    }

    fn has_ended(&self) -> bool {
        self.has_ended
    }

    fn accept(
        &mut self,
        _options: &FetchOptions,
        (page, body): (u64, String),
    ) -> Result<Option<Page>, Error> {
        let rows = RawRows::from_json(body).unwrap();
        self.page += 1;
        self.has_ended = (rows.count() as u64) < PAGE;
        let columns = Columns::lists([("n", "number", ColumnType::undeclared())]);
        let result = ResultId::new(RUN);
        Ok(Some(Page::new(SERVICE, result, page * PAGE, columns, rows)))
    }
}

/// A server of pages with these rows.
fn serving(rows: &[&str]) -> PageServer {
    let rows: Vec<String> = rows.iter().map(|&row| row.to_owned()).collect();
    PageServer::start(move |asked, _| {
        let pages: Vec<_> = rows.chunks(PAGE as usize).collect();
        let page = pages.get(asked.number("number")).copied();
        (200, format!("[{}]", page.unwrap_or_default().join(" ,\n")))
    })
}

fn numbers(count: u64) -> PageServer {
    let rows: Vec<String> = (0..count).map(|n| format!("[{n}]")).collect();
    serving(&rows.iter().map(String::as_str).collect::<Vec<_>>())
}

fn pages(server: &PageServer, restart: Restart) -> Pages {
    thread_local! {
        // Creating a client takes longer than everything else here; each test has a thread.
        static HTTP: reqwest::Client = reqwest::Client::new();
    }
    Pages::from_source(Numbered {
        http: HTTP.with(Clone::clone),
        url: server.url(),
        restart,
        page: 0,
        has_ended: false,
    })
}

fn at(row: u64) -> Cursor {
    Cursor::new(SERVICE, ResultId::new(RUN), row)
}

#[tokio::test]
async fn a_source_that_restarts_before_the_cursor_repeats_and_loses_no_row() {
    let server = numbers(8);
    for restart in [Restart::Boundary, Restart::Beginning] {
        for row in 0..=8 {
            for prefetch in [0, 2] {
                for most in [None, Some(1), Some(2), Some(4), Some(100)] {
                    let read = pages(&server, restart).resume(&at(row)).prefetch(prefetch);
                    let read = match most {
                        Some(most) => read.max_rows(most),
                        None => read,
                    };
                    let mut rows = read.rows::<u64>();
                    let mut seen = Vec::new();
                    while let Some(n) = rows.try_next().await.unwrap() {
                        seen.push(n);
                        assert_eq!(rows.cursor().unwrap().row(), n + 1);
                    }
                    let end = most.map_or(8, |most| (row + most).min(8));
                    let expected: Vec<u64> = (row..end).collect();
                    assert_eq!(seen, expected, "{restart:?} {row} {prefetch} {most:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn pages_begin_at_the_cursor_and_are_numbered_from_there() {
    let server = numbers(8);
    for restart in [Restart::Boundary, Restart::Beginning] {
        let read = pages(&server, restart).resume(&at(4)).try_collect();
        let read: Vec<_> = read.await.unwrap();
        let places: Vec<_> = read
            .iter()
            .map(|page| (page.number(), page.first_row(), page.len()))
            .collect();
        assert_eq!(places, [(0, 4, 2), (1, 6, 2)], "{restart:?}");
        assert_eq!(read[0].raw().as_str(), "[[4] ,\n[5]]");
        assert_eq!(read[0].rows::<(u64,)>().unwrap(), [(4,), (5,)]);
        assert_eq!(read[0].cursor(), at(6));
        assert_eq!(read[0].cursor_after(1), at(5));
    }
}

#[tokio::test]
async fn no_page_is_requested_beyond_the_limit() {
    let server = numbers(9);
    for (row, most, requests) in [(4, 2, 1), (4, 3, 2), (5, 1, 1), (5, 2, 2), (3, 3, 1)] {
        server.take_asked();
        let read = pages(&server, Restart::Boundary).resume(&at(row));
        let read: Vec<u64> = read.max_rows(most).rows().try_collect().await.unwrap();
        assert_eq!(read.len() as u64, most);
        assert_eq!(server.take_asked().len(), requests, "{row} {most}");
    }
}

#[tokio::test]
async fn rows_before_the_cursor_are_not_decoded() {
    let server = serving(&["[0]", "[\"no number\"]", "[2]", "[3]"]);
    let rows = pages(&server, Restart::Boundary).resume(&at(2)).rows();
    let rows: Vec<u64> = rows.try_collect().await.unwrap();
    assert_eq!(rows, [2, 3]);

    let mut rows = pages(&server, Restart::Boundary)
        .resume(&at(1))
        .rows::<u64>();
    let error = rows.try_next().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.as_decode().unwrap().row()),
        (ErrorKind::Decode, Some(1))
    );
}

#[tokio::test]
async fn a_first_page_behind_the_cursor_is_an_error() {
    let server = numbers(8);
    for prefetch in [0, 2] {
        for row in [0, 1, 4, 5] {
            let read = pages(&server, Restart::TooFar).prefetch(prefetch);
            let mut rows = read.resume(&at(row)).rows::<u64>();
            let error = rows.try_next().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Paging);
            let first = (row / PAGE + 1) * PAGE;
            let said = format!("before row {row}, but the first page begins with row {first}");
            assert!(error.message().contains(&said), "{error}");
            assert_eq!(error.run_id(), Some(RUN));
            assert_eq!(
                rows.cursor(),
                Some(at(row)),
                "the place to resume from stays"
            );
        }
    }
}

#[tokio::test]
async fn a_result_that_ends_before_the_cursor_is_an_error() {
    let server = numbers(5);
    for prefetch in [0, 2] {
        for row in [6, 7, 9] {
            let read = pages(&server, Restart::Beginning).prefetch(prefetch);
            let error = read.resume(&at(row)).try_next().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Paging, "{row}");
            let said = format!("before row {row}, but the result ends before it");
            assert!(error.message().contains(&said), "{error}");
        }
    }
}
