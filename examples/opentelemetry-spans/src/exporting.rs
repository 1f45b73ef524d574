//! Exports `tracing` spans as OTLP.

use anyhow::{Result, anyhow};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{Layer as _, filter::Targets, layer::SubscriberExt as _};

pub(crate) struct Exporting(SdkTracerProvider);

impl Exporting {
    /// Exports the spans of this program and of the clients from now on.
    pub(crate) fn start(collector: &str) -> Result<Self> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(format!("{}/v1/traces", collector.trim_end_matches('/')))
            .build()?;
        let resource = Resource::builder()
            .with_service_name("daily-report")
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        // Excludes the exporter's own HTTP client, whose spans would create new spans endlessly.
        let spans = Targets::new()
            .with_target("rowfeed", LevelFilter::DEBUG)
            .with_target(env!("CARGO_CRATE_NAME"), LevelFilter::INFO);
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("rowfeed"));
        let subscriber = tracing_subscriber::registry().with(layer.with_filter(spans));
        tracing::subscriber::set_global_default(subscriber)?;
        Ok(Self(provider))
    }

    /// Sends the remaining spans, and blocks until they are sent.
    pub(crate) fn end(self) -> Result<()> {
        let flushed = self.0.force_flush();
        flushed.map_err(|error| anyhow!("the collector did not accept all spans: {error}"))?;
        Ok(self.0.shutdown()?)
    }
}
