//! Bodies that are not the JSON of the service.

use std::fmt;

use reqwest::header::{CONTENT_TYPE, HeaderMap};

use crate::excerpt::{escaped, excerpt};

/// The most characters shown of an unexpected body.
pub(super) const SHOWN_BODY: usize = 200;

/// Describes an unexpected body in words.
pub(crate) struct ForeignBody<'a>(pub(crate) &'a HeaderMap, pub(crate) &'a [u8]);

impl fmt::Display for ForeignBody<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(headers, body) = *self;
        if body.is_empty() {
            return f.write_str("the body is empty");
        }
        if looks_like_json(headers, body) {
            f.write_str("the body is JSON of another shape")?;
        } else {
            f.write_str("the body is not this API's JSON but ")?;
            match media_type(headers) {
                Some(media) => f.write_str(&escaped(&media, 60))?,
                None => f.write_str("of no declared type")?,
            }
        }
        write!(f, ", starting \"{}\"", excerpt(body, SHOWN_BODY))
    }
}

/// Returns a body that is plain text: a gateway, or Yandex Query with status 401, sends it in place
/// of JSON.
pub(super) fn plain_text(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    if media_type(headers)? != "text/plain" {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?.trim();
    // Proxies send HTML with any content type.
    let is_text = !text.is_empty() && !text.starts_with(['<', '{', '[']);
    is_text.then(|| text.to_owned())
}

/// Returns whether a body is likely JSON, by its declared type or else by its first character.
pub(crate) fn looks_like_json(headers: &HeaderMap, body: &[u8]) -> bool {
    let first = body.iter().find(|b| !b.is_ascii_whitespace());
    match media_type(headers) {
        // Proxies send HTML with any content type.
        Some(media) if media.contains("json") => first != Some(&b'<'),
        _ => matches!(first, Some(b'{' | b'[')),
    }
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let media = text.split(';').next().unwrap_or_default().trim();
    (!media.is_empty()).then(|| media.to_ascii_lowercase())
}
