#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod config;
// Written by `cargo xtask codegen lightdash`.
#[rustfmt::skip]
#[allow(unreachable_pub, unused_imports, clippy::all, clippy::unwrap_used)]
mod generated;
mod statement;

pub use config::ClientBuilder;
pub use generated::{API_VERSION, Client, builder, types};
pub use rowfeed_client::{
    Attempt, BuildError, ByteStream, CredentialError, CredentialProvider, EnvCredential, ErrorKind,
    ExpiringSecret, RateLimit, RawRows, RefreshingCredential, ResponseValue, RetryPolicy, Secret,
    SecretError, SecretFuture, TimeoutScope, UnknownValue,
};

/// What goes wrong in a call, with the error that Lightdash itself sent where there is one.
pub type Error = rowfeed_client::Error<types::ErrorPayload>;
