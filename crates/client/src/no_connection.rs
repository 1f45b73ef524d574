//! Connections that cannot come about, however often they are tried.

/// What to do about it, as the end of an error's message; nothing where the next attempt may be
/// well. `said` is what the HTTP client says, with its causes; `hook` is the method by which it is
/// set up.
pub(crate) fn remedy(said: &str, hook: &str) -> Option<String> {
    if said.contains("scheme is not http") {
        let text = "; this build has no TLS, enable the feature `rustls` or `native-tls`";
        return Some(text.to_owned());
    }
    if said.contains("corrupt message of type InvalidContentType") {
        return Some("; what answers there speaks no TLS: is it http:// and not https://?".into());
    }
    let is_distrusted = DISTRUST.iter().any(|words| said.contains(words));
    is_distrusted.then(|| format!("; a root certificate of your own is given by `{hook}`"))
}

/// How it is said that the service's certificate does not hold: by rustls, OpenSSL, the frameworks
/// of Apple and of Windows, in this order.
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
    fn a_certificate_that_does_not_hold_is_told_from_what_may_pass() {
        for said in [
            "client error (Connect): invalid peer certificate: UnknownIssuer",
            "error:0A000086:SSL routines::certificate verify failed: (self-signed certificate)",
        ] {
            let text = remedy(said, "http").unwrap();
            assert!(text.ends_with("is given by `http`"), "{text}");
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
