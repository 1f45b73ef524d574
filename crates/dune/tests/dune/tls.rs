//! TLS and gzip are enabled unless their features are disabled. Run with this package alone: other
//! packages in the same build may enable features.

use rowfeed_dune::{Client, Secret};

use crate::tls_server::TlsServer;

const ANSWER: &str = "{\"execution_id\":\"01\",\"query_id\":1,\"state\":\"QUERY_STATE_EXECUTING\"}";

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
        .api_key(key())
        .http(move |http| http.no_proxy().tls_certs_only([root.clone()]))
        .build()
        .unwrap();
    client
        .get_execution_status()
        .execution_id("01")
        .send()
        .await
        .unwrap();
    let seen = server.seen();
    let key = "\r\nx-dune-api-key: correct-horse-battery\r\n";
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
        .api_key(key())
        .http(|http| http.no_proxy())
        .build()
        .unwrap();
    let error = client
        .get_execution_status()
        .execution_id("01")
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

/// Clients that leave the HTTP client alone share their TLS settings, which trust what the system
/// trusts. The variable is read once, so that a process of its own has to set it.
#[cfg(feature = "rustls")]
#[tokio::test]
async fn clients_with_shared_tls_settings_trust_the_root_certificates_of_the_system() {
    const IN_CHILD: &str = "ROWFEED_TEST_TLS_URL";
    if let Ok(url) = std::env::var(IN_CHILD) {
        for _ in 0..2 {
            let client = Client::builder().base_url(&url).api_key(key()).build();
            let status = client.unwrap().get_execution_status().execution_id("01");
            assert_eq!(status.send().await.unwrap().execution_id, "01");
        }
        return;
    }
    let server = TlsServer::start(ANSWER).await;
    let roots = std::env::temp_dir().join(format!("rowfeed-roots-{}.pem", std::process::id()));
    std::fs::write(&roots, &server.certificate).unwrap();
    let name = "clients_with_shared_tls_settings_trust_the_root_certificates_of_the_system";
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child
        .args([&format!("tls::{name}"), "--exact", "--nocapture"])
        .env(IN_CHILD, &server.url)
        .env("NO_PROXY", "127.0.0.1")
        .env("SSL_CERT_FILE", &roots)
        .env_remove("SSL_CERT_DIR");
    let output = tokio::task::spawn_blocking(move || child.output())
        .await
        .unwrap()
        .unwrap();
    std::fs::remove_file(&roots).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
    assert_eq!(server.seen().len(), 2);
}
