//! The errors of failed calls.

mod call_error;
mod call_info;
mod details;
mod display;
mod foreign_body;
mod history;
mod kind;
mod transport_error;

pub use call_error::{CallError, ErrorBody, ServiceError};
pub(crate) use call_info::{CallInfo, ResponseMeta};
pub(crate) use details::{Cause, Details, KEPT_BODY};
pub(crate) use foreign_body::{ForeignBody, looks_like_json};
pub use history::Attempt;
pub(crate) use history::History;
pub use kind::{CallErrorKind, TimeoutScope};
pub use transport_error::TransportError;
