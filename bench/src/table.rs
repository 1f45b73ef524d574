//! The served values. Row `n` is the same at every service, in every run and on every machine.
//! After [`period`] rows the values repeat, so that a long result needs little memory.

use crate::dataset::Table;

/// Returns the number of different rows: a multiple of every page size, and for a mixed table more
/// than fit in the caches of a processor.
pub(crate) fn period(table: Table) -> u64 {
    match table {
        Table::Mixed | Table::Outside => 160_000,
        Table::Wide => 4_000,
    }
}

/// A column of all services.
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Date,
    Timestamp,
    Hash,
    Uint256,
    BigInt,
    Integer,
    Double,
    Text,
    Boolean,
}

/// A value.
pub(crate) enum Cell {
    Null,
    Integer(i64),
    Double(f64),
    Text(String),
    Boolean(bool),
}

pub(crate) fn columns(table: Table) -> Vec<Column> {
    let column = |name: &str, kind, nullable| Column {
        name: name.to_owned(),
        kind,
        nullable,
    };
    match table {
        Table::Mixed => vec![
            column("block_date", Kind::Date, false),
            column("block_number", Kind::BigInt, false),
            column("tx_hash", Kind::Text, false),
            column("project", Kind::Text, false),
            column("token_symbol", Kind::Text, true),
            column("amount_usd", Kind::Double, true),
            column("log_index", Kind::Integer, false),
            column("is_buy", Kind::Boolean, false),
        ],
        Table::Outside => vec![
            column("block_time", Kind::Timestamp, false),
            column("tx_hash", Kind::Hash, false),
            column("project", Kind::Text, false),
            column("token_symbol", Kind::Text, false),
            column("amount_usd", Kind::Double, false),
            column("block_number", Kind::BigInt, false),
            column("value", Kind::Uint256, false),
            column("is_buy", Kind::Boolean, true),
        ],
        Table::Wide => (0..200)
            .map(|n| column(&format!("c{n:03}"), wide_kind(n), false))
            .collect(),
    }
}

fn wide_kind(n: usize) -> Kind {
    [
        Kind::Integer,
        Kind::Double,
        Kind::Text,
        Kind::Boolean,
        Kind::BigInt,
    ][n % 5]
}

const PROJECTS: [&str; 12] = [
    "lagoon",
    "estuary",
    "tidepool",
    "saltmarsh",
    "reef",
    "delta",
    "fjord",
    "atoll",
    "skerry",
    "inlet",
    "sandbar",
    "headland",
];
const TOKENS: [&str; 9] = [
    "PEARL", "KELP", "CORAL", "SHELL", "AMBER", "DRIFT", "BRINE", "wTIDE", "axlSURF",
];

/// Returns the values of a row, one per column.
pub(crate) fn row(table: Table, n: u64) -> Vec<Cell> {
    let mut random = Random(n.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ 0x726f_7766_6565_6421);
    match table {
        Table::Mixed => mixed(n, &mut random),
        Table::Outside => outside(n, &mut random),
        Table::Wide => (0..200).map(|c| wide(wide_kind(c), &mut random)).collect(),
    }
}

fn mixed(n: u64, random: &mut Random) -> Vec<Cell> {
    let day =
        jiff::civil::date(2024, 1, 1).saturating_add(jiff::Span::new().days(n.cast_signed() / 500));
    let hash = (0..4).map(|_| format!("{:016x}", random.next()));
    let one_in = |random: &mut Random, chances| random.below(chances) == 0;
    vec![
        Cell::Text(day.to_string()),
        Cell::Integer(18_900_000 + n.cast_signed() * 14),
        Cell::Text(format!("0x{}", hash.collect::<String>())),
        Cell::Text(random.one_of(&PROJECTS).to_owned()),
        match one_in(random, 10) {
            true => Cell::Null,
            false => Cell::Text(random.one_of(&TOKENS).to_owned()),
        },
        match one_in(random, 20) {
            true => Cell::Null,
            // From cents to millions, mostly small.
            false => Cell::Double(0.05 * (random.fraction() * 18.0).exp()),
        },
        Cell::Integer(random.below(600).cast_signed()),
        Cell::Boolean(one_in(random, 2)),
    ]
}

fn outside(n: u64, random: &mut Random) -> Vec<Cell> {
    let second = n.cast_signed() / 40;
    let time = jiff::civil::date(2024, 1, 1).at(0, 0, 0, 0) + jiff::Span::new().seconds(second);
    let hash = (0..4).map(|_| format!("{:016x}", random.next()));
    let hash = format!("0x{}", hash.collect::<String>());
    let project = match random.below(512) {
        0 => "Café \"Lagoon\"".to_owned(),
        _ => random.one_of(&PROJECTS).to_owned(),
    };
    let value = match random.below(64) {
        0 => U256_MAX.to_owned(),
        _ => (u128::from(random.next()) << random.below(40)).to_string(),
    };
    vec![
        Cell::Text(format!("{time}.{:03}", random.below(1_000))),
        Cell::Text(hash),
        Cell::Text(project),
        Cell::Text(random.one_of(&TOKENS).to_owned()),
        Cell::Double(random.fraction() * 10_f64.powi(random.below(7) as i32)),
        Cell::Integer(18_900_000_000_000 + n.cast_signed() * 14),
        Cell::Text(value),
        match random.below(16) {
            0 => Cell::Null,
            n => Cell::Boolean(n % 2 == 0),
        },
    ]
}

const U256_MAX: &str =
    "115792089237316195423570985008687907853269984665640564039457584007913129639935";

fn wide(kind: Kind, random: &mut Random) -> Cell {
    match kind {
        Kind::Integer => Cell::Integer(random.below(100_000).cast_signed()),
        Kind::Double => Cell::Double(random.fraction() * 1_000.0),
        Kind::Boolean => Cell::Boolean(random.below(2) == 0),
        Kind::BigInt => Cell::Integer(random.below(1 << 40).cast_signed()),
        Kind::Text | Kind::Date | Kind::Timestamp | Kind::Hash | Kind::Uint256 => {
            Cell::Text(random.one_of(&PROJECTS).to_owned())
        }
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Returns a number in 0..1.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[(self.next() % words.len() as u64) as usize]
    }
}
