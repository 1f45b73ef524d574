//! Dune's paging rule.

use crate::support::{
    Bench, Number,
    dune_answers::{page, read},
    numbers_sent, sent, upto,
};
use rowfeed::{ErrorKind, Page, prelude::*};
use rowfeed_sandbox::{DUNE_PARAMETERIZED_QUERY_ID, DUNE_QUERY_ID, Sandbox, Service};
use serde::Deserialize;
use serde_json::json;

const DUNE: Service = Service::Dune;

#[derive(Debug, Deserialize, PartialEq)]
struct Trade {
    trade_id: i64,
    project: String,
}

#[tokio::test]
async fn short_pages_are_followed_by_next_offset() {
    let bench = Bench::with(Sandbox::builder().poll_steps(0).dune_max_page_rows(7)).await;
    let run = bench.numbers(DUNE, 23).await;
    let rows: Vec<Number> = run.rows().page_size(20).try_collect().await.unwrap();
    assert_eq!(rows, upto(23));
    let pages = bench.pages_asked();
    assert_eq!(numbers_sent(&pages, "offset"), [0, 7, 14, 21]);
    assert_eq!(numbers_sent(&pages, "limit"), [20, 20, 20, 20]);

    let pages = run
        .pages()
        .max_rows(16)
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    assert_eq!(
        pages.iter().map(Page::first_row).collect::<Vec<_>>(),
        [0, 7, 14]
    );
    assert_eq!(numbers_sent(&bench.pages_asked(), "limit"), [16, 9, 2]);
}

#[tokio::test]
async fn pages_have_the_largest_size_by_default() {
    let bench = Bench::start().await;
    let run = bench.numbers(DUNE, 3).await;
    run.pages().try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(numbers_sent(&bench.pages_asked(), "limit"), [32_000]);
}

#[tokio::test]
async fn an_empty_page_in_the_middle_is_not_the_end() {
    let bodies = [
        page("01EXECUTION", &[0, 1], Some(2)),
        page("01EXECUTION", &[], Some(4)),
        page("01EXECUTION", &[2], None),
    ];
    let (rows, error, offsets) = read(&bodies).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(rows, upto(3));
    assert_eq!(
        offsets,
        [Some("0".into()), Some("2".into()), Some("4".into())]
    );
}

#[tokio::test]
async fn a_next_page_that_does_not_advance_is_an_error() {
    for (first, second) in [(0, None), (2, Some(2)), (2, Some(1)), (2, Some(-1))] {
        let mut bodies = vec![page("01EXECUTION", &[0, 1], Some(first))];
        if let Some(second) = second {
            bodies.push(page("01EXECUTION", &[2], Some(second)));
        }
        let asked = bodies.len();
        let (_, error, offsets) = read(&bodies).await;
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
        assert_eq!(error.run_id(), Some("01EXECUTION"));
        let next = second.unwrap_or(first);
        assert!(
            error.to_string().contains(&format!("row {next}")),
            "{error}"
        );
        assert_eq!(offsets.len(), asked);
    }
}

#[tokio::test]
async fn the_next_page_is_requested_from_the_configured_server() {
    // `next_uri` above names another host; only the offset of the response is used.
    let (rows, error, offsets) = read(&[
        page("01EXECUTION", &[0], Some(1)),
        page("01EXECUTION", &[1], None),
    ])
    .await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!((rows, offsets.len()), (upto(2), 2));
}

