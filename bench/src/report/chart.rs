//! The bar chart: rows per second of the mixed table, grouped by service. The text follows the
//! reader's color scheme; the bars are legible on both.

use std::fmt::Write as _;

use super::labels::{rows_per_s, shown, times};
use crate::results::{Measured, Timings, WorkloadResult};

const WIDTH: f64 = 860.0;
/// The start of the bars, and the length of the longest.
const LEFT: f64 = 200.0;
const LONGEST: f64 = 470.0;
const BAR: f64 = 18.0;
const STEP: f64 = 24.0;
const HEAD: f64 = 34.0;

/// The contenders in the chart from the top, with label and class.
const SHOWN: [(&str, &str, &str); 7] = [
    ("rowfeed-prefetch", "rowfeed, prefetch(2)", "own"),
    ("rowfeed", "rowfeed", "own"),
    ("hand", "hand-written loop", "base"),
    ("limit-serde", "limit of one core, no HTTP", "limit"),
    ("limit-sonic", "limit of one core, no HTTP", "limit"),
    ("generated", "generated default", "other"),
    ("python", "official Python client", "other"),
];

/// Returns the chart as SVG. `below` is the line about the machine and the date.
pub(crate) fn chart(timings: &Timings, below: &str) -> String {
    let groups: Vec<&WorkloadResult> = timings
        .workloads
        .iter()
        .filter(|result| result.name == "mixed")
        .collect();
    let speeds = groups.iter().flat_map(|group| bars(group));
    let most = speeds
        .map(|(_, _, one)| one.rows_per_s.median)
        .fold(1.0, f64::max);
    let mut body = String::new();
    let mut y = 10.0;
    for group in groups {
        let _ = writeln!(
            body,
            r#"<text class="title" x="0" y="{}">{}</text>"#,
            y + 16.0,
            group.service.title()
        );
        y += HEAD;
        for (label, class, measured) in bars(group) {
            let length = (measured.rows_per_s.median / most * LONGEST).max(1.0);
            let middle = y + BAR / 2.0 + 4.5;
            let _ = writeln!(
                body,
                r#"<text class="label" x="{}" y="{middle}">{label}</text><rect class="{class}" x="{LEFT}" y="{y}" width="{length:.1}" height="{BAR}" rx="2"/><text x="{:.1}" y="{middle}">{}</text>"#,
                LEFT - 8.0,
                LEFT + length + 8.0,
                figure(measured)
            );
            y += STEP;
        }
        y += 14.0;
    }
    let _ = writeln!(
        body,
        r#"<text class="below" x="0" y="{}">{}</text>"#,
        y + 8.0,
        below.replace('&', "&amp;").replace('<', "&lt;")
    );
    y += 24.0;
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img" aria-label="Rows a second, by service and contender">
<style>
text {{ font: 13px system-ui, sans-serif; fill: #24292f; }}
.title {{ font-weight: 600; font-size: 15px; }}
.label {{ text-anchor: end; }}
.below {{ font-size: 10.5px; opacity: 0.75; }}
.own {{ fill: #1f7a5c; }} .base {{ fill: #8a6d3b; }} .limit {{ fill: #6e7781; }} .other {{ fill: #9aa4af; }}
@media (prefers-color-scheme: dark) {{
text {{ fill: #e6edf3; }}
.own {{ fill: #3fb68b; }} .base {{ fill: #c9a35a; }} .limit {{ fill: #8b949e; }} .other {{ fill: #6e7781; }}
}}
</style>
{body}</svg>
"#
    )
}

fn bars(group: &WorkloadResult) -> Vec<(&'static str, &'static str, &Measured)> {
    let measured = shown(group);
    let find = |name: &str| {
        let found = measured.iter().find(|(_, one)| one.contender == name);
        found.map(|(_, one)| *one)
    };
    let bars = SHOWN.iter();
    bars.filter_map(|(name, label, class)| Some((*label, *class, find(name)?)))
        .collect()
}

fn figure(measured: &Measured) -> String {
    let speed = rows_per_s(measured.rows_per_s.median).replace("/s", " rows/s");
    match &measured.speed_ratio {
        Some(ratio) if measured.contender != "hand" => format!("{speed} · {}", times(ratio.median)),
        _ => speed,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn the_length_of_a_bar_is_the_speed() {
        let measured = |contender: &str, speed: f64, ratio: f64| {
            let spread = |value: f64| json!({ "low": value, "median": value, "high": value });
            json!({
                "contender": contender, "wall_s": spread(1.0), "cpu_s": spread(1.0),
                "rows_per_s": spread(speed), "speed_ratio": spread(ratio), "cpu_ratio": null,
                "bytes": null, "peak_rss_bytes": null,
            })
        };
        let contenders = [
            measured("rowfeed", 3e6, 1.5),
            measured("hand", 2e6, 1.0),
            measured("limit-serde", 1e6, 0.5),
            measured("limit-sonic", 1.5e6, 0.75),
            measured("fetch", 9e6, 4.5),
        ];
        let timings = json!({
            "notes": [],
            "workloads": [{
                "name": "mixed", "service": "lightdash", "unit": "rows-per-second", "rows": 3,
                "page_size": 2, "latency_ms": 0, "prefetch": 2, "calls": 1, "rounds": 1,
                "contenders": contenders,
            }],
        });
        let svg = chart(
            &serde_json::from_value(timings).unwrap(),
            "a machine & a day",
        );
        let bars: Vec<&str> = svg.lines().filter(|line| line.contains("<rect")).collect();
        // Only the faster parser of the limit, and no contender that does not decode.
        assert_eq!(bars.len(), 3, "{svg}");
        let widths = bars.iter().map(|bar| bar.split("width=\"").nth(1).unwrap());
        let widths = widths.map(|rest| rest.split('"').next().unwrap().parse::<f64>().unwrap());
        let shares: Vec<f64> = widths
            .map(|width| (width / LONGEST * 100.0).round())
            .collect();
        assert_eq!(shares, [100.0, 67.0, 50.0]);
        assert!(bars[0].contains("3.00 M rows/s · 1.50×"), "{}", bars[0]);
        assert!(svg.contains(">Lightdash</text>") && svg.ends_with("</svg>\n"));
    }
}
