//! Requests only the columns of the struct, because Dune bills what it sends by size.

use std::collections::HashMap;

use crate::support::{Bench, sent};
use rowfeed::{Cursor, ErrorKind, Row, dune, prelude::*};
use rowfeed_sandbox::{DUNE_QUERY_ID, Recorded, ScriptedResult, Service};
use serde::Deserialize;

fn latest(bench: &Bench, query_id: i64) -> dune::builder::GetLatestQueryResult {
    bench.dune.get_latest_query_result().query_id(query_id)
}

#[derive(Debug, Deserialize, PartialEq)]
struct Sale {
    #[serde(alias = "trade_id")]
    id: i64,
    project: String,
    #[serde(default)]
    not_there: Option<i64>,
}

const SALES: &str =
    "SELECT project, amount_usd, trade_id, block_date FROM trades ORDER BY trade_id";

fn columns_asked(requests: &[Recorded]) -> Vec<Option<String>> {
    sent(requests, "columns")
}

#[tokio::test]
async fn a_run_requests_the_columns_of_the_struct_without_a_lookup() {
    let bench = Bench::start().await;
    let run = bench.run(Service::Dune, SALES).await;
    let all: Vec<Sale> = run.rows().try_collect().await.unwrap();
    assert_eq!(columns_asked(&bench.pages_asked()), [None]);
    for prefetch in [0, 2] {
        let rows = run
            .rows::<Sale>()
            .select_fields()
            .page_size(20)
            .prefetch(prefetch);
        let rows = rows.try_collect::<Vec<_>>().await.unwrap();
        assert_eq!(rows, all);
        let asked = bench.pages_asked();
        // In the order of the result. Aliases and fields that the result does not have are left
        // out.
        assert_eq!(
            columns_asked(&asked),
            vec![Some("project,trade_id".to_owned()); 3]
        );
    }
    // The same for pages.
    let pages = run
        .pages()
        .select_fields::<Sale>()
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    let names: Vec<&str> = pages[0]
        .columns()
        .iter()
        .map(|column| column.name())
        .collect();
    assert_eq!(names, ["project", "trade_id"]);
}

#[tokio::test]
async fn an_operation_requests_one_row_to_learn_its_columns() {
    let bench = Bench::start().await;
    let run = bench.run(Service::Dune, SALES).await;
    for prefetch in [0, 2] {
        let rows = bench.execution(run.id()).rows::<Sale>().select_fields();
        let rows = rows
            .page_size(20)
            .prefetch(prefetch)
            .try_collect::<Vec<_>>();
        assert_eq!(rows.await.unwrap().len(), 48);
        let asked = bench.pages_asked();
        let columns = columns_asked(&asked);
        assert_eq!(columns[0], None);
        assert_eq!(columns[1..], vec![Some("project,trade_id".to_owned()); 3]);
        assert_eq!(
            (asked[0].rows, asked[0].query_value("limit").as_deref()),
            (Some(1), Some("1"))
        );
        assert_eq!(asked[1].query_value("offset").as_deref(), Some("0"));
    }
}

#[tokio::test]
async fn the_column_lookup_of_a_latest_result_pins_its_execution() {
    let bench = Bench::start().await;
    let first = bench
        .dune
        .execute_query()
        .query_id(DUNE_QUERY_ID)
        .run()
        .await
        .unwrap();
    bench.sandbox.take_requests();
    let mut rows = latest(&bench, DUNE_QUERY_ID)
        .rows::<Sale>()
        .select_fields()
        .page_size(20);
    rows.try_next().await.unwrap().unwrap();
    let asked = bench.pages_asked();
    assert_eq!(asked.len(), 2);
    assert!(
        asked[0].path.contains("/query/") && asked[0].rows == Some(1),
        "{asked:?}"
    );
    assert!(asked[1].path.contains(first.id()), "{asked:?}");
    bench
        .dune
        .execute_query()
        .query_id(DUNE_QUERY_ID)
        .run()
        .await
        .unwrap();
    bench.sandbox.take_requests();
    assert_eq!(rows.try_collect::<Vec<_>>().await.unwrap().len(), 47);
    let asked = bench.pages_asked();
    assert!(
        asked.iter().all(|page| page.path.contains(first.id())),
        "{asked:?}"
    );
}

#[tokio::test]
async fn resuming_keeps_the_columns_of_the_struct() {
    let bench = Bench::start().await;
    let read = || {
        latest(&bench, DUNE_QUERY_ID)
            .rows::<Sale>()
            .select_fields()
            .page_size(20)
    };
    let all: Vec<Sale> = read().try_collect().await.unwrap();
    let mut rows = read();
    for _ in 0..30 {
        rows.try_next().await.unwrap();
    }
    let cursor: Cursor = rows.cursor().unwrap();
    bench.sandbox.take_requests();
    let rest: Vec<Sale> = read().resume(&cursor).try_collect().await.unwrap();
    assert_eq!(rest, all[30..]);
    assert_eq!(
        columns_asked(&bench.pages_asked())[1].as_deref(),
        Some("trade_id,project")
    );
}