#[tokio::test]
async fn the_first_page_of_a_latest_result_pins_the_execution() {
    let bench = Bench::start().await;
    let mut pages = bench
        .dune
        .get_latest_query_result()
        .query_id(DUNE_QUERY_ID)
        .filters("project IN ('lagoon', 'estuary') AND evt_index > 2")
        .columns("trade_id,project")
        .sort_by("trade_id desc")
        .ignore_max_credits_per_request(true)
        .pages()
        .page_size(8);
    let first = pages.try_next().await.unwrap().unwrap();
    let mut seen: Vec<Trade> = first.rows().unwrap();

    // The query runs again before the next page is requested.
    let again = bench
        .dune
        .execute_query()
        .query_id(DUNE_QUERY_ID)
        .run()
        .await
        .unwrap();
    assert_ne!(again.id(), first.run_id());
    while let Some(page) = pages.try_next().await.unwrap() {
        assert_eq!(page.run_id(), first.run_id());
        seen.extend(page.rows::<Trade>().unwrap());
    }
    assert!(seen.len() > 8, "{seen:?}");
    assert!(seen.is_sorted_by_key(|trade| -trade.trade_id));
    assert!(
        seen.iter()
            .all(|trade| ["lagoon", "estuary"].contains(&trade.project.as_str()))
    );

    let asked = bench.pages_asked();
    assert!(asked.len() >= 3, "{asked:?}");
    for (index, request) in asked.iter().enumerate() {
        let path = match index {
            0 => format!("/v1/query/{DUNE_QUERY_ID}/results"),
            _ => format!("/v1/execution/{}/results", first.run_id()),
        };
        assert!(request.path.ends_with(&path), "{}", request.path);
        for (name, value) in [
            (
                "filters",
                "project IN ('lagoon', 'estuary') AND evt_index > 2",
            ),
            ("columns", "trade_id,project"),
            ("sort_by", "trade_id desc"),
            ("ignore_max_credits_per_request", "true"),
        ] {
            assert_eq!(
                request.query_value(name).as_deref(),
                Some(value),
                "page {index}"
            );
        }
    }
    let offsets: Vec<i64> = (0..asked.len() as i64).map(|page| page * 8).collect();
    assert_eq!(numbers_sent(&asked, "offset"), offsets);
}

#[tokio::test]
async fn parameters_choose_the_latest_result() {
    let bench = Bench::start().await;
    let body = json!({ "query_parameters": { "project": "lagoon", "min_usd": "0" } });
    let body: rowfeed::dune::types::ExecuteQueryRequest = serde_json::from_value(body).unwrap();
    let run = bench
        .dune
        .execute_query()
        .query_id(DUNE_PARAMETERIZED_QUERY_ID)
        .body(body)
        .run();
    let run = run.await.unwrap();
    bench.sandbox.take_requests();

    let params: [(String, String); 2] = [
        ("project".into(), "lagoon".into()),
        ("min_usd".into(), "0".into()),
    ];
    let latest = bench
        .dune
        .get_latest_query_result()
        .query_id(DUNE_PARAMETERIZED_QUERY_ID);
    let latest = latest.params(params);
    let rows: Vec<Trade> = latest.rows().page_size(5).try_collect().await.unwrap();
    assert!(
        rows.len() > 5 && rows.iter().all(|trade| trade.project == "lagoon"),
        "{rows:?}"
    );
    let asked = bench.pages_asked();
    assert_eq!(
        asked[0].query_value("params.project").as_deref(),
        Some("lagoon")
    );
    assert_eq!(asked[0].query_value("params.min_usd").as_deref(), Some("0"));
    assert!(asked[1].path.contains(run.id()), "{}", asked[1].path);
}

#[tokio::test]
async fn a_custom_endpoint_pins_the_execution_too() {
    let bench = Bench::start().await;
    let run = bench.numbers(DUNE, 5).await;
    bench.answer_at(DUNE, "/endpoints/", 0, page(run.id(), &[0, 1], Some(2)));
    let endpoint = bench
        .dune
        .get_custom_endpoint_results()
        .handle("reef")
        .endpoint_slug("tides");
    let rows: Vec<Number> = endpoint
        .filters("n >= 0")
        .rows()
        .page_size(2)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows, upto(5));
    let asked = bench.pages_asked();
    let paths: Vec<&str> = asked.iter().map(|page| page.path.as_str()).collect();
    let execution = format!("/dune/api/v1/execution/{}/results", run.id());
    assert_eq!(
        paths,
        [
            "/dune/api/v1/endpoints/reef/tides/results",
            &execution,
            &execution
        ]
    );
    assert_eq!(sent(&asked, "filters"), vec![Some("n >= 0".to_owned()); 3]);
}

