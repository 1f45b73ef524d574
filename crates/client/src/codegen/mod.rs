//! The interface for generated code.
//!
//! `cargo xtask codegen` writes clients that use this module and the types of the crate root, and
//! nothing else of this crate. The module is public and as stable as the rest, so the crate of a
//! service outside this repository builds with any compatible version of this one. Handwritten code
//! rarely needs it.
//!
//! | generated code … | with |
//! |---|---|
//! | converts the argument of a setter | [`value`], [`list`], [`map`] |
//! | writes a URL and its query | [`encode_path`], [`parse_url`], [`QueryParam`], [`QueryParams`] |
//! | sends a form | [`RequestBuilderExt`] |
//! | carries out a call | [`ClientInfo`], [`ClientHooks`], [`OperationInfo`] |
//! | reads the response | [`ResponseValue::from_response`], [`ResponseValue::empty`], [`ResponseValue::stream`] |
//! | reports a failure | [`CallError::invalid_request`], [`CallError::error_response`], [`CallError::unexpected_response`] |
//! | decodes a collection that may be `null` | [`null_as_default`] |
//! | shows the parameters of an operation | [`Parameters`] |
//! | defines a string enum | [`open_enum!`](crate::open_enum) |
//!
//! The builder of a client is not generated: see [`client_builder!`](crate::client_builder).

mod lenient;
mod parameters;
mod path;
mod query;
mod setters;
mod url;

pub use lenient::null_as_default;
pub use parameters::Parameters;
pub use path::{InvalidPathParameter, encode_path};
pub use query::{QueryParam, QueryParams, RequestBuilderExt};
pub use setters::{list, map, mismatch, value};
pub use url::parse_url;

pub use crate::{
    config::Core,
    error::{CallError, ErrorBody},
    hooks::{ClientHooks, ClientInfo, OperationInfo},
    response::{ByteStream, Response, ResponseValue},
};
