//! The `tracing` spans and events of a call. The test has its own process, since `tracing` caches
//! for all threads whether there is a subscriber.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

#[path = "client/generated.rs"]
mod generated;
#[path = "client/server.rs"]
mod server;
#[path = "client/setup.rs"]
mod setup;

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use rowfeed_client::{CredentialError, ExpiringSecret, RefreshingCredential, Secret};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::{
    server::{Reply, Server},
    setup::{build, client, page, transport},
};

/// Records spans and events of this crate as text.
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
    let refreshing = RefreshingCredential::new(|| async {
        Ok(ExpiringSecret::lasting(Secret::new("hunter6")?))
    });
    let failing =
        RefreshingCredential::new(|| async { Err(CredentialError::new("the vault is sealed")) });
    for credential in [refreshing, failing] {
        let client = build(transport(&server.url).credential_provider(Arc::new(credential)));
        client.get_page().query_id("2").send().await.unwrap_err();
    }
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
    assert_eq!(attempts.count(), 5, "{all}");
    for attempt in ["attempt=1 waited_ms=0", "attempt=2 waited_ms="] {
        let told = |line: &&String| line.contains(attempt);
        assert!(lines.iter().any(|line| told(&line)), "{attempt}: {all}");
    }
    for event in [
        "credential refreshed",
        "credential not refreshed error=\"the vault is sealed\" pause=1s",
    ] {
        assert!(
            lines.iter().any(|line| line.contains(event)),
            "{event}: {all}"
        );
    }
    for event in [
        "status=503",
        "attempting again wait_ms=",
        "status=200",
        "status=404",
    ] {
        let told = |line: &&String| line.starts_with("event") && line.contains(event);
        assert!(lines.iter().any(|line| told(&line)), "{event}: {all}");
    }
    assert_eq!(lines[0], span);
    for outcome in [
        "on 1 status=200",
        "on 1 attempts=2",
        "on 1 retries=1",
        "on 1 bytes_sent=0",
        "on 1 bytes_received=70",
    ] {
        assert!(lines.iter().any(|line| line == outcome), "{outcome}: {all}");
    }
    assert!(
        lines
            .iter()
            .any(|line| line.ends_with(" status=404") && line.starts_with("on "))
    );
}