#[tokio::test]
async fn a_page_of_another_execution_is_an_error() {
    let bodies = [
        page("01EXECUTION", &[0, 1], Some(2)),
        page("01ANOTHER", &[2], None),
    ];
    let (rows, error, _) = read(&bodies).await;
    assert_eq!(rows, upto(2));
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Paging);
    assert_eq!(error.run_id(), Some("01EXECUTION"));
    assert!(error.to_string().contains("01ANOTHER"), "{error}");
}

#[tokio::test]
async fn the_operation_s_limit_is_the_number_of_rows_in_all() {
    let bench = Bench::start().await;
    let run = bench.numbers(DUNE, 23).await;
    for (limit, limits) in [(7, vec![5, 2]), (5, vec![5]), (40, vec![5; 5])] {
        let rows = bench
            .execution(run.id())
            .limit(limit)
            .rows::<Number>()
            .page_size(5);
        let rows: Vec<Number> = rows.try_collect().await.unwrap();
        assert_eq!(rows, upto(limit.min(23)));
        assert_eq!(numbers_sent(&bench.pages_asked(), "limit"), limits);
    }
    // The lower of limit and max_rows applies.
    let rows = bench
        .execution(run.id())
        .limit(9)
        .rows::<Number>()
        .max_rows(4)
        .try_collect();
    let rows: Vec<Number> = rows.await.unwrap();
    assert_eq!(rows, upto(4));
    let rows = bench
        .execution(run.id())
        .limit(4)
        .rows::<Number>()
        .max_rows(9)
        .try_collect();
    let rows: Vec<Number> = rows.await.unwrap();
    assert_eq!(rows, upto(4));

    let latest = bench
        .dune
        .get_latest_query_result()
        .query_id(DUNE_QUERY_ID)
        .limit(-1);
    let error = latest.pages().try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.to_string().contains("-1"), "{error}");
}

#[tokio::test]
async fn the_operation_s_offset_is_where_the_rows_begin() {
    let bench = Bench::start().await;
    let run = bench.numbers(DUNE, 23).await;
    let mut pages = bench
        .execution(run.id())
        .offset(17)
        .limit(5)
        .pages()
        .page_size(4);
    let first = pages.try_next().await.unwrap().unwrap();
    assert_eq!((first.number(), first.first_row()), (0, 17));
    assert_eq!(first.rows::<Number>().unwrap(), upto(21)[17..]);
    let second = pages.try_next().await.unwrap().unwrap();
    assert_eq!((second.number(), second.first_row()), (1, 21));
    assert_eq!(second.rows::<Number>().unwrap(), upto(22)[21..]);
    assert!(pages.try_next().await.unwrap().is_none());
    assert_eq!(numbers_sent(&bench.pages_asked(), "offset"), [17, 21]);

    let rows: Vec<Number> = bench
        .execution(run.id())
        .offset(99)
        .rows()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows, []);
}

#[tokio::test]
async fn a_sample_with_a_next_page_is_an_error() {
    let bench = Bench::start().await;
    bench.answer(DUNE, 0, page("01EXECUTION", &[0, 1], Some(2)));
    let sample = bench.execution("01EXECUTION").sample_count(4);
    let error = sample.pages().try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
    assert_eq!(error.run_id(), Some("01EXECUTION"));
    assert_eq!(bench.pages_asked().len(), 1);
}

#[tokio::test]
async fn a_sample_is_requested_without_limit_and_offset() {
    let bench = Bench::start().await;
    let run = bench.numbers(DUNE, 23).await;
    let pages = bench
        .execution(run.id())
        .sample_count(6)
        .pages()
        .page_size(2);
    let pages = pages.try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(pages.len(), 1);
    assert_eq!(pages[0].len(), 6);
    // The count is the count of the whole result, not of the sample.
    assert_eq!(pages[0].total_rows(), Some(23));
    let asked = bench.pages_asked();
    assert_eq!(sent(&asked, "sample_count"), [Some("6".to_owned())]);
    assert_eq!(sent(&asked, "limit"), [None]);
    assert_eq!(sent(&asked, "offset"), [None]);

    let rows = bench
        .execution(run.id())
        .sample_count(6)
        .rows::<Number>()
        .max_rows(4);
    let rows: Vec<Number> = rows.try_collect().await.unwrap();
    assert_eq!(rows.len(), 4);
}
