//! The type strings of Yandex Query's columns.

use super::{ColumnType, Encoding, IntervalUnit, LogicalType, TimeZone};

/// The deepest nesting of types. A deeper type string is unrecognized.
const MAX_DEPTH: u8 = 64;

/// Returns the meaning of a column's type string, and whether a bare `null` in it is a lost value.
///
/// Yandex Query writes NULL as `[]`. `null` is regular only for `Void`, `Null` and Pg types.
pub(crate) fn column(text: &str) -> (ColumnType, bool) {
    let declared = parse(text);
    let is_regular = match declared.logical {
        _ if declared.optionals > 0 => false,
        LogicalType::Null | LogicalType::Unrecognized => true,
        _ => is_pg(text.trim()),
    };
    (declared, !is_regular)
}

/// Returns the meaning of a type string; [`LogicalType::Unrecognized`] if it cannot be parsed.
///
/// A type that is not `Optional` does not allow NULL, except for `Void`, `Null` and Pg types.
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

impl Parser<'_> {
    fn declared(&mut self) -> Option<ColumnType> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let mut declared = self.base()?;
        let mut levels = 0;
        while self.take('?').is_some() {
            levels += 1;
            if levels > MAX_DEPTH {
                return None;
            }
            declared = declared.optional()?;
        }
        self.depth -= 1;
        Some(declared)
    }

    fn base(&mut self) -> Option<ColumnType> {
        let rest = self.rest.trim_start();
        let known = |char: char| char.is_ascii_alphanumeric() || char == '_';
        let end = rest.find(|char| !known(char)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() {
            return None;
        }
        self.rest = after;
        if word == "Decimal" {
            return self.decimal();
        }
        if self.take('<').is_none() {
            return Some(scalar(word));
        }
        let declared = self.container(word)?;
        self.take('>')?;
        Some(declared)
    }

    fn decimal(&mut self) -> Option<ColumnType> {
        self.take('(')?;
        let (inside, after) = self.rest.split_once(')')?;
        let known = |char: char| char.is_ascii_digit() || matches!(char, ',' | ' ');
        inside.chars().all(known).then_some(())?;
        self.rest = after;
        let mut numbers = inside.split(',').map(|number| number.trim().parse().ok());
        let precision: Option<u8> = numbers.next().flatten();
        let scale = numbers.next().map_or(Some(0), |scale| scale);
        let declared = match (precision, scale.map(i8::try_from)) {
            (Some(precision), Some(Ok(scale))) => ColumnType::decimal_of(precision, scale),
            _ => ColumnType::decimal(),
        };
        Some(declared.nullable(false))
    }

    fn container(&mut self, word: &str) -> Option<ColumnType> {
        let declared = match word {
            "Optional" => return self.declared()?.optional(),
            "Tagged" => {
                let declared = self.declared()?;
                self.take(',')?;
                self.name()?;
                return Some(declared);
            }
            "List" | "Set" | "Stream" | "Flow" => ColumnType::list(self.declared()?),
            "Dict" => {
                let key = self.declared()?;
                self.take(',')?;
                ColumnType::dict(key, self.declared()?)
            }
            "Tuple" => ColumnType::tuple(self.declared_list()?).encoded(Encoding::Indexed),
            "Struct" => ColumnType::structure(self.members()?),
            "Variant" if self.rest.trim_start().starts_with('\'') => {
                ColumnType::variant(self.members()?)
            }
            "Variant" => ColumnType::choice(self.declared_list()?),
            "Enum" => {
                let names = self.names()?.into_iter();
                ColumnType::variant(names.map(|name| (name, scalar("Null"))))
            }
            _ => return None,
        };
        Some(declared.nullable(false))
    }

    fn declared_list(&mut self) -> Option<Vec<ColumnType>> {
        self.separated(Self::declared)
    }

    fn members(&mut self) -> Option<Vec<(Box<str>, ColumnType)>> {
        self.separated(|parser| {
            let name = parser.name()?;
            parser.take(':')?;
            Some((name, parser.declared()?))
        })
    }

    fn names(&mut self) -> Option<Vec<Box<str>>> {
        self.separated(Self::name)
    }

    fn separated<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut items = Vec::new();
        if self.rest.trim_start().starts_with('>') {
            return Some(items);
        }
        loop {
            items.push(item(self)?);
            if self.take(',').is_none() {
                return Some(items);
            }
        }
    }

    /// Parses a quoted name. The server escapes everything but the quote itself, so a quote ends
    /// the name only before a character that can follow a name.
    fn name(&mut self) -> Option<Box<str>> {
        self.take('\'')?;
        let mut name = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, char)) = chars.next() {
            match char {
                '\'' if self.rest[at + 1..]
                    .trim_start()
                    .starts_with([':', ',', '>']) =>
                {
                    self.rest = &self.rest[at + 1..];
                    return Some(name.into());
                }
                '\\' => {
                    let (_, escape) = chars.next()?;
                    let digits = match escape {
                        'x' => 2,
                        'u' => 4,
                        'U' => 8,
                        _ => 0,
                    };
                    if digits == 0 {
                        name.push(unescaped(escape));
                        continue;
                    }
                    let mut code = 0_u32;
                    for _ in 0..digits {
                        code = (code << 4) | chars.next()?.1.to_digit(16)?;
                    }
                    name.push(char::from_u32(code)?);
                }
                char => name.push(char),
            }
        }
        None
    }

    fn take(&mut self, wanted: char) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(wanted)?;
        Some(())
    }
}

