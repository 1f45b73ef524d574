//! The properties of random bytes, and of valid input with random damage.

use proptest::{collection::vec, prelude::*};
use rowfeed_rows::{Cells, Columns, Row, decode_rows};

use super::{csv_pages, dune_rows, lightdash_rows, trino_type, yandex_rows, yql_type};

const DUNE: &[&str] = &[
    "bigint;double;varchar;varbinary;map(varchar, integer);timestamp;row(x tinyint, y boolean)\n\
     [{\"a\":1,\"b\":-1.5e3,\"c\":\"x\\\"\\u00e9\",\"d\":\"0x00\",\"e\":{\"k\":1},\
     \"f\":\"2031-06-07 13:21:10.000 UTC\",\"g\":{\"y\":true,\"x\":1}},{\"b\":\"NaN\",\"a\":null}]",
    "uint256;decimal(38, 9);date;json;array(array(bigint))\n\
     [{\"a\":\"115792089237316195423570985008687907853\",\"b\":\"3.100\",\"c\":\"2031-06-07\",\
     \"d\":\"{\\\"One\\\":1}\",\"e\":[[1,2],[]],\"z\":{}}]",
];
const LIGHTDASH: &[&str] = &["number;string;date;boolean\n\
     [{\"a\":{\"value\":{\"raw\":\"12\",\"formatted\":\"12 pcs\"}},\
     \"b\":{\"value\":{\"formatted\":\"x\",\"raw\":\"x\"}},\
     \"c\":{\"value\":{\"raw\":\"2031-06-07T00:00:00Z\",\"formatted\":\"\"}},\
     \"d\":{\"value\":{\"raw\":null,\"formatted\":\"-\"}}}]"];
const YANDEX: &[&str] = &[
    "Int64;Optional<Utf8>;List<Int32?>;Dict<String,Int32>;Variant<'One':Int32,'Two':String>\n\
     [[1,[\"x\"],[[1],[]],[[\"YWJj\",1]],[\"One\",1]],[\"9007199254740993\",[],[],[],[\"Two\",\"\"]]]",
    "Struct<'a':Int32,'it\\\\'s':Utf8>;Enum<'Bar','Foo'>;Tuple<Double,Decimal(22,9)>;Timestamp\n\
     [[{\"a\":1,\"it's\":\"x\"},[\"Foo\",null],[\"inf\",\"1.5\"],\"2031-06-07T13:21:10.000001Z\"]]",
];
const TYPES: &[&str] = &[
    "Optional<Struct<'a':List<Dict<String,Tuple<Int32??,Decimal(22,9)>>>,'b,>':Tagged<Utf8,'t'>>?>",
    "Variant<Int32,Set<Enum<'Bar','Fo\\x6f'>>>",
    "row(a array(map(varchar(10), decimal(38, 0))), \"b c\" timestamp(3) with time zone)",
    "interval day to second",
];

const CSV: &[&str] = &[
    "\u{3}a,\"b\nc\"\n1,\"2\n\"\0a,\"b\nc\"\n3,4",
    "\u{1}a\r\n1\0a\r\n\0a",
];

/// Bytes that a failure prints as text.
#[derive(Clone)]
struct Bytes(Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// Valid input with a few bytes inserted, removed or replaced, or random bytes.
fn near(seeds: &'static [&'static str]) -> impl Strategy<Value = Bytes> {
    let meaning: &[u8] = b"\"\\,:;[]{}()<>?'0129-+.eEntu \n\0\xff";
    let byte = prop_oneof![4 => prop::sample::select(meaning), 1 => any::<u8>()];
    let damage = (any::<prop::sample::Index>(), 0..4_u8, byte);
    let damaged = (prop::sample::select(seeds), vec(damage, 0..6)).prop_map(|(seed, damages)| {
        let mut bytes = seed.as_bytes().to_vec();
        for (at, how, byte) in damages {
            let at = at.index(bytes.len() + 1);
            match how {
                0 => bytes.insert(at, byte),
                1 => bytes.truncate(at),
                _ if at == bytes.len() => bytes.push(byte),
                2 => bytes[at] = byte,
                _ => drop(bytes.remove(at)),
            }
        }
        bytes
    });
    prop_oneof![6 => damaged, 1 => vec(any::<u8>(), 0..200)].prop_map(Bytes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn rows_of_dune(data in near(DUNE)) {
        dune_rows(&data.0);
    }

    #[test]
    fn rows_of_lightdash(data in near(LIGHTDASH)) {
        lightdash_rows(&data.0);
    }

    #[test]
    fn rows_of_yandex_query(data in near(YANDEX)) {
        yandex_rows(&data.0);
    }

    #[test]
    fn types_of_columns(data in near(TYPES)) {
        yql_type(&data.0);
        trino_type(&data.0);
    }

    #[test]
    fn pages_of_csv(data in near(CSV)) {
        csv_pages(&data.0);
    }
}

/// The seeds are valid rows. Otherwise damaging them would test little.
#[test]
fn the_seeds_are_good() {
    let decoded = |columns: &Columns, rows: &str| decode_rows::<Row>(columns, rows, 0);
    let columns = |types: &str| -> Vec<(String, String)> {
        let names = ('a'..).map(String::from);
        names.zip(types.split(';').map(str::to_owned)).collect()
    };
    for seed in DUNE {
        let (types, rows) = seed.split_once('\n').unwrap_or_default();
        let (names, types): (Vec<_>, Vec<_>) = columns(types).into_iter().unzip();
        let columns = Columns::dune(&names, &types);
        assert!(
            decoded(&columns, rows).is_ok_and(|rows| !rows.is_empty()),
            "{seed}"
        );
    }
    for seed in LIGHTDASH {
        let (types, rows) = seed.split_once('\n').unwrap_or_default();
        let columns = Columns::lightdash(columns(types), Cells::Raw);
        assert!(
            decoded(&columns, rows).is_ok_and(|rows| !rows.is_empty()),
            "{seed}"
        );
    }
    for seed in YANDEX {
        let (types, rows) = seed.split_once('\n').unwrap_or_default();
        let columns = Columns::yandex_query(columns(types));
        let rows = decoded(&columns, rows);
        assert!(
            rows.as_ref().is_ok_and(|rows| !rows.is_empty()),
            "{seed} {rows:?}"
        );
    }
}
