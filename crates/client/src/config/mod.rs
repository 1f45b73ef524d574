//! The settings of a client, and the state that its clones share.

mod build_error;
mod builder;
mod client_builder;
mod core;
mod http_settings;
mod scope;
mod service;

pub use build_error::BuildError;
pub use builder::TransportBuilder;
pub use core::Core;
pub(crate) use scope::Scope;
pub use service::Service;
