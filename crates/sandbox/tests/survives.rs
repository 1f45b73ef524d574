//! What would break, hang or fill a server that trusts its clients.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, Method, RequestBuilder};
use rowfeed_sandbox::{
    ColumnType, DUNE_API_KEY, Fault, LIGHTDASH_PROJECT_UUID, LIGHTDASH_TOKEN, Sandbox,
    YANDEX_IAM_TOKEN, YANDEX_PROJECT,
};
use serde_json::{Value, json};
use support::{Reply, dune, dune_execution, send};
use tokio::sync::{Mutex, MutexGuard};

/// The program, whose memory is its own.
struct Program {
    child: Child,
    origin: String,
    client: Client,
    _turn: MutexGuard<'static, ()>,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Clone, Copy, Debug)]
enum At {
    Dune,
    Lightdash,
    YandexQuery,
}

const ALL: [At; 3] = [At::Dune, At::Lightdash, At::YandexQuery];

/// One program at a time, so that times are its own.
static TURN: Mutex<()> = Mutex::const_new(());

impl Program {
    /// `time` is what a query may take, in seconds.
    async fn start(time: &str) -> Self {
        let turn = TURN.lock().await;
        let mut child = Command::new(env!("CARGO_BIN_EXE_rowfeed-sandbox"))
            .args([
                "--until-stdin-closes",
                "--poll-steps",
                "0",
                "--query-time-limit",
                time,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // a pipe that nobody reads
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let origin = told["control_url"].as_str().unwrap();
        Self {
            origin: origin.trim_end_matches("/sandbox").to_owned(),
            child,
            _turn: turn,
            client: Client::new(),
        }
    }

    fn dune(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/dune/api/v1{path}", self.origin);
        self.client
            .request(method, url)
            .header("X-Dune-Api-Key", DUNE_API_KEY)
    }

    fn lightdash(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!(
            "{}/lightdash/api/v2/projects/{LIGHTDASH_PROJECT_UUID}/query{path}",
            self.origin
        );
        self.client
            .request(method, url)
            .header("Authorization", format!("ApiKey {LIGHTDASH_TOKEN}"))
    }

    fn yandex_query(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/yandex-query/api/fq/v1/queries{path}", self.origin);
        self.client
            .request(method, url)
            .query(&[("project", YANDEX_PROJECT)])
            .bearer_auth(YANDEX_IAM_TOKEN)
    }

    /// Runs a text; the error that it ended with, or its first page.
    async fn run(&self, at: At, sql: &str) -> Result<Value, String> {
        match at {
            At::Dune => {
                let request = self.dune(Method::POST, "/sql/execute");
                let reply = send(request.json(&json!({ "sql": sql }))).await;
                let Some(id) = reply.json()["execution_id"].as_str().map(str::to_owned) else {
                    return Err(reply.text);
                };
                let path = format!("/execution/{id}/results");
                let body = send(self.dune(Method::GET, &path)).await.json();
                match body["error"]["message"].as_str() {
                    Some(message) => Err(message.to_owned()),
                    None => Ok(body["result"]["rows"].clone()),
                }
            }
            At::Lightdash => {
                let request = self.lightdash(Method::POST, "/sql");
                let reply = send(request.json(&json!({ "sql": sql }))).await;
                let Some(id) = reply.json()["results"]["queryUuid"]
                    .as_str()
                    .map(str::to_owned)
                else {
                    return Err(reply.text);
                };
                let body = send(self.lightdash(Method::GET, &format!("/{id}")))
                    .await
                    .json();
                match body["results"]["error"].as_str() {
                    Some(message) => Err(message.to_owned()),
                    None => Ok(body["results"]["rows"].clone()),
                }
            }
            At::YandexQuery => {
                let request = self.yandex_query(Method::POST, "");
                let reply = send(request.json(&json!({ "text": sql }))).await;
                let Some(id) = reply.json()["id"].as_str().map(str::to_owned) else {
                    return Err(reply.text);
                };
                let body = send(self.yandex_query(Method::GET, &format!("/{id}")))
                    .await
                    .json();
                if body["status"] == "FAILED" {
                    return Err(body["issues"]["message"].as_str().unwrap().to_owned());
                }
                let path = format!("/{id}/results/0");
                Ok(send(self.yandex_query(Method::GET, &path)).await.json()["rows"].clone())
            }
        }
    }

    /// The next simple query must be answered soon, whatever came before.
    async fn is_well(&self, after: &str) {
        for at in ALL {
            let started = Instant::now();
            let rows = self.run(at, "select 1 as one").await;
            let took = started.elapsed();
            assert_eq!(
                rows.unwrap().as_array().unwrap().len(),
                1,
                "{at:?} after {after}"
            );
            assert!(
                took < Duration::from_secs(1),
                "{at:?} took {took:?} after {after}"
            );
        }
        let memory = self.memory();
        assert!(memory < 300, "{memory} MiB after {after}");
    }

    /// Resident memory in MiB.
    fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most that it was, in MiB.
    fn peak(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, what: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(what)).unwrap();
        let number: String = line.chars().filter(char::is_ascii_digit).collect();
        number.parse::<u64>().unwrap() / 1024
    }
}

const ENDLESS: &str = "with recursive f(n) as (select 1 union all select n + 1 from f) \
                       select count(*) from f";

#[tokio::test]
async fn no_statement_hangs_it_or_takes_its_memory() {
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
        program.is_well(&shown).await;
    }
    let error = program.run(At::Dune, ENDLESS).await.unwrap_err();
    assert!(error.contains("it ran longer than 500ms"), "{error}");
}

#[tokio::test]
async fn the_load_of_one_service_does_not_stall_the_others() {
    let program = Program::start("4").await;
    for busy in ALL {
        let mut endless = tokio::task::JoinSet::new();
        for _ in 0..24 {
            let request = match busy {
                At::Dune => program
                    .dune(Method::POST, "/sql/execute")
                    .json(&json!({ "sql": ENDLESS })),
                At::Lightdash => program
                    .lightdash(Method::POST, "/sql")
                    .json(&json!({ "sql": ENDLESS })),
                At::YandexQuery => program
                    .yandex_query(Method::POST, "")
                    .json(&json!({ "text": ENDLESS })),
            };
            endless.spawn(send(request));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        program
            .is_well(&format!("24 endless queries at {busy:?}"))
            .await;
        // they were running while the others were answered
        assert!(endless.try_join_next().is_none());
        while let Some(reply) = endless.join_next().await {
            assert_eq!(reply.unwrap().status, 200);
        }
    }
}

#[tokio::test]
async fn results_that_are_kept_do_not_fill_the_memory() {
    // Time enough to encode a large result: memory is what this is about.
    let program = Program::start("10").await;
    let sql = "with recursive f(n) as (select 1 union all select n + 1 from f where n < 30) \
               select n, printf('%.400000c', 'x') as text from f";
    for _ in 0..12 {
        for at in ALL {
            program.run(at, sql).await.unwrap();
        }
    }
    program.is_well("large results").await;
}

/// Sends all of them at once; the statuses, in any order.
async fn at_once(requests: Vec<RequestBuilder>) -> Vec<u16> {
    let mut sending = tokio::task::JoinSet::new();
    for request in requests {
        sending.spawn(send(request));
    }
    let replies = sending.join_all().await;
    replies.iter().map(|reply| reply.status).collect()
}

#[tokio::test]
async fn large_requests_at_once_take_little_more_memory_than_one() {
    let program = Program::start("10").await;
    let rows = |count: usize, length: usize| {
        format!(
            "with recursive f(n) as (select 1 union all select n + 1 from f where n < {count}) \
             select n, printf('%.{length}c', 'x') as text from f"
        )
    };
    let run = |at: At, sql: &str| match at {
        At::Dune => program
            .dune(Method::POST, "/sql/execute")
            .json(&json!({ "sql": sql })),
        At::Lightdash => program
            .lightdash(Method::POST, "/sql")
            .json(&json!({ "sql": sql })),
        At::YandexQuery => program
            .yandex_query(Method::POST, "")
            .json(&json!({ "text": sql })),
    };
    // results of few large values, of many small ones, and of what is between
    for sql in [rows(20, 900_000), rows(150_000, 1), rows(1_000, 12_000)] {
        let requests = ALL
            .iter()
            .flat_map(|at| (0..12).map(|_| run(*at, &sql)))
            .collect();
        let statuses = at_once(requests).await;
        assert!(
            statuses.iter().all(|status| *status == 200),
            "{statuses:?} for {sql}"
        );
        let peak = program.peak();
        assert!(peak < 300, "{peak} MiB at most, for {sql}");
        program.is_well(&sql).await;
    }
    // pages
    let sql = rows(1_000, 6_000);
    let dune = send(run(At::Dune, &sql)).await.json();
    let dune = format!(
        "/execution/{}/results",
        dune["execution_id"].as_str().unwrap()
    );
    let lightdash = send(run(At::Lightdash, &sql)).await.json();
    let lightdash = format!(
        "/{}?pageSize=2500",
        lightdash["results"]["queryUuid"].as_str().unwrap()
    );
    let yandex_query = send(run(At::YandexQuery, &sql)).await.json();
    let id = format!("/{}", yandex_query["id"].as_str().unwrap());
    assert_eq!(
        send(program.yandex_query(Method::GET, &id)).await.status,
        200
    );
    let yandex_query = format!("{id}/results/0?limit=1000");
    let requests = (0..12)
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
    assert!(peak < 300, "{peak} MiB at most, with pages");
    program.is_well("pages").await;
    // and nearly all of it is given back
    let memory = program.memory();
    assert!(memory < 200, "{memory} MiB when all is over");
}

#[tokio::test]
async fn pages_that_nobody_reads_do_not_fill_the_memory() {
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
            // the head comes or does not; the 6 MB of the body stay where they are
            let _response = request.send().await.unwrap();
            std::future::pending::<()>().await;
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    program.is_well("pages that nobody reads").await;
    let peak = program.peak();
    assert!(peak < 300, "{peak} MiB at most");
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
    assert!(peak < 100, "{peak} MiB at most");
    program.is_well("small objects").await;
}

#[tokio::test]
async fn a_file_of_the_sql_runner_ends_somewhere() {
    let program = Program::start("0.5").await;
    let project = format!(
        "{}/lightdash/api/v1/projects/{LIGHTDASH_PROJECT_UUID}",
        program.origin
    );
    let key = format!("ApiKey {LIGHTDASH_TOKEN}");
    let request = program.client.post(format!("{project}/sqlRunner/run"));
    let request = request.header("Authorization", &key);
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
    program.is_well("a file of the SQL runner").await;
}

#[tokio::test]
async fn bodies_are_refused_before_they_are_read() {
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
    // a stranger's body is refused when it is much smaller
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
    program.is_well("large bodies").await;
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
    program.is_well("recordings").await;
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
async fn a_table_that_is_refused_leaves_the_others_as_they_are() {
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

    // names that differ in case only are one name
    let reply = post(&sandbox, "/v1/uploads", &table("other", &["a", "A"])).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("twice"), "{}", reply.text);
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

    // and whatever was refused, the next one is taken
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
async fn a_filter_sees_the_result_and_nothing_else() {
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
        program.is_well(filter).await;
    }
    let columns = vec!["trade_id"; 4_000].join(",");
    let request = program.dune(Method::GET, &format!("/execution/{id}/results"));
    let reply = send(request.query(&[("columns", columns)])).await;
    assert!([400, 414, 431].contains(&reply.status), "{}", reply.status);
}

#[tokio::test]
async fn faults_add_up_without_an_end() {
    let sandbox = Sandbox::start().await.unwrap();
    for _ in 0..3 {
        sandbox.fault(Fault::delay(Duration::MAX).times(1));
    }
    let request = dune(&sandbox, Method::GET, "/v1/queries").timeout(Duration::from_millis(200));
    assert!(request.send().await.unwrap_err().is_timeout());
    let request = dune(&sandbox, Method::GET, "/v1/queries");
    assert_eq!(send(request).await.status, 200);
}
