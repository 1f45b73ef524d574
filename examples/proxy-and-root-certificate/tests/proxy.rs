//! Requests fail without the root certificate, and go through the proxy with it.

use std::process::Command;

use example_testing::{run, succeed};

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_proxy-and-root-certificate"))
}

#[test]
fn requests_succeed_only_with_the_root_certificate() {
    let said = succeed(&mut command());
    let (without, with) = said.split_once("with it: ").unwrap_or_default();
    assert!(
        without.starts_with("without the root certificate: dune: "),
        "{said}"
    );
    assert!(without.contains("invalid peer certificate"), "{said}");
    // This error is permanent, so it is not retried.
    assert!(without.contains("1 attempt"), "{said}");
    assert!(
        with.starts_with("42 came through the proxy, which saw\n"),
        "{said}"
    );
    let lines = with.lines().skip(1);
    assert!(lines.clone().count() >= 2, "{said}");
    for line in lines {
        // A proxy sees only the host: no path and no key.
        assert!(line.starts_with("  CONNECT localhost:"), "{said}");
    }
}

#[test]
fn an_invalid_certificate_file_is_an_error() {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/no-such.pem");
    let live = ["--live", "--proxy", "http://127.0.0.1:9", "--root", here];
    let failed = run(command().args(live).env("DUNE_API_KEY", "a-key"));
    assert_eq!(failed.code, Some(1));
    assert!(failed.err.contains("no-such.pem"), "{}", failed.err);
}
