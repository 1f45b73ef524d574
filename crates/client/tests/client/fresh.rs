//! A second HTTP client with the settings of the first.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rowfeed_client::CallErrorKind;

use crate::{
    generated::Client,
    server::{Reply, Server},
    setup::{page, transport},
};

#[tokio::test]
async fn a_fresh_client_has_every_setting_of_the_first() {
    let elsewhere = Server::start([page("[]")]).await;
    let location = [("location", elsewhere.url.as_str())];
    let server = Server::start([page("[]"), Reply::new("302 Found", &location, "")]).await;
    let builder = transport(&server.url)
        .user_agent("my-app/4")
        .http(|http| {
            let value = HeaderValue::from_static("blue");
            let headers = [(HeaderName::from_static("x-color"), value)];
            http.default_headers(HeaderMap::from_iter(headers))
        })
        .http(|http| http.redirect(reqwest::redirect::Policy::limited(10)));
    let (url, _, core) = builder.build().unwrap();
    let http = core.fresh_http_client().unwrap();
    let client = Client::new_with_client(&url, http, core);

    client.get_page().query_id("1").send().await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].header("x-color"), Some("blue"));
    assert_eq!(seen[0].header("authorization"), Some("Bearer hunter2"));
    assert_eq!(
        seen[0].header("user-agent"),
        Some("rowfeed-test/0.1.0 my-app/4")
    );

    let error = client.get_page().query_id("1").send().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Redirect);
    assert_eq!(elsewhere.count(), 0);
}

#[test]
fn http_settings_run_once_per_client_and_may_fail_later() {
    let made = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&made);
    let builder = transport("http://127.0.0.1:9").http(move |http| {
        match count.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => http,
            _ => http.user_agent("two\nlines"),
        }
    });
    let (_, _, core) = builder.build().unwrap();
    assert_eq!(made.load(Ordering::Relaxed), 1);
    core.fresh_http_client().unwrap();
    assert_eq!(made.load(Ordering::Relaxed), 2);
    let error = core.fresh_http_client().unwrap_err().to_string();
    assert!(error.contains("HTTP client could not be made"), "{error}");
}
