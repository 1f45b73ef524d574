//! The properties of rows of many columns, most of which are not requested. The rows differ
//! slightly, so that the layout of one row does not hold for the next.

use proptest::{collection::vec, prelude::*};

use super::{dune_rows, lightdash_rows, yandex_rows};

/// The change to a row of the usual columns: positions counted from its end, and a letter.
type Change = (u8, usize, usize, char);

/// The names of a row's cells.
fn names(columns: usize, changes: &[Change]) -> Vec<char> {
    let mut names: Vec<char> = ('a'..='z').take(columns).collect();
    for (how, one, other, letter) in changes {
        let (one, other) = (one % names.len(), other % names.len());
        match how {
            0 => names.swap(one, other),
            1 => drop(names.remove(one)),
            2 => names.insert(one, *letter),
            _ => names[one] = *letter,
        }
    }
    names
}

/// The JSON of a cell: usually a number, or text that looks like JSON.
fn cell(row: usize, place: usize) -> String {
    match (row + place) % 7 {
        0 => format!("\"],{{{row}\\\"\""),
        1 => format!("[{row},{{\"a\":[{place}]}}]"),
        2 => "null".to_owned(),
        3 => format!("{row}.5"),
        _ => format!("{}", row * 100 + place),
    }
}

fn object(row: usize, names: &[char], cell: impl Fn(usize, usize) -> String) -> String {
    let names = names.iter().enumerate();
    let members = names.map(|(place, name)| format!("\"{name}\":{}", cell(row, place)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn list(row: usize, names: &[char], cell: impl Fn(usize, usize) -> String) -> String {
    let cells: Vec<_> = (0..names.len()).map(|place| cell(row, place)).collect();
    format!("[{}]", cells.join(","))
}

fn lightdash_cell(row: usize, place: usize) -> String {
    let raw = cell(row, place);
    match row % 5 {
        0 => format!("{{\"value\":{{\"formatted\":\"{row}\",\"raw\":{raw}}}}}"),
        1 => format!("{{\"x\":1,\"value\":{{\"raw\":{raw}}}}}"),
        _ => format!("{{\"value\":{{\"raw\":{raw},\"formatted\":\"{row}\"}}}}"),
    }
}

/// A table in every shape.
fn check(columns: usize, declared: usize, rows: &[Vec<Change>]) {
    let text = |row: &dyn Fn(usize, &[char]) -> String, kind: &str| {
        let rows = rows.iter().enumerate();
        let rows = rows.map(|(at, changes)| row(at, &names(columns, changes)));
        let rows: Vec<_> = rows.collect();
        format!("{}\n[{}]", vec![kind; declared].join(";"), rows.join(","))
    };
    dune_rows(text(&|at, names| object(at, names, cell), "unknown").as_bytes());
    lightdash_rows(text(&|at, names| object(at, names, lightdash_cell), "x").as_bytes());
    yandex_rows(text(&|at, names| list(at, names, cell), "Json").as_bytes());
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    // The requested columns, and their usual positions.
    let letter = prop::sample::select(vec!['a', 'b', 'h', 'k', 'p', 'z']);
    let place = || prop_oneof![prop::sample::select(vec![0, 1, 7, 15_usize]), 0..40_usize];
    let change = (0..4_u8, place(), place(), letter);
    prop_oneof![2 => Just(Vec::new()), 1 => vec(change, 1..4)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn rows_of_many_columns(
        columns in 12..26_usize,
        undeclared in 0..3_usize,
        rows in vec(changes(), 1..8),
    ) {
        check(columns, columns - undeclared, &rows);
    }
}

proptest! {
    // Shrinking a page takes long.
    #![proptest_config(ProptestConfig {
        cases: 2,
        max_shrink_iters: 50,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn pages_of_several_portions(
        columns in 12..26_usize,
        before in 0..500_usize,
        rows in vec(changes(), 400..500),
    ) {
        let mut usual = vec![Vec::new(); before];
        usual.extend(rows);
        check(columns, columns, &usual);
    }
}
