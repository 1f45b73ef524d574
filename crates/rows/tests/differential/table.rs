//! Random tables, as text.

use fastrand::Rng;
use rowfeed_rows::{Cells, Columns};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Dune,
    /// A result from before Dune declared types.
    DuneUntyped,
    Lightdash,
    YandexQuery,
}

/// A declared type that the services share.
#[derive(Clone, Debug)]
pub enum Kind {
    Boolean,
    Integer,
    /// Of up to 78 digits, at Dune.
    Wide,
    Decimal,
    Float,
    /// Lightdash's only number.
    Number,
    Text,
    Bytes,
    Date,
    Timestamp,
    Json,
    List(Box<Kind>),
    /// From text to this.
    Map(Box<Kind>),
    Struct(Vec<(String, Kind)>),
    Optional(Box<Kind>),
}

#[derive(Debug)]
pub struct Table {
    pub service: Service,
    pub columns: Vec<(String, Kind)>,
    pub rows: Vec<String>,
    pub page: String,
}

impl Table {
    pub fn draw(random: &mut Rng) -> Self {
        use Service::{Dune, DuneUntyped, Lightdash, YandexQuery};
        let service = random
            .choice([Dune, DuneUntyped, Lightdash, YandexQuery])
            .unwrap();
        let columns: Vec<(String, Kind)> = (0..random.usize(1..7))
            .map(|index| (name(index, random), kind(service, 2, random)))
            .collect();
        let rows: Vec<String> = (0..random.usize(0..40))
            .map(|_| row(service, &columns, random))
            .collect();
        let mut page = "[".to_owned();
        for (index, row) in rows.iter().enumerate() {
            page.push_str(if index > 0 { "," } else { "" });
            page.push_str(&blank(random));
            page.push_str(row);
            page.push_str(&blank(random));
        }
        page.push(']');
        Self {
            service,
            columns,
            rows,
            page,
        }
    }

    pub fn declared(&self) -> Columns {
        let declared = self.columns.iter();
        let declared = declared.map(|(name, kind)| (name.clone(), kind.name(self.service)));
        match self.service {
            Service::Dune => {
                let (names, types): (Vec<_>, Vec<_>) = declared.unzip();
                Columns::dune(&names, &types)
            }
            Service::DuneUntyped => Columns::dune([""; 0], [""; 0]),
            Service::Lightdash => Columns::lightdash(declared, Cells::Raw),
            Service::YandexQuery => Columns::yandex_query(declared),
        }
    }
}

impl Kind {
    /// The service's name for it.
    fn name(&self, service: Service) -> String {
        let is_yandex = service == Service::YandexQuery;
        let pick = |dune: &str, yandex: &str| match is_yandex {
            true => yandex.to_owned(),
            false => dune.to_owned(),
        };
        match self {
            Self::Boolean => pick("boolean", "Bool"),
            Self::Integer => pick("bigint", "Int64"),
            Self::Wide => "uint256".to_owned(),
            Self::Decimal => pick("decimal(38, 6)", "Decimal(35,6)"),
            Self::Float => pick("double", "Double"),
            Self::Number => "number".to_owned(),
            Self::Text if service == Service::Lightdash => "string".to_owned(),
            Self::Text => pick("varchar", "Utf8"),
            Self::Bytes => pick("varbinary", "String"),
            Self::Date => pick("date", "Date"),
            Self::Timestamp if service == Service::Lightdash => "timestamp".to_owned(),
            Self::Timestamp => pick("timestamp(3) with time zone", "Timestamp"),
            Self::Json => pick("json", "Json"),
            Self::List(of) if is_yandex => format!("List<{}>", of.name(service)),
            Self::List(of) => format!("array({})", of.name(service)),
            Self::Map(of) if is_yandex => format!("Dict<Utf8,{}>", of.name(service)),
            Self::Map(of) => format!("map(varchar, {})", of.name(service)),
            Self::Struct(fields) => {
                let (separator, quote) = (pick(" ", ":"), pick("", "'"));
                let fields = fields.iter();
                let fields: Vec<String> = fields
                    .map(|(name, kind)| {
                        format!("{quote}{name}{quote}{separator}{}", kind.name(service))
                    })
                    .collect();
                match is_yandex {
                    true => format!("Struct<{}>", fields.join(",")),
                    false => format!("row({})", fields.join(", ")),
                }
            }
            Self::Optional(of) => format!("Optional<{}>", of.name(service)),
        }
    }
}

