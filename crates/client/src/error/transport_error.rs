use super::{CallErrorKind, Details};
use crate::excerpt::escaped;

/// A call that failed before there was a body to decode; converts into a
/// [`CallError`](crate::CallError) of any type.
///
/// [`ClientHooks`](crate::codegen::ClientHooks) return it. Users see the `CallError`.
pub struct TransportError(pub(crate) Box<Details>);

impl TransportError {
    /// Refuses to send the request, from [`ClientHooks::pre`](crate::codegen::ClientHooks::pre). The kind
    /// is [`CallErrorKind::InvalidRequest`].
    pub fn invalid_request(text: impl AsRef<str>) -> Self {
        let text = escaped(text.as_ref(), 1000);
        Self(Box::new(Details::new(CallErrorKind::InvalidRequest, text)))
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> CallErrorKind {
        self.0.kind
    }
}
