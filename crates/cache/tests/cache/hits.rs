//! What is kept, and for whom.

use rowfeed::prelude::*;
use rowfeed_sandbox::{DUNE_QUERY_ID, Fault, LIGHTDASH_PROJECT_UUID, YANDEX_PROJECT};

use crate::support::{SQL, cache, dune, lightdash, read, sandbox, yandex};

#[tokio::test]
async fn pages_of_a_run_are_fetched_once_by_any_process_at_every_service() {
    let sandbox = sandbox(|sandbox| sandbox).await;
    let temporary = tempfile::tempdir().unwrap();
    let first = cache(temporary.path(), "a");
    let dune = dune(&sandbox, &first);
    let lightdash = lightdash(&sandbox, &first);
    let yandex = yandex(&sandbox, &first);
    let runs = [
        dune.execute_sql().sql(SQL).run().await.unwrap(),
        lightdash
            .execute_async_sql_query()
            .project_uuid(LIGHTDASH_PROJECT_UUID)
            .sql("SELECT * FROM trades")
            .run()
            .await
            .unwrap(),
        yandex
            .create_query()
            .project(YANDEX_PROJECT)
            .text(SQL)
            .run()
            .await
            .unwrap(),
    ];
    for run in &runs {
        let (rows, fetched) = read(run.pages().page_size(20)).await;
        assert_eq!((rows.len(), fetched), (48, vec![false; 3]));
        let before = first.stats();
        sandbox.take_requests();
        let (again, kept) = read(run.pages().page_size(20).prefetch(2)).await;
        assert_eq!((again, kept), (rows, vec![true; 3]), "{}", run.service());
        let paid = sandbox
            .take_requests()
            .iter()
            .filter(|request| request.rows.is_some())
            .count();
        assert_eq!(paid, 0, "{}", run.service());
        assert_eq!(first.stats().hits, before.hits + 3);
        assert!(first.stats().hit_bytes > before.hit_bytes);
    }
    // Another process, with the same account.
    let second = cache(temporary.path(), "a");
    let other = crate::support::dune(&sandbox, &second);
    let run = other
        .get_execution_status()
        .execution_id(runs[0].id())
        .run()
        .await
        .unwrap();
    assert_eq!(read(run.pages().page_size(20)).await.1, [true; 3]);
    // Rows within a page, from a cursor and up to a limit, are from the same page.
    let page = run.pages().page_size(20).try_next().await.unwrap().unwrap();
    assert!(page.raw().is_cached());
    let rest = run
        .resume(&page.cursor_after(7))
        .page_size(20)
        .try_next()
        .await
        .unwrap()
        .unwrap();
    assert!(!rest.raw().is_cached(), "another range is another entry");
}

#[tokio::test]
async fn another_account_origin_range_or_selection_is_another_page() {
    let sandbox_a = sandbox(|sandbox| sandbox).await;
    let temporary = tempfile::tempdir().unwrap();
    let mine = cache(temporary.path(), "mine");
    let client = dune(&sandbox_a, &mine);
    let run = client.execute_sql().sql(SQL).run().await.unwrap();
    assert_eq!(read(run.pages()).await.1, [false]);
    assert_eq!(read(run.pages()).await.1, [true]);
    assert_eq!(read(run.pages().page_size(30)).await.1, [false, false]);
    assert_eq!(
        read(run.pages().select_columns(["project"])).await.1,
        [false]
    );
    assert_eq!(
        read(run.pages().select_columns(["project"])).await.1,
        [true]
    );
    let filtered = || {
        client
            .get_execution_results()
            .execution_id(run.id())
            .filters("amount_usd > 100")
    };
    assert_eq!(read(filtered().pages()).await.1, [false]);
    assert_eq!(read(filtered().pages()).await.1, [true]);
    assert_ne!(read(filtered().pages()).await.0.len(), 48);

    let yours = dune(&sandbox_a, &cache(temporary.path(), "yours"));
    let same = yours
        .get_execution_status()
        .execution_id(run.id())
        .run()
        .await
        .unwrap();
    assert_eq!(read(same.pages()).await.1, [false]);
    // The same ids at another origin.
    let sandbox_b = sandbox(|sandbox| sandbox).await;
    let elsewhere = dune(&sandbox_b, &mine)
        .get_execution_results()
        .execution_id(run.id());
    assert!(elsewhere.pages().try_next().await.is_err());
}

