//! Tests of Yandex Cloud tokens and of lifetimes.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use rowfeed_sandbox::{Sandbox, YANDEX_OAUTH_TOKEN, YANDEX_OTHER_IAM_TOKEN, YANDEX_PROJECT};
use serde_json::{Value, json};
use support::{Reply, send, yandex_query, yandex_query_run};

const AUDIENCE: &str = "https://iam.api.cloud.yandex.net/iam/v1/tokens";

async fn iam(sandbox: &Sandbox, body: Value) -> Reply {
    let url = format!("{}/iam/v1/tokens", sandbox.yandex_iam_url());
    send(reqwest::Client::new().post(url).json(&body)).await
}

async fn metadata(sandbox: &Sandbox, path: &str, flavour: Option<&str>) -> Reply {
    let address = sandbox.yandex_metadata_address();
    let url = format!("http://{address}/computeMetadata/v1/instance/{path}");
    let mut request = reqwest::Client::new().get(url);
    if let Some(flavour) = flavour {
        request = request.header("Metadata-Flavor", flavour);
    }
    send(request).await
}

/// Creates a query with this token and returns the status.
async fn create(sandbox: &Sandbox, token: &str) -> u16 {
    let request = reqwest::Client::new()
        .post(format!("{}/queries", sandbox.yandex_query_url()))
        .query(&[("project", YANDEX_PROJECT)])
        .bearer_auth(token)
        .json(&json!({ "text": "select 1" }));
    send(request).await.status
}

fn now() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

fn jwt(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2lnbmF0dXJl", part(header), part(claims))
}

fn header() -> Value {
    json!({ "typ": "JWT", "alg": "PS256", "kid": "aje-key" })
}

fn claims() -> Value {
    json!({ "iss": "aje-account", "aud": AUDIENCE, "iat": now(), "exp": now() + 3600 })
}

