#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod config;
// Written by `cargo xtask codegen dune`.
#[rustfmt::skip]
#[allow(unreachable_pub, unused_imports, clippy::all, clippy::unwrap_used)]
mod generated;
pub mod insert;
mod statement;

pub use config::ClientBuilder;
pub use generated::{API_VERSION, Client, builder, types};
/// Decodes the rows of a page: `RawRows::decode` and what it needs.
pub use rowfeed_client::rows;
pub use rowfeed_client::{
    Attempt, BuildError, ByteStream, CallErrorKind, CredentialError, CredentialProvider,
    EnvCredential, ExpiringSecret, RateLimit, RawRows, RefreshingCredential, ResponseValue,
    RetryPolicy, Secret, SecretError, SecretFuture, TimeoutScope, UnknownValue,
};

/// Why a call failed, with the error body of Dune where there is one.
pub type CallError = rowfeed_client::CallError<types::ErrorResponse>;
