//! Evaluates the `filters` of a request: comparisons of columns with literals, joined by AND and
//! OR.
//!
//! The sandbox evaluates filters itself, not with SQLite, so that a filter cannot contain other
//! SQL.

use std::cmp::Ordering;

use super::cell::Cell;

/// The deepest nesting of parentheses.
const MAX_DEPTH: usize = 100;

/// A condition on a row.
#[derive(Debug, PartialEq)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Compare(Operand, Comparison, Operand),
    In(Operand, Vec<Operand>),
    Between(Operand, Operand, Operand),
    IsNull(Operand),
}

/// A column index or a literal.
#[derive(Debug, PartialEq)]
pub(super) enum Operand {
    Column(usize),
    Literal(Cell),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Condition {
    /// Parses a filter. `column` returns the index of a column.
    pub(super) fn read(text: &str, column: impl Fn(&str) -> Option<usize>) -> Result<Self, String> {
        let mut parser = Parser {
            tokens: tokens(text)?,
            at: 0,
            depth: 0,
            column,
        };
        let condition = parser.any()?;
        match parser.tokens.get(parser.at) {
            None => Ok(condition),
            Some(token) => Err(format!("unexpected {}", token.shown())),
        }
    }

    /// Returns whether a row passes. `None` is SQL's unknown, which does not pass.
    pub(super) fn holds(&self, row: &impl Fn(usize) -> Cell) -> Option<bool> {
        match self {
            Self::All(parts) => joined(parts, row, false),
            Self::Any(parts) => joined(parts, row, true),
            Self::Compare(left, comparison, right) => {
                let order = left.cell(row).compare(&right.cell(row))?;
                Some(comparison.fits(order))
            }
            Self::In(wanted, list) => {
                let wanted = wanted.cell(row);
                let mut unknown = false;
                for item in list {
                    match wanted.compare(&item.cell(row)) {
                        Some(Ordering::Equal) => return Some(true),
                        Some(_) => {}
                        None => unknown = true,
                    }
                }
                (!unknown).then_some(false)
            }
            Self::Between(value, low, high) => {
                let value = value.cell(row);
                let above = value.compare(&low.cell(row))? != Ordering::Less;
                let below = value.compare(&high.cell(row))? != Ordering::Greater;
                Some(above && below)
            }
            Self::IsNull(value) => Some(value.cell(row) == Cell::Null),
        }
    }
}

/// Joins the parts by OR if `decisive` is true, otherwise by AND.
fn joined(parts: &[Condition], row: &impl Fn(usize) -> Cell, decisive: bool) -> Option<bool> {
    let mut unknown = false;
    for part in parts {
        match part.holds(row) {
            Some(found) if found == decisive => return Some(decisive),
            Some(_) => {}
            None => unknown = true,
        }
    }
    (!unknown).then_some(!decisive)
}

impl Operand {
    fn cell(&self, row: &impl Fn(usize) -> Cell) -> Cell {
        match self {
            Self::Column(index) => row(*index),
            Self::Literal(cell) => cell.clone(),
        }
    }
}

impl Comparison {
    fn fits(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A name or a keyword.
    Word(String),
    /// A name in double quotes.
    Quoted(String),
    Text(String),
    Number(String),
    Sign(&'static str),
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Word(text) | Self::Number(text) => text.clone(),
            Self::Quoted(text) => format!("\"{text}\""),
            Self::Text(text) => format!("'{text}'"),
            Self::Sign(text) => (*text).to_owned(),
        }
    }
}

const SIGNS: [&str; 12] = [
    "<>", "!=", "<=", ">=", "<", ">", "=", "(", ")", ",", "-", "+",
];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '\'' => {
                let (text, after) = in_quotes(rest, '\'')?;
                (Token::Text(text), after)
            }
            '"' => {
                let (text, after) = in_quotes(rest, '"')?;
                (Token::Quoted(text), after)
            }
            first if first.is_ascii_digit() || first == '.' => {
                let end = end_of_number(rest);
                let number = &rest[..end];
                if number.parse::<f64>().is_err() {
                    return Err(format!("{number} is not a number"));
                }
                (Token::Number(number.to_owned()), &rest[end..])
            }
            first if first.is_alphabetic() || first == '_' => {
                let inside = |c: char| c.is_alphanumeric() || c == '_';
                let end = rest.find(|c: char| !inside(c)).unwrap_or(rest.len());
                (Token::Word(rest[..end].to_owned()), &rest[end..])
            }
            other => {
                let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
                let sign = sign.ok_or_else(|| format!("unexpected {other}"))?;
                (Token::Sign(sign), &rest[sign.len()..])
            }
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// Parses a quoted text with doubled quotes inside. Returns the text and the rest.
fn in_quotes(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut inside = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character != quote {
            inside.push(character);
        } else if characters.peek().is_some_and(|(_, next)| *next == quote) {
            characters.next();
            inside.push(quote);
        } else {
            return Ok((inside, &text[at + 1..]));
        }
    }
    Err(format!("{quote} is not closed"))
}

fn end_of_number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut end = 0;
    while let Some(byte) = bytes.get(end) {
        let signed = matches!(byte, b'+' | b'-') && matches!(bytes[end - 1], b'e' | b'E');
        if !byte.is_ascii_alphanumeric() && *byte != b'.' && !signed {
            break;
        }
        end += 1;
    }
    end
}

struct Parser<F> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    column: F,
}

