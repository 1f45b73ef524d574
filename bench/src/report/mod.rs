//! What is shown of results: tables for the terminal and the page, and a chart.

mod chart;
mod labels;
mod tables;

pub(crate) use self::chart::chart;
use crate::results::{Results, Section};

/// All tables, as Markdown that is readable as it is.
pub(crate) fn tables(results: &Results) -> String {
    let mut out = String::new();
    if let Some(section) = &results.timings {
        out += &tables::timings(&section.data);
        out += &measured(section);
    }
    if let Some(section) = &results.instructions {
        out += &tables::instructions(&section.data);
        out += &measured(section);
    }
    if let Some(section) = &results.build {
        out += &tables::build(&section.data);
        out += &measured(section);
    }
    out
}

/// The page with the tables and what has to be known to read them.
pub(crate) fn page(results: &Results) -> String {
    let chart = match &results.timings {
        Some(_) => "![Rows a second, by service and contender](results.svg)\n\n",
        None => "",
    };
    format!("{BEFORE}{chart}{}", tables(results))
}

const BEFORE: &str = "\
# Measurements

Written by `cargo xtask bench` (`--callgrind` and `--build` write sections of their own); the same in
[results.json](results.json).

A page server, which is a process of its own and writes pages that were serialised beforehand, and
one process for each contender talk over loopback HTTP. Every contender reads the whole result in
each round, in turns, and adds up all values; the sums have to agree. The first reading of each does
not count. `N×` is the median over the rounds of how many times as fast as the hand-written loop of
the same round a contender was, with the quartiles in brackets.

- **hand-written loop**: reqwest, `serde_json::from_slice` straight into a typed page, `Vec<Trade>`,
  with owned strings ([hand](src/contenders/hand/mod.rs));
  into columns: the same structs, then Arrow's builders ([columns](src/contenders/hand/columns.rs));
- **`arrow-json`**: into columns of the same types, rows cut out of the body with `RawValue`
  ([arrow_json](src/contenders/arrow_json.rs));
- **generated default**: what progenitor gives by itself, rows as `Map<String, Value>`, then
  `from_value` ([generated](src/contenders/generated.rs));
- **official Python client**: `dune-client`, `lightdash`, `yandex-query-client`, all pages as they
  give them ([worker.py](python/worker.py));
- **limit of one core**: no HTTP, the same bodies from memory into the hand-written loop's structs,
  by `serde_json` from text or by `sonic-rs`, whichever is faster ([limit](src/contenders/limit.rs));
- **bodies dropped**: reqwest, and a bare socket, which shows what the page server can give.

";

fn measured<T>(section: &Section<T>) -> String {
    format!("{}\n\n", measured_where(section))
}

/// Where, when and of which commit something was measured.
pub(crate) fn measured_where<T>(section: &Section<T>) -> String {
    let machine = &section.machine;
    let memory = match machine.memory_gib {
        Some(gib) => format!(", {gib} GiB"),
        None => String::new(),
    };
    format!(
        "{}, {} cores{memory}; {}; {}; {}, commit {}.",
        machine.cpu, machine.cores, machine.os, machine.rustc, section.date, section.commit
    )
}
