//! A pseudo-terminal, signals, and closed pipes.

use std::{
    fs::File,
    io::Read as _,
    os::fd::OwnedFd,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use rowfeed_sandbox::Fault;
use rustix::{
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

use crate::support::{Bench, finish, until};

/// Runs the command with a terminal of this width as all three standard streams, and returns what
/// it shows.
pub(crate) fn on_terminal(mut command: Command, columns: u16) -> (Option<i32>, String) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let size = Winsize {
        ws_row: 40,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&master, size).unwrap();
    let slave: File = File::options()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    let stream = || Stdio::from(OwnedFd::from(slave.try_clone().unwrap()));
    command
        .stdin(stream())
        .stdout(stream())
        .stderr(stream())
        .env("TERM", "xterm-256color");
    let mut child = command.spawn().unwrap();
    drop((slave, command));
    let mut master = File::from(master);
    let reader = thread::spawn(move || {
        let mut shown = Vec::new();
        let mut buffer = [0; 4_096];
        // Reading fails after the last writer has closed the terminal.
        while let Ok(read @ 1..) = master.read(&mut buffer) {
            shown.extend_from_slice(&buffer[..read]);
        }
        shown
    });
    let code = child.wait().unwrap().code();
    let shown = String::from_utf8_lossy(&reader.join().unwrap()).replace("\r\n", "\n");
    (code, shown)
}

/// Returns the final screen: without the progress line, and without colors.
pub(crate) fn screen(shown: &str) -> String {
    let mut lines = Vec::new();
    for line in shown.split('\n') {
        let last = line.rsplit(['\r']).next().unwrap_or_default();
        let mut text = String::new();
        let mut rest = last.chars();
        while let Some(c) = rest.next() {
            match c {
                '\u{1b}' => drop(rest.by_ref().find(|c| c.is_ascii_alphabetic())),
                c => text.push(c),
            }
        }
        lines.push(text);
    }
    lines.join("\n")
}

#[test]
fn a_terminal_gets_a_table_of_the_first_rows_and_fetches_no_others() {
    let bench = Bench::new();
    let (code, shown) = on_terminal(bench.command(&["dune", "sql", "SELECT * FROM trades"]), 120);
    let text = screen(&shown);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("        trade_id  block_date  "), "{text}");
    assert!(text.contains("9007199254740995"), "{text}");
    assert!(text.contains("20 of 48 rows; --limit shows more"), "{text}");
    let width = |line: &str| unicode_width::UnicodeWidthStr::width(line);
    assert!(
        text.lines()
            .filter(|line| line.contains("2024-05"))
            .all(|line| width(line) <= 120),
        "{text}"
    );
    let read: usize = bench
        .sandbox
        .requests()
        .iter()
        .filter_map(|request| request.rows)
        .sum();
    assert_eq!(read, 20);
    assert!(shown.contains("\u{1b}["), "there are colors: {shown:?}");
}

#[test]
fn colors_follow_no_color_and_the_flag() {
    let bench = Bench::new();
    let mut command = bench.command(&["dune", "sql", "SELECT tides"]);
    command.env("NO_COLOR", "1");
    let (code, shown) = on_terminal(command, 80);
    assert_eq!(code, Some(5));
    assert!(
        shown.contains("error: ") && !shown.contains("\u{1b}[31"),
        "{shown:?}"
    );
    let (_, shown) = on_terminal(bench.command(&["dune", "sql", "SELECT tides"]), 80);
    assert!(shown.contains("\u{1b}[31;1merror"), "{shown:?}");
    let piped = bench.run(&["--color", "always", "dune", "sql", "SELECT tides"]);
    assert!(piped.err.contains("\u{1b}[31;1merror"));
}

#[test]
fn progress_shows_the_run_and_the_rows() {
    let bench = Bench::with(|sandbox| sandbox.poll_steps(2));
    bench.sandbox.fault(
        Fault::delay(Duration::from_millis(100))
            .path("/results")
            .always(),
    );
    let arguments = [
        "dune",
        "sql",
        "SELECT * FROM trades",
        "-o",
        "t.csv",
        "--page-size",
        "5",
    ];
    let (code, shown) = on_terminal(bench.command(&arguments), 160);
    assert_eq!(code, Some(0), "{shown}");
    assert!(
        shown.contains("pending") || shown.contains("executing"),
        "{shown:?}"
    );
    assert!(
        shown.contains("of 48 rows, ") && shown.contains("rows/s"),
        "{shown:?}"
    );
    assert!(screen(&shown).contains("48 rows in t.csv"), "{shown:?}");
}

