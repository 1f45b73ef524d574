//! Random columns with random cells: a batch has the values of the rows.

use proptest::{
    collection::vec,
    prelude::*,
    strategy::{BoxedStrategy, Strategy},
};

use super::*;
use crate::properties::agree as batches_agree;

/// A declared type, and the cells that it may have.
#[derive(Clone, Debug)]
struct Made {
    declared: String,
    cells: BoxedStrategy<String>,
}

fn made(declared: impl Into<String>, cells: impl Strategy<Value = String> + 'static) -> Made {
    Made {
        declared: declared.into(),
        cells: cells.boxed(),
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// A number, or the same in quotes.
fn either<T: ToString>(value: T, is_quoted: bool) -> String {
    match is_quoted {
        true => quoted(&value.to_string()),
        false => value.to_string(),
    }
}

fn integers<T: Arbitrary + ToString + 'static>() -> impl Strategy<Value = String> {
    any::<(T, bool)>().prop_map(|(value, is_quoted)| either(value, is_quoted))
}

fn floats() -> impl Strategy<Value = String> {
    let named = prop::sample::select(vec!["\"nan\"", "\"-inf\"", "\"Infinity\""]);
    prop_oneof![
        4 => prop::num::f64::NORMAL.prop_map(|value| format!("{value:e}")),
        1 => named.prop_map(str::to_owned),
    ]
}

fn decimals(whole: usize, fraction: usize) -> impl Strategy<Value = String> {
    let pattern = format!("-?[1-9][0-9]{{0,{}}}(\\.[0-9]{{1,{fraction}}})?", whole - 1);
    let digits = prop::string::string_regex(&pattern).unwrap();
    (digits, any::<bool>()).prop_map(|(digits, is_quoted)| either(digits, is_quoted))
}

fn texts() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| quoted(&text))
}

fn dates() -> impl Strategy<Value = String> {
    (1_i16..=9999, 1_i8..=12, 1_i8..=28)
        .prop_map(|(year, month, day)| jiff::civil::date(year, month, day).to_string())
}

fn clocks() -> impl Strategy<Value = String> {
    "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?"
}

fn instants(mark: &'static str, zones: &'static str) -> impl Strategy<Value = String> {
    (dates(), clocks(), zones)
        .prop_map(move |(date, clock, zone)| quoted(&format!("{date}{mark}{clock}{zone}")))
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..6)
}

fn trino_leaf() -> impl Strategy<Value = Made> {
    let hex = bytes().prop_map(|bytes| {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        quoted(&format!("0x{digits}"))
    });
    let zones = "( UTC|Z| \\+0[0-9]:30| -08)";
    prop::sample::select(vec![
        made("boolean", any::<bool>().prop_map(|value| value.to_string())),
        made("tinyint", integers::<i8>()),
        made("smallint", integers::<i16>()),
        made("integer", integers::<i32>()),
        made("bigint", integers::<i64>()),
        made(
            "real",
            any::<f32>()
                .prop_filter("finite", |v| v.is_finite())
                .prop_map(|v| v.to_string()),
        ),
        made("double", floats()),
        made("decimal(20, 5)", decimals(15, 5)),
        made(
            "decimal(38, 0)",
            decimals(38, 1).prop_filter("whole", |text| !text.contains('.')),
        ),
        made(
            "uint256",
            "[1-9][0-9]{0,77}".prop_map(|digits| quoted(&digits)),
        ),
        made("varchar", texts()),
        made(
            "json",
            prop::sample::select(vec![
                "\"{\\\"a\\\":1}\"".to_owned(),
                "{\"a\":[]}".to_owned(),
            ]),
        ),
        made("varbinary", hex),
        made("date", dates().prop_map(|date| quoted(&date))),
        made("time", clocks().prop_map(|clock| quoted(&clock))),
        made("timestamp", instants(" ", "")),
        made("timestamp(6) with time zone", instants(" ", zones)),
        made(
            "interval day to second",
            clocks().prop_map(|clock| quoted(&format!("3 {}", &clock[..8]))),
        ),
        made("hyperloglog", integers::<i64>()),
    ])
}

