#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod chart;
mod config;
pub mod explore;
// Written by `cargo xtask codegen lightdash`.
#[rustfmt::skip]
#[allow(unreachable_pub, unused_imports, clippy::all, clippy::unwrap_used)]
mod generated;
mod nearest;
mod page;
mod parameter;
mod start;
mod statement;

pub use chart::ChartQuery;
pub use config::ClientBuilder;
pub use generated::{API_VERSION, Client, builder, types};
pub use page::{PageResults, ResultPage};
/// Decoding of the rows of a page: `RawRows::decode` and its types.
pub use rowfeed_client::rows;
pub use rowfeed_client::{
    Attempt, BuildError, ByteStream, CallErrorKind, CredentialError, CredentialProvider,
    EnvCredential, ExpiringSecret, RateLimit, RawRows, RefreshingCredential, ResponseValue,
    RetryPolicy, Secret, SecretError, SecretFuture, TimeoutScope, UnknownValue,
};
pub(crate) use start::Limits;
pub use start::{StartQuery, StartedRun};

/// The error of a failed call, with the error body of Lightdash if there is one.
pub type CallError = rowfeed_client::CallError<types::ErrorPayload>;
