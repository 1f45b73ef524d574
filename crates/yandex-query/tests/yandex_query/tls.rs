//! TLS and gzip are enabled unless their features are disabled. Run with this package alone: other
//! packages in the same build may enable features.

use rowfeed_yandex_query::{Client, Secret};

use crate::tls_server::TlsServer;

const ANSWER: &str = "{\"status\":\"RUNNING\"}";

fn key() -> Secret {
    Secret::new("correct-horse-battery").unwrap()
}

#[cfg(all(feature = "rustls", feature = "gzip"))]
#[tokio::test]
async fn a_default_build_speaks_https_and_accepts_gzip() {
    let server = TlsServer::start(ANSWER).await;
    let root = reqwest::Certificate::from_pem(server.certificate.as_bytes()).unwrap();
    let client = Client::builder()
        .base_url(&server.url)
        .iam_token(key())
        .http(move |http| http.no_proxy().tls_certs_only([root.clone()]))
        .build()
        .unwrap();
    client
        .get_query_status()
        .project("p")
        .query_id("q")
        .send()
        .await
        .unwrap();
    let seen = server.seen();
    let key = "\r\nauthorization: bearer correct-horse-battery\r\n";
    assert!(seen[0].contains(key), "{seen:?}");
    assert!(
        seen[0].contains("\r\naccept-encoding: gzip\r\n"),
        "{seen:?}"
    );
}

#[tokio::test]
async fn an_unknown_certificate_or_a_missing_tls_is_an_error_that_says_what_to_do() {
    let server = TlsServer::start(ANSWER).await;
    let client = Client::builder()
        .base_url(&server.url)
        .iam_token(key())
        .http(|http| http.no_proxy())
        .build()
        .unwrap();
    let error = client
        .get_query_status()
        .project("p")
        .query_id("q")
        .send()
        .await
        .unwrap_err();
    assert!(error.is_connect(), "{error}");
    assert_eq!(
        error.attempts(),
        1,
        "another attempt would end the same way"
    );
    let has_tls = cfg!(any(feature = "rustls", feature = "native-tls"));
    let remedy = match error.to_string().contains("this build has no TLS") {
        true if has_tls => panic!("{error}"),
        true => "enable the feature `rustls` or `native-tls`",
        false => "add your own root certificate with `http`",
    };
    assert!(error.to_string().contains(remedy), "{error}");
    assert!(server.seen().is_empty(), "nothing was sent");
}