fn kind(service: Service, depth: u32, random: &mut Rng) -> Kind {
    let inner = |random: &mut Rng| Box::new(kind(service, depth - 1, random));
    let nested = depth > 0 && random.u8(0..3) == 0;
    match service {
        Service::Lightdash => match random.u8(0..5) {
            0 => Kind::Boolean,
            1 => Kind::Date,
            2 => Kind::Timestamp,
            3 => Kind::Text,
            _ => Kind::Number,
        },
        Service::YandexQuery if random.bool() => {
            // The model does not cover nested Optionals.
            let of = kind(service, depth, random);
            match of {
                Kind::Optional(_) => of,
                of => Kind::Optional(Box::new(of)),
            }
        }
        Service::Dune if random.u8(0..8) == 0 => Kind::Wide,
        _ if nested => match random.u8(0..3) {
            0 => Kind::List(inner(random)),
            1 => Kind::Map(inner(random)),
            _ => {
                let count = random.usize(1..4);
                let field = |index| (format!("f{index}"), kind(service, depth - 1, random));
                Kind::Struct((0..count).map(field).collect())
            }
        },
        _ => {
            use Kind::{Boolean, Bytes, Date, Decimal, Float, Integer, Json, Text, Timestamp};
            let kinds = [
                Boolean, Integer, Decimal, Float, Text, Bytes, Date, Timestamp, Json,
            ];
            random.choice(kinds).unwrap()
        }
    }
}

