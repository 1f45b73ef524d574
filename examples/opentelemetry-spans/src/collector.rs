//! A minimal collector. It keeps what it receives as OTLP JSON as text.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::{Router, body::Bytes, http::StatusCode, routing::post};
use serde_json::Value;
use tokio::net::TcpListener;

pub(crate) struct Collector {
    pub(crate) url: String,
    spans: Arc<Mutex<Vec<Value>>>,
}

impl Collector {
    /// Collects until the runtime ends.
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let spans = Arc::<Mutex<Vec<Value>>>::default();
        let keep = Arc::clone(&spans);
        let receive = move |body: Bytes| async move {
            let Ok(export) = serde_json::from_slice::<Value>(&body) else {
                return StatusCode::BAD_REQUEST;
            };
            let scopes = list(&export, "resourceSpans").flat_map(|of| list(of, "scopeSpans"));
            let received = scopes.flat_map(|scope| list(scope, "spans")).cloned();
            keep.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(received);
            StatusCode::OK
        };
        let app = Router::new().route("/v1/traces", post(receive));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { url, spans })
    }

    /// The spans in the order in which they began, each below its parent.
    pub(crate) fn spans(&self) -> Vec<String> {
        let mut spans = self
            .spans
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        spans.sort_by_key(|span| nanoseconds(span, "startTimeUnixNano"));
        spans
            .iter()
            .flat_map(|span| {
                let depth = depth(span, &spans);
                let runs = list(span, "events").filter(|event| event["name"] == "run ended");
                let runs = runs.map(move |run| run_line(run, depth + 1));
                std::iter::once(line(span, depth)).chain(runs)
            })
            .collect()
    }
}

fn line(span: &Value, depth: usize) -> String {
    let name = span["name"].as_str().unwrap_or_default();
    let took = nanoseconds(span, "endTimeUnixNano") - nanoseconds(span, "startTimeUnixNano");
    let mut line = format!(
        "{:>7.1} ms  {}{name}",
        took as f64 / 1e6,
        "  ".repeat(depth)
    );
    for attribute in list(span, "attributes") {
        let key = attribute["key"].as_str().unwrap_or_default();
        // The number of an attempt, the operation, and the outcome; not the place in the code.
        if !["operation", "status", "attempts", "attempt", "retries"].contains(&key) {
            continue;
        }
        line.push_str(&format!(" {key}={}", text(attribute)));
    }
    line
}

/// What a run has used.
fn run_line(event: &Value, depth: usize) -> String {
    let mut line = format!("{:>10}  {}run ended", "", "  ".repeat(depth));
    for attribute in list(event, "attributes") {
        let key = attribute["key"].as_str().unwrap_or_default();
        if ["credits", "requests", "retries", "bytes_received"].contains(&key) {
            line.push_str(&format!(" {key}={}", text(attribute)));
        }
    }
    line
}

fn text(attribute: &Value) -> String {
    let value = attribute["value"].as_object();
    let value = value.and_then(|value| value.values().next());
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn depth(span: &Value, all: &[Value]) -> usize {
    let parent = all
        .iter()
        .find(|other| other["spanId"] == span["parentSpanId"]);
    parent.map_or(0, |parent| 1 + depth(parent, all))
}

/// OTLP's JSON encodes 64-bit numbers as text.
fn nanoseconds(span: &Value, field: &str) -> i64 {
    let text = span[field].as_str().unwrap_or_default();
    text.parse().unwrap_or_default()
}

fn list<'a>(of: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    of[field].as_array().into_iter().flatten()
}
