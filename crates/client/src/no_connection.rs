//! Connection failures that a retry cannot solve.

/// Returns the remedy as the end of an error message; `None` if the next attempt may succeed.
/// `said` is the HTTP client's error with its causes. `hook` is the method that configures the HTTP
/// client.
pub(crate) fn remedy(said: &str, hook: &str) -> Option<String> {
    if said.contains("scheme is not http") {
        let text = "; this build has no TLS, enable the feature `rustls` or `native-tls`";
        return Some(text.to_owned());
    }
    if said.contains("corrupt message of type InvalidContentType") {
        return Some("; the server does not speak TLS there: check whether the URL needs http:// instead of https://".into());
    }
    let is_distrusted = DISTRUST.iter().any(|words| said.contains(words));
    is_distrusted.then(|| format!("; add your own root certificate with `{hook}`"))
}

/// Messages for a certificate that is not trusted: of rustls, OpenSSL, the frameworks of Apple and
/// of Windows, in this order.
const DISTRUST: [&str; 4] = [
    "invalid peer certificate",
    "certificate verify failed",
    "certificate was not trusted",
    "certificate chain was issued by an authority that is not trusted",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn untrusted_certificates_and_missing_tls_have_a_remedy() {
        for said in [
            "client error (Connect): invalid peer certificate: UnknownIssuer",
            "error:0A000086:SSL routines::certificate verify failed: (self-signed certificate)",
        ] {
            let text = remedy(said, "http").unwrap();
            assert!(text.ends_with("root certificate with `http`"), "{text}");
        }
        let text = remedy("invalid URL, scheme is not http", "http").unwrap();
        assert!(text.contains("`rustls`"), "{text}");
        let text = remedy(
            "received corrupt message of type InvalidContentType",
            "http",
        )
        .unwrap();
        assert!(text.contains("http://"), "{text}");
        assert_eq!(remedy("Connection refused", "http"), None);
    }
}
