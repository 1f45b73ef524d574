//! Tests of the memory limits for stored results, running requests and responses.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use rowfeed_sandbox::{LIGHTDASH_PROJECT_UUID, LIGHTDASH_TOKEN};
use serde_json::json;
use support::program::{ALL, At, Program};
use support::send;

/// Sends all requests at the same time and returns the statuses in any order.
async fn at_once(requests: Vec<RequestBuilder>) -> Vec<u16> {
    let mut sending = tokio::task::JoinSet::new();
    for request in requests {
        sending.spawn(send(request));
    }
    let replies = sending.join_all().await;
    replies.iter().map(|reply| reply.status).collect()
}

#[tokio::test]
async fn concurrent_large_requests_use_little_more_memory_than_one() {
    let program = Program::start("10").await;
    let rows = |count: usize, length: usize| {
        format!(
            "with recursive f(n) as (select 1 union all select n + 1 from f where n < {count}) \
             select n, printf('%.{length}c', 'x') as text from f"
        )
    };
    // results of few large values, of many small values, and of medium ones
    for sql in [rows(20, 900_000), rows(60_000, 1), rows(1_000, 12_000)] {
        let requests = ALL
            .iter()
            .flat_map(|at| (0..8).map(|_| program.start_of(*at, &sql)))
            .collect();
        let statuses = at_once(requests).await;
        assert!(
            statuses.iter().all(|status| *status == 200),
            "{statuses:?} for {sql}"
        );
        let peak = program.peak();
        assert!(peak < 300, "peak {peak} MiB for {sql}");
        program.check_health(&sql).await;
    }
    // pages
    let sql = rows(1_000, 6_000);
    let dune = send(program.start_of(At::Dune, &sql)).await.json();
    let dune = format!(
        "/execution/{}/results",
        dune["execution_id"].as_str().unwrap()
    );
    let lightdash = send(program.start_of(At::Lightdash, &sql)).await.json();
    let lightdash = format!(
        "/{}?pageSize=2500",
        lightdash["results"]["queryUuid"].as_str().unwrap()
    );
    let yandex_query = send(program.start_of(At::YandexQuery, &sql)).await.json();
    let id = format!("/{}", yandex_query["id"].as_str().unwrap());
    assert_eq!(
        send(program.yandex_query(Method::GET, &id)).await.status,
        200
    );
    let yandex_query = format!("{id}/results/0?limit=1000");
    let requests = (0..6)
        .flat_map(|_| {
            [
                program.dune(Method::GET, &dune),
                program.dune(Method::GET, &format!("{dune}/csv")),
                program.lightdash(Method::GET, &lightdash),
                program.yandex_query(Method::GET, &yandex_query),
            ]
        })
        .collect();
    let statuses = at_once(requests).await;
    assert!(
        statuses.iter().all(|status| *status == 200),
        "{statuses:?} for pages"
    );
    let peak = program.peak();
    assert!(peak < 300, "peak {peak} MiB with pages");
    program.check_health("pages").await;
    // nearly all memory is returned
    let memory = program.memory();
    assert!(memory < 200, "{memory} MiB after all requests");
}

