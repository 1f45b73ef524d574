use std::fmt;

use reqwest::Url;

/// The reason why a base URL was refused. It never shows a user name or password from the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidBaseUrl(String);

impl fmt::Display for InvalidBaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the base URL {}; expected something like https://host or https://host/path",
            self.0
        )
    }
}

impl std::error::Error for InvalidBaseUrl {}

/// Checks a base URL.
pub(crate) fn parse(text: &str) -> Result<Url, InvalidBaseUrl> {
    let refused = |why: String| Err(InvalidBaseUrl(why));
    if text.trim() != text {
        return refused("has white space around it".into());
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return refused(format!("cannot be parsed: {error}")),
    };
    if !matches!(url.scheme(), "http" | "https") {
        return refused(format!("has the scheme {:?}", url.scheme()));
    }
    if !url.has_host() {
        return refused("has no host".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refused("holds a user name or password; set a credential instead".into());
    }
    if url.query().is_some() {
        return refused("has a query (\"?…\")".into());
    }
    if url.fragment().is_some() {
        return refused("has a fragment (\"#…\")".into());
    }
    Ok(url)
}

/// Returns a base URL without trailing slashes, which paths are appended to.
pub(crate) fn text(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn is_normalized() {
        for (base, normal) in [
            ("https://API.Example/", "https://api.example"),
            ("http://h:8080/a/b//", "http://h:8080/a/b"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(text(&parse(base).unwrap()), normal);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (bad, why) in [
            ("", "cannot be parsed"),
            ("api.example/v1", "cannot be parsed"),
            ("localhost:8080", "scheme \"localhost\""),
            ("ftp://h", "scheme \"ftp\""),
            ("http://", "cannot be parsed"),
            (" https://h", "white space"),
            ("https://u:hunter2@h", "user name or password"),
            ("https://hunter2@h", "user name or password"),
            ("https://h?key=hunter2", "query"),
            ("https://h/#hunter2", "fragment"),
        ] {
            let shown = parse(bad).unwrap_err().to_string();
            assert!(shown.contains(why), "{bad:?}: {shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}