#[test]
fn the_pager_gets_the_whole_result() {
    let bench = Bench::new();
    let mut command = bench.command(&["dune", "sql", "SELECT trade_id FROM trades", "--pager"]);
    command.env("PAGER", "grep -c 100");
    let ran = crate::support::run(command);
    assert_eq!(ran.ok().trim(), "10");
    let mut command = bench.command(&["dune", "sql", "SELECT trade_id FROM trades", "--pager"]);
    command.env("PAGER", "no-such-pager-of-rowfeed");
    crate::support::run(command).fails(13, &["no-such-pager"]);
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let bench = Bench::new();
    for format in ["ndjson", "csv", "arrow"] {
        let sql = "SELECT * FROM synthetic(200000)";
        let mut child = bench
            .command(&[
                "dune",
                "sql",
                sql,
                "--format",
                format,
                "--page-size",
                "1000",
            ])
            .spawn()
            .unwrap();
        let mut first = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let ended = finish(child);
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{format}");
    }
    // No more rows were fetched than the pipe holds.
    let read: usize = bench
        .sandbox
        .requests()
        .iter()
        .filter_map(|request| request.rows)
        .sum();
    assert!(read < 60_000, "{read} rows were read");
}

fn running(bench: &Bench, rest: &[&str]) -> std::process::Child {
    let arguments = [&["dune", "sql", "SELECT * FROM trades"][..], rest].concat();
    let child = bench.command(&arguments).spawn().unwrap();
    until("the run is watched", || {
        bench.requests("GET", "/status") > 0
    });
    child
}

#[test]
fn ctrl_c_cancels_the_run_or_leaves_it_as_the_flag_says() {
    for signal in [Signal::INT, Signal::TERM] {
        let bench = Bench::with(|sandbox| sandbox.run_time(Duration::from_secs(3_600)));
        let child = running(&bench, &[]);
        kill_process(Pid::from_child(&child), signal).unwrap();
        finish(child).fails(130, &["was cancelled"]);
        assert_eq!(bench.requests("POST", "/cancel"), 1);
    }
    let bench = Bench::with(|sandbox| sandbox.run_time(Duration::from_secs(3_600)));
    let child = running(&bench, &["--on-interrupt", "detach"]);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    finish(child).fails(130, &["continues at the service", "rowfeed run attach"]);
    assert_eq!(bench.requests("POST", "/cancel"), 0);
}

#[test]
fn ctrl_c_leaves_a_run_alone_that_was_started_elsewhere() {
    let bench = Bench::with(|sandbox| sandbox.run_time(Duration::from_secs(3_600)));
    let id = bench
        .run(&["dune", "sql", "SELECT 1 AS n", "--no-wait"])
        .ok();
    let attach = |rest: &[&str]| {
        bench.sandbox.take_requests();
        let arguments = [&["run", "attach", id.trim()][..], rest].concat();
        let child = bench.command(&arguments).spawn().unwrap();
        until("the run is watched", || {
            bench.requests("GET", "/status") > 0
        });
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        finish(child)
    };
    attach(&[]).fails(130, &["continues at the service", "started elsewhere"]);
    assert_eq!(bench.requests("POST", "/cancel"), 0);
    bench
        .run(&["run", "attach", id.trim(), "--timeout", "50ms"])
        .fails(8, &[]);
    assert_eq!(bench.requests("POST", "/cancel"), 0);
    attach(&["--on-interrupt", "cancel"]).fails(130, &["was cancelled"]);
    assert_eq!(bench.requests("POST", "/cancel"), 1);
}

#[test]
fn an_export_of_a_cancelled_run_leaves_nothing_and_one_of_a_detached_run_is_resumed() {
    let bench = Bench::with(|sandbox| sandbox.run_time(Duration::from_secs(3)));
    let child = running(&bench, &["-o", "t.csv"]);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    finish(child).fails(130, &["was cancelled"]);
    assert!(bench.names().is_empty(), "{:?}", bench.names());

    bench.sandbox.take_requests();
    let child = running(&bench, &["-o", "t.csv", "--on-interrupt", "detach"]);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    finish(child).fails(130, &["resumes after row 0"]);
    bench
        .run(&["dune", "sql", "SELECT * FROM trades", "-o", "t.csv"])
        .ok();
    assert_eq!(bench.requests("POST", "/sql/execute"), 1);
}