fn row(service: Service, columns: &[(String, Kind)], random: &mut Rng) -> String {
    let mut cells: Vec<(String, String)> = columns
        .iter()
        .map(|(name, kind)| (name.clone(), cell(service, kind, random)))
        .collect();
    if service == Service::YandexQuery {
        let cells: Vec<String> = cells.into_iter().map(|(_, cell)| cell).collect();
        return list(&cells, random);
    }
    random.shuffle(&mut cells);
    // Some rows lack cells, and some have undeclared ones.
    if random.u8(0..8) == 0 {
        cells.pop();
    }
    if random.u8(0..8) == 0 && service != Service::Lightdash {
        cells.push(("surplus".to_owned(), anything(2, random)));
    }
    if service == Service::Lightdash {
        for (_, raw) in &mut cells {
            let shown = quoted(&text(random), random);
            *raw = match random.bool() {
                true => format!(r#"{{"value":{{"raw":{raw},"formatted":{shown}}}}}"#),
                false => format!(r#"{{ "value" : {{"formatted":{shown}, "raw" :{raw} }} }}"#),
            };
        }
    }
    object(&cells, random)
}

fn cell(service: Service, kind: &Kind, random: &mut Rng) -> String {
    if service == Service::DuneUntyped {
        return anything(2, random);
    }
    let is_yandex = service == Service::YandexQuery;
    match kind {
        Kind::Optional(of) => match random.u8(0..4) {
            0 => "[]".to_owned(),
            _ => list(&[cell(service, of, random)], random),
        },
        _ if !is_yandex && random.u8(0..6) == 0 => "null".to_owned(),
        Kind::Boolean => random.bool().to_string(),
        Kind::Integer => match random.u8(0..4) {
            0 => format!("\"{}\"", integer(random)),
            1 => format!("{}.0", integer(random)),
            _ => integer(random),
        },
        Kind::Wide => {
            let length = random.usize(1..79);
            let digits: String = (0..length).map(|_| random.digit(10)).collect();
            let digits = match digits.trim_start_matches('0') {
                "" => "0",
                digits => digits,
            };
            match random.u8(0..4) {
                0 => digits.to_owned(),
                _ => format!("\"{digits}\""),
            }
        }
        Kind::Number => match random.bool() {
            true => format!("\"{}\"", integer(random)),
            false => number(random),
        },
        Kind::Decimal => match random.bool() {
            true => format!("\"{}\"", decimal(random)),
            false => decimal(random),
        },
        Kind::Float => number(random),
        Kind::Text => quoted(&text(random), random),
        Kind::Json => quoted(&anything(1, random), random),
        Kind::Bytes if is_yandex => {
            use base64::Engine as _;
            let engine = base64::engine::general_purpose::STANDARD;
            quoted(&engine.encode(bytes(random)), random)
        }
        Kind::Bytes => {
            let digits = bytes(random).into_iter();
            let digits: String = digits.map(|byte| format!("{byte:02x}")).collect();
            format!("\"0x{digits}\"")
        }
        Kind::Date => format!("\"{}\"", date(random)),
        Kind::Timestamp => {
            let fraction = match random.bool() {
                true => format!(".{:03}", random.u32(0..1000)),
                false => String::new(),
            };
            let (hour, minute) = (random.u32(0..24), random.u32(0..60));
            let time = format!("{hour:02}:{minute:02}:{:02}{fraction}", random.u32(0..60));
            match service {
                Service::Dune => format!("\"{} {time} UTC\"", date(random)),
                _ => format!("\"{}T{time}Z\"", date(random)),
            }
        }
        Kind::List(of) => {
            let items = (0..random.usize(0..4)).map(|_| cell(service, of, random));
            let items: Vec<String> = items.collect();
            list(&items, random)
        }
        Kind::Map(of) => {
            let pairs = (0..random.usize(0..4)).map(|index| {
                let key = format!("{index}{}", text(random));
                (key, cell(service, of, random))
            });
            let pairs: Vec<(String, String)> = pairs.collect();
            if !is_yandex {
                return object(&pairs, random);
            }
            let mut items = Vec::new();
            for (key, value) in pairs {
                let key = quoted(&key, random);
                items.push(list(&[key, value], random));
            }
            list(&items, random)
        }
        Kind::Struct(fields) => {
            let mut members: Vec<(String, String)> = fields
                .iter()
                .map(|(name, kind)| (name.clone(), cell(service, kind, random)))
                .collect();
            if is_yandex || random.bool() {
                let items: Vec<String> = members.into_iter().map(|(_, value)| value).collect();
                return list(&items, random);
            }
            random.shuffle(&mut members);
            object(&members, random)
        }
    }
}

/// Any JSON.
fn anything(depth: u32, random: &mut Rng) -> String {
    match random.u8(0..if depth == 0 { 5 } else { 7 }) {
        0 => "null".to_owned(),
        1 => random.bool().to_string(),
        2 => integer(random),
        3 => number(random),
        4 => quoted(&text(random), random),
        5 => {
            let items = (0..random.usize(0..4)).map(|_| anything(depth - 1, random));
            let items: Vec<String> = items.collect();
            list(&items, random)
        }
        _ => {
            let members = (0..random.usize(0..4))
                .map(|index| (name(index, random), anything(depth - 1, random)));
            let members: Vec<(String, String)> = members.collect();
            object(&members, random)
        }
    }
}

fn list(items: &[String], random: &mut Rng) -> String {
    let items = items.iter();
    let items: Vec<String> = items
        .map(|item| format!("{}{item}{}", blank(random), blank(random)))
        .collect();
    format!("[{}]", items.join(","))
}

fn object(members: &[(String, String)], random: &mut Rng) -> String {
    let mut object = "{".to_owned();
    for (index, (name, value)) in members.iter().enumerate() {
        object.push_str(if index > 0 { "," } else { "" });
        object.push_str(&blank(random));
        object.push_str(&quoted(name, random));
        object.push_str(&format!("{}:{}{value}", blank(random), blank(random)));
    }
    object.push('}');
    object
}

fn blank(random: &mut Rng) -> String {
    match random.u8(0..8) {
        0 => random
            .choice([" ", "\n", "\t ", "\r\n  "])
            .unwrap()
            .to_owned(),
        _ => String::new(),
    }
}

/// A name that no other index has.
fn name(index: usize, random: &mut Rng) -> String {
    let letter = char::from(b'a' + u8::try_from(index).unwrap());
    match random.u8(0..4) {
        0 => format!("{letter}{}", text(random)),
        _ => letter.to_string(),
    }
}

fn text(random: &mut Rng) -> String {
    let chars: Vec<char> = "aé\"\\\n\u{1}/😀∅ {}[]:,0'\u{7f}\u{2028}".chars().collect();
    let length = random.usize(0..12);
    (0..length)
        .map(|_| chars[random.usize(..chars.len())])
        .collect()
}

/// The text as JSON, some of its characters escaped without need.
fn quoted(text: &str, random: &mut Rng) -> String {
    let mut out = "\"".to_owned();
    for c in text.chars() {
        match c {
            _ if random.u8(0..8) == 0 => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let digits = match random.bool() {
                        true => format!("\\u{unit:04x}"),
                        false => format!("\\u{unit:04X}"),
                    };
                    out.push_str(&digits);
                }
            }
            '/' if random.bool() => out.push_str("\\/"),
            c => {
                let whole = serde_json::to_string(&c).unwrap();
                out.push_str(&whole[1..whole.len() - 1]);
            }
        }
    }
    out.push('"');
    out
}

