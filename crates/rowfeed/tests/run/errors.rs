//! Errors and their messages.

use std::{error::Error as _, time::Duration};

use crate::support::{
    ALL, Bench, Number, dune_client, lightdash_client, numbers, page_path, yandex_query_client,
};
use rowfeed::{Error, ErrorKind, Position, prelude::*};
use rowfeed_sandbox::{
    DUNE_QUERY_ID, Fault, LIGHTDASH_PROJECT_UUID, LIGHTDASH_SERVICE_TOKEN, Service,
    YANDEX_IAM_TOKEN_WITHOUT_ROLE, YANDEX_PROJECT,
};
use serde::Deserialize;

const SECRETS: [&str; 3] = ["wrong-key-5f1c", "ldpat_wrong5f1c", "t1.wrong5f1c"];

/// Clients with credentials that no service knows.
async fn strangers() -> Bench {
    let bench = Bench::start().await;
    Bench {
        dune: dune_client(&bench.sandbox, SECRETS[0]),
        lightdash: lightdash_client(&bench.sandbox, SECRETS[1]),
        yandex_query: yandex_query_client(&bench.sandbox, SECRETS[2]),
        sandbox: bench.sandbox,
    }
}

/// Returns every text of an error.
fn shown(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!("\n{error}\n{error:?}"));
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_not_shown() {
    let bench = strangers().await;
    for (service, words) in ALL.into_iter().zip([
        "dune: execute_sql: 401 Unauthorized: invalid API Key",
        "lightdash: execute_async_sql_query: 401 Unauthorized: AuthorizationError:",
        "yandex-query: create_query: 401 Unauthorized: ",
    ]) {
        let error = bench.try_run(service, "SELECT 1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Call);
        let call = error.as_call().unwrap();
        assert!(call.is_unauthorized());
        assert_eq!(call.status().unwrap(), 401);
        assert!(error.to_string().starts_with(words), "{error}");
        for secret in SECRETS {
            assert!(!shown(&error).contains(secret), "{}", shown(&error));
        }
        assert_eq!(bench.sandbox.take_requests().len(), 1, "{service:?}");
    }
}

#[tokio::test]
async fn a_wrong_key_is_refused_for_rows_too() {
    let bench = strangers().await;
    let latest = bench.dune.get_latest_query_result().query_id(DUNE_QUERY_ID);
    for mut rows in [
        latest.rows::<Number>(),
        bench.query("3f0c7f0a-5a0e-4b56-9f19-1f6f3a0f7c11").rows(),
        bench.set("csqquery0000000000001", 0).rows(),
    ] {
        let error = rows.try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Call, "{error}");
        assert_eq!(error.as_call().unwrap().status().unwrap(), 401);
        assert_eq!(rows.try_next().await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_token_without_permission_is_refused() {
    let mut bench = Bench::start().await;
    bench.yandex_query = yandex_query_client(&bench.sandbox, YANDEX_IAM_TOKEN_WITHOUT_ROLE);
    let error = bench
        .try_run(Service::YandexQuery, "SELECT 1")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Call);
    assert_eq!(error.as_call().unwrap().status().unwrap(), 403);
    assert!(error.as_call().unwrap().is_unauthorized());
    assert!(error.to_string().contains("Permission denied"), "{error}");
}

#[tokio::test]
async fn an_unknown_query_is_reported_as_unknown() {
    let bench = Bench::start().await;
    let queries = [
        (
            bench.dune.get_latest_query_result().query_id(1).pages(),
            404,
            "Query not found",
        ),
        (
            bench.execution("not-an-id").pages(),
            400,
            "(ID: not-an-id) is invalid",
        ),
        (
            bench.query("3f0c7f0a-5a0e-4b56-9f19-1f6f3a0f7c11").pages(),
            404,
            "not found for project",
        ),
        (
            bench.set("csqquery0000000000001", 0).pages(),
            400,
            "does not exist",
        ),
    ];
    for (mut pages, status, words) in queries {
        let error = pages.try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Call);
        assert_eq!(error.as_call().unwrap().status().unwrap(), status);
        assert!(error.to_string().contains(words), "{error}");
    }
    let error = bench
        .dune
        .execute_query()
        .query_id(1)
        .run()
        .await
        .unwrap_err();
    assert!(error.as_call().unwrap().is_not_found(), "{error}");
    assert_eq!(error.as_call().unwrap().operation(), Some("execute_query"));
}

#[tokio::test]
async fn another_account_s_query_is_not_found() {
    let bench = Bench::start().await;
    let run = bench.numbers(Service::Lightdash, 3).await;
    let other = lightdash_client(&bench.sandbox, LIGHTDASH_SERVICE_TOKEN);
    let query = other
        .get_async_query_results()
        .project_uuid(LIGHTDASH_PROJECT_UUID);
    let error = query
        .query_uuid(run.id())
        .pages()
        .try_next()
        .await
        .unwrap_err();
    assert!(error.as_call().unwrap().is_not_found(), "{error}");
}

#[tokio::test]
async fn an_unknown_project_is_reported_as_unknown() {
    let bench = Bench::start().await;
    let project = "11111111-2222-4333-8444-555555555555";
    let starting = bench
        .lightdash
        .execute_async_sql_query()
        .project_uuid(project)
        .body("SELECT 1");
    let error = starting.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Call);
    assert!(error.to_string().contains(project), "{error}");
    let starting = bench
        .yandex_query
        .create_query()
        .project("b1another")
        .body("SELECT 1");
    let error = starting.run().await.unwrap_err();
    assert!(error.as_call().unwrap().is_unauthorized(), "{error}");
}

