//! The client of the tests, and responses that it decodes.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use rowfeed_client::{CredentialError, RetryPolicy, Secret, Service, TransportBuilder};

use crate::{
    generated::{Client, types},
    server::{Reply, Server},
};

pub const DESCRIBED: Service = Service {
    name: "rows",
    default_base_url: None,
    user_agent: "rowfeed-test/0.1.0",
    credential: bearer,
    credential_setting: "api_key",
    request_id_headers: &["x-request-id", "cf-ray"],
    idempotent_operations: &["run_once"],
};

pub static SERVICE: Service = DESCRIBED;

fn bearer(secret: &Secret) -> Result<(HeaderName, HeaderValue), CredentialError> {
    secret.to_header(AUTHORIZATION, "Bearer ")
}

/// Retries with negligible waits.
pub fn quick() -> RetryPolicy {
    RetryPolicy::new()
        .base_delay(Duration::from_millis(1))
        .max_delay(Duration::from_millis(1))
}

pub fn transport(url: &str) -> TransportBuilder {
    TransportBuilder::new(&SERVICE)
        .base_url(url)
        .credential(Secret::new("hunter2").unwrap())
        .retry(quick())
        .http(|http| http.no_proxy())
}

pub fn build(transport: TransportBuilder) -> Client {
    let (url, http, core) = transport.build().unwrap();
    Client::new_with_client(&url, http, core)
}

pub fn client(server: &Server) -> Client {
    build(transport(&server.url))
}

pub fn page(rows: &str) -> Reply {
    Reply::json(
        "200 OK",
        &format!("{{\"state\":\"COMPLETED\",\"result\":{{\"rows\":{rows}}}}}"),
    )
}

pub fn sql() -> types::RunRequest {
    types::RunRequest {
        sql: "select 1".to_owned(),
    }
}
