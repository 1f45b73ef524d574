//! Tokens for the key of a service account.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rowfeed_sandbox::{Fault, Sandbox, YANDEX_PROJECT};
use rowfeed_yandex_query::{
    CallErrorKind, Client, CredentialProvider as _, RetryPolicy, ServiceAccountCredential,
    ServiceAccountKey,
};

/// Returns a key file like Yandex Cloud's, with a key that is generated for this run.
fn key_file() -> &'static str {
    static FILE: OnceLock<String> = OnceLock::new();
    FILE.get_or_init(|| {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let pem = format!(
            "PLEASE DO NOT REMOVE THIS LINE! Yandex.Cloud SA Key ID <key-7>\n\
             -----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(der.as_ref())
        );
        let file = serde_json::json!({
            "id": "key-7",
            "service_account_id": "account-7",
            "key_algorithm": "RSA_2048",
            "private_key": pem,
        });
        file.to_string()
    })
}

fn credential(sandbox: &Sandbox) -> ServiceAccountCredential {
    let key = ServiceAccountKey::from_json(key_file()).unwrap();
    let url = format!("{}/iam/v1/tokens", sandbox.yandex_iam_url());
    ServiceAccountCredential::with_http(key, &url, |http| http.no_proxy()).unwrap()
}

fn client(sandbox: &Sandbox) -> Client {
    Client::builder()
        .base_url(sandbox.yandex_query_url())
        .credential_provider(Arc::new(credential(sandbox)))
        .retry(RetryPolicy::none())
        .build()
        .unwrap()
}

async fn create(client: &Client) -> Result<u32, rowfeed_yandex_query::CallError> {
    let create = client.create_query().project(YANDEX_PROJECT);
    let answer = create.body("select 1").send().await?;
    Ok(answer.attempts())
}

fn exchanges(sandbox: &Sandbox) -> usize {
    let requests = sandbox.requests();
    requests.iter().filter(|r| r.path.contains("/iam/")).count()
}

#[tokio::test]
async fn a_key_is_exchanged_for_a_token_once_however_many_calls_wait() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox);
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { create(&client).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), 1);
    }
    assert_eq!(exchanges(&sandbox), 1);
    let requests = sandbox.requests();
    let exchange = requests.iter().find(|r| r.path.contains("/iam/")).unwrap();
    assert_eq!(exchange.header("content-type"), Some("application/json"));
    assert_eq!(exchange.header("authorization"), None);
    // The sandbox checks issuer, audience, times, algorithm and key id. The unit tests of the JWT
    // check the signature.
    assert_eq!(exchange.status, Some(200));
}

#[tokio::test]
async fn a_token_refused_with_401_is_exchanged_again_once() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox);
    create(&client).await.unwrap();
    sandbox.fault(Fault::status(401).path("/queries"));
    assert_eq!(create(&client).await.unwrap(), 2);
    assert_eq!(exchanges(&sandbox), 2);
}

#[tokio::test]
async fn failures_of_the_token_service_are_retried_and_a_refusal_is_reported() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Fault::status(503).path("/iam/").times(2));
    assert_eq!(create(&client(&sandbox)).await.unwrap(), 1);
    assert_eq!(exchanges(&sandbox), 3);
    sandbox.take_requests();

    let refusal = "{\"code\":16,\"message\":\"The key key-7 is unknown\",\"details\":[]}";
    for (fault, why) in [
        (
            Fault::answer(401, "application/json", refusal),
            "responded with 401 Unauthorized: The key key-7 is unknown",
        ),
        (
            Fault::answer(200, "application/json", "{\"iamToken\":\"hunter2\"}"),
            "no iamToken and expiresAt",
        ),
        (
            Fault::answer(
                200,
                "application/json",
                "{\"iamToken\":\"hunter2\",\"expiresAt\":\"soon\"}",
            ),
            "has an invalid expiresAt",
        ),
        (
            Fault::answer(
                200,
                "application/json",
                "{\"iamToken\":\"hunter2\",\"expiresAt\":\"2001-01-01T00:00:00Z\"}",
            ),
            "has already expired",
        ),
        (
            Fault::answer(
                200,
                "application/json",
                "{\"iamToken\":\"hun\\nter2\",\"expiresAt\":\"2999-01-01T00:00:00Z\"}",
            ),
            "no iamToken",
        ),
        (
            Fault::status(307).header("Location", sandbox.dune_url()),
            "responded with 307",
        ),
    ] {
        sandbox.fault(fault.path("/iam/"));
        let error = create(&client(&sandbox)).await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::Credential);
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(why), "{why}: {shown}");
        assert!(!shown.contains("ter2") && !shown.contains("eyJ"), "{shown}");
        assert_eq!(sandbox.take_requests().len(), 1, "{why}: {shown}");
    }
}

#[tokio::test]
async fn neither_key_nor_token_nor_statement_is_shown() {
    let sandbox = Sandbox::start().await.unwrap();
    let credential = credential(&sandbox);
    let token = credential.secret().await.unwrap();
    let key = ServiceAccountKey::from_json(key_file()).unwrap();
    let client = client(&sandbox);
    create(&client).await.unwrap();
    let shown = format!("{credential:?} {token:?} {key:?} {client:?} {client:#?}");
    assert!(
        !shown.contains(token.expose()) && !shown.contains("MII"),
        "{shown}"
    );
    assert!(shown.contains("account-7"), "{shown}");
}

#[test]
fn a_statement_is_sent_only_over_https_or_to_this_machine() {
    let at = |url| {
        let key = ServiceAccountKey::from_json(key_file()).unwrap();
        ServiceAccountCredential::at(key, url)
    };
    let said = at("http://iam.invalid/iam/v1/tokens")
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("plain http") && said.contains("expected https"),
        "{said}"
    );
    let said = at("https://user:hunter2@iam.invalid/")
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("user name") && !said.contains("hunter2"),
        "{said}"
    );
    at("https://iam.invalid/iam/v1/tokens").unwrap();
    at("http://127.0.0.1:9/iam/v1/tokens").unwrap();
}

#[test]
fn a_key_is_read_from_its_file() {
    let path = std::env::temp_dir().join(format!("rowfeed-key-{}.json", std::process::id()));
    std::fs::write(&path, key_file()).unwrap();
    let key = ServiceAccountKey::from_file(&path);
    std::fs::write(&path, b"\xff\xfe").unwrap();
    let binary = ServiceAccountKey::from_file(&path);
    std::fs::remove_file(&path).unwrap();
    assert!(format!("{:?}", key.unwrap()).contains("key-7"));
    assert!(binary.unwrap_err().to_string().contains("not UTF-8"));
}