#[tokio::test]
async fn missing_parameters_are_named_and_nothing_is_sent() {
    let bench = Bench::start().await;
    for (starting, missing) in [
        (bench.dune.execute_sql().run(), "sql"),
        (bench.dune.execute_query().run(), "query_id"),
        (
            bench
                .lightdash
                .execute_async_sql_query()
                .body("SELECT 1")
                .run(),
            "project_uuid",
        ),
        (
            bench.yandex_query.create_query().body("SELECT 1").run(),
            "project",
        ),
        (
            bench
                .yandex_query
                .create_query()
                .project(YANDEX_PROJECT)
                .run(),
            "text",
        ),
    ] {
        let error = starting.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        assert!(error.to_string().contains(missing), "{missing}: {error}");
    }
    let error = bench
        .dune
        .get_latest_query_result()
        .pages()
        .try_next()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    assert!(error.to_string().contains("query_id"), "{error}");
    assert!(bench.sandbox.requests().is_empty());
}

#[tokio::test]
async fn a_failed_statement_has_the_position_of_the_error() {
    let bench = Bench::start().await;
    let sql = "SELECT project,\n       tides\nFROM trades";
    for service in ALL {
        let error = bench.try_run(service, sql).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Failed, "{error}");
        assert!(error.message().contains("tides"), "{error}");
        assert!(error.run_id().is_some());
        assert!(error.as_call().is_none() && error.source().is_none());
        match service {
            // Lightdash passes on only the message of its warehouse.
            Service::Lightdash => assert_eq!(error.position(), None),
            _ => {
                let position = error.position().unwrap();
                assert_eq!((position.line, position.column), (2, 8), "{error}");
                // Only once: Dune's own text has the position, and Yandex Query's does not.
                let shown = error.to_string();
                let places = ["line 2:8:", "(line 2, column 8)"];
                let count = |place: &&str| shown.matches(place).count();
                assert_eq!(places.iter().map(count).sum::<usize>(), 1, "{shown}");
            }
        }
        assert!(
            error
                .to_string()
                .starts_with(&format!("{}: ", error.service()))
        );
    }
}

