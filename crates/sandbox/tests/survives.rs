//! Tests of hostile requests, which must not crash, block or fill the sandbox.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use reqwest::Method;
use rowfeed_sandbox::{ColumnType, Fault, Sandbox};
use serde_json::{Value, json};
use support::program::{ALL, At, Program};
use support::{Reply, dune, dune_execution, send};

const ENDLESS: &str = "with recursive f(n) as (select 1 union all select n + 1 from f) \
                       select count(*) from f";

#[tokio::test]
async fn no_statement_blocks_the_sandbox_or_fills_its_memory() {
    let program = Program::start("0.5").await;
    let long = |what: &str, times: usize| what.repeat(times);
    let attacks = [
        ENDLESS.to_owned(),
        "with recursive f(n) as (select 1 union all select n + 1 from f) select n from f"
            .to_owned(),
        "with recursive f(n) as (select 1 union all select n + 1 from f) \
         select randomblob(900000) from f"
            .to_owned(),
        "with recursive f(n) as (select 1 union all select n + 1 from f) \
         select group_concat(printf('%.900000c', 'x')) from f"
            .to_owned(),
        "with recursive f(n) as (select 1 union all select n + 1 from f) \
         select json_group_array(printf('%.900000c', 'x')) from f"
            .to_owned(),
        "with recursive f(n, t) as (select 1, 'x' union all select n + 1, t || t from f) \
         select max(length(t)) from f"
            .to_owned(),
        "with recursive f(n) as (select 1 union select random() from f) \
         select * from f order by n"
            .to_owned(),
        "select count(*) from trades a, trades b, trades c, trades d, trades e, trades f"
            .to_owned(),
        "select * from trades a, trades b, trades c".to_owned(),
        "select randomblob(2000000000)".to_owned(),
        "select zeroblob(2000000000)".to_owned(),
        "select hex(randomblob(1000000))".to_owned(),
        "select printf('%.2000000000c', 'x')".to_owned(),
        "select printf('%2000000000d', 1)".to_owned(),
        format!("select {}1", long("printf('%.900000c', 'x'), ", 400)),
        format!("select {}1", long("randomblob(900000), ", 400)),
        format!(
            "select {}1",
            long("group_concat(printf('%.900000c', tx_hash)), ", 400)
        ) + " from trades",
        "select instr(printf('%.900000c', 'a'), printf('%.400000c', 'a') || 'b')".to_owned(),
        "select replace(printf('%.900000c', 'a'), printf('%.400000c', 'a') || 'b', '')".to_owned(),
        format!("select printf('%.900000c', 'a') like '{}b'", long("%a", 99)),
        "select printf('%.900000c', 'a') glob '*a*a*a*a*a*a*a*a*b'".to_owned(),
        format!("select {}1{}", long("(", 100_000), long(")", 100_000)),
        format!("select {}1", long("- ", 50_000)),
        format!("select {}1", long("not ", 50_000)),
        format!("select 1{}", long(" + 1", 50_000)),
        format!("select 1{}", long(" union all select 1", 10_000)),
        format!(
            "select * from {}trades{}",
            long("(select * from ", 10_000),
            long(")", 10_000)
        ),
        format!("select 1 as \"{}\" from trades", long("n", 100_000)),
        format!("select {}1", long("1,", 100_000)),
        format!("select '{}'", long("x", 4_000_000)),
        "select printf('%.900000c', char(1)) from trades".to_owned(),
        "SELECT * FROM synthetic(18446744073709551615)".to_owned(),
        "SELECT * FROM synthetic(1000000000)".to_owned(),
        "select * from dbstat".to_owned(),
        "attach 'file:x?mode=memory' as x".to_owned(),
        "vacuum into '/tmp/never'".to_owned(),
        "pragma hard_heap_limit = 0".to_owned(),
        "select load_extension('x')".to_owned(),
        long("select 1;", 20_000),
    ];
    for attack in &attacks {
        for at in ALL {
            let started = Instant::now();
            let _ = program.run(at, attack).await;
            let took = started.elapsed();
            let shown: String = attack.chars().take(90).collect();
            assert!(
                took < Duration::from_secs(5),
                "{at:?}: {took:?} for {shown}"
            );
        }
        let shown: String = attack.chars().take(90).collect();
        program.check_health(&shown).await;
    }
    let error = program.run(At::Dune, ENDLESS).await.unwrap_err();
    assert!(error.contains("it ran longer than 500ms"), "{error}");
}