fn unescaped(escape: char) -> char {
    match escape {
        't' => '\t',
        'n' => '\n',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'a' => '\u{7}',
        'v' => '\u{b}',
        other => other,
    }
}

fn scalar(word: &str) -> ColumnType {
    let zoned = |precision| ColumnType::timestamp_of(Some(precision), TimeZone::Named);
    let instant = |precision| ColumnType::timestamp_of(Some(precision), TimeZone::Utc);
    let declared = match word {
        "Bool" => ColumnType::boolean(),
        "Int8" => ColumnType::signed(8),
        "Int16" => ColumnType::signed(16),
        "Int32" => ColumnType::signed(32),
        "Int64" => ColumnType::signed(64),
        "Uint8" => ColumnType::unsigned(8),
        "Uint16" => ColumnType::unsigned(16),
        "Uint32" => ColumnType::unsigned(32),
        "Uint64" => ColumnType::unsigned(64),
        "Float" => ColumnType::float32(),
        "Double" => ColumnType::float64(),
        "DyNumber" => ColumnType::decimal(),
        "String" => ColumnType::base64_bytes(),
        "Utf8" | "Uuid" | "Yson" => ColumnType::text(),
        "Json" | "JsonDocument" => ColumnType::json(),
        "Date" | "Date32" => ColumnType::date(),
        "Datetime" | "Datetime64" => instant(0),
        "Timestamp" | "Timestamp64" => instant(6),
        "Interval" | "Interval64" => {
            ColumnType::new(LogicalType::Interval(IntervalUnit::Microseconds))
        }
        "TzDate" | "TzDatetime" | "TzDate32" | "TzDatetime64" => zoned(0),
        "TzTimestamp" | "TzTimestamp64" => zoned(6),
        "EmptyList" => ColumnType::list(ColumnType::unrecognized()),
        "EmptyDict" => ColumnType::dict(ColumnType::unrecognized(), ColumnType::unrecognized()),
        "Void" | "Null" => return ColumnType::null().nullable(true),
        _ if is_pg(word) => return pg(word).nullable(true),
        _ => return ColumnType::unrecognized(),
    };
    declared.nullable(false)
}

fn is_pg(word: &str) -> bool {
    let word = word.strip_prefix('_').unwrap_or(word);
    word.starts_with("pg")
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Pg types are written in PostgreSQL's own text form; arrays (`_pgint4`) stay text.
fn pg(word: &str) -> ColumnType {
    match word {
        "pgbool" => ColumnType::boolean(),
        "pgint2" => ColumnType::signed(16),
        "pgint4" => ColumnType::signed(32),
        "pgint8" => ColumnType::signed(64),
        "pgoid" => ColumnType::unsigned(32),
        "pgfloat4" => ColumnType::float32(),
        "pgfloat8" => ColumnType::float64(),
        "pgnumeric" => ColumnType::decimal(),
        "pgdate" => ColumnType::date(),
        "pgtime" => ColumnType::time(),
        "pgtimestamp" => ColumnType::timestamp(),
        "pgtimestamptz" => ColumnType::instant(),
        "pgbytea" => ColumnType::hex_bytes(),
        "pgjson" | "pgjsonb" => ColumnType::json(),
        _ => ColumnType::text(),
    }
}
