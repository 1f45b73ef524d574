//! Validation of paths that users pass.
//!
//! The credential is sent with the request, so a path may not leave the base URL: neither as the
//! URL parser reads it, nor as a proxy or server reads it that decodes it once more.

use percent_encoding::percent_decode;
use reqwest::Url;

use crate::excerpt::escaped;

/// Returns the URL of a path below the base URL, which has no trailing slash.
pub(super) fn below(base_url: &str, path: &str) -> Result<Url, String> {
    if let Some(flaw) = flaw(path) {
        let shown = escaped(path, 100);
        return Err(format!(
            "the path \"{shown}\" {flaw}; expected a path below the base URL, such as /v1/queries"
        ));
    }
    let wanted = format!("{base_url}{path}");
    // The parser does not change a path without a flaw. The comparison checks that.
    match Url::parse(&wanted) {
        Ok(url) if url.as_str() == wanted => Ok(url),
        _ => Err(format!(
            "the path \"{}\" does not stay as it is below the base URL",
            escaped(path, 100)
        )),
    }
}

/// Returns what is wrong with a path.
fn flaw(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') {
        return Some("does not begin with /");
    }
    if path.contains('?') {
        return Some("has a query; set its parameters with query()");
    }
    if let Some(flaw) = path.bytes().find_map(forbidden) {
        return Some(flaw);
    }
    if !escapes_are_complete(path.as_bytes()) {
        return Some("has a % that is not followed by two hexadecimal digits");
    }
    let mut decoded = path.as_bytes().to_vec();
    loop {
        if decoded.iter().any(u8::is_ascii_control) {
            return Some("has an encoded control character");
        }
        let mut segments = decoded.split(|byte| matches!(byte, b'/' | b'\\')).skip(1);
        if segments.any(is_dot_segment) {
            return Some("has a segment . or .., which would leave the base URL");
        }
        // Decodes until nothing is left to decode.
        let again: Vec<u8> = percent_decode(&decoded).collect();
        if again == decoded {
            break;
        }
        decoded = again;
    }
    // A trailing slash is part of some paths.
    path.contains("//").then_some("has an empty segment")
}

/// Returns why a path cannot have this byte: RFC 3986 allows it in no segment.
fn forbidden(byte: u8) -> Option<&'static str> {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'%' => None,
        b'-' | b'.' | b'_' | b'~' | b':' | b'@' => None,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' => None,
        b'#' => Some("has a fragment"),
        b'\\' => Some("has a backslash"),
        _ if byte.is_ascii_control() => Some("has a control character"),
        _ => Some("has a character that a path cannot have; percent-encode it"),
    }
}

fn escapes_are_complete(path: &[u8]) -> bool {
    let mut after = path.split(|byte| *byte == b'%').skip(1);
    after.all(|rest| rest.len() >= 2 && rest[..2].iter().all(u8::is_ascii_hexdigit))
}

/// Some servers drop the text after a `;`.
fn is_dot_segment(segment: &[u8]) -> bool {
    let name = segment.split(|byte| *byte == b';').next();
    matches!(name, Some(b"." | b".."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const BASE: &str = "https://api.example/api";

    #[test]
    fn a_path_is_appended_unchanged() {
        for path in [
            "/",
            "/v1/queries",
            "/v1/queries/",
            "/v1/a%2Fb/c",
            "/v1/a%20b",
            "/v1/%C3%BC",
            "/v1/x:y@z;a=1,b'(c)!*$&+~",
            "/v1/...",
            "/v1/..a/.b/c..",
            "/v1/100%25",
            "/https:/evil.invalid",
        ] {
            let url = below(BASE, path).unwrap();
            assert_eq!(url.as_str(), format!("{BASE}{path}"));
        }
    }

    #[test]
    fn no_path_leaves_the_base_url() {
        for (path, why) in [
            ("", "does not begin with /"),
            ("v1/queries", "does not begin with /"),
            (".", "does not begin with /"),
            ("@evil.invalid", "does not begin with /"),
            (".evil.invalid/v1", "does not begin with /"),
            (":8443/v1", "does not begin with /"),
            ("https://evil.invalid/v1", "does not begin with /"),
            ("https://api.example/api/v1", "does not begin with /"),
            ("\\evil.invalid", "does not begin with /"),
            ("//evil.invalid/v1", "an empty segment"),
            ("/v1//queries", "an empty segment"),
            ("/\\evil.invalid", "a backslash"),
            ("/v1\\..\\..\\login", "a backslash"),
            ("/..", "leave the base URL"),
            ("/.", "leave the base URL"),
            ("/../login", "leave the base URL"),
            ("/v1/../../login", "leave the base URL"),
            ("/v1/./queries", "leave the base URL"),
            ("/%2e%2e/login", "leave the base URL"),
            ("/.%2E/login", "leave the base URL"),
            ("/v1/%2e", "leave the base URL"),
            ("/v1%2f..%2f..%2flogin", "leave the base URL"),
            ("/v1/..%2flogin", "leave the base URL"),
            ("/v1/..%5clogin", "leave the base URL"),
            ("/v1%5c..%5clogin", "leave the base URL"),
            ("/%252e%252e/login", "leave the base URL"),
            ("/%25252e%25252e%25252flogin", "leave the base URL"),
            ("/..;/login", "leave the base URL"),
            ("/..;a=1/login", "leave the base URL"),
            ("/%2e%2e%3b/login", "leave the base URL"),
            ("/v1/a?b=c", "query()"),
            ("/v1/a#b", "a fragment"),
            ("/v1/a b", "percent-encode it"),
            ("/v1/\u{fc}", "percent-encode it"),
            ("/v1/<a>", "percent-encode it"),
            ("/v1/a\tb", "a control character"),
            ("/v1/.\t./b", "a control character"),
            ("/v1/a\r\nhost: evil.invalid", "a control character"),
            ("/v1/a\0", "a control character"),
            ("/v1/a\x7f", "a control character"),
            ("/v1/a%00", "an encoded control character"),
            ("/v1/a%0d%0ahost:%20evil", "an encoded control character"),
            ("/v1/a%250a", "an encoded control character"),
            ("/v1/%zz", "two hexadecimal digits"),
            ("/v1/%2", "two hexadecimal digits"),
            ("/v1/%", "two hexadecimal digits"),
            ("/v1/%%32e", "two hexadecimal digits"),
        ] {
            let said = below(BASE, path).unwrap_err();
            assert!(said.contains(why), "{path:?}: {said}");
            assert!(!said.contains(char::is_control), "{said:?}");
            // The same for a base URL without a path.
            assert!(below("https://api.example", path).is_err(), "{path:?}");
        }
    }
}
