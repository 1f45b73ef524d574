//! How many rows are requested, and the metadata of a page.

use crate::support::{ALL, Bench, Number, upto};
use rowfeed::{ErrorKind, Page};
use rowfeed_sandbox::Service;
use serde::Deserialize;

#[tokio::test]
async fn max_rows_ends_in_the_middle_of_a_page() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 23).await;
        let rows: Vec<Number> = run
            .rows()
            .page_size(5)
            .max_rows(7)
            .try_collect()
            .await
            .unwrap();
        assert_eq!(rows, upto(7), "{service:?}");
        // All pages of Lightdash have one size.
        let pages: &[usize] = if service == Service::Lightdash {
            &[5, 5]
        } else {
            &[5, 2]
        };
        assert_eq!(bench.rows_sent(), pages, "{service:?}");

        let rows: Vec<Number> = run
            .rows()
            .page_size(5)
            .max_rows(10)
            .try_collect()
            .await
            .unwrap();
        assert_eq!(rows, upto(10), "{service:?}");
        assert_eq!(bench.rows_sent(), [5, 5], "{service:?}");

        let rows: Vec<Number> = run.rows().max_rows(99).try_collect().await.unwrap();
        assert_eq!(rows, upto(23), "{service:?}");

        let pages = run.pages().max_rows(9).page_size(4).max_rows(6).max_rows(8);
        let pages = pages.try_collect::<Vec<_>>().await.unwrap();
        assert_eq!(
            pages.iter().map(Page::len).collect::<Vec<_>>(),
            [4, 2],
            "{service:?}"
        );
        assert_eq!(pages[1].rows::<Number>().unwrap(), upto(6)[4..]);
        let decoded: Result<Vec<Number>, _> = pages[1].decode().collect();
        assert_eq!(decoded.unwrap(), upto(6)[4..]);
    }
}

#[tokio::test]
async fn no_more_rows_are_requested_than_needed() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 23).await;
        let rows: Vec<Number> = run.rows().max_rows(3).try_collect().await.unwrap();
        assert_eq!(rows, upto(3), "{service:?}");
        assert_eq!(bench.rows_sent(), [3], "{service:?}");
    }
}

#[tokio::test]
async fn max_rows_of_zero_sends_nothing() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 3).await;
        let rows: Vec<Number> = run.rows().max_rows(0).try_collect().await.unwrap();
        assert_eq!(rows, []);
        assert!(bench.sandbox.requests().is_empty());
    }
}

#[tokio::test]
async fn a_page_size_of_zero_is_an_error() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 3).await;
        let mut rows = run.rows::<Number>().page_size(0);
        let error = rows.try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.to_string().contains("page size of 0"), "{error}");
        assert_eq!(rows.try_next().await.unwrap(), None);
        assert!(bench.sandbox.requests().is_empty());
    }
}

#[tokio::test]
async fn pages_have_their_position() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench
            .run(
                service,
                "SELECT project, evt_index FROM trades ORDER BY block_time LIMIT 11",
            )
            .await;
        assert_eq!(run.total_rows(), Some(11));
        assert_eq!(run.result_sets(), 1);
        let pages = run
            .pages()
            .page_size(4)
            .try_collect::<Vec<_>>()
            .await
            .unwrap();
        assert_eq!(pages.len(), 3);
        for (index, page) in pages.iter().enumerate() {
            let at = index as u64;
            assert_eq!(page.number(), at);
            assert_eq!(page.first_row(), at * 4);
            assert_eq!(page.total_rows(), Some(11), "{service:?}");
            assert_eq!(page.run_id(), run.id());
            assert_eq!(page.len(), if index == 2 { 3 } else { 4 });
            assert!(!page.is_empty());
            assert_eq!(page.raw().count(), page.len());
            let names: Vec<&str> = page.columns().iter().map(|column| column.name()).collect();
            assert_eq!(names, ["project", "evt_index"], "{service:?}");
            assert!(page.columns().get("project").unwrap().type_name().is_some());
        }
    }
}

#[tokio::test]
async fn rows_of_a_page_may_borrow_from_it() {
    #[derive(Deserialize)]
    struct Borrowing<'a> {
        project: &'a str,
    }
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench
            .run(service, "SELECT project FROM trades LIMIT 5")
            .await;
        let page = run.pages().try_next().await.unwrap().unwrap();
        let rows: Vec<Borrowing<'_>> = page.rows().unwrap();
        assert_eq!(rows.len(), 5);
        let text = page.raw().as_str().as_bytes().as_ptr_range();
        assert!(
            text.contains(&rows[0].project.as_ptr()),
            "{service:?}: a copy"
        );
    }
}
