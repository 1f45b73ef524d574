//! The rules for redirects.
//!
//! The credential is sent with a redirected request, so a redirect may not leave the base URL. A
//! 307 or 308 repeats the request, and a service may bill each of them. So calls that are not
//! retried after other failures do not follow redirects either.

use reqwest::{Method, StatusCode, Url, header::LOCATION};

use super::{Failure, failure::origin};
use crate::{error::CallErrorKind, excerpt::escaped, platform::Body};

/// The most redirects that one attempt follows.
const MAX_REDIRECTS: usize = 5;

/// The rules of one call.
#[derive(Clone, Copy)]
pub(super) struct RedirectRules<'a> {
    /// Without a trailing slash.
    pub(super) base_url: &'a str,
    pub(super) is_repeatable: bool,
}

/// Returns the target of a redirect.
pub(super) fn target(response: &Body, from: &Url) -> Option<Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(LOCATION)?;
    from.join(std::str::from_utf8(location.as_bytes()).ok()?)
        .ok()
}

impl RedirectRules<'_> {
    /// Returns why a redirect is not followed.
    pub(super) fn obstacle(
        &self,
        from: &Url,
        to: &Url,
        method: &Method,
        status: StatusCode,
        followed: usize,
    ) -> Option<String> {
        let keeps_method = matches!(status.as_u16(), 307 | 308);
        let is_read = *method == Method::GET || *method == Method::HEAD;
        let why = if from.origin() != to.origin() || !from.origin().is_tuple() {
            "which is another origin; if that is the service, set it as the base URL"
        } else if !to.username().is_empty() || to.password().is_some() {
            "which holds a user name or password; only the client's own credential is sent"
        } else if !self.is_below_base(to) {
            return Some(format!(
                "which is outside the base URL {}; if that is the service, set it as the base URL",
                self.base_url
            ));
        } else if followed >= MAX_REDIRECTS {
            "after 5 redirects already"
        } else if !is_read && !keeps_method {
            "which would turn the call into a GET; check the base URL"
        } else if !self.is_repeatable {
            "which would send a call again that may have been carried out; if that is the \
             service, set it as the base URL"
        } else {
            return None;
        };
        Some(why.to_owned())
    }

    fn is_below_base(&self, to: &Url) -> bool {
        let below = to.as_str().strip_prefix(self.base_url);
        below.is_some_and(|below| below.is_empty() || below.starts_with(['/', '?', '#']))
    }
}

pub(super) fn refused(target: &Url, why: &str) -> Failure {
    let text = format!(
        "not following the redirect to {}{}, {why}",
        origin(target),
        escaped(target.path(), 200)
    );
    Failure::new(CallErrorKind::Redirect, text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const READ: RedirectRules<'_> = RedirectRules {
        base_url: "https://api.example/v1",
        is_repeatable: true,
    };

    fn refused(from: &str, to: &str) -> Option<String> {
        let from: Url = from.parse().unwrap();
        let to = from.join(to).unwrap();
        READ.obstacle(&from, &to, &Method::GET, StatusCode::FOUND, 0)
    }

    #[test]
    fn a_redirect_to_a_lesser_scheme_another_host_or_another_port_is_not_followed() {
        let from = "https://api.example/v1/a";
        for to in [
            "http://api.example/v1/a",
            "http://api.example:443/v1/a",
            "https://api.example:8443/v1/a",
            "https://api.example.evil.invalid/v1/a",
            "https://evil.invalid/v1/a",
            "//evil.invalid/v1/a",
            "https://api.example@evil.invalid/",
            "https:\\\\evil.invalid\\",
            "ftp://api.example/v1/a",
            "file:///v1/a",
            "data:text/plain,a",
            "javascript:a",
        ] {
            let why = refused(from, to).unwrap_or("followed".to_owned());
            assert!(why.contains("another origin"), "{to}: {why}");
        }
        for to in [
            "/v1/b",
            "b?c=d",
            "https://api.example:443/v1/b",
            "//api.example/v1/b",
            "/v1",
            "/v1?a",
        ] {
            assert_eq!(refused(from, to), None, "{to}");
        }
    }

    #[test]
    fn a_redirect_that_leaves_the_base_url_is_not_followed() {
        for to in [
            "/",
            "/login",
            "/v1x/b",
            "/v1-b",
            "..",
            "../../b",
            "/v1/../b",
            "/v1/%2e%2e/b",
            "/v1/..\\b",
            "/V1/b",
        ] {
            let why = refused("https://api.example/v1/a", to).unwrap_or("followed".to_owned());
            let wanted = "outside the base URL https://api.example/v1;";
            assert!(why.contains(wanted), "{to}: {why}");
        }
    }

    #[test]
    fn a_redirect_with_a_user_name_or_password_is_not_followed() {
        for to in [
            "https://user@api.example/v1/b",
            "https://user:hunter2@api.example/v1/b",
            "https://:hunter2@api.example/v1/b",
        ] {
            let why = refused("https://api.example/v1/a", to).unwrap_or("followed".to_owned());
            assert!(why.contains("user name or password"), "{to}: {why}");
            assert!(!why.contains("hunter2"));
        }
    }

    #[test]
    fn a_call_that_may_not_be_repeated_is_not_redirected() {
        let url: Url = "https://api.example/v1/a".parse().unwrap();
        let once = RedirectRules {
            is_repeatable: false,
            ..READ
        };
        for (rules, status, followed) in [
            (once, StatusCode::TEMPORARY_REDIRECT, false),
            (once, StatusCode::PERMANENT_REDIRECT, false),
            (once, StatusCode::FOUND, false),
            (READ, StatusCode::TEMPORARY_REDIRECT, true),
            (READ, StatusCode::PERMANENT_REDIRECT, true),
            (READ, StatusCode::SEE_OTHER, false),
        ] {
            let obstacle = rules.obstacle(&url, &url, &Method::POST, status, 0);
            assert_eq!(obstacle.is_none(), followed, "{status}: {obstacle:?}");
        }
    }
}
