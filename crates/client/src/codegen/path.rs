use std::{borrow::Cow, fmt};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::excerpt::escaped;

/// Encodes a value as one path segment. Every character that RFC 3986 does not call unreserved is
/// percent-encoded, `/`, `\` and `%` included.
///
/// # Errors
///
/// The value is empty, is `.` or `..` (both would change the requested path, even when
/// encoded), or holds control characters.
pub fn encode_path(name: &str, value: &str) -> Result<String, InvalidPathParameter> {
    let flaw = if value.is_empty() {
        Some("is empty")
    } else if matches!(value, "." | "..") {
        Some("is a dot segment, which would change the path")
    } else if value.chars().any(char::is_control) {
        Some("holds control characters")
    } else {
        None
    };
    match flaw {
        Some(flaw) => Err(InvalidPathParameter {
            name: name.to_owned(),
            value: escaped(value, 60),
            flaw,
        }),
        None => Ok(Cow::from(utf8_percent_encode(value, SEGMENT)).into_owned()),
    }
}

/// The error of a value that cannot be a path segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPathParameter {
    name: String,
    value: String,
    flaw: &'static str,
}

impl fmt::Display for InvalidPathParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "path parameter {} {}; found \"{}\", expected one non-empty path segment",
            self.name, self.flaw, self.value
        )
    }
}

impl std::error::Error for InvalidPathParameter {}

const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parsed(value: &str) -> reqwest::Url {
        let segment = encode_path("id", value).unwrap();
        reqwest::Url::parse(&format!("http://h/v1/query/{segment}/results")).unwrap()
    }

    #[test]
    fn no_value_leaves_its_segment() {
        for value in [
            "a/b", "a\\b", "%2e%2e", "%2E", "..%2f..", "../..", "...", "a?b#c", "a b", "ü", "a;b",
            "..;", ".%00", "@:", "%",
        ] {
            let url = parsed(value);
            let segments: Vec<_> = url.path_segments().unwrap().collect();
            assert_eq!(segments.len(), 4, "{value:?} became {url}");
            assert_eq!(segments[3], "results", "{value:?} became {url}");
            let back = percent_encoding::percent_decode_str(segments[2])
                .decode_utf8()
                .unwrap();
            assert_eq!(back, value);
            assert_eq!((url.query(), url.fragment()), (None, None));
        }
    }

    #[test]
    fn unreserved_characters_stay() {
        assert_eq!(encode_path("id", "aZ09-._~").unwrap(), "aZ09-._~");
    }

    #[test]
    fn refuses_invalid_segments() {
        for (value, why) in [
            ("", "empty"),
            (".", "dot"),
            ("..", "dot"),
            ("a\0b", "control"),
            ("a\nb", "control"),
            ("\u{85}", "control"),
        ] {
            let error = encode_path("query_id", value).unwrap_err().to_string();
            assert!(error.contains("query_id") && error.contains(why), "{error}");
            assert!(!error.contains(char::is_control), "{error:?}");
        }
    }
}