#[tokio::test]
async fn a_latest_result_and_a_sample_are_never_kept() {
    let sandbox = sandbox(|sandbox| sandbox).await;
    let temporary = tempfile::tempdir().unwrap();
    let cache = cache(temporary.path(), "a");
    let client = dune(&sandbox, &cache);
    let latest = || client.get_latest_query_result().query_id(DUNE_QUERY_ID);
    for _ in 0..3 {
        assert_eq!(read(latest().pages()).await.1, [false]);
    }
    assert_eq!(cache.stats().stored, 0);
    // Pages after the first are of an execution, which the first has named.
    assert_eq!(read(latest().pages().page_size(20)).await.1, [false; 3]);
    assert_eq!(
        read(latest().pages().page_size(20)).await.1,
        [false, true, true]
    );
    let run = client.execute_sql().sql(SQL).run().await.unwrap();
    let sample = || {
        client
            .get_execution_results()
            .execution_id(run.id())
            .sample_count(5_i64)
    };
    for _ in 0..2 {
        assert_eq!(read(sample().pages()).await.1, [false]);
    }
}

#[tokio::test]
async fn a_run_that_has_not_ended_and_a_page_of_another_run_are_not_kept() {
    let sandbox = sandbox(|sandbox| sandbox.poll_steps(3)).await;
    let temporary = tempfile::tempdir().unwrap();
    let cache = cache(temporary.path(), "a");
    let client = dune(&sandbox, &cache);
    let started = client.execute_sql().sql(SQL).send().await.unwrap();
    let results = || {
        client
            .get_execution_results()
            .execution_id(&started.execution_id)
    };
    for _ in 0..2 {
        let early = results().send().await.unwrap();
        assert!(early.result.is_none() && !early.is_cached());
    }
    assert_eq!(cache.stats().stored, 0);
    let run = client
        .get_execution_status()
        .execution_id(&started.execution_id)
        .run()
        .await
        .unwrap();
    client
        .execute_sql()
        .sql("SELECT * FROM projects")
        .run()
        .await
        .unwrap();
    sandbox.fault(Fault::swap_execution().path("/results").times(1));
    assert!(run.pages().try_next().await.is_err());
    assert_eq!(cache.stats().stored, 0);
    // The error was of the service, and not of what was kept.
    assert_eq!(read(run.pages()).await.1, [false]);
    assert_eq!(read(run.pages()).await.1, [true]);
    let value = results().send().await.unwrap();
    assert!(!value.is_cached() && value.attempts() == 1);
    let value = results().send().await.unwrap();
    assert!(value.is_cached() && value.attempts() == 0);
}

#[tokio::test]
async fn failures_of_the_service_are_not_kept() {
    let sandbox = sandbox(|sandbox| sandbox).await;
    let temporary = tempfile::tempdir().unwrap();
    let cache = cache(temporary.path(), "a");
    let client = dune(&sandbox, &cache);
    let run = client.execute_sql().sql(SQL).run().await.unwrap();
    let faults = [
        Fault::status(500),
        Fault::status(404),
        Fault::html(200),
        Fault::cut_body(200),
        Fault::reset(),
        Fault::answer(200, "application/json", "{}"),
        Fault::answer(
            200,
            "application/json",
            format!("{{\"execution_id\": {:?}}}", run.id()),
        ),
    ];
    for fault in faults {
        sandbox.fault(fault.path("/results").times(1));
        assert!(run.pages().try_next().await.is_err());
        sandbox.clear_faults();
        assert_eq!(cache.stats().stored, 0);
    }
    let (rows, _) = read(run.pages()).await;
    // What is kept does not need the service.
    sandbox.fault(Fault::status(500).always());
    let (kept, is_cached) = read(run.pages()).await;
    assert_eq!((kept, is_cached), (rows, vec![true]));
}