/// Digits of any number, small ones as likely as large ones.
fn integer(random: &mut Rng) -> String {
    let wide = random.i64(..) >> random.u32(0..64);
    match random.u8(0..8) {
        0 => random
            .choice(["0", "-1", "9223372036854775807", "-9223372036854775808"])
            .unwrap()
            .to_owned(),
        _ => wide.to_string(),
    }
}

fn decimal(random: &mut Rng) -> String {
    match random.bool() {
        true => format!("{}.{:06}", integer(random), random.u32(0..1_000_000)),
        false => integer(random),
    }
}

/// A number in any of JSON's spellings.
fn number(random: &mut Rng) -> String {
    let sign = if random.u8(0..4) == 0 { "e-" } else { "E+" };
    match random.u8(0..5) {
        0 => integer(random),
        1 => format!("{}.{}", random.i32(..), random.u64(..)),
        2 => format!("{}{sign}{}", random.i32(..), random.u8(0..20)),
        3 => format!("-0.{:03}e{}", random.u32(0..1000), random.u8(0..9)),
        _ => loop {
            let float = f64::from_bits(random.u64(..));
            if float.is_finite() {
                break serde_json::to_string(&float).unwrap();
            }
        },
    }
}

fn bytes(random: &mut Rng) -> Vec<u8> {
    (0..random.usize(0..9)).map(|_| random.u8(..)).collect()
}

fn date(random: &mut Rng) -> String {
    let (year, month) = (random.u32(1970..2100), random.u32(1..13));
    format!("{year:04}-{month:02}-{:02}", random.u32(1..29))
}

/// The JSON in place of an integer: an integer, one in another spelling, or another value.
pub fn integer_like(random: &mut Rng) -> String {
    match random.u8(0..24) {
        0 => "9223372036854775808".to_owned(),
        1 => "-9223372036854775809".to_owned(),
        2 => format!("{}.5", integer(random)),
        3 => "\"many\"".to_owned(),
        4 => "1e400".to_owned(),
        5 => format!("{}e-1", random.u8(..)),
        6 => "true".to_owned(),
        7..=9 => format!("\"{}\"", integer(random)),
        10..=11 => format!("{}.000", integer(random)),
        12..=13 => format!("{}e{}", random.i16(..), random.u8(0..4)),
        14 => format!("{}0e-1", random.i32(..)),
        15 => "null".to_owned(),
        _ => integer(random),
    }
}

/// A column `n` of integers with these cells.
pub fn of_integers(service: Service, cells: &[String]) -> (Columns, String) {
    let (columns, cell): (_, fn(&String) -> String) = match service {
        Service::Dune => {
            let (names, types) = (["n".to_owned()], ["bigint".to_owned()]);
            (Columns::dune(&names, &types), |cell| {
                format!(r#"{{"n":{cell}}}"#)
            })
        }
        Service::DuneUntyped => {
            let columns = Columns::dune(["n"], [""; 0]);
            (columns, |cell| format!(r#"{{"n":{cell}}}"#))
        }
        Service::Lightdash => {
            let columns = [("n".to_owned(), "number".to_owned())];
            (Columns::lightdash(columns, Cells::Raw), |cell| {
                format!(r#"{{"n":{{"value":{{"raw":{cell},"formatted":""}}}}}}"#)
            })
        }
        Service::YandexQuery => {
            let columns = [("n".to_owned(), "Optional<Int64>".to_owned())];
            (Columns::yandex_query(columns), |cell| match cell.as_str() {
                "null" => "[[]]".to_owned(),
                cell => format!("[[{cell}]]"),
            })
        }
    };
    let rows: Vec<String> = cells.iter().map(cell).collect();
    (columns, format!("[{}]", rows.join(",")))
}
