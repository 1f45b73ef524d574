#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod config;
// Browsers have neither a metadata service nor key files.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod credentials;
// Written by `cargo xtask codegen yandex-query`.
#[rustfmt::skip]
#[allow(unreachable_pub, unused_imports, clippy::all, clippy::unwrap_used)]
mod generated;
mod page;
mod statement;

pub use config::ClientBuilder;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub use credentials::MetadataCredential;
#[cfg(feature = "service-account")]
pub use credentials::{InvalidServiceAccountKey, ServiceAccountCredential, ServiceAccountKey};
pub use generated::{API_VERSION, Client, builder, types};
pub use page::ResultPage;
/// Decoding of the rows of a page: `RawRows::decode` and its types.
pub use rowfeed_client::rows;
pub use rowfeed_client::{
    Attempt, BuildError, ByteStream, CallErrorKind, CredentialError, CredentialProvider,
    EnvCredential, ExpiringSecret, RateLimit, RawRows, RefreshingCredential, ResponseValue,
    RetryPolicy, Secret, SecretError, SecretFuture, TimeoutScope, UnknownValue,
};

/// The error of a failed call, with the error body of Yandex Query if there is one.
pub type CallError = rowfeed_client::CallError<types::GenericError>;
