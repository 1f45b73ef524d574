//! Building a client: invalid settings, and secrets that are never shown.

use std::{
    ffi::OsStr,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rowfeed_sandbox::{Sandbox, YANDEX_IAM_TOKEN, YANDEX_PROJECT};
use rowfeed_yandex_query::{
    CallErrorKind, Client, CredentialError, CredentialProvider, Secret, SecretFuture,
};

use crate::support::builder;

/// Runs [`what_from_env_gives`] in a process with only these variables, and returns its output.
fn from_env<V: AsRef<OsStr>>(vars: &[(&str, V)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "config::what_from_env_gives"])
        .args(["--ignored", "--nocapture"])
        .env_remove("YC_IAM_TOKEN")
        .env_remove("YANDEX_QUERY_URL")
        .envs(vars.iter().map(|(name, value)| (name, value)))
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
            let create = client.create_query().project(YANDEX_PROJECT);
            let answer = create.body("select 1").send().await;
            println!("answered {:?}", answer.map(|made| made.status().as_u16()));
        }
        Err(error) => println!("refused: {error}"),
    }
}

#[test]
fn from_env_takes_key_and_base_url() {
    let sandbox = Sandbox::start_blocking().unwrap();
    let url = sandbox.yandex_query_url();
    let said = from_env(&[
        ("YC_IAM_TOKEN", YANDEX_IAM_TOKEN),
        ("YANDEX_QUERY_URL", &url),
    ]);
    assert!(said.contains("answered Ok(200)"), "{said}");
    assert!(!said.contains(YANDEX_IAM_TOKEN), "{said}");
    assert_eq!(sandbox.requests().len(), 1);
}

#[test]
fn from_env_names_what_is_missing_or_wrong() {
    let said = from_env::<&str>(&[]);
    assert!(said.contains("refused"), "{said}");
    assert!(said.contains("\"YC_IAM_TOKEN\" is not set"), "{said}");

    let said = from_env(&[("YC_IAM_TOKEN", "hunter2\n")]);
    assert!(said.contains("\"YC_IAM_TOKEN\" has white space"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");

    let said = from_env(&[("YC_IAM_TOKEN", "hunter2"), ("YANDEX_QUERY_URL", "reef")]);
    assert!(
        said.contains("refused: the base URL cannot be parsed"),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn from_env_does_not_treat_an_unreadable_variable_as_unset() {
    use std::os::unix::ffi::OsStrExt;

    let unreadable = OsStr::from_bytes(b"https://\xff.invalid");
    let said = from_env(&[
        ("YC_IAM_TOKEN", OsStr::new("hunter2")),
        ("YANDEX_QUERY_URL", unreadable),
    ]);
    assert!(
        said.contains("refused: the environment variable \"YANDEX_QUERY_URL\" is not Unicode"),
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
        ("https://reef.invalid/?iam_token=hunter2", "query"),
    ] {
        let made = Client::builder().base_url(bad).iam_token(key()).build();
        let error = made.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert!(error.contains("expected"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let made = Client::builder()
        .iam_token(key())
        .timeout(std::time::Duration::ZERO)
        .build();
    assert!(made.unwrap_err().to_string().contains("timeout is zero"));
    let made = Client::builder()
        .iam_token(key())
        .user_agent("a\nb")
        .build();
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
    assert!(!format!("{builder:?}").contains(YANDEX_IAM_TOKEN));
    let client = builder.build().unwrap();
    let shown = format!("{client:?} {:?}", client.get_query().query_id("q1"));
    assert!(!shown.contains(YANDEX_IAM_TOKEN), "{shown}");
    assert!(shown.contains("reef.invalid"), "{shown}");
}

#[test]
fn the_default_base_url_is_the_services_own() {
    let client = Client::new("hunter2").unwrap();
    let shown = format!("{client:?}");
    assert!(
        shown.contains("\"https://api.yandex-query.cloud.yandex.net/api/fq/v1\""),
        "{shown}"
    );
}

#[tokio::test]
async fn a_slash_at_the_end_of_the_base_url_makes_no_difference() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = builder(&format!("{}/", sandbox.yandex_query_url()))
        .build()
        .unwrap();
    let create = client.create_query().project(YANDEX_PROJECT);
    create.body("select 1").send().await.unwrap();
    let path = &sandbox.requests()[0].path;
    assert!(path.ends_with("/api/fq/v1/queries") && !path.contains("//"));
}

/// Returns a credential that is refused, and then the right one.
struct Rotating {
    stale: AtomicBool,
}

impl CredentialProvider for Rotating {
    fn secret(&self) -> SecretFuture<'_> {
        let stale = self.stale.load(Ordering::SeqCst);
        let now = if stale { "hunter2" } else { YANDEX_IAM_TOKEN };
        Box::pin(async move { Secret::new(now).map_err(|e| CredentialError::new(e.to_string())) })
    }

    fn invalidate(&self, refused: &Secret) -> bool {
        assert_eq!(refused.expose(), "hunter2");
        self.stale.swap(false, Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_provider_replaces_a_credential_that_was_refused() {
    let sandbox = Sandbox::start().await.unwrap();
    let rotating = Rotating {
        stale: AtomicBool::new(true),
    };
    let client = builder(&sandbox.yandex_query_url())
        .credential_provider(Arc::new(rotating))
        .build()
        .unwrap();
    let create = || {
        let create = client.create_query().project(YANDEX_PROJECT);
        create.body("select 1").send()
    };
    assert_eq!(create().await.unwrap().attempts(), 2);
    assert_eq!(create().await.unwrap().attempts(), 1);
    let answers: Vec<_> = sandbox.requests().iter().map(|r| r.status).collect();
    assert_eq!(answers, [Some(401), Some(200), Some(200)]);
}

/// Returns no credential.
struct Empty;

impl CredentialProvider for Empty {
    fn secret(&self) -> SecretFuture<'_> {
        Box::pin(async { Err(CredentialError::new("the vault is locked")) })
    }
}

#[tokio::test]
async fn a_provider_without_a_credential_ends_the_call_before_it_is_sent() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = builder(&sandbox.yandex_query_url())
        .credential_provider(Arc::new(Empty))
        .build()
        .unwrap();
    let create = || {
        let create = client.create_query().project(YANDEX_PROJECT);
        create.body("select 1").send()
    };
    let error = create().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Credential);
    assert!(error.to_string().contains("the vault is locked"), "{error}");
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn a_rate_is_kept_over_clones_and_fresh_connections() {
    let sandbox = Sandbox::start().await.unwrap();
    let limit = rowfeed_yandex_query::RateLimit::new(1, std::time::Duration::from_millis(200));
    let limited = builder(&sandbox.yandex_query_url()).rate_limit(limit);
    let client = limited.build().unwrap();
    let fresh = client.with_fresh_connections().unwrap();
    let begun = std::time::Instant::now();
    for client in [&client, &fresh, &client.clone(), &fresh] {
        let create = client.create_query().project(YANDEX_PROJECT);
        create.body("select 1").send().await.unwrap();
    }
    let took = begun.elapsed();
    assert!(took >= std::time::Duration::from_millis(600), "{took:?}");
    assert_eq!(sandbox.requests().len(), 4);
}