#[tokio::test]
async fn a_signed_token_and_an_oauth_token_become_iam_tokens() {
    let sandbox = Sandbox::start().await.unwrap();
    for body in [
        json!({ "jwt": jwt(&header(), &claims()) }),
        json!({ "yandexPassportOauthToken": YANDEX_OAUTH_TOKEN }),
    ] {
        let reply = iam(&sandbox, body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let token = reply.json()["iamToken"].as_str().unwrap().to_owned();
        assert!(token.starts_with("t1."), "{token}");
        let expires = reply.json()["expiresAt"].as_str().unwrap().to_owned();
        assert!(expires.ends_with('Z'), "{expires}");
        assert_eq!(create(&sandbox, &token).await, 200);
    }
    let seen = format!("{:?}", sandbox.requests());
    assert!(!seen.contains(YANDEX_OAUTH_TOKEN), "{seen}");
}

#[tokio::test]
async fn each_invalid_credential_has_its_own_error() {
    let sandbox = Sandbox::start().await.unwrap();
    let changed = |key: &str, value: Value| {
        let (mut header, mut claims) = (header(), claims());
        let part = if key == "alg" {
            &mut header
        } else {
            &mut claims
        };
        part[key] = value;
        json!({ "jwt": jwt(&header, &claims) })
    };
    for (body, status, part) in [
        (json!({}), 400, "required"),
        (json!({ "jwt": "a.b" }), 400, "malformed"),
        (json!({ "jwt": "a.b.c" }), 400, "malformed"),
        (json!({ "yandexPassportOauthToken": "x" }), 401, "OAuth"),
        (changed("alg", "RS256".into()), 401, "PS256"),
        (changed("aud", "moon".into()), 401, "audience"),
        (changed("exp", (now() - 1).into()), 401, "expired"),
        (
            changed("exp", (now() + 9999).into()),
            401,
            "longer than an hour",
        ),
    ] {
        let reply = iam(&sandbox, body).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        let message = reply.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn each_token_is_valid_until_its_own_expiration() {
    let sandbox = Sandbox::builder()
        .yandex_token_lifetime(Duration::from_millis(1500))
        .start()
        .await
        .unwrap();
    let token = async || {
        let body = json!({ "yandexPassportOauthToken": YANDEX_OAUTH_TOKEN });
        let reply = iam(&sandbox, body).await;
        reply.json()["iamToken"].as_str().unwrap().to_owned()
    };
    let first = token().await;
    let second = token().await;
    assert_ne!(first, second);
    assert_eq!(create(&sandbox, &first).await, 200);
    tokio::time::sleep(Duration::from_millis(1550)).await;
    assert_eq!(create(&sandbox, &first).await, 401);
    assert_eq!(create(&sandbox, &token().await).await, 200);
}

#[tokio::test]
async fn the_metadata_service_requires_its_header() {
    let sandbox = Sandbox::start().await.unwrap();
    let path = "service-accounts/default/token";
    for flavour in [None, Some("Amazon")] {
        assert_eq!(metadata(&sandbox, path, flavour).await.status, 403);
    }
    let body = metadata(&sandbox, path, Some("Google")).await.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 43_200);
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(create(&sandbox, token).await, 200);
    let folder = metadata(&sandbox, "vendor/?recursive=true", Some("Google")).await;
    assert_eq!(folder.json()["folderId"], YANDEX_PROJECT);
    let unknown = metadata(&sandbox, "disks", Some("Google")).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn a_query_is_visible_only_to_its_subject() {
    let sandbox = Sandbox::start().await.unwrap();
    assert_eq!(create(&sandbox, YANDEX_OTHER_IAM_TOKEN).await, 200);
    let id = yandex_query_run(&sandbox, "select 1").await;
    let url = format!("{}/queries/{id}/status", sandbox.yandex_query_url());
    let request = reqwest::Client::new()
        .get(url)
        .query(&[("project", YANDEX_PROJECT)])
        .bearer_auth(YANDEX_OTHER_IAM_TOKEN);
    let reply = send(request).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["details"][0]["issue_code"], 1000);
}

#[tokio::test]
async fn results_expire_and_the_query_remains() {
    let sandbox = Sandbox::builder()
        .poll_steps(0)
        .results_lifetime(Duration::from_millis(1500))
        .start()
        .await
        .unwrap();
    let id = yandex_query_run(&sandbox, "select 1").await;
    let get = |path: &str| {
        let request = yandex_query(&sandbox, Method::GET, &format!("/queries/{id}{path}"));
        async move { send(request).await }
    };
    assert_eq!(get("/status").await.json()["status"], "COMPLETED");
    assert_eq!(get("/results/0").await.status, 200);
    tokio::time::sleep(Duration::from_millis(1550)).await;
    let reply = get("/results/0").await;
    assert_eq!(reply.status, 400);
    let issue = &reply.json()["details"][0];
    assert_eq!(issue["issue_code"], 1004);
    assert_eq!(issue["message"], "Result removed by TTL");
    assert_eq!(get("").await.json()["status"], "COMPLETED");
}

#[tokio::test]
async fn a_request_id_is_not_returned() {
    let sandbox = Sandbox::start().await.unwrap();
    let request = yandex_query(&sandbox, Method::GET, "/queries/x").header("x-request-id", "r-1");
    let reply = send(request).await;
    assert_eq!(reply.header("x-request-id"), None);
    let seen = sandbox.requests();
    assert_eq!(seen[0].header("x-request-id"), Some("r-1"));
}

#[tokio::test]
async fn the_openapi_document_is_public_plain_text() {
    let sandbox = Sandbox::start().await.unwrap();
    let url = sandbox
        .yandex_query_url()
        .replace("/api/fq/v1", "/resources/v1/openapi.yaml");
    let reply = send(reqwest::Client::new().get(url)).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain;charset=UTF-8")
    );
    assert!(reply.text.contains("operationId: create-query"));
    let url = sandbox.yandex_query_url().replace("/api/fq/v1", "/ping");
    assert_eq!(send(reqwest::Client::new().get(url)).await.status, 200);
}

#[tokio::test]
async fn the_path_takes_precedence_over_the_query_string() {
    let sandbox = Sandbox::start().await.unwrap();
    let id = yandex_query_run(&sandbox, "select 1").await;
    let path = format!("/queries/{id}?query_id=another");
    let body = send(yandex_query(&sandbox, Method::GET, &path))
        .await
        .json();
    assert_eq!(body["id"], id);
}
