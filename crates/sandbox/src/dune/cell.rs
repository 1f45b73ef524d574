//! Cells of a result as filters and sorting compare them.

use std::cmp::Ordering;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Boolean(bool),
    /// The original digits.
    Number(String),
    Text(String),
}

impl Cell {
    /// Parses the JSON of a cell. Exact numbers that are sent as text are numbers.
    pub(super) fn read(json: &str, type_name: &str) -> Self {
        let is_exact = ["decimal", "uint256", "int256"]
            .iter()
            .any(|prefix| type_name.starts_with(prefix));
        match json.bytes().next() {
            Some(b'"') => match serde_json::from_str::<String>(json) {
                Ok(text) if is_exact && text.parse::<f64>().is_ok() => Self::Number(text),
                Ok(text) => Self::Text(text),
                Err(_) => Self::Text(json.to_owned()),
            },
            Some(b'n') => Self::Null,
            Some(b't') => Self::Boolean(true),
            Some(b'f') => Self::Boolean(false),
            Some(b'-' | b'0'..=b'9') => Self::Number(json.to_owned()),
            _ => Self::Text(json.to_owned()),
        }
    }

    /// Compares two values. Returns `None` if one of them is NULL.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Null, _) | (_, Self::Null) => None,
            _ => Some(self.order(other)),
        }
    }

    /// Compares two values for sorting: NULL, then booleans, numbers, and text.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Boolean(left), Self::Boolean(right)) => left.cmp(right),
            (Self::Number(left), Self::Number(right)) => compare_numbers(left, right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Boolean(_) => 1,
            Self::Number(_) => 2,
            Self::Text(_) => 3,
        }
    }

    /// Returns the memory of the cell in bytes.
    pub(super) const fn bytes(&self) -> usize {
        match self {
            Self::Number(text) | Self::Text(text) => size_of::<Self>() + text.len(),
            Self::Null | Self::Boolean(_) => size_of::<Self>(),
        }
    }
}

/// Compares two numbers. Compares digit by digit if neither has an exponent.
fn compare_numbers(left: &str, right: &str) -> Ordering {
    if let (Some(left), Some(right)) = (digits(left), digits(right)) {
        let sign = |digits: &Digits<'_>| match (digits.negative, digits.is_zero()) {
            (_, true) => 0,
            (true, false) => -1,
            (false, false) => 1,
        };
        let by_sign = sign(&left).cmp(&sign(&right));
        let by_size = || {
            let whole = left.whole.len().cmp(&right.whole.len());
            whole
                .then_with(|| left.whole.cmp(right.whole))
                .then_with(|| left.fraction.cmp(right.fraction))
        };
        return by_sign.then_with(|| match left.negative {
            true => by_size().reverse(),
            false => by_size(),
        });
    }
    let number = |text: &str| text.parse::<f64>().unwrap_or(f64::NAN);
    number(left).total_cmp(&number(right))
}

struct Digits<'a> {
    negative: bool,
    /// Without leading zeros.
    whole: &'a str,
    /// Without trailing zeros.
    fraction: &'a str,
}

impl Digits<'_> {
    fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }
}

fn digits(text: &str) -> Option<Digits<'_>> {
    let (negative, plain) = match text.strip_prefix('-') {
        Some(plain) => (true, plain),
        None => (false, text),
    };
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let all = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    (all(whole) && all(fraction)).then(|| Digits {
        negative,
        whole: whole.trim_start_matches('0'),
        fraction: fraction.trim_end_matches('0'),
    })
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use super::{Cell, compare_numbers};

    #[test]
    fn numbers_are_compared_exactly() {
        for (left, right, expected) in [
            ("1", "2", Less),
            ("10", "9", Greater),
            ("-10", "-9", Less),
            ("-1", "1", Less),
            ("0", "-0.00", Equal),
            ("007", "7.0", Equal),
            ("1.5", "1.49", Greater),
            ("9007199254740993", "9007199254740992", Greater),
            ("1e3", "999", Greater),
        ] {
            assert_eq!(compare_numbers(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn exact_numbers_sent_as_text_are_numbers() {
        assert_eq!(Cell::read("\"7\"", "uint256"), Cell::Number("7".to_owned()));
        assert_eq!(Cell::read("\"7\"", "varchar"), Cell::Text("7".to_owned()));
        assert_eq!(Cell::read("null", "bigint"), Cell::Null);
        assert_eq!(
            Cell::read("[1]", "array(bigint)"),
            Cell::Text("[1]".to_owned())
        );
    }
}
