//! Checks that tides needs no service that rowfeed has.
#![allow(clippy::unwrap_used, missing_docs)]

use std::process::Command;

/// Built alone, as by `cargo test -p tides`, this crate has the facade and no other client. So the
/// other tests read without them.
#[test]
fn tides_needs_none_of_the_services_that_rowfeed_has() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--prefix", "none"])
        .args(["--edges", "all", "--package", "tides"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let text = String::from_utf8(tree.stdout).unwrap();
    let has = |name: &str| {
        text.lines()
            .any(|line| line.split(' ').next() == Some(name))
    };
    assert!(has("rowfeed"), "{}", String::from_utf8_lossy(&tree.stderr));
    for other in ["rowfeed-dune", "rowfeed-lightdash", "rowfeed-yandex-query"] {
        assert!(!has(other), "tides depends on {other}");
    }
}
