//! Reports of results: tables for the terminal and the page, and a chart.

mod beside;
mod chart;
mod labels;
mod tables;

pub(crate) use self::chart::chart;
use crate::results::{Results, Section};

/// Returns all tables as readable Markdown.
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

/// Returns the page with the tables and their explanation.
pub(crate) fn page(results: &Results) -> String {
    let chart = match &results.timings {
        Some(_) => "![Rows a second, by service and contender](results.svg)\n\n",
        None => "",
    };
    format!("{BEFORE}{chart}{}", tables(results))
}

const BEFORE: &str = "\
# Measurements

Written by `cargo xtask bench` (`--callgrind` and `--build` write their own sections). The data is in
[results.json](results.json).

A page server, which is a separate process and sends pages that were serialized in advance, and one
process per contender communicate over loopback HTTP. In each round, every contender reads the whole
result in turn and adds up all values; the sums must agree. The first reading of each contender does
not count. `N×` is the speed of a contender relative to the hand-written loop of the same round: the
median over the rounds, with the quartiles in brackets. The contenders other than rowfeed are built
without it, so that its features do not change their dependencies. Where `chrt` is installed, processes
of the lowest priority keep the processors awake, because waking a virtual one takes as long as a
small page ([awake](src/run/awake.rs)).

The mixed data set has eight columns of common types. The chain data set has eight columns of
blockchain data and was designed without knowledge of rowfeed; Yandex Query's pages are read directly,
without a run that knows the number of rows ([table](src/table.rs), [encode](src/encode.rs)).

- **hand-written loop**: reqwest, `serde_json::from_slice` straight into a typed page, `Vec<Trade>`,
  with owned strings ([hand](src/contenders/hand/mod.rs));
  into columns: the same structs, then Arrow's builders ([columns](src/contenders/hand/columns.rs));
- **`arrow-json`**: into columns of the same types, rows cut out of the body with `RawValue`
  ([arrow_json](src/contenders/arrow_json.rs));
- **generated default**: the default output of progenitor, rows as `Map<String, Value>`, then
  `from_value` ([generated](src/contenders/generated.rs));
- **official Python client**: `dune-client`, `lightdash`, `yandex-query-client`, all pages as they
  return them, or as a DataFrame ([worker.py](python/worker.py));
- **limit of one core**: no HTTP, the same bodies from memory into the hand-written loop's structs,
  by `serde_json` from text or by `sonic-rs`, whichever is faster ([limit](src/contenders/limit.rs));
- **bodies dropped**: reqwest, and a bare socket, which shows the speed of the page server.

";

fn measured<T>(section: &Section<T>) -> String {
    format!("{}\n\n", measured_where(section))
}

/// Returns the machine, the date and the commit of a measurement.
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
