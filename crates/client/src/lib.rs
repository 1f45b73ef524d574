#![doc = include_str!("../README.md")]
//!
//! ## What is here
//!
//! - [`TransportBuilder`]: base URL, timeouts, deadline, retries, body limit;
//! - [`Secret`] and [`CredentialProvider`]: credentials that never appear in output, fixed or
//!   [refreshed](RefreshingCredential) before they expire;
//! - [`RetryPolicy`]: what is sent again, when, and how often;
//! - [`RateLimit`]: how often a client sends at all;
//! - [`Error`]: one error for every way a call can fail, which keeps status, headers and body;
//! - [`ResponseValue`] and [`ByteStream`]: what a call returns;
//! - [`RawRows`]: the rows of a page as one slice of the received body;
//! - [`open_enum!`]: string enums that accept values this version does not know;
//! - [`platform`]: timers and tasks, of tokio or of a browser.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod asked_wait;
mod base_url;
mod byte_stream;
mod call;
mod credential;
mod details;
mod env_credential;
mod error;
mod error_display;
mod excerpt;
mod exchange;
mod history;
mod hooks;
mod lenient;
mod mask;
mod no_connection;
mod open_enum;
mod outgoing;
mod path;
pub mod platform;
mod query;
mod rate_limit;
mod refreshing;
mod response;
mod response_value;
mod retry;
mod runtime;
mod secret;
mod service;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod token_endpoint;
mod transport;
mod transport_methods;

pub use base_url::InvalidBaseUrl;
pub use byte_stream::ByteStream;
pub use credential::{CredentialError, CredentialProvider, SecretFuture, StaticCredential};
pub use env_credential::EnvCredential;
pub use error::{CallError, Error, ErrorBody, ErrorKind, ServiceError, TimeoutScope};
pub use history::Attempt;
pub use hooks::{ClientHooks, ClientInfo, OperationInfo};
pub use lenient::null_as_default;
pub use open_enum::{OpenEnum, UnknownValue};
pub use path::{InvalidPathParameter, encode_path};
pub use query::{QueryParam, RequestBuilderExt};
pub use rate_limit::RateLimit;
pub use refreshing::{ExpiringSecret, RefreshingCredential};
pub use response::Response;
pub use response_value::ResponseValue;
pub use retry::RetryPolicy;
pub use rowfeed_rows as rows;
pub use rowfeed_rows::{RawRows, RawRowsIter};
pub use runtime::Core;
pub use secret::{Secret, SecretError};
pub use service::Service;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
#[doc(hidden)]
pub use token_endpoint::{TokenAnswer, TokenEndpoint};
pub use transport::{BuildError, TransportBuilder};

/// Names that the expansion of [`open_enum!`] uses; not for direct use.
#[doc(hidden)]
pub mod __private {
    pub use crate::open_enum::{deserialize, parse};
    #[cfg(feature = "schemars")]
    pub use schemars;
    pub use serde;
}
