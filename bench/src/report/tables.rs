//! Markdown tables.

use std::fmt::Write as _;

use super::labels::{figure, label, mebibytes, shown, times};
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
        if name == "mixed" {
            out += &prefetch_beside(&results);
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
        "mixed" => "Eight mixed columns",
        "outside" => "Eight columns of a chain",
        "columns" => "The same as Arrow record batches",
        "wide columns" => "All of 200 columns as record batches",
        "wide" => "Five of 200 columns",
        "gzip" => "gzip bodies",
        "latency" => "A server that takes its time",
        "chain" => "Pages of which each names the next",
        "tiny" => "One page of one row",
        "stream" => "A long result",
        "stream ×10" => "A result ten times as long",
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
            "Time of a call, of {} one after the other.",
            grouped(result.calls)
        ),
        "outside" => format!(
            "{rows} rows of a timestamp, a hash, two texts (with escapes in 1 of 512), a double with \
             all digits, a bigint, a uint256 (78 digits in 1 of 64) and a boolean (NULL in 1 of 16); \
             prefetch({prefetch})."
        ),
        "mixed" | "gzip" | "columns" => {
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

fn prefetch_beside(results: &[&WorkloadResult]) -> String {
    let mut lines = Vec::new();
    for (label, names) in [
        ("as the hand-written loop", &["hand"][..]),
        ("as the generated default", &["generated"]),
        ("as the official Python client", &["python"]),
        ("as the limit of one core", &["limit-serde", "limit-sonic"]),
    ] {
        let ratios = results.iter().map(|result| {
            let speed = |name: &str| {
                let one = result.contenders.iter().find(|one| one.contender == name)?;
                Some(one.rows_per_s.median)
            };
            let fastest = names.iter().filter_map(|name| speed(name)).reduce(f64::max);
            Some(speed("rowfeed-prefetch")? / fastest?)
        });
        let ratios: Vec<Option<f64>> = ratios.collect();
        if ratios.iter().any(Option::is_some) {
            let cells = ratios
                .iter()
                .map(|ratio| ratio.map_or_else(|| "–".to_owned(), times));
            lines.push(line(label, cells));
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    let titles = headings(results.iter().map(|result| result.service.title()));
    format!(
        "How many times as fast rowfeed with `prefetch(2)` is (ratios of medians):\n\n{titles}{}\n",
        lines.concat()
    )
}

fn cost(measured: &Measured) -> String {
    let memory = mebibytes(measured.peak_rss_bytes);
    match &measured.cpu_ratio {
        Some(ratio) => format!("{}, {memory}", times(ratio.median)),
        None => memory,
    }
}

/// Returns the effect of prefetching.
fn overlap(result: &WorkloadResult) -> String {
    let wall = |name: &str| {
        let one = result.contenders.iter().find(|one| one.contender == name)?;
        Some(one.wall_s.median)
    };
    match (
        wall("rowfeed-prefetch"),
        wall("rowfeed-pages"),
        wall("rowfeed-decode"),
    ) {
        (Some(both), Some(fetch), Some(decode)) => format!(
            "Fetching alone takes {fetch:.2} s and decoding alone {decode:.2} s; with prefetch(2) \
             both together take {} the longer of them.\n\n",
            times(both / fetch.max(decode))
        ),
        _ => String::new(),
    }
}

/// Returns the instructions, per row or per call.
pub(super) fn instructions(counts: &[Instructions]) -> String {
    let mut out = String::from(
        "## Instructions\n\nCounted by callgrind, in all threads: for each row, \
         beside the hand-written loop; and for each call of one row, beside bare reqwest. An outside \
         row is one of those eight columns of a chain, and what is read in columns becomes record \
         batches, by hand with Arrow's builders.\n\n",
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
        let titles = Service::ALL.iter().map(|service| service.title());
        let mut lines = vec![headings(titles)];
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
            lines.push(line(&format!("{}, per {per}", label(contender)), cells));
        }
        out += &lines.concat();
        out.push('\n');
    }
    out
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

fn headings<'a>(titles: impl Iterator<Item = &'a str>) -> String {
    let (mut head, mut rule) = (String::from("| |"), String::from("|---|"));
    for title in titles {
        let _ = write!(head, " {title} |");
        rule += "---|";
    }
    format!("{head}\n{rule}\n")
}

fn line(label: &str, cells: impl Iterator<Item = String>) -> String {
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
