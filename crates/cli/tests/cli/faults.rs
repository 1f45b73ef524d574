//! Faults of the service do not change the output.

use rowfeed_sandbox::Fault;

use crate::support::Bench;

const SQL: &str = "SELECT * FROM trades ORDER BY block_time";

#[test]
fn rate_limits_errors_and_cut_bodies_do_not_change_the_output() {
    let calm = Bench::new();
    for service in ["dune", "lightdash", "yandex"] {
        for format in ["ndjson", "csv"] {
            let arguments = [service, "sql", SQL, "--format", format, "--page-size", "10"];
            let expected = calm.run(&arguments).ok();
            for fault in [
                Fault::status(429)
                    .header("Retry-After", "0")
                    .method("GET")
                    .times(3),
                Fault::status(503).method("GET").times(2),
                Fault::cut_body(200).method("GET").after(1).times(2),
                Fault::reset().method("GET").times(2),
            ] {
                let bench = Bench::new();
                let shown = format!("{service} {format} {fault:?}");
                bench.sandbox.fault(fault);
                let ran = bench.run(&arguments);
                assert_eq!(ran.err, "", "{shown}");
                assert_eq!(ran.ok(), expected, "{shown}");
                assert!(
                    bench
                        .sandbox
                        .requests()
                        .iter()
                        .any(|request| request.faulted),
                    "{shown}"
                );
            }
        }
    }
}

#[test]
fn a_repeated_page_is_an_error_and_the_rows_before_it_stay() {
    let bench = Bench::new();
    bench
        .sandbox
        .fault(Fault::stuck_offset().path("/results").always());
    let ran = bench.run(&["dune", "sql", SQL, "--page-size", "10"]);
    assert!(
        ran.out.lines().all(|line| line.ends_with('}')),
        "{}",
        ran.out
    );
    ran.fails(11, &["dune: "]);
}

#[test]
fn the_rate_limit_of_the_profile_applies() {
    let bench = Bench::with(|sandbox| sandbox.dune_requests_per_minute(1_000));
    let path = bench.path("profiles.toml");
    std::fs::write(&path, "[default.dune]\nrequests-per-minute = 300\n").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let mut command = bench.command(&["dune", "sql", SQL, "--page-size", "12"]);
    command.env("ROWFEED_CONFIG", &path);
    let began = std::time::Instant::now();
    crate::support::run(command).ok();
    let requests = u32::try_from(bench.sandbox.requests().len()).unwrap();
    assert!(requests >= 6, "{requests}");
    // One request every 200 ms, the first at once.
    assert!(began.elapsed() >= std::time::Duration::from_millis(200) * (requests - 1) * 9 / 10);
}