#[tokio::test]
async fn a_failed_statement_is_as_clear_when_its_rows_are_read() {
    let bench = Bench::start().await;
    let sql = "SELECT tides";
    let dune = bench.dune.execute_sql().body(sql).send().await.unwrap();
    let lightdash = bench.start_lightdash(sql).send().await.unwrap();
    let yandex_query = bench.start_yandex_query(sql).send().await.unwrap();
    for mut pages in [
        bench.execution(&dune.execution_id).pages(),
        bench.query(&lightdash.results.query_uuid).pages(),
        bench.set(&yandex_query.id, 0).pages(),
    ] {
        let error = pages.try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Failed, "{error}");
        assert!(error.message().contains("tides"), "{error}");
        assert_eq!(error.position().is_some(), error.service() != "lightdash");
        assert!(pages.try_next().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_proxy_s_page_is_reported_as_such() {
    let bench = Bench::start().await;
    for service in ALL {
        for code in [200, 403, 404] {
            bench.sandbox.fault(Fault::html(code).on(service));
            let error = bench.try_run(service, "SELECT 1").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Call);
            let call = error.as_call().unwrap();
            assert_eq!(call.status().unwrap(), code);
            assert!(String::from_utf8_lossy(call.body()).contains("sandbox-proxy"));
            let text = error.to_string();
            assert!(text.contains("text/html") && !text.contains('\n'), "{text}");
        }
        let run = bench.numbers(service, 9).await;
        bench.sandbox.fault(
            Fault::html(200)
                .on(service)
                .path(page_path(service))
                .after(1),
        );
        let mut rows = run.rows::<Number>().page_size(4);
        for n in 0..4 {
            assert_eq!(rows.try_next().await.unwrap(), Some(Number { n }));
        }
        let error = rows.try_next().await.unwrap_err();
        assert!(error.to_string().contains("text/html"), "{error}");
        assert_eq!(rows.try_next().await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_page_that_fails_temporarily_is_fetched_again() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 9).await;
        for fault in [
            Fault::reset(),
            Fault::cut_body(20),
            Fault::status(503),
            Fault::status(429),
        ] {
            bench
                .sandbox
                .fault(fault.on(service).path(page_path(service)).after(1));
            let rows: Vec<Number> = run.rows().page_size(4).try_collect().await.unwrap();
            assert_eq!(rows, crate::support::upto(9), "{service:?}");
            assert_eq!(bench.pages_asked().len(), 4, "{service:?}");
        }
    }
}

#[tokio::test]
async fn a_failed_page_names_the_run() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 9).await;
        for after in [0, 1] {
            let fault = Fault::status(418).on(service).path(page_path(service));
            bench.sandbox.fault(fault.after(after));
            let error = run
                .pages()
                .page_size(4)
                .try_collect::<Vec<_>>()
                .await
                .unwrap_err();
            assert_eq!(
                error.run_id(),
                Some(run.id()),
                "{service:?}, page {after}: {error}"
            );
            assert!(error.to_string().contains(run.id()), "{error}");
        }
    }
}

#[derive(Debug, Deserialize)]
struct Small {
    #[allow(dead_code)]
    n: u8,
}

#[tokio::test]
async fn a_row_that_does_not_fit_is_named() {
    let bench = Bench::start().await;
    let sql = format!("SELECT n * 40 AS n FROM ({}) AS numbers", numbers(12));
    for service in ALL {
        let run = bench.run(service, &sql).await;
        let mut rows = run.rows::<Small>().page_size(5);
        // 280 is row 7, on page 1; the two rows before it on that page are valid.
        for _ in 0..7 {
            assert!(rows.try_next().await.unwrap().is_some());
        }
        let error = rows.try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        assert_eq!(error.run_id(), Some(run.id()));
        let cell = error.as_decode().unwrap();
        assert_eq!(
            (cell.page(), cell.row(), cell.column()),
            (Some(1), Some(7), Some("n"))
        );
        assert!(cell.found().unwrap().contains("280"), "{error}");
        assert!(cell.wanted().unwrap().contains("u8"), "{error}");
        let text = error.to_string();
        assert!(text.starts_with(error.service()), "{text}");
        assert!(text.contains("page 1, row 7, column `n`"), "{text}");
        assert!(text.contains("280") && error.source().is_none(), "{text}");
        assert_eq!(bench.rows_sent(), [5, 5], "{service:?}");
        assert!(rows.try_next().await.unwrap().is_none());
        assert!(bench.rows_sent().is_empty());

        let pages: Vec<_> = run.pages().page_size(5).try_collect().await.unwrap();
        assert!(pages[0].rows::<Small>().is_ok());
        let error = pages[2].rows::<Small>().unwrap_err();
        let cell = error.as_decode().unwrap();
        assert_eq!((cell.page(), cell.row()), (Some(2), Some(10)));
        let mut decoded = pages[1].decode::<Small>();
        assert!(decoded.next().unwrap().is_ok() && decoded.next().unwrap().is_ok());
        let error = decoded.next().unwrap().unwrap_err();
        assert_eq!(
            (error.kind(), error.as_decode().unwrap().row()),
            (ErrorKind::Decode, Some(7))
        );
        assert!(decoded.next().is_none());
    }
}