impl<F: Fn(&str) -> Option<usize>> Parser<F> {
    fn any(&mut self) -> Result<Condition, String> {
        let mut parts = vec![self.all()?];
        while self.word("or") {
            parts.push(self.all()?);
        }
        Ok(single_or(parts, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, String> {
        let mut parts = vec![self.one()?];
        while self.word("and") {
            parts.push(self.one()?);
        }
        Ok(single_or(parts, Condition::All))
    }

    fn one(&mut self) -> Result<Condition, String> {
        if self.word("not") {
            return Err("NOT is not supported".to_owned());
        }
        if self.sign("(") {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(format!("more than {MAX_DEPTH} nested parentheses"));
            }
            let inner = self.any()?;
            self.depth -= 1;
            self.expect(")")?;
            return Ok(inner);
        }
        let left = self.operand()?;
        if self.word("is") {
            return match (self.word("not"), self.word("null")) {
                (true, _) => Err("NOT is not supported".to_owned()),
                (false, true) => Ok(Condition::IsNull(left)),
                (false, false) => Err(self.unexpected()),
            };
        }
        if self.word("not") {
            return Err("NOT is not supported".to_owned());
        }
        if self.word("in") {
            self.expect("(")?;
            let mut list = vec![self.operand()?];
            while self.sign(",") {
                list.push(self.operand()?);
            }
            self.expect(")")?;
            return Ok(Condition::In(left, list));
        }
        if self.word("between") {
            let low = self.operand()?;
            if !self.word("and") {
                return Err(self.unexpected());
            }
            return Ok(Condition::Between(left, low, self.operand()?));
        }
        for (sign, comparison) in [
            ("=", Comparison::Equal),
            ("<>", Comparison::NotEqual),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ] {
            if self.sign(sign) {
                return Ok(Condition::Compare(left, comparison, self.operand()?));
            }
        }
        Err(self.unexpected())
    }

    fn operand(&mut self) -> Result<Operand, String> {
        let negative = self.sign("-");
        if negative || self.sign("+") {
            return match self.next() {
                Some(Token::Number(text)) if negative => {
                    Ok(Operand::Literal(Cell::Number(format!("-{text}"))))
                }
                Some(Token::Number(text)) => Ok(Operand::Literal(Cell::Number(text))),
                _ => Err("expected a number after the sign".to_owned()),
            };
        }
        let token = self.next().ok_or("unexpected end")?;
        Ok(match token {
            Token::Text(text) => Operand::Literal(Cell::Text(text)),
            Token::Number(text) => Operand::Literal(Cell::Number(text)),
            Token::Quoted(name) => self.named(&name)?,
            Token::Word(word) => match word.to_ascii_lowercase().as_str() {
                "true" => Operand::Literal(Cell::Boolean(true)),
                "false" => Operand::Literal(Cell::Boolean(false)),
                "null" => Operand::Literal(Cell::Null),
                // the literal of DATE '2024-05-01' has the format of the value
                "date" | "timestamp" if matches!(self.peek(), Some(Token::Text(_))) => {
                    return self.operand();
                }
                _ => self.named(&word)?,
            },
            Token::Sign(sign) => return Err(format!("unexpected {sign}")),
        })
    }

    fn named(&self, name: &str) -> Result<Operand, String> {
        match (self.column)(name) {
            Some(index) => Ok(Operand::Column(index)),
            None => Err(format!("unknown column {name}")),
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    fn word(&mut self, wanted: &str) -> bool {
        let is =
            matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted));
        self.at += usize::from(is);
        is
    }

    fn sign(&mut self, wanted: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Sign(sign)) if *sign == wanted);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        if self.sign(wanted) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn unexpected(&self) -> String {
        match self.peek() {
            Some(token) => format!("unexpected {}", token.shown()),
            None => "unexpected end".to_owned(),
        }
    }
}

fn single_or(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Cell, Condition};

    fn passes(filter: &str) -> Result<Option<bool>, String> {
        let names = ["n", "label", "big", "none", "open"];
        let column = |name: &str| names.iter().position(|known| *known == name);
        let condition = Condition::read(filter, column)?;
        Ok(condition.holds(&|index| match index {
            0 => Cell::Number("7".to_owned()),
            1 => Cell::Text("it's 7".to_owned()),
            2 => Cell::Number("115792089237316195423570985008687907853".to_owned()),
            3 => Cell::Null,
            _ => Cell::Boolean(true),
        }))
    }

    #[test]
    fn conditions_are_true_false_or_unknown() {
        for (filter, expected) in [
            ("n = 7", Some(true)),
            ("n <> 7.0", Some(false)),
            ("n > -1 AND n < 1e2", Some(true)),
            ("label = 'it''s 7'", Some(true)),
            ("\"label\" IN ('a', 'it''s 7')", Some(true)),
            ("n in (1, 2)", Some(false)),
            ("n in (1, null)", None),
            ("none = 1", None),
            ("none = 1 or n = 7", Some(true)),
            ("none = 1 and n = 8", Some(false)),
            ("none is null", Some(true)),
            ("n between 7 and 8", Some(true)),
            ("big > 115792089237316195423570985008687907852", Some(true)),
            ("big = 115792089237316195423570985008687907853", Some(true)),
            ("open = true", Some(true)),
            ("(n = 1 or n = 7) and (label >= 'a')", Some(true)),
        ] {
            assert_eq!(passes(filter), Ok(expected), "{filter}");
        }
    }

    #[test]
    fn invalid_conditions_are_refused() {
        for filter in [
            "",
            "n",
            "n =",
            "n = 1)",
            "n = 1) UNION SELECT 99 --",
            "n = (select 1)",
            "n = 1; drop table result",
            "n = randomblob(1000000000)",
            "not n = 1",
            "n not in (1)",
            "n is not null",
            "nothing = 1",
            "\"nothing\" = 1",
            "label = 'open",
            "n = 1 /* */",
            "1.2.3 = n",
        ] {
            assert!(passes(filter).is_err(), "{filter}");
        }
        let deep = format!("{}n = 7{}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(passes(&deep).unwrap_err().contains("parentheses"));
    }
}
