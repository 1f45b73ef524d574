//! The type names of Dune's columns, which are those of Trino.

use super::{ColumnType, IntervalUnit, LogicalType, TimeZone};

/// The deepest nesting of types that is parsed.
const MAX_DEPTH: u8 = 32;

/// Returns the meaning of a type name; [`LogicalType::Unrecognized`] for an unknown one.
pub(crate) fn parse(text: &str) -> ColumnType {
    let mut parser = Parser {
        rest: text,
        depth: 0,
    };
    match parser.declared() {
        Some(declared) if parser.rest.trim().is_empty() => declared,
        _ => ColumnType::unrecognized(),
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: u8,
}

impl<'a> Parser<'a> {
    fn declared(&mut self) -> Option<ColumnType> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let name = self.word()?.to_ascii_lowercase();
        let declared = match name.as_str() {
            "array" => {
                self.take('(')?;
                let element = self.declared()?;
                self.take(')')?;
                ColumnType::list(element)
            }
            "map" => {
                self.take('(')?;
                let key = self.declared()?;
                self.take(',')?;
                let value = self.declared()?;
                self.take(')')?;
                ColumnType::map(key, value)
            }
            "row" => self.row()?,
            "timestamp" => {
                let [precision, _] = self.arguments()?.numbers();
                let zone = match self.zone() {
                    true => TimeZone::Utc,
                    false => TimeZone::Absent,
                };
                ColumnType::timestamp_of(precision, zone)
            }
            "time" => {
                let [precision, _] = self.arguments()?.numbers();
                let has_zone = self.zone();
                ColumnType::new(LogicalType::Time {
                    precision,
                    has_zone,
                })
            }
            "double" => {
                self.words("precision");
                ColumnType::float64()
            }
            "interval" => {
                let mut unit = IntervalUnit::Milliseconds;
                while let Some(word) = self.word() {
                    if word.eq_ignore_ascii_case("year") {
                        unit = IntervalUnit::Months;
                    }
                }
                ColumnType::new(LogicalType::Interval(unit))
            }
            "decimal" => self.arguments()?.decimal(),
            name => {
                self.arguments()?;
                scalar(name)
            }
        };
        self.depth -= 1;
        Some(declared)
    }

    /// Parses `row(a bigint, "b c" varchar)`. A field may have no name.
    fn row(&mut self) -> Option<ColumnType> {
        self.take('(')?;
        let mut named = Vec::new();
        let mut plain = Vec::new();
        loop {
            let before = self.rest;
            let name = self.field_name();
            let field = name.and_then(|name| {
                let starts = |byte: char| byte.is_ascii_alphabetic() || byte == '_';
                self.rest.trim_start().starts_with(starts).then_some(())?;
                Some((name, self.declared()?))
            });
            match field {
                Some((name, declared)) if self.at_end_of_field() => named.push((name, declared)),
                _ => {
                    self.rest = before;
                    plain.push(self.declared()?);
                }
            }
            if self.take(',').is_none() {
                break;
            }
        }
        self.take(')')?;
        match (named.is_empty(), plain.is_empty()) {
            (false, true) => Some(ColumnType::structure(named)),
            (true, false) => Some(ColumnType::tuple(plain)),
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

    /// Parses `(38, 0)`, `(3)`, or nothing.
    fn arguments(&mut self) -> Option<Arguments<'a>> {
        if self.take('(').is_none() {
            return Some(Arguments(None));
        }
        let (inside, after) = self.rest.split_once(')')?;
        let known = |char: char| char.is_ascii_alphanumeric() || matches!(char, ',' | ' ' | '_');
        inside.chars().all(known).then_some(())?;
        self.rest = after;
        Some(Arguments(Some(inside)))
    }

    /// Parses `with time zone` or `without time zone`.
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

/// The text in brackets after a type's name, if any.
struct Arguments<'a>(Option<&'a str>);

impl Arguments<'_> {
    fn numbers(&self) -> [Option<u8>; 2] {
        let mut numbers = self.0.unwrap_or_default().split(',');
        let mut number = || numbers.next().and_then(|number| number.trim().parse().ok());
        [number(), number()]
    }

    /// Trino's `decimal` without arguments is a `decimal(38, 0)`.
    fn decimal(&self) -> ColumnType {
        let [precision, scale] = self.numbers();
        match (self.0, precision, i8::try_from(scale.unwrap_or(0))) {
            (None, ..) => ColumnType::decimal_of(38, 0),
            (_, Some(precision), Ok(scale)) => ColumnType::decimal_of(precision, scale),
            _ => ColumnType::decimal(),
        }
    }
}

fn scalar(name: &str) -> ColumnType {
    match name {
        "boolean" => ColumnType::boolean(),
        "tinyint" => ColumnType::signed(8),
        "smallint" => ColumnType::signed(16),
        "integer" | "int" => ColumnType::signed(32),
        "bigint" => ColumnType::signed(64),
        "int256" => ColumnType::signed(256),
        "uint256" => ColumnType::unsigned(256),
        "real" => ColumnType::float32(),
        "varchar" | "char" | "uuid" | "ipaddress" => ColumnType::text(),
        "varbinary" => ColumnType::hex_bytes(),
        "date" => ColumnType::date(),
        "json" => ColumnType::json(),
        "unknown" => ColumnType::null(),
        _ => ColumnType::unrecognized(),
    }
}