#[tokio::test]
async fn unread_pages_do_not_fill_the_memory() {
    let program = Program::start("10").await;
    let sql = "with recursive f(n) as (select 1 union all select n + 1 from f where n < 500) \
               select n, printf('%.12000c', 'x') as text from f";
    let request = program.dune(Method::POST, "/sql/execute");
    let id = send(request.json(&json!({ "sql": sql }))).await.json();
    let id = id["execution_id"].as_str().unwrap().to_owned();
    let path = format!("/execution/{id}/results");
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..150 {
        let request = program.dune(Method::GET, &path);
        waiting.spawn(async move {
            // the head may arrive; the 6 MB of the body are not read
            let _response = request.send().await.unwrap();
            std::future::pending::<()>().await;
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    program.check_health("pages that nobody reads").await;
    let peak = program.peak();
    assert!(peak < 300, "peak {peak} MiB");
    waiting.shutdown().await;
    let request = program.dune(Method::GET, &path);
    assert_eq!(send(request).await.status, 200);
}

#[tokio::test]
async fn json_of_many_small_objects_is_refused() {
    let program = Program::start("0.5").await;
    let objects = format!("[{}1]", r#"{"a":1},"#.repeat(600_000));
    for (request, status) in [
        (program.dune(Method::POST, "/sql/execute"), 400),
        (program.lightdash(Method::POST, "/sql"), 422),
        (program.yandex_query(Method::POST, ""), 400),
    ] {
        let reply = send(request.body(objects.clone())).await;
        assert_eq!(reply.status, status, "{}", reply.text);
    }
    let peak = program.peak();
    assert!(peak < 100, "peak {peak} MiB");
    program.check_health("small objects").await;
}

#[tokio::test]
async fn a_file_of_the_sql_runner_has_a_size_limit() {
    let program = Program::start("0.5").await;
    let project = format!(
        "{}/lightdash/api/v1/projects/{LIGHTDASH_PROJECT_UUID}",
        program.origin
    );
    let key = format!("ApiKey {LIGHTDASH_TOKEN}");
    let request = program.client.post(format!("{project}/sqlRunner/run"));
    let request = request
        .header("Authorization", &key)
        .timeout(Duration::from_secs(180));
    let sql = json!({ "sql": "select * from synthetic(1000000000)" });
    let job = send(request.json(&sql)).await.json();
    let job = job["results"]["jobId"].as_str().unwrap();
    let url = format!(
        "{}/lightdash/api/v1/schedulers/job/{job}/status",
        program.origin
    );
    let request = program.client.get(url).header("Authorization", &key);
    let status = send(request).await.json();
    assert_eq!(status["results"]["status"], "error", "{status}");
    let message = status["results"]["details"]["error"].as_str().unwrap();
    assert!(message.contains("32 MiB"), "{message}");
    program.check_health("a file of the SQL runner").await;
}

#[tokio::test]
async fn stored_data_stays_within_the_memory_limit() {
    let program = Program::start("10").await;
    let base = program.memory();
    let schedule = format!(
        "{}/lightdash/api/v2/projects/{LIGHTDASH_PROJECT_UUID}/query",
        program.origin
    );
    for n in 0..40 {
        // a result of 2 MB at each service, and a file of it
        let sql = format!(
            "with recursive f(n) as (select 1 union all select n + 1 from f where n < 40) \
             select n, printf('%.25000c', 'x') as text, '{}' as more from f limit 40",
            "y".repeat(20_000)
        );
        for at in ALL {
            let reply = send(program.start_of(at, &sql)).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
        }
        let query = send(program.start_of(At::Lightdash, &sql)).await.json();
        let query = query["results"]["queryUuid"].as_str().unwrap();
        let request = program
            .client
            .post(format!("{schedule}/{query}/schedule-download"));
        let request = request.header("Authorization", format!("ApiKey {LIGHTDASH_TOKEN}"));
        let reply = send(request.json(&json!({ "type": "jsonl" }))).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        // saved queries and uploads up to their limits
        let saved = json!({ "name": n.to_string(), "query_sql": "z".repeat(250_000) });
        let reply = send(program.dune(Method::POST, "/query").json(&saved)).await;
        assert!([200, 400, 403].contains(&reply.status), "{}", reply.text);
        let table = json!({
            "table_name": format!("kept_{n}"),
            "data": format!("a,b\n{}", "1,xxxxxxxxxxxxxxxx\n".repeat(50_000)),
        });
        let reply = send(program.dune(Method::POST, "/uploads/csv").json(&table)).await;
        assert!([200, 400, 403].contains(&reply.status), "{}", reply.text);
    }
    let peak = program.peak();
    assert!(peak < 300, "peak {peak} MiB");
    let memory = program.memory();
    assert!(memory < 200, "{memory} MiB, {base} at first");
    program.check_health("all of it").await;
}
