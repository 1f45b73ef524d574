//! The type strings of Yandex Query's columns.

use super::{kind::Kind, leaves::Leaves};

/// How deep types may nest before the string counts as unreadable.
const MAX_DEPTH: u8 = 64;

/// What a column's type string means, and whether a bare `null` in it is a value that was lost.
///
/// Yandex Query writes NULL as `[]`; `null` is regular only for `Void`, `Null` and Pg types.
pub(super) fn column(text: &str) -> (Kind, bool) {
    let kind = parse(text);
    let word = text.trim();
    let nullable = kind == Kind::Null || kind == Kind::Other || is_pg(word);
    (kind, !nullable)
}

/// What a type string means; [`Kind::Other`] for one that cannot be read.
pub(super) fn parse(text: &str) -> Kind {
    parse_into(text, &mut Leaves::default())
}

/// What a type string means, and the types in it that are made of no others.
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

impl Parser<'_, '_> {
    fn kind(&mut self) -> Option<Kind> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let mut kind = self.base()?;
        let mut levels = 0;
        while self.take('?').is_some() {
            levels += 1;
            if levels > MAX_DEPTH {
                return None;
            }
            kind = Kind::Optional(Box::new(kind));
        }
        self.depth -= 1;
        Some(kind)
    }

    fn base(&mut self) -> Option<Kind> {
        let rest = self.rest.trim_start();
        let known = |char: char| char.is_ascii_alphanumeric() || char == '_';
        let end = rest.find(|char| !known(char)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() {
            return None;
        }
        self.rest = after;
        if word == "Decimal" {
            self.take('(')?;
            let (inside, after) = self.rest.split_once(')')?;
            let known = |char: char| char.is_ascii_digit() || matches!(char, ',' | ' ');
            inside.chars().all(known).then_some(())?;
            self.rest = after;
            self.leaves.add(&Kind::Decimal, rest, after);
            return Some(Kind::Decimal);
        }
        if self.take('<').is_none() {
            let kind = scalar(word);
            self.leaves.add(&kind, rest, after);
            return Some(kind);
        }
        let kind = self.container(word)?;
        self.take('>')?;
        Some(kind)
    }

    fn container(&mut self, word: &str) -> Option<Kind> {
        Some(match word {
            "Optional" => Kind::Optional(Box::new(self.kind()?)),
            "List" | "Set" | "Stream" | "Flow" => Kind::List(Box::new(self.kind()?)),
            "Dict" => {
                let key = self.kind()?;
                self.take(',')?;
                Kind::dict(key, self.kind()?)
            }
            "Tuple" => Kind::Tuple(self.kinds()?),
            "Struct" => Kind::Struct(self.members()?),
            "Variant" if self.rest.trim_start().starts_with('\'') => Kind::Variant(self.members()?),
            "Variant" => Kind::Choice(self.kinds()?),
            "Enum" => {
                let names = self.names()?.into_iter();
                Kind::Variant(names.map(|name| (name, Kind::Null)).collect())
            }
            "Tagged" => {
                let kind = self.kind()?;
                self.take(',')?;
                self.name()?;
                kind
            }
            _ => return None,
        })
    }

    fn kinds(&mut self) -> Option<Vec<Kind>> {
        self.separated(Self::kind)
    }

    fn members(&mut self) -> Option<Vec<(Box<str>, Kind)>> {
        self.separated(|parser| {
            let name = parser.name()?;
            parser.take(':')?;
            Some((name, parser.kind()?))
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

    /// A quoted name. The server escapes everything but the quote itself, so a quote ends the
    /// name only where something follows that can follow a name.
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

fn scalar(word: &str) -> Kind {
    match word {
        "Bool" => Kind::Boolean,
        "Int8" | "Int16" | "Int32" | "Int64" | "Uint8" | "Uint16" | "Uint32" | "Uint64" => {
            Kind::Integer
        }
        "Float" | "Double" => Kind::Float,
        "DyNumber" => Kind::Decimal,
        "String" => Kind::Base64,
        "Utf8" | "Uuid" | "Yson" => Kind::Text,
        "Json" | "JsonDocument" => Kind::Json,
        "Date" | "Date32" => Kind::Date,
        "Datetime" | "Datetime64" | "Timestamp" | "Timestamp64" => Kind::Instant,
        "Interval" | "Interval64" => Kind::Interval,
        "TzDate" | "TzDatetime" | "TzTimestamp" | "TzDate32" | "TzDatetime64" | "TzTimestamp64" => {
            Kind::Timestamp
        }
        "Void" | "Null" => Kind::Null,
        "EmptyList" => Kind::List(Box::new(Kind::Other)),
        "EmptyDict" => Kind::dict(Kind::Other, Kind::Other),
        _ => pg(word),
    }
}

pub(crate) fn is_pg(word: &str) -> bool {
    let word = word.strip_prefix('_').unwrap_or(word);
    word.starts_with("pg")
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Pg types come in PostgreSQL's own text form; arrays (`_pgint4`) stay text.
fn pg(word: &str) -> Kind {
    match word {
        "pgbool" => Kind::Boolean,
        "pgint2" | "pgint4" | "pgint8" | "pgoid" => Kind::Integer,
        "pgfloat4" | "pgfloat8" => Kind::Float,
        "pgnumeric" => Kind::Decimal,
        "pgdate" => Kind::Date,
        "pgtime" => Kind::Time,
        "pgtimestamp" => Kind::Timestamp,
        "pgtimestamptz" => Kind::Instant,
        "pgbytea" => Kind::Hex,
        "pgjson" | "pgjsonb" => Kind::Json,
        _ if is_pg(word) => Kind::Text,
        _ => Kind::Other,
    }
}
