//! The program of the README, run against the sandbox.
#![allow(clippy::unwrap_used)]

use rowfeed_sandbox::{Sandbox, ScriptedResult, Service};

use super::*;

async fn start() -> (Sandbox, Client) {
    let sandbox = Sandbox::start().await.unwrap();
    let token = rowfeed_yandex_query::Secret::new(rowfeed_sandbox::YANDEX_IAM_TOKEN).unwrap();
    let client = Client::builder()
        .base_url(sandbox.yandex_query_url())
        .iam_token(token);
    (sandbox, client.build().unwrap())
}

#[test]
fn the_readme_shows_the_program() {
    let program = include_str!("../../examples/yandex_query_rows.rs");
    let (_, program) = program.split_once("\n\n").unwrap();
    let (program, _) = program.split_once("\n#[cfg(test)]").unwrap();
    let readme = include_str!("../../README.md");
    assert!(
        readme.contains(&format!("```rust,no_run\n{program}```")),
        "README.md and examples/yandex_query_rows.rs differ: copy the program"
    );
    let (_, rest) = program.split_once("async fn read").unwrap();
    let (read, _) = rest.split_once("\n}\n").unwrap();
    assert!(read.lines().count() < 40, "the loop is short");
}

#[tokio::test]
async fn the_program_reads_every_row_to_the_last_digit() {
    let (sandbox, client) = start().await;
    let columns = [
        ("day", "Date"),
        ("at", "Timestamp"),
        ("amount", "Optional<Decimal(35,10)>"),
        ("payload", "String"),
        ("tags", "List<Tuple<Utf8,Int64>>"),
    ];
    let amount = "1234567890123456789012345.0123456789";
    let result = ScriptedResult::new(columns).generated(2_345, move |n| {
        vec![
            "\"2031-05-06T00:00:00Z\"".to_owned(),
            "\"2031-05-06T07:08:09.000001Z\"".to_owned(),
            [format!("[\"{amount}\"]"), "[]".to_owned()][n % 2].clone(),
            "\"AP8=\"".to_owned(),
            format!("[[\"tag\",{n}]]"),
        ]
    });
    sandbox
        .script_result(Service::YandexQuery, "SELECT all", result)
        .unwrap();
    let folder = rowfeed_sandbox::YANDEX_PROJECT;
    let rows = read(&client, folder, "SELECT all").await.unwrap();
    assert_eq!(rows.len(), 2_345);
    for (n, row) in (0_i64..).zip(rows) {
        let wanted = Event {
            day: jiff::civil::date(2031, 5, 6),
            at: "2031-05-06T07:08:09.000001Z".parse().unwrap(),
            amount: (n % 2 == 0).then(|| amount.parse().unwrap()),
            payload: vec![0, 255],
            tags: vec![("tag".to_owned(), n)],
        };
        assert_eq!(row, wanted);
    }
}

#[tokio::test]
async fn the_program_says_why_a_query_failed() {
    let (_sandbox, client) = start().await;
    let folder = rowfeed_sandbox::YANDEX_PROJECT;
    let error = read(&client, folder, "SELECT nonsense FROM nowhere")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
}
