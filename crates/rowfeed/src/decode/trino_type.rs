//! The type names that Dune gives its columns, which are Trino's.

use super::{kind::Kind, leaves::Leaves};

/// How deep types may nest before the rest is left unread.
const MAX_DEPTH: u8 = 32;

/// What a type name means; [`Kind::Other`] for one that is not known.
pub(super) fn parse(text: &str) -> Kind {
    parse_into(text, &mut Leaves::default())
}

/// What a type name means, and the types in it that are made of no others.
pub(crate) fn parse_into<'a>(text: &'a str, leaves: &mut Leaves<'a>) -> Kind {
    let mut parser = Parser {
        rest: text,
        depth: 0,
        leaves,
    };
    match parser.kind() {
        Some(kind) if parser.rest.trim().is_empty() => kind,
        _ => Kind::Other,
    }
}

struct Parser<'a, 'l> {
    rest: &'a str,
    depth: u8,
    leaves: &'l mut Leaves<'a>,
}

impl<'a> Parser<'a, '_> {
    fn kind(&mut self) -> Option<Kind> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let start = self.rest;
        let name = self.word()?.to_ascii_lowercase();
        let kind = match name.as_str() {
            "array" => {
                self.take('(')?;
                let element = self.kind()?;
                self.take(')')?;
                Kind::List(Box::new(element))
            }
            "map" => {
                self.take('(')?;
                let key = self.kind()?;
                self.take(',')?;
                let value = self.kind()?;
                self.take(')')?;
                Kind::Map(Box::new((key, value)))
            }
            "row" => self.row()?,
            "timestamp" | "time" => {
                self.arguments()?;
                match (name.as_str(), self.zone()) {
                    ("timestamp", true) => Kind::Instant,
                    ("timestamp", false) => Kind::Timestamp,
                    _ => Kind::Time,
                }
            }
            "double" => {
                self.words("precision");
                Kind::Float
            }
            "interval" => {
                while self.word().is_some() {}
                Kind::Interval
            }
            name => {
                self.arguments()?;
                scalar(name)
            }
        };
        self.depth -= 1;
        self.leaves.add(&kind, start, self.rest);
        Some(kind)
    }

    /// `row(a bigint, "b c" varchar)`; a field may have no name.
    fn row(&mut self) -> Option<Kind> {
        self.take('(')?;
        let mut named = Vec::new();
        let mut plain = Vec::new();
        loop {
            let (before, leaves) = (self.rest, self.leaves.len());
            let name = self.field_name();
            let field = name.and_then(|name| {
                let starts = |byte: char| byte.is_ascii_alphabetic() || byte == '_';
                self.rest.trim_start().starts_with(starts).then_some(())?;
                Some((name, self.kind()?))
            });
            match field {
                Some((name, kind)) if self.at_end_of_field() => named.push((name, kind)),
                _ => {
                    self.rest = before;
                    self.leaves.truncate(leaves);
                    plain.push(self.kind()?);
                }
            }
            if self.take(',').is_none() {
                break;
            }
        }
        self.take(')')?;
        match (named.is_empty(), plain.is_empty()) {
            (false, true) => Some(Kind::Struct(named)),
            (true, false) => Some(Kind::Tuple(plain)),
            _ => None,
        }
    }

    fn at_end_of_field(&self) -> bool {
        self.rest.trim_start().starts_with([',', ')'])
    }

    fn field_name(&mut self) -> Option<Box<str>> {
        let rest = self.rest.trim_start();
        let Some(mut inner) = rest.strip_prefix('"') else {
            return self.word().map(Into::into);
        };
        let mut name = String::new();
        loop {
            let end = inner.find('"')?;
            name.push_str(&inner[..end]);
            inner = &inner[end + 1..];
            match inner.strip_prefix('"') {
                Some(after) => {
                    name.push('"');
                    inner = after;
                }
                None => break,
            }
        }
        self.rest = inner;
        Some(name.into())
    }

    /// `(38, 0)`, `(3)`, or nothing.
    fn arguments(&mut self) -> Option<()> {
        if self.take('(').is_none() {
            return Some(());
        }
        let (inside, after) = self.rest.split_once(')')?;
        let known = |char: char| char.is_ascii_alphanumeric() || matches!(char, ',' | ' ' | '_');
        inside.chars().all(known).then_some(())?;
        self.rest = after;
        Some(())
    }

    /// `with time zone` or `without time zone`.
    fn zone(&mut self) -> bool {
        if self.words("with time zone") {
            return true;
        }
        self.words("without time zone");
        false
    }

    fn words(&mut self, wanted: &str) -> bool {
        let before = self.rest;
        let same = wanted.split(' ').all(|wanted| {
            self.word()
                .is_some_and(|word| word.eq_ignore_ascii_case(wanted))
        });
        if !same {
            self.rest = before;
        }
        same
    }

    fn word(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let known = |char: char| char.is_alphanumeric() || matches!(char, '_' | '$' | '@');
        let end = rest.find(|char| !known(char)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        (!word.is_empty()).then(|| self.rest = after)?;
        Some(word)
    }

    fn take(&mut self, wanted: char) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(wanted)?;
        Some(())
    }
}

fn scalar(name: &str) -> Kind {
    match name {
        "boolean" => Kind::Boolean,
        "tinyint" | "smallint" | "integer" | "int" | "bigint" | "int256" | "uint256" => {
            Kind::Integer
        }
        "decimal" => Kind::Decimal,
        "real" => Kind::Float,
        "varchar" | "char" | "uuid" | "ipaddress" => Kind::Text,
        "varbinary" => Kind::Hex,
        "date" => Kind::Date,
        "json" => Kind::Json,
        "unknown" => Kind::Null,
        _ => Kind::Other,
    }
}
