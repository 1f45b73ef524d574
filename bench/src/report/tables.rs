//! Markdown tables.

use std::fmt::Write as _;

use super::{
    beside::{batches_beside, instructions_beside, overlap, prefetch_beside},
    labels::{figure, label, mebibytes, shown, times},
};
use crate::{
    dataset::Service,
    results::{BuildCost, Instructions, Measured, Timings, WorkloadResult},
    run::workloads::Unit,
};

/// Returns a table for each workload: contenders by services.
pub(super) fn timings(timings: &Timings) -> String {
    let mut out = String::new();
    let mut names: Vec<&str> = Vec::new();
    for result in &timings.workloads {
        if !names.contains(&result.name.as_str()) {
            names.push(&result.name);
        }
    }
    for name in names {
        let of_name = timings
            .workloads
            .iter()
            .filter(|result| result.name == name);
        let results: Vec<&WorkloadResult> = of_name.collect();
        let _ = writeln!(out, "## {}\n\n{}\n", title(name), about(results[0]));
        out += &contenders_by_services(&results, &figure);
        match name {
            "mixed" => out += &prefetch_beside(&results),
            "columns" => out += &batches_beside(&results, &timings.workloads),
            _ => {}
        }
        let has_processor = matches!(results[0].unit, Unit::RowsPerSecond | Unit::Seconds);
        if has_processor && name != "latency" {
            out += "CPU time beside the hand-written loop's, and peak memory of the process:\n\n";
            out += &contenders_by_services(&results, &|_, measured| cost(measured));
        }
        if name == "chain" {
            out += &overlap(results[0]);
        }
    }
    for note in &timings.notes {
        let _ = writeln!(out, "- {note}");
    }
    if !timings.notes.is_empty() {
        out.push('\n');
    }
    out
}

fn title(name: &str) -> &str {
    match name {
        "mixed" => "Mixed data set: rows",
        "outside" => "Chain data set: rows",
        "columns" => "Chain data set: Arrow record batches",
        "export" => "Chain data set: Parquet to a null sink, and a DataFrame in Python",
        "wide" => "200 columns: rows with five of them",
        "wide columns" => "200 columns: Arrow record batches with all of them",
        "gzip" => "Chain data set: rows from gzip bodies",
        "latency" => "Mixed data set: a server that takes its time",
        "chain" => "Mixed data set: each page names the next",
        "tiny" => "Chain data set: one page of one row",
        "stream" => "Mixed data set: memory of a long result",
        "stream ×10" => "Mixed data set: memory of a result ten times as long",
        other => other,
    }
}

fn about(result: &WorkloadResult) -> String {
    let (rows, size) = (grouped(result.rows), grouped(result.page_size.into()));
    let (latency, prefetch) = (result.latency_ms, result.prefetch);
    match result.name.as_str() {
        "latency" => format!(
            "{rows} rows in pages of {size}, each answered after {latency} ms; prefetch({prefetch})."
        ),
        "chain" => format!(
            "{rows} rows in pages of {size}, each answered after {latency} ms, with a filter, so \
             that no offset can be guessed; prefetch({prefetch})."
        ),
        "tiny" => format!(
            "Time of a call, of {} one after the other; at Yandex Query by its run, so that each call \
             is one request.",
            grouped(result.calls)
        ),
        "outside" => format!(
            "{rows} rows of a timestamp, a hash, two texts (with escapes in 1 of 512), a double with \
             all digits, a bigint, a uint256 (78 digits in 1 of 64) and a boolean (NULL in 1 of 16); \
             prefetch({prefetch})."
        ),
        "columns" => format!(
            "{rows} rows, at each service's usual page size; prefetch({prefetch}). `N×` is relative \
             to the hand-written loop into Arrow's builders."
        ),
        "export" => format!(
            "{rows} rows; prefetch({prefetch}). Record batches are written as Parquet with zstd and \
             dropped; the Python clients read the same rows into a pandas DataFrame."
        ),
        "gzip" => format!(
            "{rows} rows, at each service's usual page size; prefetch({prefetch}). The hand-written \
             loop is built without rowfeed and has reqwest's usual inflater (`miniz_oxide`); rowfeed \
             brings `zlib-rs`, which the loop has too where both are built together."
        ),
        "mixed" => {
            format!("{rows} rows, at each service's usual page size; prefetch({prefetch}).")
        }
        "wide" | "wide columns" => format!("{rows} rows; prefetch({prefetch})."),
        _ => format!("Peak memory and speed, {rows} rows; prefetch({prefetch})."),
    }
}

