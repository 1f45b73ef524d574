//! Captures the log of this process at every level, from `log` and from `tracing`: spans with their
//! fields, and events.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

static LOG: Mutex<String> = Mutex::new(String::new());

/// Starts to capture the log. An existing logger stays.
pub(super) fn keep() {
    let _ = tracing::subscriber::set_global_default(Keeper);
    if log::set_logger(&Keeper).is_ok() {
        log::set_max_level(log::LevelFilter::Trace);
    }
}

/// Returns the captured text.
pub(super) fn kept() -> String {
    LOG.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn write(line: fmt::Arguments<'_>) {
    let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    *log += &format!("{line}\n");
}

struct Keeper;

impl Visit for Keeper {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write(format_args!("{field}={value:?}"));
    }
}

impl Subscriber for Keeper {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        write(format_args!("{}", span.metadata().name()));
        span.record(&mut Self);
        // All spans have the same id.
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Self);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Self);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl log::Log for Keeper {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        write(*record.args());
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_events_and_log_lines_are_captured() {
        keep();
        let span = tracing::trace_span!("a span", of = "fields", later = tracing::field::Empty);
        span.record("later", "filled in");
        tracing::trace!(said = "in an event");
        log::trace!("said in {}", "a line");
        let log = kept();
        for text in ["fields", "filled in", "in an event", "said in a line"] {
            assert!(log.contains(text), "{text}: {log}");
        }
    }
}
