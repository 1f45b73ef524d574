//! The program of the README, run against the sandbox.
#![allow(clippy::unwrap_used)]

use rowfeed_sandbox::{Sandbox, ScriptedResult, Service};

use super::*;

async fn start() -> (Sandbox, Client) {
    let sandbox = Sandbox::start().await.unwrap();
    let token = rowfeed_lightdash::Secret::new(rowfeed_sandbox::LIGHTDASH_TOKEN).unwrap();
    let client = Client::builder()
        .base_url(sandbox.lightdash_url())
        .token(token);
    (sandbox, client.build().unwrap())
}

#[test]
fn the_readme_shows_the_program() {
    let program = include_str!("../../examples/lightdash_rows.rs");
    let (_, program) = program.split_once("\n\n").unwrap();
    let (program, _) = program.split_once("\n#[cfg(test)]").unwrap();
    let readme = include_str!("../../README.md");
    assert!(
        readme.contains(&format!("```rust,no_run\n{program}```")),
        "README.md and examples/lightdash_rows.rs differ: copy the program"
    );
    let (_, rest) = program.split_once("async fn read").unwrap();
    let (read, _) = rest.split_once("\n}\n").unwrap();
    assert!(read.lines().count() < 40, "the loop is short");
}

#[tokio::test]
async fn the_program_reads_every_row_to_the_last_digit() {
    let (sandbox, client) = start().await;
    let columns = [
        ("day", "date"),
        ("amount", "number"),
        ("paid", "boolean"),
        ("note", "string"),
    ];
    let amount = "1234567890123456789012345678901234567890.123456789";
    let result = ScriptedResult::new(columns).generated(1_234, move |n| {
        vec![
            "\"2031-05-06T00:00:00Z\"".to_owned(),
            format!("\"{amount}\""),
            ["true", "null"][n % 2].to_owned(),
            format!("\"note {n}\""),
        ]
    });
    sandbox
        .script_result(Service::Lightdash, "SELECT all", result)
        .unwrap();
    let project = rowfeed_sandbox::LIGHTDASH_PROJECT_UUID;
    let rows = read(&client, project, "SELECT all").await.unwrap();
    assert_eq!(rows.len(), 1_234);
    for (n, row) in rows.into_iter().enumerate() {
        let wanted = Order {
            day: jiff::civil::date(2031, 5, 6),
            amount: amount.parse().unwrap(),
            paid: (n % 2 == 0).then_some(true),
            note: format!("note {n}"),
        };
        assert_eq!(row, wanted);
    }
}

#[tokio::test]
async fn the_program_says_why_a_statement_failed() {
    let (_sandbox, client) = start().await;
    let project = rowfeed_sandbox::LIGHTDASH_PROJECT_UUID;
    let error = read(&client, project, "SELECT nonsense FROM nowhere")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
}
