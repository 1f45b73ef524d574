#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod config;
// Written by `cargo xtask codegen dune`.
#[rustfmt::skip]
#[allow(unreachable_pub, unused_imports, clippy::all, clippy::unwrap_used)]
mod generated;
pub mod insert;
mod page;
mod parameter;
mod statement;

pub use config::ClientBuilder;
pub use generated::{API_VERSION, Client, builder, types};
pub use page::{ResultMetadata, ResultPage, ResultRows};
pub use parameter::Parameter;
/// Decoding of the rows of a page: `RawRows::decode` and its types.
pub use rowfeed_client::rows;
pub use rowfeed_client::{
    Attempt, BuildError, ByteStream, CallErrorKind, CredentialError, CredentialProvider,
    EnvCredential, ExpiringSecret, RateLimit, RawRows, RefreshingCredential, ResponseValue,
    RetryPolicy, Secret, SecretError, SecretFuture, TimeoutScope, UnknownValue,
};

/// The error of a failed call, with the error body of Dune if there is one.
pub type CallError = rowfeed_client::CallError<types::ErrorResponse>;