#[tokio::test]
async fn load_on_one_service_does_not_block_the_others() {
    let program = Program::start("4").await;
    for busy in ALL {
        let mut endless = tokio::task::JoinSet::new();
        for _ in 0..24 {
            endless.spawn(send(program.start_of(busy, ENDLESS)));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        program
            .check_health(&format!("24 endless queries at {busy:?}"))
            .await;
        // they were still running while the other services answered
        assert!(endless.try_join_next().is_none());
        while let Some(reply) = endless.join_next().await {
            assert_eq!(reply.unwrap().status, 200);
        }
    }
}

#[tokio::test]
async fn stored_results_do_not_fill_the_memory() {
    // Enough time to encode a large result, because this test is about memory.
    let program = Program::start("10").await;
    let sql = "with recursive f(n) as (select 1 union all select n + 1 from f where n < 30) \
               select n, printf('%.400000c', 'x') as text from f";
    for _ in 0..12 {
        for at in ALL {
            program.run(at, sql).await.unwrap();
        }
    }
    program.check_health("large results").await;
}

#[tokio::test]
async fn large_bodies_are_refused_before_they_are_read() {
    let program = Program::start("0.5").await;
    let large = vec![b' '; 40 * 1024 * 1024];
    for (request, status) in [
        (program.dune(Method::POST, "/sql/execute"), 413),
        (
            program.dune(Method::POST, "/uploads/rowfeed/tides/insert"),
            413,
        ),
        (program.lightdash(Method::POST, "/sql"), 413),
        (program.yandex_query(Method::POST, ""), 413),
    ] {
        let reply = send(request.body(large.clone())).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        assert!(!reply.text.is_empty());
    }
    // without a credential the limit is much smaller
    let small = vec![b' '; 100 * 1024];
    for path in [
        "/dune/api/v1/sql/execute",
        "/lightdash/api/v1/user",
        "/yandex-query/api/fq/v1/queries",
        "/iam/v1/tokens",
        "/nowhere",
    ] {
        let request = program.client.post(format!("{}{path}", program.origin));
        let reply = send(request.body(small.clone())).await;
        assert_eq!(reply.status, 413, "{path}: {}", reply.text);
        let request = program.client.post(format!("{}{path}", program.origin));
        let reply = send(request.body("{}")).await;
        assert!(
            [400, 401, 404].contains(&reply.status),
            "{path}: {}",
            reply.status
        );
    }
    program.check_health("large bodies").await;
    // JSON and CSV that take much more memory than their text
    let deep = format!(
        "{{\"sql\": {}1{}}}",
        "[".repeat(1_000_000),
        "]".repeat(1_000_000)
    );
    let reply = send(program.dune(Method::POST, "/sql/execute").body(deep)).await;
    assert_eq!(reply.status, 400);
    let wide = format!("[{}1]", "1,".repeat(2_000_000));
    let reply = send(program.lightdash(Method::POST, "/sql").body(wide)).await;
    assert_eq!(reply.status, 422);
    let csv = json!({ "table_name": "wide", "data": ",".repeat(4_000_000) });
    let reply = send(program.dune(Method::POST, "/uploads/csv").json(&csv)).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("fields"), "{}", reply.text);
    for _ in 0..40 {
        let body = json!({ "sql": "x".repeat(4_000_000) });
        send(program.dune(Method::POST, "/sql/execute").json(&body)).await;
    }
    program.check_health("recordings").await;
}

async fn post(sandbox: &Sandbox, path: &str, body: &Value) -> Reply {
    send(dune(sandbox, Method::POST, path).json(body)).await
}

fn table(name: &str, columns: &[&str]) -> Value {
    let schema: Vec<Value> = columns
        .iter()
        .map(|name| json!({ "name": name, "type": "bigint" }))
        .collect();
    json!({ "namespace": "rowfeed", "table_name": name, "schema": schema })
}

