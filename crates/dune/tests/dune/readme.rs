//! The program of the README, run against the sandbox.
#![allow(clippy::unwrap_used)]

use rowfeed_sandbox::{Sandbox, ScriptedResult, Service};

use super::*;

async fn start() -> (Sandbox, Client) {
    let sandbox = Sandbox::start().await.unwrap();
    let key = rowfeed_dune::Secret::new(rowfeed_sandbox::DUNE_API_KEY).unwrap();
    let client = Client::builder().base_url(sandbox.dune_url()).api_key(key);
    (sandbox, client.build().unwrap())
}

#[test]
fn the_readme_shows_the_program() {
    let program = include_str!("../../examples/dune_rows.rs");
    let (_, program) = program.split_once("\n\n").unwrap();
    let (program, _) = program.split_once("\n#[cfg(test)]").unwrap();
    let readme = include_str!("../../README.md");
    assert!(
        readme.contains(&format!("```rust,no_run\n{program}```")),
        "README.md and examples/dune_rows.rs differ: copy the program"
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
        ("amount", "uint256"),
        ("sender", "varbinary"),
        ("tags", "array(varchar)"),
    ];
    let amount = "1234567890123456789012345678901234567890123456789012345678901234567890123456";
    let result = ScriptedResult::new(columns).generated(2_345, move |n| {
        vec![
            "\"2031-05-06\"".to_owned(),
            format!("\"{amount}\""),
            "\"0x00ff\"".to_owned(),
            format!("[\"tag {n}\"]"),
        ]
    });
    sandbox
        .script_result(Service::Dune, "SELECT all", result)
        .unwrap();
    let rows = read(&client, "SELECT all").await.unwrap();
    assert_eq!(rows.len(), 2_345);
    for (n, row) in rows.into_iter().enumerate() {
        let wanted = Transfer {
            day: jiff::civil::date(2031, 5, 6),
            amount: amount.parse().unwrap(),
            sender: vec![0, 255],
            tags: vec![format!("tag {n}")],
        };
        assert_eq!(row, wanted);
    }
}

#[tokio::test]
async fn the_program_says_why_a_statement_failed() {
    let (_sandbox, client) = start().await;
    let error = read(&client, "SELECT nonsense FROM nowhere")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
}
