//! Writes results as CSV. The format is lossy: every number passes through a float.

use std::borrow::Cow;

use crate::table::WireTable;

pub(super) fn write(table: &WireTable, columns: &[usize], rows: &[Cow<'_, [String]>]) -> String {
    let names: Vec<String> = columns
        .iter()
        .map(|&index| field(&table.columns[index].0))
        .collect();
    let mut out = names.join(",");
    out.push('\n');
    for row in rows {
        let cells: Vec<String> = columns.iter().map(|&index| cell(&row[index])).collect();
        out.push_str(&cells.join(","));
        out.push('\n');
    }
    out
}

fn cell(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(serde_json::Value::Null) => "<nil>".to_owned(),
        Ok(serde_json::Value::String(text)) => field(&text),
        Ok(serde_json::Value::Number(number)) => {
            number.as_f64().map_or_else(|| number.to_string(), float)
        }
        _ => field(json),
    }
}

/// Formats a float like Go's `%v`: the shortest digits, and an exponent of at least two digits from
/// a million up and below a ten-thousandth.
fn float(value: f64) -> String {
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else {
        return text;
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if value != 0.0 && !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => format!("{value}"),
    }
}

/// Quotes a field if necessary.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{cell, float};

    #[test]
    fn numbers_look_like_floats_from_a_million_up() {
        assert_eq!(float(120_973.0), "120973");
        assert_eq!(float(1_039_890.0), "1.03989e+06");
        assert_eq!(float(37_185_158.0), "3.7185158e+07");
        assert_eq!(float(0.000_01), "1e-05");
        assert_eq!(float(0.0), "0");
    }

    #[test]
    fn null_is_nil_and_quotes_are_doubled() {
        assert_eq!(cell("null"), "<nil>");
        assert_eq!(cell(r#""say \"a, b\"""#), r#""say ""a, b""""#);
        assert_eq!(cell("true"), "true");
    }
}
