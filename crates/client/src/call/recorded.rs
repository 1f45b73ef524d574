//! Passing calls to the recorder of the client.

use bytes::Bytes;
use reqwest::{
    Request, StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};

use super::Call;
use crate::recorder::RecordedCall;

impl Call {
    /// Passes the final response to the recorder, without credentials.
    pub(crate) fn tell(&self, status: StatusCode, headers: &HeaderMap, body: &Bytes) {
        let Some(recorder) = &self.core.shared().recorder else {
            return;
        };
        // Gone if it could be sent once only, since its body is a stream.
        let Some(request) = &self.request else { return };
        let url = request.url();
        let whole = url.as_str().split('#').next().unwrap_or_default();
        let path = whole
            .strip_prefix(self.info.base_url())
            .unwrap_or(url.path());
        let sent = request.body().and_then(|body| body.as_bytes());
        let (sent, _) = self
            .core
            .mask_body(Bytes::copy_from_slice(sent.unwrap_or_default()));
        let (body, _) = self.core.mask_body(body.clone());
        recorder.record(RecordedCall {
            service: self.info.service.name,
            operation: self.info.operation,
            method: Request::method(request).as_str(),
            path: &self.core.mask(path),
            request: &sent,
            status: status.as_u16(),
            content_type: headers
                .get(CONTENT_TYPE)
                .and_then(|value| value.to_str().ok()),
            body: &body,
        });
    }
}
