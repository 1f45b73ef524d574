//! Masks credentials in errors.
//!
//! Debugging proxies and error pages show the request that they received, headers included. A
//! service may quote the key that it refuses. Errors contain such text and are logged.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderValue};

use super::Secret;

/// A key of this length or more is masked anywhere, also within a longer word.
const LONG: usize = 12;
/// A key of this length or more is masked as a whole word. A shorter one, such as `key`, is not
/// masked, since it may occur by chance.
const SHORT: usize = 4;
/// The number of credentials remembered: a response may quote the one before a refresh.
const REMEMBERED: usize = 4;

/// Masks the last credentials that a client and its clones sent.
///
/// Clones are cheap. A masker keeps up to four credentials, and nothing else of the client.
/// [`Core::masker`](crate::Core::masker) returns it.
#[derive(Clone)]
pub struct Masker(pub(crate) Arc<SentCredentials>);

impl Masker {
    /// Replaces the credentials with stars.
    ///
    /// Use it for errors that quote a service: a message, a state, a cell. A key of 12 characters
    /// or more is masked anywhere, one of 4 to 11 characters as a whole word. Both are also masked
    /// where JSON or a URL escapes them, and where the text is cut off within them and ends in `…`.
    /// Shorter keys and other encodings are not masked.
    #[must_use]
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.0.mask(text)
    }
}

/// Shows no credential.
impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masker").finish_non_exhaustive()
    }
}

/// The last credentials that a client sent.
#[derive(Default)]
pub(crate) struct SentCredentials(Mutex<Vec<Secret>>);

impl SentCredentials {
    /// Remembers a credential that is about to be sent.
    pub(crate) fn remember(&self, secret: &Secret) {
        let mut sent = self.lock();
        if sent
            .last()
            .is_some_and(|last| last.expose() == secret.expose())
        {
            return;
        }
        sent.retain(|known| known.expose() != secret.expose());
        if sent.len() == REMEMBERED {
            sent.remove(0);
        }
        sent.push(secret.clone());
    }

    /// Replaces the credentials with stars and keeps every other byte; `None` if there are none.
    pub(crate) fn masked(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut masked: Option<Vec<u8>> = None;
        for secret in &*self.lock() {
            let places = places(bytes, key(secret));
            for (start, end) in places {
                masked.get_or_insert_with(|| bytes.to_vec())[start..end].fill(b'*');
            }
        }
        masked
    }

