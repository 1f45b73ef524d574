//! `--stats`: what a command has used.

use std::sync::{Mutex, PoisonError};

use rowfeed::Usage;
use serde_json::json;

use crate::{args::ServiceName, ui::Ui};

/// The counters of the clients that a command has made.
#[derive(Default)]
pub(crate) struct Stats(Mutex<Vec<(ServiceName, Count)>>);

type Count = Box<dyn Fn() -> Usage + Send>;

impl Stats {
    pub(crate) fn watch(&self, service: ServiceName, count: impl Fn() -> Usage + Send + 'static) {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        clients.push((service, Box::new(count)));
    }

    /// Writes a line for each client to standard error.
    pub(crate) fn show(&self, ui: &Ui) {
        let clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (service, count) in clients.iter() {
            let usage = count();
            if ui.is_json {
                ui.event(&json!({
                    "event": "stats",
                    "service": service.word(),
                    "calls": usage.calls,
                    "requests": usage.requests,
                    "retries": usage.retries,
                    "bytes_sent": usage.bytes_sent,
                    "bytes_received": usage.bytes_received,
                    "waited_ms": usage.waited.as_millis() as u64,
                    "credits": usage.credits,
                }));
            } else {
                ui.note(&line(*service, &usage));
            }
        }
    }
}

fn line(service: ServiceName, usage: &Usage) -> String {
    let mut line = format!(
        "{service}: {} calls, {} requests, {} retries, {} bytes sent, {} bytes received, {:.1} s \
         waited",
        usage.calls,
        usage.requests,
        usage.retries,
        usage.bytes_sent,
        usage.bytes_received,
        usage.waited.as_secs_f64()
    );
    if let Some(credits) = usage.credits {
        line.push_str(&format!(", {credits} credits for runs"));
    }
    line
}