fn contenders_by_services(
    results: &[&WorkloadResult],
    cell: &dyn Fn(&WorkloadResult, &Measured) -> String,
) -> String {
    let mut labels: Vec<String> = Vec::new();
    for result in results {
        for (label, _) in shown(result) {
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
    }
    let mut lines = vec![headings(
        results.iter().map(|result| result.service.title()),
    )];
    for label in labels {
        let cells = results.iter().map(|result| {
            let of_label = shown(result).into_iter().find(|(other, _)| *other == label);
            of_label.map_or_else(|| "–".to_owned(), |(_, measured)| cell(result, measured))
        });
        lines.push(line(&label, cells));
    }
    lines.concat() + "\n"
}

fn cost(measured: &Measured) -> String {
    let memory = mebibytes(measured.peak_rss_bytes);
    match &measured.cpu_ratio {
        Some(ratio) => format!("{}, {memory}", times(ratio.median)),
        None => memory,
    }
}

/// Returns the instructions, per row or per call.
pub(super) fn instructions(counts: &[Instructions]) -> String {
    let mut out = String::from(
        "## Instructions\n\nCounted by callgrind, in all threads, without prefetch: for each row, \
         relative to the hand-written loop; and for each call of one row, beyond bare reqwest.\n\n",
    );
    let mut pers: Vec<&str> = Vec::new();
    for count in counts {
        if !pers.contains(&count.per.as_str()) {
            pers.push(&count.per);
        }
    }
    for per in pers {
        let is_call = per.ends_with("call");
        let mut contenders: Vec<&str> = Vec::new();
        for count in counts.iter().filter(|count| count.per == per) {
            if !contenders.contains(&count.contender.as_str()) {
                contenders.push(&count.contender);
            }
        }
        if contenders.is_empty() {
            continue;
        }
        let mut lines = vec![headings(Service::ALL.map(Service::title).into_iter())];
        for contender in contenders {
            let find = |service, contender: &str| {
                let is_it = |count: &&Instructions| {
                    count.per == per && count.service == service && count.contender == contender
                };
                Some(counts.iter().find(is_it)?.instructions)
            };
            let cells = Service::ALL.iter().map(|&service| {
                let Some(own) = find(service, contender) else {
                    return "–".to_owned();
                };
                let base_name = if is_call { "fetch" } else { "hand" };
                let base = find(service, base_name);
                let shown = grouped(own.round() as u64);
                match (base, is_call) {
                    _ if contender == base_name => shown,
                    (Some(base), false) => format!("{shown}, {}", times(own / base)),
                    (Some(base), _) => {
                        let more = grouped((own - base).abs().round() as u64);
                        let sign = if own < base { "−" } else { "+" };
                        format!("{shown}, {sign}{more}")
                    }
                    (None, _) => shown,
                }
            });
            lines.push(line(label(contender), cells));
        }
        let _ = write!(out, "### {}\n\n{}", unit_title(per), lines.concat());
        out += &instructions_beside(counts, per);
        out.push('\n');
    }
    out
}

fn unit_title(per: &str) -> &str {
    match per {
        "row" => "Mixed data set: per row",
        "outside row" => "Chain data set: per row",
        "outside row in columns" => "Chain data set: per row of Arrow record batches",
        "row of 200 columns" => "200 columns: per row with five of them",
        "row in 200 columns" => "200 columns: per row of Arrow record batches with all of them",
        "gzip row" => "Chain data set: per row from gzip bodies",
        "outside call" => "Chain data set: per call of one row",
        other => other,
    }
}

/// Returns the build cost of crates.
pub(super) fn build(costs: &[BuildCost]) -> String {
    let mut out = String::from(
        "## Cost of building\n\nFrom nothing, each with its default features; CPU seconds (wall).\n\n",
    );
    let heads = [
        "crates in the tree",
        "check",
        "release build",
        "generated lines",
    ];
    out += &headings(heads.into_iter());
    for cost in costs {
        let seconds = |cpu: Option<f64>, wall: f64| match cpu {
            Some(cpu) => format!("{cpu:.1} s ({wall:.1} s)"),
            None => format!("({wall:.1} s)"),
        };
        let cells = [
            cost.crates.to_string(),
            seconds(cost.check_cpu_s, cost.check_wall_s),
            seconds(cost.release_cpu_s, cost.release_wall_s),
            grouped(cost.generated_lines as u64),
        ];
        out += &line(&cost.package, cells.into_iter());
    }
    out + "\n"
}

pub(super) fn headings<'a>(titles: impl Iterator<Item = &'a str>) -> String {
    let (mut head, mut rule) = (String::from("| |"), String::from("|---|"));
    for title in titles {
        let _ = write!(head, " {title} |");
        rule += "---|";
    }
    format!("{head}\n{rule}\n")
}

pub(super) fn line(label: &str, cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.collect();
    format!("| {label} | {} |\n", cells.join(" | "))
}

/// Formats a number with commas between groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