#[tokio::test]
async fn types_that_take_any_column_get_all() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Flat {
        trade_id: i64,
        #[serde(flatten)]
        rest: HashMap<String, rowfeed::Value>,
    }
    #[derive(Debug, Deserialize)]
    struct Whole(Sale);
    let bench = Bench::start().await;
    let run = bench.run(Service::Dune, SALES).await;
    let rows: Vec<Flat> = run.rows().select_fields().try_collect().await.unwrap();
    assert_eq!(rows[0].rest.len(), 3);
    let rows: Vec<Row> = run.rows().select_fields().try_collect().await.unwrap();
    assert_eq!(rows[0].len(), 4);
    let rows = run
        .rows::<HashMap<String, rowfeed::Value>>()
        .select_fields();
    assert_eq!(rows.try_collect::<Vec<_>>().await.unwrap()[0].len(), 4);
    let rows = run.rows::<(String, f64, i64, String)>().select_fields();
    let rows = rows.max_rows(1).try_collect::<Vec<_>>().await.unwrap();
    let first = rows[0].2;
    // No lookup is sent for these either.
    let rows = bench.execution(run.id()).rows::<Row>().select_fields();
    rows.try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(columns_asked(&bench.pages_asked()), vec![None; 5]);
    // A name around a struct changes nothing.
    let rows: Vec<Whole> = run.rows().select_fields().try_collect().await.unwrap();
    assert_eq!(rows[0].0.id, first);
    assert_eq!(
        columns_asked(&bench.pages_asked()),
        [Some("project,trade_id".to_owned())]
    );
}

#[tokio::test]
async fn a_struct_without_a_matching_column_gets_all_and_an_error_lists_them() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Stranger {
        nowhere: i64,
    }
    let bench = Bench::start().await;
    let run = bench.run(Service::Dune, SALES).await;
    let rows = run.rows::<Stranger>().select_fields();
    let error = rows.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    let shown = error.to_string();
    assert!(
        shown.contains("nowhere") && shown.contains("amount_usd"),
        "{shown}"
    );
}

#[tokio::test]
async fn columns_set_on_the_operation_take_precedence() {
    let bench = Bench::start().await;
    let run = bench.run(Service::Dune, SALES).await;
    let rows = bench
        .execution(run.id())
        .columns("trade_id,project,amount_usd");
    let rows: Vec<Sale> = rows.rows().select_fields().try_collect().await.unwrap();
    assert_eq!(rows.len(), 48);
    let named = Some("trade_id,project,amount_usd".to_owned());
    assert_eq!(columns_asked(&bench.pages_asked()), [named]);
}

#[tokio::test]
async fn column_names_that_are_not_plain_words_are_quoted() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Odd {
        #[serde(rename = "Total, USD")]
        total: i64,
        #[serde(rename = "größe")]
        size: i64,
        plain_1: i64,
        #[serde(rename = "two words")]
        words: i64,
    }
    let bench = Bench::start().await;
    let names = ["Total, USD", "größe", "left_out", "plain_1", "two words"];
    let result =
        ScriptedResult::new(names.map(|name| (name, "bigint"))).row(["1", "2", "3", "4", "5"]);
    bench
        .sandbox
        .script_result(Service::Dune, "odd", result)
        .unwrap();
    let run = bench.run(Service::Dune, "odd").await;
    let rows: Vec<Odd> = run.rows().select_fields().try_collect().await.unwrap();
    let expected = Odd {
        total: 1,
        size: 2,
        plain_1: 4,
        words: 5,
    };
    assert_eq!(rows, [expected]);
    let asked = columns_asked(&bench.pages_asked());
    assert_eq!(
        asked,
        [Some(
            r#""Total, USD","größe",plain_1,"two words""#.to_owned()
        )]
    );
}

#[tokio::test]
async fn a_column_name_that_cannot_be_quoted_is_not_silently_dropped() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Quoting {
        plain: i64,
        #[serde(rename = "say \"hi\"")]
        said: Option<i64>,
    }
    let bench = Bench::start().await;
    let columns = [
        ("plain", "bigint"),
        ("say \"hi\"", "bigint"),
        ("other", "bigint"),
    ];
    let result = ScriptedResult::new(columns).row(["1", "2", "3"]);
    bench
        .sandbox
        .script_result(Service::Dune, "quoting", result)
        .unwrap();
    let run = bench.run(Service::Dune, "quoting").await;
    let rows: Vec<Quoting> = run.rows().select_fields().try_collect().await.unwrap();
    assert_eq!(
        rows,
        [Quoting {
            plain: 1,
            said: Some(2)
        }]
    );
}

#[tokio::test]
async fn services_that_cannot_leave_columns_out_send_all() {
    let bench = Bench::start().await;
    for service in [Service::Lightdash, Service::YandexQuery] {
        let run = bench.run(service, SALES).await;
        let rows: Vec<Sale> = run.rows().select_fields().try_collect().await.unwrap();
        assert_eq!(rows.len(), 48, "{service:?}");
        let asked = bench.pages_asked();
        assert!(
            columns_asked(&asked).iter().all(Option::is_none),
            "{asked:?}"
        );
    }
}

#[tokio::test]
async fn filters_on_columns_that_are_left_out_still_apply() {
    let bench = Bench::start().await;
    let run = bench.run(Service::Dune, SALES).await;
    let few = || {
        bench
            .execution(run.id())
            .filters("amount_usd > 1000")
            .rows::<Sale>()
    };
    let all: Vec<Sale> = few().try_collect().await.unwrap();
    assert!(!all.is_empty() && all.len() < 48, "{}", all.len());
    let rows: Vec<Sale> = few().select_fields().try_collect().await.unwrap();
    assert_eq!(rows, all);
}
