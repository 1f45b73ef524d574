//! Ratios between contenders, and between workloads of the same rows.

use super::{
    labels::times,
    tables::{headings, line},
};
use crate::{
    dataset::Service,
    results::{Instructions, WorkloadResult},
};

/// Returns the rows per second of a contender.
fn speed(result: &WorkloadResult, contender: &str) -> Option<f64> {
    let mut contenders = result.contenders.iter();
    let one = contenders.find(|one| one.contender == contender)?;
    Some(one.rows_per_s.median)
}

/// Returns a line of ratios, unless there are none.
fn ratios(label: &str, ratios: impl Iterator<Item = Option<f64>>) -> Option<String> {
    let ratios: Vec<Option<f64>> = ratios.collect();
    ratios.iter().any(Option::is_some).then(|| {
        let cells = ratios.into_iter();
        line(
            label,
            cells.map(|ratio| ratio.map_or_else(|| "–".to_owned(), times)),
        )
    })
}

fn table(about: &str, results: &[&WorkloadResult], lines: Vec<String>) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let titles = headings(results.iter().map(|result| result.service.title()));
    format!("{about}:\n\n{titles}{}\n", lines.concat())
}

/// Compares rowfeed with `prefetch(2)` with the other contenders.
pub(super) fn prefetch_beside(results: &[&WorkloadResult]) -> String {
    let others = [
        ("as the hand-written loop", &["hand"][..]),
        ("as the generated default", &["generated"]),
        ("as the official Python client", &["python"]),
        ("as the limit of one core", &["limit-serde", "limit-sonic"]),
    ];
    let lines = others.into_iter().filter_map(|(label, names)| {
        let each = results.iter().map(|result| {
            let speeds = names.iter().filter_map(|name| speed(result, name));
            Some(speed(result, "rowfeed-prefetch")? / speeds.reduce(f64::max)?)
        });
        ratios(label, each)
    });
    table(
        "How many times as fast rowfeed with `prefetch(2)` is (ratios of medians)",
        results,
        lines.collect(),
    )
}

/// Compares record batches with rows of the same result, which another workload reads.
pub(super) fn batches_beside(results: &[&WorkloadResult], all: &[WorkloadResult]) -> String {
    let rows = |batches: &WorkloadResult| {
        let mut workloads = all.iter();
        workloads.find(|other| other.name == "outside" && other.service == batches.service)
    };
    let mut lines = Vec::new();
    for (own, shown) in [("rowfeed", "default"), ("rowfeed-prefetch", "prefetch")] {
        for (other, is_batches, as_what) in [
            ("hand", true, "as the hand-written loop into builders"),
            ("hand", false, "as the hand-written loop into rows"),
            ("arrow-json", true, "as `arrow-json`"),
            (own, false, "as rowfeed's rows"),
        ] {
            let each = results.iter().map(|batches| {
                let beside = match is_batches {
                    true => batches,
                    false => rows(batches)?,
                };
                Some(speed(batches, own)? / speed(beside, other)?)
            });
            lines.extend(ratios(&format!("{shown}, {as_what}"), each));
        }
    }
    table(
        "How many times as fast rowfeed's record batches are (ratios of medians)",
        results,
        lines,
    )
}

/// Returns the effect of prefetching.
pub(super) fn overlap(result: &WorkloadResult) -> String {
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

/// Returns lines that compare the instructions of rowfeed's record batches with those of the other
/// ways to read the same rows.
pub(super) fn instructions_beside(counts: &[Instructions], per: &str) -> String {
    let find = |service, per: &str, contender: &str| {
        let is_it = |count: &&Instructions| {
            count.service == service && count.per == per && count.contender == contender
        };
        Some(counts.iter().find(is_it)?.instructions)
    };
    let others: &[(&str, &str, &str)] = match per {
        "outside row in columns" => &[
            (per, "arrow-json", "**rowfeed** relative to `arrow-json`"),
            (
                "outside row",
                "hand",
                "**rowfeed** relative to the loop into rows",
            ),
        ],
        "row in 200 columns" => &[(per, "arrow-json", "**rowfeed** relative to `arrow-json`")],
        _ => &[],
    };
    let lines = others.iter().filter_map(|(other_per, other, label)| {
        let each = Service::ALL
            .into_iter()
            .map(|service| Some(find(service, per, "rowfeed")? / find(service, other_per, other)?));
        ratios(label, each)
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;

    fn workload(name: &str, speeds: &[(&str, f64)]) -> WorkloadResult {
        let spread = |value: f64| json!({ "low": value, "median": value, "high": value });
        let contenders = speeds.iter().map(|(contender, speed)| {
            json!({
                "contender": contender, "wall_s": spread(1.0), "cpu_s": spread(1.0),
                "rows_per_s": spread(*speed), "speed_ratio": null, "cpu_ratio": null,
                "bytes": null, "peak_rss_bytes": null,
            })
        });
        let contenders: Vec<Value> = contenders.collect();
        let result = json!({
            "name": name, "service": "dune", "unit": "rows-per-second", "rows": 3,
            "page_size": 2, "latency_ms": 0, "prefetch": 2, "calls": 1, "rounds": 1,
            "contenders": contenders,
        });
        serde_json::from_value(result).unwrap()
    }

    #[test]
    fn batches_are_compared_with_both_loops() {
        let all = [
            workload("outside", &[("hand", 2.0), ("rowfeed", 4.0)]),
            workload("columns", &[("hand", 1.0), ("rowfeed", 6.0)]),
        ];
        let text = batches_beside(&[&all[1]], &all);
        for line in [
            "| | Dune |",
            "| default, as the hand-written loop into builders | 6.00× |",
            "| default, as the hand-written loop into rows | 3.00× |",
            "| default, as rowfeed's rows | 1.50× |",
        ] {
            assert!(text.contains(line), "{text}");
        }
        // These were not measured.
        assert!(!text.contains("arrow-json") && !text.contains("prefetch"));
    }

    #[test]
    fn instructions_of_batches_are_compared_with_the_loop_into_rows() {
        let count = |per: &str, contender: &str, instructions| Instructions {
            service: Service::YandexQuery,
            per: per.to_owned(),
            contender: contender.to_owned(),
            instructions,
        };
        let counts = [
            count("outside row", "hand", 4_000.0),
            count("outside row in columns", "rowfeed", 2_000.0),
            count("outside row in columns", "arrow-json", 8_000.0),
        ];
        let text = instructions_beside(&counts, "outside row in columns");
        assert_eq!(
            text,
            "| **rowfeed** relative to `arrow-json` | – | – | 0.25× |\n\
             | **rowfeed** relative to the loop into rows | – | – | 0.50× |\n"
        );
        assert_eq!(instructions_beside(&counts, "outside row"), "");
    }
}
