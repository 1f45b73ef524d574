//! Formats names and figures.

use crate::{
    results::{Measured, Spread, WorkloadResult},
    run::workloads::Unit,
};

/// Returns the contenders of a workload with their labels. Of the two parsers of the limit, only
/// the faster is shown.
pub(super) fn shown(result: &WorkloadResult) -> Vec<(String, &Measured)> {
    let find = |name: &str| result.contenders.iter().find(|one| one.contender == name);
    let speed = |one: &Measured| one.rows_per_s.median;
    let slower_limit = match (find("limit-serde"), find("limit-sonic")) {
        (Some(serde), Some(sonic)) if speed(serde) < speed(sonic) => Some("limit-serde"),
        (Some(_), Some(_)) => Some("limit-sonic"),
        _ => None,
    };
    let contenders = result.contenders.iter();
    contenders
        .filter(|one| Some(one.contender.as_str()) != slower_limit)
        .map(|one| (label(&one.contender).to_owned(), one))
        .collect()
}

/// Returns the label of a contender. Both parsers of the limit have the same label.
pub(super) fn label(contender: &str) -> &str {
    match contender {
        "rowfeed" => "**rowfeed**, default",
        "rowfeed-prefetch" => "**rowfeed**, prefetch",
        "rowfeed-columns" => "**rowfeed**, only its columns",
        "rowfeed-pages" => "rowfeed, pages without rows",
        "rowfeed-decode" => "rowfeed, pages in memory",
        "hand" => "hand-written loop",
        "hand-zlib-rs" => "hand-written loop with rowfeed's inflater",
        "arrow-json" => "`arrow-json`",
        "generated" => "generated default",
        "limit-serde" | "limit-sonic" => "limit of one core",
        "python" => "official Python client",
        "fetch" => "bodies dropped, reqwest",
        "raw" => "bodies dropped, socket",
        other => other,
    }
}

/// Returns the figure of a contender, in the unit of its workload.
pub(super) fn figure(result: &WorkloadResult, measured: &Measured) -> String {
    let seconds = measured.wall_s.median;
    let plain = match result.unit {
        Unit::RowsPerSecond => rows_per_s(measured.rows_per_s.median),
        Unit::Seconds => format!("{seconds:.2} s"),
        Unit::MicrosecondsPerCall => format!("{:.0} µs", seconds * 1e6 / result.calls as f64),
        Unit::PeakMemory => {
            let rows = rows_per_s(measured.rows_per_s.median);
            return format!("{}, {rows}", mebibytes(measured.peak_rss_bytes));
        }
    };
    match (&measured.speed_ratio, measured.contender.as_str()) {
        (None, _) | (_, "hand") => plain,
        (Some(ratio), _) => format!("{plain}, {}", times_within(ratio)),
    }
}

pub(super) fn rows_per_s(rows: f64) -> String {
    match rows {
        1e6.. => format!("{:.2} M/s", rows / 1e6),
        _ => format!("{:.0} k/s", rows / 1e3),
    }
}

pub(super) fn mebibytes(bytes: Option<u64>) -> String {
    match bytes {
        Some(bytes) => format!("{} MiB", (bytes + 512 * 1024) / (1024 * 1024)),
        None => "?".to_owned(),
    }
}

/// Formats a ratio with few digits.
pub(super) fn times(ratio: f64) -> String {
    match ratio {
        10.0.. => format!("{ratio:.0}×"),
        0.095.. => format!("{ratio:.2}×"),
        _ => format!("{ratio:.3}×"),
    }
}

fn times_within(ratio: &Spread) -> String {
    let digits = |value: f64| times(value).trim_end_matches('×').to_owned();
    let (low, high) = (digits(ratio.low), digits(ratio.high));
    format!("{} [{low}–{high}]", times(ratio.median))
}
