//! The credential, where an answer sends it back.
//!
//! Debugging proxies and error pages show the request that they got, headers and all. Errors show
//! and keep such answers, and are logged.

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderValue};

use crate::Secret;

/// A credential that is shorter is as good as a word: it may stand anywhere by chance.
const LEAST: usize = 12;

/// The same bytes with a `*` in place of every one of the credential; `None` where it is not there.
pub(crate) fn masked(bytes: &[u8], secret: &Secret) -> Option<Bytes> {
    let secret = secret.expose().as_bytes();
    if secret.len() < LEAST {
        return None;
    }
    let mut masked: Option<Vec<u8>> = None;
    let mut from = 0;
    while let Some(at) = find(&bytes[from..], secret).map(|at| at + from) {
        from = at + secret.len();
        masked.get_or_insert_with(|| bytes.to_vec())[at..from].fill(b'*');
    }
    masked.map(Bytes::from)
}

/// Masks the credential in the values of headers.
pub(crate) fn mask_headers(headers: &mut HeaderMap, secret: &Secret) {
    for value in headers.values_mut() {
        let masked = masked(value.as_bytes(), secret);
        if let Some(Ok(masked)) = masked.map(|bytes| HeaderValue::from_bytes(&bytes)) {
            *value = masked;
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let last = bytes.len().checked_sub(wanted.len())?;
    let mut at = 0;
    while at <= last {
        at += bytes[at..=last].iter().position(|byte| *byte == first)?;
        if bytes[at..].starts_with(wanted) {
            return Some(at);
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_place_is_masked_and_nothing_moves() {
        let secret = Secret::new("correct-horse-battery").unwrap();
        for (sent, kept) in [
            ("correct-horse-battery", "*********************"),
            (
                "a correct-horse-batterycorrect-horse-battery b",
                "a ****************************************** b",
            ),
            ("ccorrect-horse-battery", "c*********************"),
        ] {
            assert_eq!(masked(sent.as_bytes(), &secret).unwrap(), kept);
        }
        for without in [
            "",
            "correct",
            "correct-horse-batter",
            "Correct-horse-battery",
        ] {
            assert_eq!(masked(without.as_bytes(), &secret), None, "{without}");
        }
    }

    #[test]
    fn a_credential_that_may_be_a_word_is_left_alone() {
        let secret = Secret::new("key").unwrap();
        assert_eq!(masked(b"invalid API key", &secret), None);
    }

    #[test]
    fn headers_are_masked_too() {
        let secret = Secret::new("correct-horse-battery").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-seen", "key=correct-horse-battery;".parse().unwrap());
        headers.insert("x-other", "correct".parse().unwrap());
        mask_headers(&mut headers, &secret);
        assert_eq!(headers["x-seen"], "key=*********************;");
        assert_eq!(headers["x-other"], "correct");
    }
}
