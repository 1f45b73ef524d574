#![doc = include_str!("../README.md")]
//!
//! ## What is here
//!
//! - [`TransportBuilder`]: base URL, timeouts, deadline, retries, body limit;
//! - [`Secret`] and [`CredentialProvider`]: credentials that never appear in output, fixed or
//!   [refreshed](RefreshingCredential) before they expire;
//! - [`RetryPolicy`]: what is sent again, when, and how often;
//! - [`RateLimit`]: how often a client sends at all;
//! - [`CallError`]: one error for every way a call can fail, which keeps status, headers and body;
//! - [`ResponseValue`] and [`ByteStream`]: what a call returns;
//! - [`RawRows`]: the rows of a page as one slice of the received body;
//! - [`open_enum!`]: string enums that accept values this version does not know;
//! - [`platform`]: timers and tasks, of tokio or of a browser.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod asked_wait;
mod base_url;
mod call;
mod config;
mod credential;
mod error;
mod excerpt;
mod hooks;
mod lenient;
mod no_connection;
mod open_enum;
mod path;
pub mod platform;
mod query;
mod rate_limit;
mod response;
mod retry;

pub use base_url::InvalidBaseUrl;
pub use config::{BuildError, Core, Service, TransportBuilder};
pub use credential::{
    CredentialError, CredentialProvider, EnvCredential, ExpiringSecret, Masker,
    RefreshingCredential, Secret, SecretError, SecretFuture, StaticCredential,
};
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
#[doc(hidden)]
pub use credential::{TokenEndpoint, TokenResponse};
/// The name that generated code has for [`CallError`].
#[doc(hidden)]
pub use error::CallError as Error;
pub use error::{
    Attempt, CallError, CallErrorKind, ErrorBody, ServiceError, TimeoutScope, TransportError,
};
pub use hooks::{ClientHooks, ClientInfo, OperationInfo};
pub use lenient::null_as_default;
pub use open_enum::{OpenEnum, UnknownValue};
pub use path::{InvalidPathParameter, encode_path};
pub use query::{QueryParam, RequestBuilderExt};
pub use rate_limit::RateLimit;
pub use response::{ByteStream, Response, ResponseValue};
pub use retry::RetryPolicy;
pub use rowfeed_rows as rows;
pub use rowfeed_rows::{RawRows, RawRowsIter};

/// Names that the expansion of [`open_enum!`] uses; not for direct use.
#[doc(hidden)]
pub mod __private {
    pub use crate::open_enum::{deserialize, parse};
    #[cfg(feature = "schemars")]
    pub use schemars;
    pub use serde;
}
