//! Prints when each request is sent, from the spans that the clients open.

use std::{fmt, time::Instant};

use tracing::{
    Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

/// Every call is a span `rowfeed_call` that names its operation. Each attempt in it is a span
/// `rowfeed_attempt` that begins when the rate limit allows the attempt.
pub(crate) struct Departures {
    begun: Instant,
}

impl Departures {
    pub(crate) fn begin() -> Self {
        Self {
            begun: Instant::now(),
        }
    }
}

/// The operation of a call.
#[derive(Default)]
struct Operation(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Departures {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        match span.name() {
            "rowfeed_call" => {
                let mut operation = Operation::default();
                attributes.record(&mut operation);
                span.extensions_mut().insert(operation);
            }
            "rowfeed_attempt" => {
                let call = span.parent();
                let extensions = call.as_ref().map(|call| call.extensions());
                let operation = extensions.as_ref().and_then(|call| call.get::<Operation>());
                let operation = operation.map_or("", |Operation(name)| name);
                println!("{:>6} ms  {operation}", self.begun.elapsed().as_millis());
            }
            _ => {}
        }
    }
}

impl Visit for Operation {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "operation" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
