//! Checks that no request is sent before its turn.

use std::process::Command;

use example_testing::succeed;

/// When the requests were sent, in milliseconds.
fn departures(said: &str) -> Vec<u64> {
    let times = said.lines().filter_map(|line| line.split_once(" ms  "));
    times
        .filter_map(|(time, _)| time.trim().parse().ok())
        .collect()
}

#[test]
fn queries_share_the_limit() {
    let said = succeed(&mut Command::new(env!("CARGO_BIN_EXE_rate-limit")));
    let times = departures(&said);
    // Each of four queries is started, polled at least once, and read.
    assert!(times.len() >= 12, "{said}");
    // Ten a second without a burst: the last of n begins at least (n - 1) / 10 s after the first.
    let took = times[times.len() - 1] - times[0];
    assert!(took + 20 >= (times.len() as u64 - 1) * 100, "{said}");
    for query in 1..=4 {
        assert!(said.contains(&format!("query {query} is done\n")), "{said}");
    }
}

#[test]
fn a_burst_goes_out_at_once() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rate-limit"));
    let said = succeed(command.args(["--per-second", "1", "--burst", "40", "--queries", "2"]));
    let times = departures(&said);
    assert!(times.len() >= 6, "{said}");
    // At one request per second they would take at least five seconds.
    assert!(times[times.len() - 1] - times[0] < 5_000, "{said}");
}