#[tokio::test]
async fn a_refused_table_does_not_change_other_tables() {
    let sandbox = Sandbox::builder().poll_steps(0).start().await.unwrap();
    let count = async |sql: &str| {
        let id = dune_execution(&sandbox, sql).await;
        let path = format!("/v1/execution/{id}/results");
        let body = send(dune(&sandbox, Method::GET, &path)).await.json();
        body["result"]["rows"][0]["n"].clone()
    };
    assert_eq!(
        post(&sandbox, "/v1/uploads", &table("tides", &["a"]))
            .await
            .status,
        201
    );
    let insert = dune(&sandbox, Method::POST, "/v1/uploads/rowfeed/tides/insert");
    let insert = insert.header("Content-Type", "text/csv").body("a\n1\n2\n");
    assert_eq!(send(insert).await.status, 200);

    // names that differ only in case are equal
    let reply = post(&sandbox, "/v1/uploads", &table("other", &["a", "A"])).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("duplicate"), "{}", reply.text);
    let reply = post(&sandbox, "/v1/uploads", &table("TIDES", &["b"])).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("another schema"), "{}", reply.text);
    let csv = json!({ "table_name": "reefs", "data": "a,A\n1,2\n" });
    assert_eq!(post(&sandbox, "/v1/uploads/csv", &csv).await.status, 400);
    let view = json!({ "name": "result_tides", "query_id": rowfeed_sandbox::DUNE_QUERY_ID });
    assert_eq!(
        post(&sandbox, "/v1/materialized-views", &view).await.status,
        200
    );
    let reply = post(&sandbox, "/v1/uploads", &table("Result_Tides", &["a"])).await;
    assert_eq!(reply.status, 400);
    for (name, columns) in [
        (
            "u",
            &[("a", ColumnType::BigInt), ("A", ColumnType::BigInt)][..],
        ),
        ("v", &[]),
    ] {
        assert!(sandbox.register_table(name, columns, &[]).is_err());
    }
    let columns = [("a", ColumnType::BigInt)];
    let rows = [vec![1.into(), 2.into()]];
    assert!(sandbox.register_table("trades", &columns, &rows).is_err());

    // after a refusal the next valid request succeeds
    assert_eq!(
        post(&sandbox, "/v1/uploads", &table("later", &["a"]))
            .await
            .status,
        201
    );
    assert_eq!(
        count("select count(*) as n from dune.rowfeed.Tides").await,
        2
    );
    assert_eq!(
        count("select count(*) as n from dune.rowfeed.result_tides").await,
        48
    );
    assert_eq!(count("select count(*) as n from trades").await, 48);
}

#[tokio::test]
async fn a_filter_can_read_only_the_result() {
    let program = Program::start("0.5").await;
    let request = program.dune(Method::POST, "/sql/execute");
    let reply = send(request.json(&json!({ "sql": "select trade_id from trades" }))).await;
    let id = reply.json()["execution_id"].as_str().unwrap().to_owned();
    for filter in [
        "trade_id > 0) UNION SELECT 99999 --",
        "1=1) UNION ALL SELECT rowid + 1000000 FROM result WHERE (1=1",
        "(select count(*) from result a, result b, result c, result d, result e, result f) > 0",
        "randomblob(2000000000) is null",
        "printf('%.2000000000c', 'x') = trade_id",
        "trade_id = 1 /* */",
        "trade_id in (with recursive f(n) as (select 1 union all select n + 1 from f) select n from f)",
    ] {
        let request = program.dune(Method::GET, &format!("/execution/{id}/results"));
        let reply = send(request.query(&[("filters", filter)])).await;
        assert_eq!(reply.status, 400, "{filter}: {}", reply.text);
        assert!(
            reply.text.contains("invalid filters"),
            "{filter}: {}",
            reply.text
        );
        program.check_health(filter).await;
    }
    let columns = vec!["trade_id"; 4_000].join(",");
    let request = program.dune(Method::GET, &format!("/execution/{id}/results"));
    let reply = send(request.query(&[("columns", columns)])).await;
    assert!([400, 414, 431].contains(&reply.status), "{}", reply.status);
}

#[tokio::test]
async fn delays_add_up_without_overflow() {
    let sandbox = Sandbox::start().await.unwrap();
    for _ in 0..3 {
        sandbox.fault(Fault::delay(Duration::MAX).times(1));
    }
    let request = dune(&sandbox, Method::GET, "/v1/queries").timeout(Duration::from_millis(200));
    assert!(request.send().await.unwrap_err().is_timeout());
    let request = dune(&sandbox, Method::GET, "/v1/queries");
    assert_eq!(send(request).await.status, 200);
}