#[tokio::test]
async fn a_row_after_the_limit_does_not_matter() {
    let bench = Bench::start().await;
    let sql = format!("SELECT n * 40 AS n FROM ({}) AS numbers", numbers(12));
    for service in ALL {
        let run = bench.run(service, &sql).await;
        let rows: Vec<Small> = run
            .rows()
            .page_size(4)
            .max_rows(7)
            .try_collect()
            .await
            .unwrap();
        assert_eq!(rows.len(), 7);
    }
}

#[tokio::test]
async fn a_missing_column_is_named_with_the_existing_columns() {
    #[derive(Debug, Deserialize)]
    struct Tide {
        #[allow(dead_code)]
        height: f64,
    }
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench
            .run(service, "SELECT project, evt_index FROM trades")
            .await;
        let error = run.rows::<Tide>().try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        let text = error.to_string();
        assert!(
            text.contains("`height`") && text.contains("project, evt_index"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_null_that_does_not_fit_is_named_as_null() {
    #[derive(Debug, Deserialize)]
    struct Pair {
        #[allow(dead_code)]
        token_pair: String,
    }
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench
            .run(service, "SELECT token_pair FROM trades ORDER BY block_time")
            .await;
        let mut rows = run.rows::<Pair>();
        for _ in 0..4 {
            assert!(rows.try_next().await.unwrap().is_some());
        }
        let error = rows.try_next().await.unwrap_err();
        let cell = error.as_decode().unwrap();
        assert_eq!(
            (cell.row(), cell.column()),
            (Some(4), Some("token_pair")),
            "{service:?}"
        );
        assert_eq!(cell.found(), Some("NULL"), "{error}");
        assert!(error.to_string().contains("Option"), "{error}");
    }
}

#[tokio::test]
async fn errors_are_send_sync_and_static() {
    fn is_error<T: std::error::Error + Send + Sync + 'static>(error: T) -> T {
        error
    }
    let bench = Bench::start().await;
    let error = is_error(
        bench
            .try_run(Service::Dune, "SELECT tides")
            .await
            .unwrap_err(),
    );
    let boxed: Box<dyn std::error::Error + Send + Sync> = error.into();
    assert!(boxed.to_string().contains("tides"));
}

#[tokio::test]
async fn predicates_classify_a_failed_call() {
    type Is = fn(&Error) -> bool;
    let all: [(Is, &str); 4] = [
        (Error::is_unauthorized, "unauthorized"),
        (Error::is_not_found, "not found"),
        (Error::is_rate_limited, "rate limited"),
        (Error::is_retryable, "retryable"),
    ];
    for (status, expected) in [
        (401, vec!["unauthorized"]),
        (403, vec!["unauthorized"]),
        (404, vec!["not found"]),
        (429, vec!["rate limited", "retryable"]),
        (503, vec!["retryable"]),
    ] {
        let bench = Bench::start().await;
        bench.sandbox.fault(Fault::status(status).always());
        let error = bench.try_run(Service::Dune, "SELECT 1").await.unwrap_err();
        let found: Vec<_> = all.iter().filter(|(is, _)| is(&error)).collect();
        let found: Vec<_> = found.into_iter().map(|(_, name)| *name).collect();
        assert_eq!(found, expected, "{status}");
        assert!(!error.is_timeout());
    }
    let bench = Bench::start().await;
    bench.sandbox.fault(Fault::state_forever());
    let sql = bench.dune.execute_sql().body("SELECT 1 AS n").run();
    let error = sql.timeout(Duration::from_millis(20)).await.unwrap_err();
    assert!(error.is_timeout() && !error.is_retryable());
}

#[test]
fn a_position_and_a_run_in_the_message_are_not_repeated() {
    let failed = |message: &str| Error::new(ErrorKind::Failed, "dune", message);
    let at = |line, column| Some(Position { line, column });
    for (message, shown) in [
        ("line 2:8: no tides", "dune: line 2:8: no tides [run r7]"),
        (
            "no tides at line 2, position 8",
            "dune: no tides at line 2, position 8 [run r7]",
        ),
        (
            "line 2:80: no tides",
            "dune: line 2:80: no tides (line 2, column 8) [run r7]",
        ),
        ("no tides", "dune: no tides (line 2, column 8) [run r7]"),
        (
            "r7 has no tides",
            "dune: r7 has no tides (line 2, column 8)",
        ),
    ] {
        let error = failed(message).with_position(at(2, 8)).with_run("r7");
        assert_eq!(error.to_string(), shown);
        assert!(error.source().is_none());
    }
}
