//! Checks the properties with random bytes, and with valid input that is damaged at random.

use proptest::{collection::vec, prelude::*};

use super::{cursors, error_bodies, pages};

const BODIES: &[&str] = &[
    "{\"error\":\"no such query\"}",
    "{\"status\":\"error\",\"error\":{\"statusCode\":422,\"name\":\"N\",\"message\":\"m\",\"data\":{}}}",
    "{\"status\":400010,\"message\":\"BAD_REQUEST\",\"details\":[{\"message\":\"m\",\"issue_code\":1004,\
     \"issues\":[{\"message\":\"n\",\"position\":{\"row\":1,\"column\":2},\"issues\":[]}]}]}",
];
const PAGES: &[&str] = &[
    "{\"execution_id\":\"x\",\"state\":\"QUERY_STATE_COMPLETED\",\"next_offset\":2,\"result\":{\
     \"rows\":[{\"n\":1},{\"n\":\"2\"}],\"metadata\":{\"column_names\":[\"n\"],\
     \"column_types\":[\"bigint\"],\"total_row_count\":9}}}",
    "{\"status\":\"ready\",\"queryUuid\":\"q\",\"columns\":{\"n\":{\"reference\":\"n\",\
     \"type\":\"number\"}},\"rows\":[{\"n\":{\"value\":{\"raw\":1,\"formatted\":\"1\"}}}],\
     \"totalResults\":1}",
    "{\"columns\":[{\"name\":\"n\",\"type\":\"Int64\"}],\"rows\":[[1],[\"2\"]]}",
];
const CURSORS: &[&str] = &[
    "{\"service\":\"dune\",\"run\":\"x\",\"result_set\":1,\"shape\":\"filters=\\\"n > 1\\\"\",\"row\":7}",
    "{\"service\":\"dune\",\"operation\":\"list_queries\",\"parameters\":\"a=1\",\"position\":18}",
];

/// Bytes that a test failure prints as text.
#[derive(Clone)]
struct Bytes(Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// Valid input with a few bytes inserted, removed or replaced; or any bytes at all.
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
    fn bodies_of_errors(data in near(BODIES)) {
        error_bodies(&data.0);
    }

    #[test]
    fn bodies_of_pages(data in near(PAGES)) {
        pages(&data.0);
    }

    #[test]
    fn stored_cursors(data in near(CURSORS)) {
        cursors(&data.0);
    }
}
