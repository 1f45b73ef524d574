//! `SELECT * FROM synthetic(n)`: a table of any length, whose rows are not stored.

use std::sync::Arc;

use jiff::ToSpan as _;
use jiff::civil::{DateTime, datetime};

use crate::sql::SqlError;
use crate::table::{Column, ColumnType, Table, TableRows, Value};

/// With this limit the size in bytes does not overflow.
const MAX_ROWS: usize = 1_000_000_000;

/// A number of seconds after the last supported time that does not overflow.
const LAST_SECOND: i64 = 300_000_000_000;

const PROJECTS: [&str; 4] = ["lagoon", "tidepool", "saltmarsh", "estuary"];

/// The time of row 0. Each row is one second later.
const FIRST: DateTime = datetime(2024, 1, 1, 0, 0, 0, 0);

/// Returns the table if this text selects from `synthetic`.
pub(crate) fn requested(sql: &str) -> Option<Result<Table, SqlError>> {
    let text = sql.trim().trim_end_matches(';').trim_end();
    let mut rest = text;
    for word in ["select", "*", "from", "synthetic"] {
        let head = rest.get(..word.len())?;
        if !head.eq_ignore_ascii_case(word) {
            return None;
        }
        rest = rest[word.len()..].trim_start();
    }
    let count = rest.strip_prefix('(')?.strip_suffix(')')?.trim();
    let digits = count.replace('_', "");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count = digits.parse().ok().filter(|count| *count <= MAX_ROWS);
    Some(count.map(table).ok_or_else(|| {
        SqlError::whole(format!(
            "synthetic({digits}) is too long: the longest result of the sandbox has \
             {MAX_ROWS} rows"
        ))
    }))
}

fn table(count: usize) -> Table {
    let column = |name: &str, column_type, nullable| Column {
        name: Some(name.to_owned()),
        expression: name.to_owned(),
        column_type,
        nullable,
        wire_type: None,
    };
    let price = ColumnType::Decimal {
        precision: 22,
        scale: 9,
    };
    Table {
        columns: vec![
            column("n", ColumnType::BigInt, false),
            column("at", ColumnType::Timestamp, false),
            column("project", ColumnType::Varchar, false),
            column("amount", ColumnType::Double, true),
            column("price", price, false),
        ],
        rows: TableRows::Made(count, Arc::new(row)),
        _held: None,
        until: None,
    }
}

fn row(index: usize) -> Vec<Value> {
    let n = i64::try_from(index).unwrap_or(i64::MAX);
    let amount = (n % 11 != 10).then(|| (n % 100_000) as f64 / 4.0);
    vec![
        Value::Integer(n),
        Value::Text(instant(n)),
        PROJECTS[index % PROJECTS.len()].into(),
        amount.into(),
        Value::Text(format!(
            "{}.{:09}",
            n % 1_000,
            n % 1_000_000_007 % 1_000_000_000
        )),
    ]
}

/// Returns the time of a row. The last supported time is in the year 9999.
fn instant(n: i64) -> String {
    let seconds = n.min(LAST_SECOND).seconds();
    let at = FIRST.saturating_add(seconds);
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{instant, requested};
    use crate::table::Value;

    #[test]
    fn only_the_exact_text_selects_a_synthetic_table() {
        let table = requested(" SELECT *\nFROM synthetic( 10_000_000 ) ; ")
            .unwrap()
            .unwrap();
        assert_eq!(table.rows.len(), 10_000_000);
        assert_eq!(table.rows.row(9_999_999)[0], Value::Integer(9_999_999));
        for other in [
            "select n from synthetic(3)",
            "select * from synthetic(3) limit 2",
            "select * from synthetic(many)",
            "select * from synthetic()",
            "select * from synthetic(-1)",
            "select",
        ] {
            assert!(requested(other).is_none(), "{other}");
        }
        for count in ["18446744073709551615", "18446744073709551616", "1000000001"] {
            let sql = format!("select * from synthetic({count})");
            let error = requested(&sql).unwrap().unwrap_err();
            assert!(error.message.contains("1000000000 rows"), "{error:?}");
        }
    }

    #[test]
    fn each_row_is_one_second_later() {
        assert_eq!(instant(0), "2024-01-01 00:00:00");
        assert_eq!(instant(86_400 * 59 + 3_661), "2024-02-29 01:01:01");
        assert_eq!(instant(10_000_000), "2024-04-25 17:46:40");
    }
}