fn or_null(cells: BoxedStrategy<String>) -> BoxedStrategy<String> {
    prop_oneof![1 => Just("null".to_owned()), 4 => cells].boxed()
}

fn lists(cells: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    vec(cells, 0..4).prop_map(|cells| format!("[{}]", cells.join(",")))
}

/// Nested types of Trino.
fn trino() -> impl Strategy<Value = Made> {
    trino_leaf().prop_recursive(3, 8, 3, |inner| {
        let list = inner.clone().prop_map(|made| Made {
            declared: format!("array({})", made.declared),
            cells: lists(or_null(made.cells)).boxed(),
        });
        let map = inner.clone().prop_map(|made| {
            let entries = prop::collection::btree_map("[a-z\"]{0,3}", or_null(made.cells), 0..3);
            let cells = entries.prop_map(|entries| {
                let entries = entries
                    .iter()
                    .map(|(key, value)| format!("{}:{value}", quoted(key)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
            });
            Made {
                declared: format!("map(varchar, {})", made.declared),
                cells: cells.boxed(),
            }
        });
        let row = (inner.clone(), inner.clone()).prop_map(|(a, b)| {
            let cells = (or_null(a.cells), or_null(b.cells), 0..4_u8);
            let cells = cells.prop_map(|(a, b, form)| match form {
                0 => format!("{{\"a\":{a},\"b c\":{b}}}"),
                1 => format!("{{\"b c\":{b},\"a\":{a}}}"),
                2 => format!("[{a},{b}]"),
                _ => format!("{{\"b c\":{b}}}"),
            });
            Made {
                declared: format!("row(a {}, \"b c\" {})", a.declared, b.declared),
                cells: cells.boxed(),
            }
        });
        prop_oneof![list, map, row]
    })
}

fn yql_leaf() -> impl Strategy<Value = Made> {
    let base64 = bytes().prop_map(|bytes| {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        quoted(&STANDARD.encode(bytes))
    });
    let zoned = instants("T", "").prop_map(|text| text.replacen("\"", "", 1));
    let zoned = zoned.prop_map(|text| format!("\"{},Europe/Riga\"", text.trim_end_matches('"')));
    let spans = prop::sample::select(vec!["PT15M", "P2DT2H", "-PT1.5S", "PT0S", "P1DT0.000001S"]);
    prop::sample::select(vec![
        made("Bool", any::<bool>().prop_map(|value| value.to_string())),
        made("Int8", integers::<i8>()),
        made("Uint16", integers::<u16>()),
        made("Int64", integers::<i64>()),
        made("Uint64", integers::<u64>()),
        made("Double", floats()),
        made("Decimal(22,9)", decimals(13, 9)),
        made("DyNumber", decimals(20, 9)),
        made("String", base64),
        made("Utf8", texts()),
        made("Date", dates().prop_map(|date| quoted(&date))),
        made(
            "Datetime",
            instants("T", "Z").prop_map(|text| match text.find('.') {
                Some(point) => format!("{}Z\"", &text[..point]),
                None => text,
            }),
        ),
        made("Timestamp", instants("T", "Z")),
        made("TzTimestamp", zoned),
        made("Interval", spans.prop_map(quoted)),
        made("pgint4", integers::<i32>()),
        made(
            "Enum<'a','b'>",
            prop::sample::select(vec!["[\"a\",null]".to_owned(), "[\"b\",null]".to_owned()]),
        ),
    ])
}

/// Nested types of YQL.
fn yql() -> impl Strategy<Value = Made> {
    yql_leaf().prop_recursive(4, 10, 3, |inner| {
        let optional = inner.clone().prop_map(|made| Made {
            declared: format!("{}?", made.declared),
            cells: prop_oneof![
                1 => Just("[]".to_owned()),
                3 => made.cells.prop_map(|cell| format!("[{cell}]")),
            ]
            .boxed(),
        });
        let list = inner.clone().prop_map(|made| Made {
            declared: format!("List<{}>", made.declared),
            cells: lists(made.cells).boxed(),
        });
        let dict = (yql_leaf(), inner.clone()).prop_map(|(key, value)| {
            let pair = (key.cells, value.cells).prop_map(|(key, value)| format!("[{key},{value}]"));
            Made {
                declared: format!("Dict<{},{}>", key.declared, value.declared),
                cells: lists(pair.boxed()).boxed(),
            }
        });
        let tuple = (inner.clone(), inner.clone()).prop_map(|(a, b)| Made {
            declared: format!("Tuple<{},{}>", a.declared, b.declared),
            cells: (a.cells, b.cells)
                .prop_map(|(a, b)| format!("[{a},{b}]"))
                .boxed(),
        });
        let named = (inner.clone(), inner.clone()).prop_map(|(a, b)| Made {
            declared: format!("Struct<'a':{},'b,>':{}>", a.declared, b.declared),
            cells: (a.cells, b.cells)
                .prop_map(|(a, b)| format!("{{\"b,>\":{b},\"a\":{a}}}"))
                .boxed(),
        });
        let variant = (inner.clone(), inner.clone(), any::<bool>()).prop_map(|(a, b, is_named)| {
            let (first, second) = if is_named {
                ("\"a\"", "\"b\"")
            } else {
                ("0", "1")
            };
            let (declared_a, declared_b) = (a.declared, b.declared);
            Made {
                declared: match is_named {
                    true => format!("Variant<'a':{declared_a},'b':{declared_b}>"),
                    false => format!("Variant<{declared_a},{declared_b}>"),
                },
                cells: prop_oneof![
                    a.cells.prop_map(move |cell| format!("[{first},{cell}]")),
                    b.cells.prop_map(move |cell| format!("[{second},{cell}]")),
                ]
                .boxed(),
            }
        });
        prop_oneof![optional, list, dict, tuple, named, variant]
    })
}

/// A few columns, and rows of them.
fn tables(
    types: impl Strategy<Value = Made>,
) -> impl Strategy<Value = (Vec<String>, Vec<Vec<String>>)> {
    vec(types, 1..4).prop_flat_map(|made| {
        let declared: Vec<_> = made.iter().map(|made| made.declared.clone()).collect();
        let cells: Vec<_> = made.into_iter().map(|made| made.cells).collect();
        (Just(declared), vec(cells, 0..5))
    })
}

fn names(columns: usize) -> Vec<String> {
    ('a'..).take(columns).map(String::from).collect()
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn dune((declared, rows) in tables(trino()), null in 0..20_usize) {
        let names = names(declared.len());
        let columns = Columns::dune(&names, &declared);
        let rows: Vec<_> = rows.iter().enumerate().map(|(at, row)| {
            let mut members: Vec<_> = names.iter().zip(row).map(|(name, cell)| match null == at {
                true => format!("\"{name}\":null"),
                false => format!("\"{name}\":{cell}"),
            }).collect();
            // Sometimes in another order, or incomplete.
            let len = members.len();
            members.rotate_left((at / 2) % len);
            members.truncate(len - usize::from(at % 5 == 4));
            format!("{{{}}}", members.join(","))
        }).collect();
        let rows = format!("[{}]", rows.join(","));
        let batch = batches_agree(&columns, &rows);
        prop_assert!(batch.is_ok(), "{batch:?} {declared:?} {rows}");
    }

    #[test]
    fn yandex_query((declared, rows) in tables(yql())) {
        let columns = names(declared.len()).into_iter().zip(declared.iter().cloned());
        let columns = Columns::yandex_query(columns);
        let rows: Vec<_> = rows.iter().map(|row| format!("[{}]", row.join(","))).collect();
        let rows = format!("[{}]", rows.join(","));
        let batch = batches_agree(&columns, &rows);
        prop_assert!(batch.is_ok(), "{batch:?} {declared:?} {rows}");
    }
}
