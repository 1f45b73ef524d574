//! The wait that a service requests in the headers of its response.

use std::time::{Duration, SystemTime};

use reqwest::{
    StatusCode,
    header::{DATE, HeaderMap, RETRY_AFTER},
};

use crate::platform;

/// Returns the wait that `Retry-After` requests. Without that header, and with the status 429,
/// returns the time until an exhausted rate limit resets.
///
/// Dune documents `RateLimit: "write";r=0;t=12` and sends `Retry-After` on 429 only. `RateLimit`
/// lists policies, each with its remaining quota and the seconds until its reset. The older
/// `RateLimit-Reset` holds seconds. `X-RateLimit-Reset`, which proxies send, holds seconds or a
/// Unix time.
pub(crate) fn asked_wait(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    retry_after(headers).or_else(|| {
        let limited = status == StatusCode::TOO_MANY_REQUESTS;
        limited.then(|| until_reset(headers)).flatten()
    })
}

/// Reads seconds or a date. A date is compared with the response's own `Date`, so a wrong clock on
/// either side does not matter.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if is_number(text) {
        // Only a number too large for u64 fails here.
        return Some(text.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    Some(until.duration_since(now(headers)).unwrap_or_default())
}

fn until_reset(headers: &HeaderMap) -> Option<Duration> {
    let policies = headers.get_all("ratelimit").iter();
    let used_up = policies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| split(list, ','))
        .filter_map(reset_of_used_up)
        .max();
    used_up
        .or_else(|| reset_in(headers, "ratelimit-reset"))
        .or_else(|| reset_in(headers, "x-ratelimit-reset"))
}

/// Returns the `t` of `"name";r=0;t=12`, or `None` while some of the quota remains.
fn reset_of_used_up(policy: &str) -> Option<Duration> {
    let parameter = |wanted: &str| {
        let found = split(policy, ';').skip(1).find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            (name.trim() == wanted).then(|| value.trim())
        });
        found?.parse::<u64>().ok()
    };
    let reset = parameter("t")?;
    (parameter("r")? == 0).then(|| Duration::from_secs(reset))
}

/// Larger numbers are Unix times, not seconds. This one is in the year 2001.
const UNIX_TIMES: u64 = 1_000_000_000;
/// Numbers from here on are no Unix times in seconds; perhaps milliseconds. They are ignored.
const NO_TIMES: u64 = 100 * UNIX_TIMES;

fn reset_in(headers: &HeaderMap, name: &str) -> Option<Duration> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    let number: u64 = text.parse().ok()?;
    if number < UNIX_TIMES {
        return Some(Duration::from_secs(number));
    }
    if number >= NO_TIMES {
        return None;
    }
    let until = SystemTime::UNIX_EPOCH + Duration::from_secs(number);
    Some(until.duration_since(now(headers)).unwrap_or_default())
}

/// Returns the service's own time, or else the local time.
fn now(headers: &HeaderMap) -> SystemTime {
    headers
        .get(DATE)
        .and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok())
        .unwrap_or_else(platform::now)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Splits at each `separator` outside quotation marks.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        let ends = c == separator && !quoted;
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            _ => {}
        }
        ends
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn limited(pairs: &[(&'static str, &str)]) -> Option<u64> {
        let wait = asked_wait(StatusCode::TOO_MANY_REQUESTS, &headers(pairs));
        wait.map(|wait| wait.as_secs())
    }

    #[test]
    fn reads_both_forms_of_retry_after() {
        let read = |pairs: &[(&'static str, &str)]| retry_after(&headers(pairs));
        assert_eq!(read(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(
            read(&[("retry-after", "99999999999999999999999")]),
            Some(Duration::MAX)
        );
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(
            read(&[
                ("retry-after", date),
                ("date", "Sun, 06 Nov 1994 08:49:00 GMT")
            ]),
            Some(Duration::from_secs(37))
        );
        assert_eq!(read(&[("retry-after", date)]), Some(Duration::ZERO));
        let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(90));
        let wait = read(&[("retry-after", &soon)]).unwrap();
        assert!((88..=90).contains(&wait.as_secs()), "{wait:?}");
        for odd in ["", "soon", "-1", "1.5"] {
            assert_eq!(read(&[("retry-after", odd)]), None, "{odd}");
        }
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn the_wait_is_that_of_the_exhausted_policy_that_resets_last() {
        let name = "ratelimit";
        assert_eq!(limited(&[(name, "\"write\";r=0;t=12")]), Some(12));
        assert_eq!(
            limited(&[(name, "\"ip\";r=9;t=50, \"write\";r=0;t=12")]),
            Some(12)
        );
        assert_eq!(
            limited(&[(name, "\"ip\";r=0;t=1, \"write\"; t=12; r=0")]),
            Some(12)
        );
        assert_eq!(
            limited(&[(name, "\"a\";r=0;t=3"), (name, "\"b\";r=0;t=4")]),
            Some(4)
        );
        assert_eq!(limited(&[(name, "\"a,b;r=0;t=99\\\",\";r=0;t=5")]), Some(5));
        for nothing in [
            "\"write\";r=3;t=12",
            "\"write\";r=0",
            "\"write\"",
            "",
            ";;,\"",
            "r=0;t",
        ] {
            assert_eq!(limited(&[(name, nothing)]), None, "{nothing}");
        }
    }

    #[test]
    fn a_reset_is_seconds_or_a_point_in_time() {
        assert_eq!(limited(&[("ratelimit-reset", "9")]), Some(9));
        assert_eq!(limited(&[("x-ratelimit-reset", "30")]), Some(30));
        // 784111777 is below the numbers that count as Unix times, 1700000000 is not.
        let date = ("date", "Tue, 14 Nov 2023 22:13:20 GMT");
        assert_eq!(
            limited(&[("x-ratelimit-reset", "1700000042"), date]),
            Some(42)
        );
        assert_eq!(
            limited(&[("x-ratelimit-reset", "1600000000"), date]),
            Some(0)
        );
        for odd in ["", "-1", "soon", "1700000042000", "99999999999999999999999"] {
            assert_eq!(limited(&[("x-ratelimit-reset", odd)]), None, "{odd}");
        }
    }

    #[test]
    fn retry_after_comes_first_and_resets_count_for_429_alone() {
        let both = [("retry-after", "2"), ("ratelimit", "\"write\";r=0;t=12")];
        assert_eq!(limited(&both), Some(2));
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        assert_eq!(
            asked_wait(unavailable, &headers(&both)).unwrap().as_secs(),
            2
        );
        assert_eq!(asked_wait(unavailable, &headers(&both[1..])), None);
    }
}
