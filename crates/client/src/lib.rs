#![doc = include_str!("../README.md")]
//!
//! ## Overview
//!
//! - [`TransportBuilder`]: base URL, timeouts, deadline, retries, body limit;
//! - [`Secret`] and [`CredentialProvider`]: credentials that never appear in output, fixed or
//!   [refreshed](RefreshingCredential) before they expire;
//! - [`RetryPolicy`]: which failures are retried, when, and how often;
//! - [`RateLimit`]: how often a client sends requests;
//! - [`CallError`]: the error of every failed call, with status, headers and body;
//! - [`ResponseValue`] and [`ByteStream`]: the results of a call;
//! - [`ApiRequest`]: a request to any path of the service;
//! - [`Usage`]: the requests, bytes, waits and credits of a client or a run;
//! - [`RawRows`]: the rows of a page as one slice of the received body;
//! - [`open_enum!`]: string enums that accept values this version does not know;
//! - [`platform`]: timers and tasks, of tokio or of a browser;
//! - [`codegen`] and [`client_builder!`]: the interface for generated clients.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod api_request;
mod asked_wait;
mod base_url;
mod cache;
mod call;
pub mod codegen;
mod config;
mod credential;
mod error;
mod excerpt;
mod hooks;
mod no_connection;
mod open_enum;
pub mod platform;
mod rate_limit;
mod recorder;
mod response;
mod retry;
mod usage;

pub use api_request::ApiRequest;
pub use base_url::InvalidBaseUrl;
pub use cache::{CacheCall, CacheFuture, CachedResponse, ResponseCache};
pub use config::{BuildError, Core, Service, TransportBuilder};
pub use credential::{
    CredentialError, CredentialProvider, EnvCredential, ExpiringSecret, Masker,
    RefreshingCredential, Secret, SecretError, SecretFuture, StaticCredential,
};
pub use error::{Attempt, CallError, CallErrorKind, ServiceError, TimeoutScope, TransportError};
pub use hooks::ClientInfo;
pub use open_enum::{OpenEnum, UnknownValue};
pub use rate_limit::RateLimit;
pub use recorder::{CallRecorder, FileRecorder, RecordedCall};
pub use response::{ByteStream, ResponseValue};
pub use retry::RetryPolicy;
pub use rowfeed_rows as rows;
pub use rowfeed_rows::{RawRows, RawRowsIter};
pub use usage::{Meter, Usage};

/// Items that the crates of this workspace share. They are released together; other crates must not
/// use these items.
#[doc(hidden)]
pub mod _internal {
    #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
    pub use crate::credential::{TokenEndpoint, TokenResponse};
}

/// Names that the expansion of [`open_enum!`] uses; not for direct use.
#[doc(hidden)]
pub mod __private {
    pub use crate::open_enum::{deserialize, parse};
    #[cfg(feature = "schemars")]
    pub use schemars;
    pub use serde;
}
