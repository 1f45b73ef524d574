//! Rows against an independent reader: random tables, written as each service writes them, are read
//! by this crate, and by `serde_json` with a small model of what each declared type means. The
//! model sees the text of every number, so that no digit is lost on either side.
//!
//! `ROWFEED_DIFFERENTIAL_ROWS=1000000 cargo test -p rowfeed-rows --test differential` reads a
//! million rows; `ROWFEED_DIFFERENTIAL_SEED` begins with another table than the first.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod model;
mod table;

use std::collections::BTreeMap;

use fastrand::Rng;
use model::{Members, Model, Raw};
use rowfeed_rows::{RawRows, Row, RowDecoder, Value, decode_rows};
use table::{Service, Table};

/// Text that is significant in JSON, or not.
const ODD: [char; 18] = [
    '[', ']', '{', '}', ',', ':', '"', '\\', '0', '-', '+', '.', 'e', 'E', 't', 'n', ' ', '\u{1}',
];
/// The number of rows unless the environment sets it.
const ROWS: u64 = 8_000;

fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is {text:?}, which is no number")),
    )
}

/// Draws tables until they have enough rows together.
fn for_tables(share: u64, mut check: impl FnMut(&Table, &mut Rng)) {
    let wanted = number_from("ROWFEED_DIFFERENTIAL_ROWS").unwrap_or(ROWS) / share;
    let first = number_from("ROWFEED_DIFFERENTIAL_SEED").unwrap_or(0);
    let (mut rows, mut seed) = (0, first);
    while rows < wanted {
        let mut random = Rng::with_seed(seed);
        let table = Table::draw(&mut random);
        let told = Told(seed);
        check(&table, &mut random);
        drop(told);
        rows += table.rows.len() as u64;
        seed += 1;
    }
    println!("{rows} rows in {} tables", seed - first);
}

/// Prints the seed of a panic.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "again: ROWFEED_DIFFERENTIAL_SEED={} ROWFEED_DIFFERENTIAL_ROWS=1",
                self.0
            );
        }
    }
}

/// The members of each row, as the model reads them.
fn model_of(table: &Table) -> Vec<BTreeMap<String, Value>> {
    let rows: Vec<Raw<'_>> = serde_json::from_str(&table.page).unwrap();
    let model = Model {
        service: table.service,
    };
    let read = |row: &Raw<'_>| -> BTreeMap<String, Value> {
        let cells: Vec<(String, Raw<'_>)> = match table.service {
            Service::YandexQuery => {
                let cells: Vec<Raw<'_>> = serde_json::from_str(row.get()).unwrap();
                let names = table.columns.iter().map(|(name, _)| name.clone());
                names.zip(cells).collect()
            }
            Service::Dune | Service::DuneUntyped => Members::of(row),
            Service::Lightdash => Members::of(row)
                .into_iter()
                .map(|(name, cell)| (name, model::lightdash_raw(cell)))
                .collect(),
        };
        let value = |(name, raw): (String, Raw<'_>)| {
            let declared = table.columns.iter().find(|(column, _)| *column == name);
            let declared = declared.filter(|_| table.service != Service::DuneUntyped);
            let value = model.value(declared.map(|(_, kind)| kind), raw);
            (name, value)
        };
        cells.into_iter().map(value).collect()
    };
    rows.iter().map(read).collect()
}

fn members(row: Row) -> BTreeMap<String, Value> {
    row.into_iter().collect()
}

/// NaN equals nothing, so text is compared.
fn shown<T: std::fmt::Debug>(value: &T) -> String {
    format!("{value:?}")
}

#[test]
fn every_value_is_what_an_independent_reader_reads() {
    for_tables(1, |table, _| {
        let columns = table.declared();
        let expected = model_of(table);
        let rows = decode_rows::<Row>(&columns, &table.page, 0)
            .unwrap_or_else(|error| panic!("{error}\n{table:?}"));
        assert_eq!(rows.len(), expected.len(), "{table:?}");
        for (row, expected) in rows.into_iter().map(members).zip(&expected) {
            assert_eq!(shown(&row), shown(expected), "{table:?}");
        }
        let one_by_one = RowDecoder::<Row>::new(&columns, &table.page, 0);
        let one_by_one = one_by_one.map(|row| members(row.unwrap()));
        assert_eq!(shown(&one_by_one.collect::<Vec<_>>()), shown(&expected));
    });
}

#[test]
fn a_page_that_an_independent_reader_refuses_is_refused() {
    let mut refused = 0;
    for_tables(4, |table, random| {
        let mut page = table.page.clone();
        let at = (0..=page.len()).filter(|at| page.is_char_boundary(*at));
        let at = random.choice(at.collect::<Vec<_>>()).unwrap();
        match random.u32(0..3) {
            0 => page.truncate(at),
            1 => page.insert(at, random.choice(ODD).unwrap()),
            _ if at < page.len() => drop(page.remove(at)),
            _ => page.push(']'),
        }
        if serde_json::from_str::<Vec<Raw<'_>>>(&page).is_err() {
            refused += 1;
            if let Ok(raw) = RawRows::from_json(page.clone()) {
                panic!(
                    "{page}
was taken as {} rows",
                    raw.count()
                );
            }
        }
    });
    assert!(refused > 0);
}

#[test]
fn an_integer_is_read_exactly_or_is_an_error_of_its_row() {
    let mut errors = 0;
    for_tables(2, |table, random| {
        let integers: Vec<String> = (0..random.usize(1..20))
            .map(|_| table::integer_like(random))
            .collect();
        let (columns, page) = table::of_integers(table.service, &integers);
        let expected: Vec<Result<Option<i64>, ()>> =
            integers.iter().map(|text| model::integer(text)).collect();
        let rows = RowDecoder::<(Option<i64>,)>::new(&columns, &page, 0);
        for (row, (expected, text)) in rows.zip(expected.iter().zip(&integers)) {
            match (row, expected) {
                (Ok((read,)), Ok(expected)) => assert_eq!(read, *expected, "{text}"),
                (Err(error), Err(())) => {
                    assert_eq!(error.column(), Some("n"), "{error}");
                    errors += 1;
                    break;
                }
                (read, expected) => panic!("{text} is {read:?} in place of {expected:?}"),
            }
        }
    });
    assert!(errors > 0);
}
