//! Bodies: decoding a body without parsing its rows has the same result as decoding all of it.

use bytes::Bytes;
use rowfeed_rows::{RawRows, decode_body};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

/// A page, with its rows at either of two depths.
#[derive(Debug, Deserialize, PartialEq)]
struct Page {
    #[serde(default)]
    rows: RawRows,
    total: Option<i64>,
    name: Option<String>,
    result: Option<Inner>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Inner {
    rows: Option<RawRows>,
    next: Option<i64>,
}

/// A body with rows.
pub fn bodies(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    let ours = decode_body::<Page>(&bytes);
    let whole = serde_json::from_slice::<Page>(data);
    match (&ours, &whole) {
        (Ok(ours), Ok(whole)) => assert_eq!(ours, whole),
        (Err(error), Ok(whole)) => panic!("{error} in place of {whole:?}"),
        // Rows are checked when they are decoded, so the fault must be in them.
        (Ok(page), Err(error)) => {
            let inner = page.result.as_ref().and_then(|result| result.rows.as_ref());
            let rows = [Some(&page.rows), inner].into_iter().flatten();
            let broken =
                rows.filter(|rows| serde_json::from_str::<IgnoredAny>(rows.as_str()).is_err());
            assert!(broken.count() > 0, "{page:?} in place of {error}");
        }
        (Err(_), Err(_)) => {}
    }
    if let Ok(page) = ours {
        let inner = page.result.and_then(|result| result.rows);
        [Some(page.rows), inner]
            .into_iter()
            .flatten()
            .for_each(|rows| rows_come_apart(&rows));
    }
}

/// The array of rows alone.
pub fn raw_rows(data: &[u8]) {
    if let Ok(rows) = RawRows::from_json(Bytes::copy_from_slice(data)) {
        rows_come_apart(&rows);
    }
}

/// The array of rows alone, as found in a body: not parsed yet.
pub fn unread_rows(json: &[u8]) -> Option<RawRows> {
    #[derive(Deserialize)]
    struct Page {
        rows: RawRows,
    }
    let body = [b"{\"rows\":", json, b"}"].concat();
    Some(decode_body::<Page>(&body.into()).ok()?.rows)
}

/// Rows that are JSON are split as serde_json splits them, at once and in portions.
fn rows_come_apart(rows: &RawRows) {
    let found: Vec<&str> = rows.iter_raw().collect();
    let mut portions = String::new();
    for number in 0.. {
        let Some(portion) = rows.portion(number) else {
            break;
        };
        assert!(number <= rows.as_str().len(), "portions without an end");
        if number > 0 {
            portions.push(',');
        }
        portions.push_str(portion);
    }
    let Ok(wanted) = serde_json::from_str::<Vec<&RawValue>>(rows.as_str()) else {
        return;
    };
    let wanted: Vec<&str> = wanted.into_iter().map(RawValue::get).collect();
    assert_eq!(found, wanted);
    assert_eq!(
        (rows.count(), rows.is_empty()),
        (wanted.len(), wanted.is_empty())
    );
    let portions = format!("[{portions}]");
    let again: Vec<&RawValue> = serde_json::from_str(&portions).unwrap_or_default();
    let again: Vec<&str> = again.into_iter().map(RawValue::get).collect();
    assert_eq!(again, wanted, "in portions");
}

#[cfg(test)]
mod tests {
    use super::{bodies, raw_rows};

    const BODIES: &[&str] = &[
        r#"{"total":2, "rows": [ {"a": "],\"x"} , {"b":[1,{}]} ] ,"name":"n"}"#,
        r#"{"name":"rows","result":{"next":1,"rows":[[1,"é\u00e9"],[null,"\\"]]},"total":null}"#,
        r#"{"rows":[1,"x",null,true],"result":{"rows":null}}"#,
        r#"{"meta":{"rows":[{}]},"rows":[{"n":1}],"rows_more":[2]}"#,
    ];

    /// A small generator of random numbers, the same on every run.
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            ((self.0 >> 33) as usize) % end.max(1)
        }
    }

    #[test]
    fn damaged_bodies_are_decoded_as_serde_json_does_but_for_their_rows() {
        let mut random = Random(11);
        for round in 0..4_000 {
            let mut bytes = BODIES[round % BODIES.len()].as_bytes().to_vec();
            if random.below(8) == 0 {
                // Rows that do not fit into one block.
                let row = format!("{{\"filler\":\"{}\"}},", "x".repeat(random.below(90)));
                let row = row.repeat(random.below(400));
                if let Some(at) = bytes.windows(7).position(|seven| seven == b"\"rows\":") {
                    let at = at + 8 + usize::from(bytes[at + 7] == b' ');
                    bytes.splice(at..at, row.bytes());
                }
            }
            for _ in 0..random.below(4) {
                let at = random.below(bytes.len());
                match random.below(3) {
                    0 => bytes.truncate(at),
                    1 if at < bytes.len() => drop(bytes.remove(at)),
                    _ => bytes.insert(at, b"\"\\{}[]:,0-. ntfr\xff\n"[random.below(18)]),
                }
            }
            bodies(&bytes);
            raw_rows(&bytes);
        }
    }
}