    pub(crate) fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.masked_text(text) {
            Some(masked) => Cow::Owned(masked),
            None => Cow::Borrowed(text),
        }
    }

    /// Masks text. An excerpt that is cut off ends with `…`, perhaps within a credential.
    pub(crate) fn masked_text(&self, text: &str) -> Option<String> {
        let bytes = text.as_bytes();
        let mut masked = self.masked(bytes);
        for (end, _) in text.match_indices('…') {
            self.mask_cut(&bytes[..end], bytes, &mut masked);
        }
        // Whole ASCII characters are replaced by ASCII, so the text stays UTF-8.
        let masked = String::from_utf8(masked?);
        Some(masked.unwrap_or_else(|_| "***".to_owned()))
    }

    /// Masks the beginning of a body that was cut off after `bytes`, perhaps within a credential.
    pub(crate) fn masked_beginning(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut masked = self.masked(bytes);
        self.mask_cut(bytes, bytes, &mut masked);
        masked
    }

    /// Masks the beginning of a credential at the end of `cut`, a prefix of `whole`.
    fn mask_cut(&self, cut: &[u8], whole: &[u8], masked: &mut Option<Vec<u8>>) {
        for secret in &*self.lock() {
            if let Some(start) = cut_place(cut, key(secret)) {
                masked.get_or_insert_with(|| whole.to_vec())[start..cut.len()].fill(b'*');
            }
        }
    }

    /// Masks the credentials in a body, in place if this is its only owner.
    pub(crate) fn mask_body(&self, body: Bytes) -> (Bytes, bool) {
        let is_there = |secret: &Secret| places(&body, key(secret)).next().is_some();
        if !self.lock().iter().any(is_there) {
            return (body, false);
        }
        let mut body = match body.try_into_mut() {
            Ok(body) => body,
            Err(shared) => shared.as_ref().into(),
        };
        for secret in &*self.lock() {
            let places: Vec<_> = places(&body, key(secret)).collect();
            for (start, end) in places {
                body[start..end].fill(b'*');
            }
        }
        (body.freeze(), true)
    }

    /// Masks the credentials in the values of headers.
    pub(crate) fn mask_headers(&self, headers: &mut HeaderMap) {
        for value in headers.values_mut() {
            let masked = self.masked(value.as_bytes());
            if let Some(Ok(masked)) = masked.map(|bytes| HeaderValue::from_bytes(&bytes)) {
                *value = masked;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Secret>> {
        // No code panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the secret part of a credential: without `Bearer ` or another scheme before it.
fn key(secret: &Secret) -> &str {
    let text = secret.expose();
    text.rsplit_once(' ').map_or(text, |(_, key)| key)
}

/// Returns the ranges of a key in `bytes`, in any form that JSON or a URL allows.
fn places(bytes: &[u8], key: &str) -> impl Iterator<Item = (usize, usize)> {
    let key = key.as_bytes();
    let first = key.first().copied().unwrap_or_default();
    let mut from = 0;
    std::iter::from_fn(move || {
        if key.len() < SHORT {
            return None;
        }
        loop {
            let may_begin = |byte: &u8| *byte == first || matches!(byte, b'\\' | b'%');
            let start = from + bytes[from..].iter().position(may_begin)?;
            from = start + 1;
            let Some(length) = written_length(&bytes[start..], key) else {
                continue;
            };
            let end = start + length;
            if key.len() >= LONG || is_whole_word(bytes, start, end) {
                from = end;
                return Some((start, end));
            }
        }
    })
}

/// Returns where a key begins that is cut off at the end of `bytes`, in any form that JSON or a URL
/// allows.
fn cut_place(bytes: &[u8], key: &str) -> Option<usize> {
    /// The longest escape of a character in JSON within JSON, in bytes.
    const LONGEST_CHARACTER: usize = 8;
    let from = bytes.len().saturating_sub(key.len() * LONGEST_CHARACTER);
    (from..bytes.len()).find(|start| characters_of(&bytes[*start..], key.as_bytes()) >= SHORT)
}

/// Returns how many characters of the key `bytes` hold, if they hold only a prefix of it.
fn characters_of(bytes: &[u8], key: &[u8]) -> usize {
    let mut rest = bytes;
    for (count, wanted) in key.iter().enumerate() {
        if rest.is_empty() || is_cut_escape(rest) {
            return count;
        }
        match character(rest) {
            Some((found, written)) if found == *wanted => rest = &rest[written..],
            _ => return 0,
        }
    }
    0
}

/// Returns whether an escape is cut off: `\\`, `\\u00`, `%4`.
fn is_cut_escape(bytes: &[u8]) -> bool {
    let slashes = bytes.iter().take_while(|byte| **byte == b'\\').count();
    match (slashes, &bytes[slashes..]) {
        (0, [b'%', digits @ ..]) => digits.len() < 2,
        (0, _) => false,
        (_, []) => true,
        (_, [b'u', digits @ ..]) => digits.len() < 4 && digits.iter().all(u8::is_ascii_hexdigit),
        _ => false,
    }
}

/// Returns the length of the key as written at the beginning of `bytes`; `None` if it is not there.
fn written_length(bytes: &[u8], key: &[u8]) -> Option<usize> {
    let mut length = 0;
    for wanted in key {
        let (found, written) = character(&bytes[length..])?;
        if found != *wanted {
            return None;
        }
        length += written;
    }
    Some(length)
}

/// Returns the first character of `bytes` and its length in bytes: plain, escaped as in JSON
/// (`\u0041`, `\/`; with more backslashes in JSON within JSON), or as in a URL (`%41`).
fn character(bytes: &[u8]) -> Option<(u8, usize)> {
    match bytes {
        [b'\\', ..] => {
            let slashes = bytes.iter().take_while(|byte| **byte == b'\\').count();
            match &bytes[slashes..] {
                [b'u', b'0', b'0', high, low, ..] if hex(*high, *low).is_some() => {
                    hex(*high, *low).map(|byte| (byte, slashes + 5))
                }
                [escaped @ (b'/' | b'"'), ..] => Some((*escaped, slashes + 1)),
                _ => Some((b'\\', slashes)),
            }
        }
        [b'%', high, low, ..] if hex(*high, *low).is_some() => {
            hex(*high, *low).map(|byte| (byte, 3))
        }
        [byte, ..] => Some((*byte, 1)),
        [] => None,
    }
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// Returns whether no letter, digit, `_` or `-` is next to the range.
fn is_whole_word(bytes: &[u8], start: usize, end: usize) -> bool {
    let ends = character(&bytes[end..]).is_none_or(|(byte, _)| !is_word(byte));
    ends && !ends_with_word(&bytes[..start])
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Returns whether the last character of `bytes` is part of a word, unlike the `n` of an escaped
/// `\n`.
fn ends_with_word(bytes: &[u8]) -> bool {
    match bytes {
        [.., b'\\', b'b' | b'f' | b'n' | b'r' | b't'] => false,
        [.., b'\\', b'u', b'0', b'0', high, low] | [.., b'%', high, low] => {
            hex(*high, *low).is_none_or(is_word)
        }
        [.., byte] => is_word(*byte),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sent(keys: &[&str]) -> SentCredentials {
        let sent = SentCredentials::default();
        for key in keys {
            sent.remember(&Secret::new(*key).unwrap());
        }
        sent
    }

    fn masked(text: &str, key: &str) -> Option<String> {
        sent(&[key]).masked_text(text)
    }

    #[test]
    fn every_occurrence_is_masked_and_other_text_stays() {
        for (text, kept) in [
            ("correct-horse-battery", "*********************"),
            (
                "a correct-horse-batterycorrect-horse-battery b",
                "a ****************************************** b",
            ),
            ("ccorrect-horse-battery", "c*********************"),
            (
                "über correct-horse-battery ü",
                "über ********************* ü",
            ),
        ] {
            assert_eq!(masked(text, "correct-horse-battery").unwrap(), kept);
        }
        for without in [
            "",
            "correct",
            "correct-horse-batter",
            "Correct-horse-battery",
            "%",
            "\\",
            "\\u00",
        ] {
            assert_eq!(masked(without, "correct-horse-battery"), None, "{without}");
        }
    }

    #[test]
    fn escaped_forms_are_masked() {
        let key = "c/rrect+horse=battery";
        for written in [
            "c\\/rrect+horse=battery",
            "\\u0063/rrect\\u002bhorse\\u003Dbattery",
            "c\\\\/rrect\\\\u002bhorse=battery",
            "c%2Frrect%2bhorse%3Dbattery",
        ] {
            let text = format!("x {written} y");
            let stars = "*".repeat(written.len());
            assert_eq!(masked(&text, key).unwrap(), format!("x {stars} y"));
        }
        // Masked JSON is still JSON, so that its other members can be read.
        let json = "{\"error\":\"\\u0063\\/rrect+horse=battery\\nno\"}";
        let text = masked(json, key).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(value["error"].as_str().unwrap().ends_with("*\nno"));
    }

    #[test]
    fn a_short_key_is_masked_as_a_whole_word_only() {
        for text in [
            "hunter2",
            "no hunter2.",
            "\"hunter2\"",
            "key=hunter2&a",
            "\\nhunter2\\n",
            "\\u000ahunter2\\u0022",
            "%20hunter2%20",
            "\\u0068unter2",
        ] {
            let masked = masked(text, "hunter2").unwrap();
            assert!(!masked.contains("unter2"), "{text}: {masked}");
        }
        for text in [
            "hunter22",
            "xhunter2",
            "a-hunter2",
            "hunter2_b",
            "hunter2\\u0032",
            "\\u0061hunter2",
            "hunter",
        ] {
            assert_eq!(masked(text, "hunter2"), None, "{text}");
        }
        assert_eq!(masked("invalid API key", "key"), None);
        assert_eq!(masked("a ab12 b", "ab12").unwrap(), "a **** b");
    }

    #[test]
    fn a_scheme_before_the_key_is_not_masked() {
        let key = "Bearer correct-horse-battery";
        assert_eq!(
            masked("token correct-horse-battery", key).unwrap(),
            "token *********************"
        );
        assert_eq!(masked("Bearer", key), None);
    }

    #[test]
    fn a_key_from_before_a_refresh_is_masked_and_only_a_few_are_remembered() {
        let keys = ["first-long-key", "second-long-key", "third-long-key"];
        let sent = sent(&keys);
        for key in keys {
            assert!(sent.masked_text(key).unwrap().chars().all(|c| c == '*'));
        }
        for number in 0..100 {
            let key = format!("long-key-number-{number}");
            sent.remember(&Secret::new(key).unwrap());
        }
        assert_eq!(sent.lock().len(), REMEMBERED);
        assert!(sent.masked_text("long-key-number-99").is_some());
    }

    #[test]
    fn a_key_cut_off_at_the_end_of_a_body_is_masked() {
        let sent = sent(&["correct-horse-battery"]);
        let cut = sent.masked_beginning(b"you sent correct-hor").unwrap();
        assert_eq!(cut, b"you sent ***********");
        assert_eq!(sent.masked_beginning(b"you sent cor"), None);
        let cut = sent.masked_beginning(br"you sent c\u006frr\u00").unwrap();
        assert_eq!(cut, b"you sent *************");
    }

    #[test]
    fn a_key_cut_off_in_an_excerpt_is_masked() {
        for (text, shown) in [
            ("found a correct-hor…: wrong", "found a ***********…: wrong"),
            ("correct-h… correct-horse…", "*********… *************…"),
            (r"found c\u006frrect%2dhor…", "found ******************…"),
            (
                "found correct-horse-battery…",
                "found *********************…",
            ),
        ] {
            assert_eq!(masked(text, "correct-horse-battery").unwrap(), shown);
        }
        assert_eq!(masked("found cor…", "correct-horse-battery"), None);
        assert_eq!(masked("correct- …", "correct-horse-battery"), None);
    }

    #[test]
    fn bodies_and_headers_are_masked_too() {
        let sent = sent(&["correct-horse-battery"]);
        let body = Bytes::from("[\"correct-horse-battery\"]".to_owned());
        let other = body.clone();
        assert_eq!(
            sent.mask_body(body),
            (Bytes::from("[\"*********************\"]"), true)
        );
        assert_eq!(other, "[\"correct-horse-battery\"]");
        let without = Bytes::from("[]");
        assert_eq!(sent.mask_body(without.clone()), (without, false));

        let mut headers = HeaderMap::new();
        headers.insert("x-seen", "key=correct-horse-battery;".parse().unwrap());
        headers.insert("x-other", "correct".parse().unwrap());
        sent.mask_headers(&mut headers);
        assert_eq!(headers["x-seen"], "key=*********************;");
        assert_eq!(headers["x-other"], "correct");
    }
}
