//! The page `bench/SQL.md`.

use std::path::Path;

use crate::{
    LATENCY_MS, LEAST_GAIN, MOST_BYTES, Measured,
    machine::{Machine, commit, today},
    reading::{Method, QUERY},
};

pub(crate) struct Report<'a> {
    /// The methods in their order, then streaming over a tenth of the rows.
    pub(crate) streaming: Vec<Measured>,
    /// For each service one partition, then several.
    pub(crate) partitioned: Vec<Measured>,
    pub(crate) rounds: usize,
    pub(crate) root: &'a Path,
}

const ABOUT: &str = "\
# Measurements of SQL

Written by `cargo xtask bench --sql`.

The page server of [the benchmark](RESULTS.md), which is a separate process and sends pages that were
serialized in advance, and one process per reading communicate over loopback HTTP. In each round,
every contender runs the query once, each time in a new process; the results must agree. Times are
from a completed run to the result of the query: the median over the rounds, with the fastest and the
slowest in brackets. `N×` is relative to the first line of the same round. Peak memory is the largest
`VmHWM` of the process, DataFusion's code included.
";

impl Report<'_> {
    pub(crate) fn text(&self) -> String {
        let mut text = ABOUT.to_owned();
        text += &format!("\n```sql\n{}\n```\n", wrapped(QUERY));
        text += &self.streaming_section();
        text += &self.partitions_section();
        text += &self.place();
        text
    }

    fn streaming_section(&self) -> String {
        let base = &self.streaming[0];
        let mut text = format!(
            "\n## Streaming beside collecting\n\n{} rows of Dune, 32,000 a page; eight columns, of \
             which the query uses five; {} partitions.\n\n| | time | | peak memory |\n\
             |---|---|---|---|\n",
            thousands(base.job.rows),
            base.job.partitions
        );
        for one in &self.streaming {
            let is_same = one.job.rows == base.job.rows;
            let label = match one.job.method {
                Method::Stream if is_same => "**`ResultTable`**, streaming".to_owned(),
                Method::StreamAhead => "**`ResultTable`**, streaming, `prefetch(2)`".to_owned(),
                Method::Stream => {
                    let rows = thousands(one.job.rows);
                    format!("**`ResultTable`**, streaming, {rows} rows")
                }
                Method::CollectSome => {
                    "the query's columns collected to a `MemTable`, `prefetch(2)`".to_owned()
                }
                Method::CollectAll => "all columns collected to a `MemTable`".to_owned(),
            };
            let beside = match is_same {
                true => times(&one.ratios(base)),
                false => "–".to_owned(),
            };
            let memory = one.peak().map_or("–".to_owned(), mebibytes);
            let time = seconds(&one.seconds());
            text += &format!("| {label} | {time} | {beside} | {memory} |\n");
        }
        text
    }

    fn partitions_section(&self) -> String {
        let one = &self.partitioned[0];
        let pages = one.job.rows / u64::from(one.job.page_size.unwrap_or(1));
        let mut text = format!(
            "\n## Partitions of a server that takes its time\n\n{} rows in {pages} pages of {} rows, \
             each answered after {LATENCY_MS} ms. Lightdash has\nat most four partitions by \
             default; here `partitions(8)` sets more.\n\n| | one partition | eight partitions | |\n\
             |---|---|---|---|\n",
            thousands(one.job.rows),
            thousands(one.job.page_size.unwrap_or_default().into()),
        );
        for [one, eight] in self.pairs() {
            text += &format!(
                "| {} | {} | {} | {} |\n",
                one.job.service,
                seconds(&one.seconds()),
                seconds(&eight.seconds()),
                times(&one.ratios(eight)),
            );
        }
        text
    }

    fn pairs(&self) -> impl Iterator<Item = [&Measured; 2]> {
        let pairs = self.partitioned.chunks_exact(2);
        pairs.map(|pair| [&pair[0], &pair[1]])
    }

    fn place(&self) -> String {
        let machine = Machine::this();
        let memory = machine.memory_gib.map(|gib| format!(", {gib} GiB"));
        format!(
            "\n{}, {} cores{}; {}; {}; {}, commit {}, {} rounds.\n",
            machine.cpu,
            machine.cores,
            memory.unwrap_or_default(),
            machine.os,
            machine.rustc,
            today(),
            commit(self.root),
            self.rounds
        )
    }

    /// What is promised and was not reached.
    pub(crate) fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        for one in &self.streaming {
            let peak = one.peak().unwrap_or(0);
            if one.job.method.is_streaming() && peak > MOST_BYTES {
                let most = mebibytes(MOST_BYTES);
                missed.push(format!(
                    "{}: {}, not {most}",
                    one.job.name(),
                    mebibytes(peak)
                ));
            }
        }
        // Each beside streaming with the same settings.
        for (streaming, collected) in [(0, 3), (1, 2)] {
            let [streaming, collected] = [streaming, collected].map(|index| &self.streaming[index]);
            if median(&collected.ratios(streaming)) <= 1.0 {
                let names = [collected.job.name(), streaming.job.name()];
                missed.push(names.join(" took less time than "));
            }
        }
        for [one, eight] in self.pairs() {
            let gain = median(&one.ratios(eight));
            if gain < LEAST_GAIN {
                let name = eight.job.name();
                missed.push(format!(
                    "{name}: {gain:.1} times as fast as one, not {LEAST_GAIN}"
                ));
            }
        }
        missed
    }
}

impl Measured {
    fn seconds(&self) -> Vec<f64> {
        self.readings
            .iter()
            .map(|reading| reading.seconds)
            .collect()
    }

    /// The times as multiples of those of `base` in the same rounds.
    fn ratios(&self, base: &Self) -> Vec<f64> {
        let pairs = self.readings.iter().zip(&base.readings);
        pairs
            .map(|(own, base)| own.seconds / base.seconds)
            .collect()
    }

    fn peak(&self) -> Option<u64> {
        self.readings
            .iter()
            .filter_map(|reading| reading.peak_bytes)
            .max()
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

fn median(values: &[f64]) -> f64 {
    let values = sorted(values);
    let middle = values.len() / 2;
    match values.len() % 2 {
        _ if values.is_empty() => 0.0,
        0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

/// `4.12 s [4.01–4.30]`
fn seconds(values: &[f64]) -> String {
    let (values, median) = (sorted(values), median(values));
    match &values[..] {
        [first, .., last] => format!("{median:.2} s [{first:.2}–{last:.2}]"),
        _ => format!("{median:.2} s"),
    }
}

/// `1.52× [1.43–1.60]`
fn times(values: &[f64]) -> String {
    let (values, median) = (sorted(values), median(values));
    match &values[..] {
        [first, .., last] if first != last => format!("{median:.2}× [{first:.2}–{last:.2}]"),
        _ => format!("{median:.2}×"),
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", (bytes + 512 * 1024) / (1024 * 1024))
}

/// `10,000,000`
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The clauses of a query on lines of their own.
fn wrapped(sql: &str) -> String {
    let mut text = sql.to_owned();
    for clause in [" FROM ", " GROUP BY ", " ORDER BY "] {
        text = text.replace(clause, &format!("\n{}", &clause[1..]));
    }
    text
}
