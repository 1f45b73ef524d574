//! Making a client: what is refused, and what is never shown.

use std::process::Command;

use rowfeed_dune::{Client, Secret};
use rowfeed_sandbox::{DUNE_API_KEY, Sandbox};

use crate::support::builder;

/// Runs [`what_from_env_gives`] in a process with just these variables; what it printed.
fn from_env(vars: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "config::what_from_env_gives"])
        .args(["--ignored", "--nocapture"])
        .env_remove("DUNE_API_KEY")
        .env_remove("DUNE_API_BASE_URL")
        .envs(vars.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
#[ignore = "run by other tests, in a process of its own"]
async fn what_from_env_gives() {
    match Client::from_env() {
        Ok(client) => {
            println!("made {client:?}");
            let answer = client.list_queries().limit(1).send().await;
            println!("answered {:?}", answer.map(|page| page.queries.len()));
        }
        Err(error) => println!("refused: {error}"),
    }
}

#[test]
fn from_env_takes_key_and_base_url() {
    let sandbox = Sandbox::start_blocking().unwrap();
    let url = sandbox.dune_url();
    let said = from_env(&[("DUNE_API_KEY", DUNE_API_KEY), ("DUNE_API_BASE_URL", &url)]);
    assert!(said.contains("answered Ok(1)"), "{said}");
    assert!(!said.contains(DUNE_API_KEY), "{said}");
    assert_eq!(sandbox.requests().len(), 1);
}

#[test]
fn from_env_names_what_is_missing_or_wrong() {
    let said = from_env(&[]);
    assert!(said.contains("refused"), "{said}");
    assert!(said.contains("\"DUNE_API_KEY\" is not set"), "{said}");

    let said = from_env(&[("DUNE_API_KEY", "hunter2\n")]);
    assert!(said.contains("\"DUNE_API_KEY\" has white space"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");

    let said = from_env(&[("DUNE_API_KEY", "hunter2"), ("DUNE_API_BASE_URL", "reef")]);
    assert!(
        said.contains("refused: the base URL cannot be parsed"),
        "{said}"
    );
}

#[test]
fn the_builder_says_what_is_wrong_without_showing_the_key() {
    let key = || Secret::new("hunter2").unwrap();
    for (bad, why) in [
        ("not a url", "cannot be parsed"),
        ("ftp://reef.invalid", "scheme \"ftp\""),
        ("https://hunter2@reef.invalid", "user name or password"),
        ("https://reef.invalid/?api_key=hunter2", "query"),
    ] {
        let made = Client::builder().base_url(bad).api_key(key()).build();
        let error = made.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert!(error.contains("wanted"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let made = Client::builder()
        .api_key(key())
        .timeout(std::time::Duration::ZERO)
        .build();
    assert!(made.unwrap_err().to_string().contains("timeout is zero"));
    let made = Client::builder().api_key(key()).user_agent("a\nb").build();
    assert!(made.unwrap_err().to_string().contains("user agent"));
    for (bad, why) in [
        ("", "empty"),
        ("hun\nter2", "control"),
        ("hunter2 ", "space"),
    ] {
        let error = Client::new(bad).unwrap_err().to_string();
        assert!(error.contains(why) && !error.contains("ter2"), "{error}");
    }
}

#[test]
fn debug_shows_no_key() {
    let builder = builder("https://reef.invalid/api");
    assert!(!format!("{builder:?}").contains(DUNE_API_KEY));
    let client = builder.build().unwrap();
    let shown = format!("{client:?} {:?}", client.get_query().query_id(70));
    assert!(!shown.contains(DUNE_API_KEY), "{shown}");
    assert!(shown.contains("reef.invalid"), "{shown}");
}

#[tokio::test]
async fn a_slash_at_the_end_of_the_base_url_makes_no_difference() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = builder(&format!("{}/", sandbox.dune_url()))
        .build()
        .unwrap();
    client.list_queries().send().await.unwrap();
    assert_eq!(sandbox.requests()[0].path, "/dune/api/v1/queries");
}
