use super::{CallErrorKind, Details};
use crate::excerpt::escaped;

/// The failure of a call without a body to decode. It converts into a
/// [`CallError`](crate::CallError) of any type.
///
/// [`ClientHooks`](crate::codegen::ClientHooks) return it. Users see the `CallError`.
pub struct TransportError(pub(crate) Box<Details>);

impl TransportError {
    /// Returns an error that refuses to send the request, for
    /// [`ClientHooks::pre`](crate::codegen::ClientHooks::pre). The kind is
    /// [`CallErrorKind::InvalidRequest`].
    pub fn invalid_request(text: impl AsRef<str>) -> Self {
        let text = escaped(text.as_ref(), 1000);
        Self(Box::new(Details::new(CallErrorKind::InvalidRequest, text)))
    }

    /// Returns the kind of failure.
    #[must_use]
    pub fn kind(&self) -> CallErrorKind {
        self.0.kind
    }
}
