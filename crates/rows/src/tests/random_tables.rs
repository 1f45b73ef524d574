//! Random values, written as each service writes them, come back equal from all three.

use serde::Deserialize;

use super::{dune, lightdash, yandex};
use crate::{Columns, RowDecoder, decode_rows};

#[derive(Clone, Debug, Deserialize, PartialEq)]
struct Record {
    integer: Option<i64>,
    wide: u128,
    float: f64,
    text: Option<String>,
    bytes: Vec<u8>,
    at: jiff::Timestamp,
    list: Vec<Option<u32>>,
    flag: bool,
}

/// A small generator of random numbers, the same on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 27)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A number of any length: small ones are as likely as large ones.
    fn any_length(&mut self) -> u64 {
        self.next() >> self.below(64)
    }

    fn option<T>(&mut self, some: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(4) > 0).then(|| some(self))
    }

    fn text(&mut self) -> String {
        let chars = [
            'a',
            'é',
            '"',
            '\\',
            '\n',
            '\u{1}',
            '/',
            '\u{1F600}',
            '∅',
            ' ',
            '0',
            '{',
        ];
        let len = self.below(40);
        let mut pick = || chars[usize::try_from(self.below(12)).unwrap()];
        (0..len).map(|_| pick()).collect()
    }

    fn float(&mut self) -> f64 {
        loop {
            let float = f64::from_bits(self.next());
            if float.is_finite() {
                return if self.below(2) == 0 {
                    float
                } else {
                    float.round().rem_euclid(1e6)
                };
            }
        }
    }

    fn record(&mut self) -> Record {
        let second = i64::try_from(self.below(4_000_000_000)).unwrap();
        let microsecond = i32::try_from(self.below(1000) * self.below(2) * 1000).unwrap();
        Record {
            integer: self.option(|random| {
                random.any_length().cast_signed() ^ random.any_length().cast_signed()
            }),
            wide: u128::from(self.any_length()) * u128::from(self.any_length()),
            float: self.float(),
            text: self.option(Self::text),
            bytes: (0..self.below(9))
                .map(|_| u8::try_from(self.below(256)).unwrap())
                .collect(),
            at: jiff::Timestamp::new(second, microsecond * 1000).unwrap(),
            list: (0..self.below(4))
                .map(|_| self.option(|random| u32::try_from(random.any_length() >> 32).unwrap()))
                .collect(),
            flag: self.below(2) == 0,
        }
    }
}

fn json<T: serde::Serialize>(value: T) -> String {
    serde_json::to_string(&value).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"0x{digits}\"")
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    json(base64::engine::general_purpose::STANDARD.encode(bytes))
}

fn in_zone(at: jiff::Timestamp) -> String {
    let text = at.to_string();
    json(text.replace('T', " ").replace('Z', " UTC"))
}

fn dune_row(record: &Record) -> String {
    format!(
        r#"{{"at":{},"bytes":{},"flag":{},"float":{},"integer":{},"list":{},"text":{},"wide":"{}"}}"#,
        in_zone(record.at),
        hex(&record.bytes),
        record.flag,
        json(record.float),
        json(record.integer),
        json(&record.list),
        json(&record.text),
        record.wide,
    )
}

fn lightdash_row(record: &Record) -> String {
    let integer = record.integer.map(|integer| integer.to_string());
    let cells = [
        ("integer", json(integer)),
        ("wide", json(record.wide.to_string())),
        ("float", json(record.float)),
        ("text", json(&record.text)),
        ("bytes", hex(&record.bytes)),
        ("at", json(record.at.to_string())),
        ("list", json(&record.list)),
        ("flag", json(record.flag)),
    ];
    let cells =
        cells.map(|(name, raw)| format!(r#""{name}":{{"value":{{"raw":{raw},"formatted":"…"}}}}"#));
    format!("{{{}}}", cells.join(","))
}

fn yandex_row(record: &Record) -> String {
    let optional = |cell: Option<String>| cell.map_or("[]".to_owned(), |cell| format!("[{cell}]"));
    let integer = record
        .integer
        .map(|integer| match integer.unsigned_abs() < 1 << 53 {
            true => integer.to_string(),
            false => json(integer.to_string()),
        });
    let list: Vec<String> = record
        .list
        .iter()
        .map(|item| optional(item.map(json)))
        .collect();
    let cells = [
        optional(integer),
        json(record.wide.to_string()),
        json(record.float),
        optional(record.text.as_ref().map(json)),
        base64(&record.bytes),
        json(record.at.to_string()),
        format!("[{}]", list.join(",")),
        json(record.flag),
    ];
    format!("[{}]", cells.join(","))
}

/// How a service writes a row.
type Write = fn(&Record) -> String;

fn services() -> [(Columns, Write); 3] {
    let from_dune = dune(&[
        ("integer", "bigint"),
        ("wide", "uint256"),
        ("float", "double"),
        ("text", "varchar"),
        ("bytes", "varbinary"),
        ("at", "timestamp(3) with time zone"),
        ("list", "array(bigint)"),
        ("flag", "boolean"),
    ]);
    let from_lightdash = lightdash(&[
        ("integer", "number"),
        ("wide", "number"),
        ("float", "number"),
        ("text", "string"),
        ("bytes", "string"),
        ("at", "timestamp"),
        ("list", "string"),
        ("flag", "boolean"),
    ]);
    let from_yandex = yandex(&[
        ("integer", "Optional<Int64>"),
        ("wide", "Decimal(35,0)"),
        ("float", "Double"),
        ("text", "Optional<Utf8>"),
        ("bytes", "String"),
        ("at", "Timestamp"),
        ("list", "List<Uint32?>"),
        ("flag", "Bool"),
    ]);
    [
        (from_dune, dune_row),
        (from_lightdash, lightdash_row),
        (from_yandex, yandex_row),
    ]
}

#[test]
fn random_records_come_back_equal() {
    let mut random = Random(7);
    for rows in [0, 1, 2, 500, 500] {
        let records: Vec<Record> = (0..rows).map(|_| random.record()).collect();
        for (columns, write) in services() {
            let page: Vec<String> = records.iter().map(write).collect();
            let page = format!("[{}]", page.join(", "));
            assert_eq!(decode_rows::<Record>(&columns, &page, 0).unwrap(), records);
            let one_by_one = RowDecoder::<Record>::new(&columns, &page, 0);
            assert_eq!(one_by_one.collect::<Result<Vec<_>, _>>().unwrap(), records);
        }
    }
}
