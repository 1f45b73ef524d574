//! What is shown, and what never is.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use rowfeed_client::{CredentialError, Secret, Service, TransportBuilder};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::{
    server::{Reply, Server},
    shape::{DESCRIBED, SERVICE, build, client, page, transport},
};

#[tokio::test]
async fn nothing_shows_the_credential() {
    let server = Server::start([Reply::json("401 Unauthorized", "{\"error\":\"no\"}")]).await;
    let builder = transport(&server.url);
    let mut shown = format!("{builder:?}");
    let client = build(builder);
    let call = client.get_page().query_id("1").limit(1);
    shown += &format!("{client:?} {client:#?} {call:?}");
    let error = call.send().await.unwrap_err();
    shown += &format!("{error} {error:?} {:?}", error.headers());
    shown += &format!("{:?}", Secret::new("hunter2").unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("***"));
}

#[test]
fn a_builder_does_not_show_a_password_in_its_url() {
    let builder = TransportBuilder::new(&SERVICE).base_url("https://user:hunter2@h");
    assert!(!format!("{builder:?}").contains("hunter2"));
    let error = builder.build().unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("user name or password"), "{shown}");
}

#[test]
fn a_builder_says_what_is_wrong() {
    let builder = || TransportBuilder::new(&SERVICE).base_url("http://h");
    for (builder, why) in [
        (
            TransportBuilder::new(&SERVICE),
            "no base URL is set, and rows has no",
        ),
        (builder().base_url("h:80"), "scheme \"h\""),
        (builder().timeout(Duration::ZERO), "timeout is zero"),
        (builder().deadline(Duration::ZERO), "deadline is zero"),
        (
            builder().connect_timeout(Duration::ZERO),
            "connect_timeout is zero",
        ),
        (builder().user_agent("a\nb"), "user agent"),
    ] {
        let shown = builder.build().unwrap_err().to_string();
        assert!(shown.contains(why), "{why}: {shown}");
    }
    let endless = builder().timeout(Duration::MAX).deadline(None);
    let (url, _, core) = endless.build().unwrap();
    assert_eq!((url.as_str(), core.deadline()), ("http://h", None));
}

#[test]
fn a_credential_that_does_not_fit_is_refused_when_building() {
    static PICKY: Service = Service {
        credential: |_| Err(CredentialError::new("wanted a key that begins with ab_")),
        ..DESCRIBED
    };
    let key = Secret::new("hunter2").unwrap();
    let builder = TransportBuilder::new(&PICKY).base_url("http://h");
    let error = builder.credential(key).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the credential cannot be used: wanted a key that begins with ab_"
    );
}

#[tokio::test]
async fn endless_limits_are_no_limits() {
    let server = Server::start([page("[]")]).await;
    for deadline in [None, Some(Duration::MAX)] {
        let transport = transport(&server.url)
            .timeout(Duration::MAX)
            .deadline(deadline);
        build(transport)
            .get_page()
            .query_id("1")
            .send()
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn the_credential_overrides_what_a_hook_sets() {
    let server = Server::start([page("[]")]).await;
    let builder = transport(&server.url).user_agent("my-app/3").http(|http| {
        let value = HeaderValue::from_static("Bearer other");
        http.default_headers(HeaderMap::from_iter([(AUTHORIZATION, value)]))
    });
    build(builder)
        .get_page()
        .query_id("1")
        .send()
        .await
        .unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].header("authorization"), Some("Bearer hunter2"));
    assert_eq!(
        seen[0].header("user-agent"),
        Some("rowfeed-test/0.1.0 my-app/3")
    );
}

#[tokio::test]
async fn without_a_credential_no_header_is_sent() {
    let server = Server::start([page("[]")]).await;
    let builder = transport(&server.url).no_credential();
    build(builder)
        .get_page()
        .query_id("1")
        .send()
        .await
        .unwrap();
    assert_eq!(server.seen()[0].header("authorization"), None);
}

#[tokio::test]
async fn the_path_is_shown_below_the_base_url() {
    let server = Server::start([Reply::new("404 Not Found", &[], "")]).await;
    let client = build(transport(&format!("{}/api/", server.url)));
    let error = client.get_page().query_id("1").send().await.unwrap_err();
    assert_eq!(error.path(), Some("/v1/query/1/results"));
    assert_eq!(
        server.seen()[0].line,
        "GET /api/v1/query/1/results HTTP/1.1"
    );
}

/// Writes down spans and events of this crate as text.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl Recorder {
    fn add(&self, line: String) -> u64 {
        let mut lines = self.0.lock().unwrap();
        lines.push(line);
        lines.len() as u64
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0 += &format!(" {}={value:?}", field.name());
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("rowfeed")
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut line = Line(format!("span {}", attributes.metadata().name()));
        attributes.record(&mut line);
        span::Id::from_u64(self.add(line.0))
    }

    fn record(&self, id: &span::Id, values: &span::Record<'_>) {
        let mut line = Line(format!("on {}", id.into_u64()));
        values.record(&mut line);
        self.add(line.0);
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line("event".to_owned());
        event.record(&mut line);
        self.add(line.0);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn a_call_is_one_span_with_its_outcome_and_an_attempt_is_one() {
    let recorder = Recorder::default();
    let guard = tracing::subscriber::set_default(recorder.clone());
    let unavailable = Reply::json("503 Service Unavailable", "{\"error\":\"hunter4\"}");
    let gone = Reply::json("404 Not Found", "{\"error\":\"hunter4\"}");
    let server = Server::start([unavailable, page("[\"hunter5\"]"), gone]).await;
    let client = client(&server);
    let call = || client.get_page().query_id("1").state("hunter3");
    call().send().await.unwrap();
    call().send().await.unwrap_err();
    drop(guard);
    let lines = recorder.0.lock().unwrap().clone();
    let all = lines.join("\n");
    assert!(!all.contains("hunter"), "{all}");
    let span = "span rowfeed_call service=\"rows\" operation=\"get_page\" method=\"GET\" \
                path=\"/v1/query/1/results\"";
    assert_eq!(
        lines.iter().filter(|line| *line == span).count(),
        2,
        "{all}"
    );
    let attempts = lines
        .iter()
        .filter(|line| line.starts_with("span rowfeed_attempt"));
    assert_eq!(attempts.count(), 3, "{all}");
    assert_eq!(lines[0], span);
    for outcome in ["on 1 status=200", "on 1 attempts=2"] {
        assert!(lines.iter().any(|line| line == outcome), "{outcome}: {all}");
    }
    assert!(
        lines
            .iter()
            .any(|line| line.ends_with(" status=404") && line.starts_with("on "))
    );
}
