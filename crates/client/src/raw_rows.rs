use std::{cell::RefCell, fmt};

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;

/// The rows of a page as the untouched JSON text of their array.
///
/// While a response is decoded this is a slice of the received body: nothing is copied, and no
/// row is parsed. It keeps that body in memory until dropped. A JSON null counts as no rows.
///
/// It decodes where serde_json can lend the text: from a slice or string, directly or as a field
/// of a struct; not from a reader, and not inside untagged, internally tagged or flattened
/// types, which serde buffers.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RawRows(Bytes);

impl RawRows {
    /// Takes a JSON array, or null, as rows. The rows share `json`.
    ///
    /// # Errors
    ///
    /// The text is not JSON, or neither an array nor null.
    pub fn from_json(json: impl Into<Bytes>) -> Result<Self, serde_json::Error> {
        let json = json.into();
        with_body(&json, || serde_json::from_slice(&json))
    }

    /// The array as JSON text, without white space around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Every way to make one starts from a str, so this is always `Ok`.
        std::str::from_utf8(&self.0).unwrap_or("[]")
    }

    /// The array as JSON bytes, without white space around it; valid UTF-8.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The array as shared bytes.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter_raw().next().is_none()
    }

    /// How many rows there are. Walks over the text without decoding values.
    #[must_use]
    pub fn count(&self) -> usize {
        self.iter_raw().count()
    }

    /// The JSON text of each row, in order, without white space around it.
    #[must_use]
    pub fn iter_raw(&self) -> RawRowsIter<'_> {
        let text = self.as_str();
        RawRowsIter {
            // Without the brackets.
            rest: text
                .get(1..text.len().saturating_sub(1))
                .unwrap_or_default(),
        }
    }
}

impl Default for RawRows {
    fn default() -> Self {
        Self(Bytes::from_static(b"[]"))
    }
}

impl fmt::Debug for RawRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawRows({} bytes)", self.0.len())
    }
}

impl<'a> IntoIterator for &'a RawRows {
    type Item = &'a str;
    type IntoIter = RawRowsIter<'a>;

    fn into_iter(self) -> RawRowsIter<'a> {
        self.iter_raw()
    }
}

/// The rows of a [`RawRows`] one by one, as JSON text.
#[derive(Clone)]
pub struct RawRowsIter<'a> {
    rest: &'a str,
}

impl<'a> Iterator for RawRowsIter<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start_matches(JSON_SPACE);
        if rest.is_empty() {
            self.rest = rest;
            return None;
        }
        let end = end_of_element(rest.as_bytes());
        let (row, after) = rest.split_at(end);
        self.rest = after.strip_prefix(',').unwrap_or(after);
        Some(row.trim_end_matches(JSON_SPACE))
    }
}

impl std::iter::FusedIterator for RawRowsIter<'_> {}

impl fmt::Debug for RawRowsIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawRowsIter({} bytes)", self.rest.len())
    }
}

impl<'de> Deserialize<'de> for RawRows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&'de RawValue>::deserialize(deserializer)?.get();
        match text.as_bytes().first() {
            Some(b'[') => Ok(Self(shared(text))),
            Some(b'n') => Ok(Self::default()),
            first => Err(de::Error::invalid_type(
                match first {
                    Some(b'{') => de::Unexpected::Map,
                    Some(b'"') => de::Unexpected::Other("string"),
                    Some(b't' | b'f') => de::Unexpected::Other("boolean"),
                    _ => de::Unexpected::Other("number"),
                },
                &"an array of rows",
            )),
        }
    }
}

impl Serialize for RawRows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_slice(&self.0).map_err(ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for RawRows {
    fn schema_name() -> String {
        "RawRows".to_owned()
    }

    fn is_referenceable() -> bool {
        false
    }

    fn json_schema(generator: &mut schemars::r#gen::SchemaGenerator) -> schemars::schema::Schema {
        generator.subschema_for::<Vec<serde_json::Value>>()
    }
}

thread_local! {
    /// The body being decoded on this thread.
    static BODY: RefCell<Option<Bytes>> = const { RefCell::new(None) };
}

/// Runs `decode` so that every [`RawRows`] it meets can share `body`.
pub(crate) fn with_body<T>(body: &Bytes, decode: impl FnOnce() -> T) -> T {
    /// Puts back what was there, also when `decode` panics.
    struct Restore(Option<Bytes>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let before = self.0.take();
            BODY.with(|slot| slot.replace(before));
        }
    }
    let _restore = Restore(BODY.with(|slot| slot.replace(Some(body.clone()))));
    decode()
}

const JSON_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// `text` as a part of the body being decoded, or as a copy if it is none.
fn shared(text: &str) -> Bytes {
    let inside = |body: &Bytes| {
        let (body, text) = (body.as_ptr_range(), text.as_bytes().as_ptr_range());
        body.start <= text.start && text.end <= body.end
    };
    BODY.with_borrow(|body| match body {
        Some(body) if inside(body) => body.slice_ref(text.as_bytes()),
        _ => Bytes::copy_from_slice(text.as_bytes()),
    })
}

/// Where the first element of valid JSON elements ends: at its comma, or at the end.
fn end_of_element(json: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => at = end_of_string(json, at),
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    json.len()
}

/// The closing quote of the string that opens at `at`.
fn end_of_string(json: &[u8], mut at: usize) -> usize {
    at += 1;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Deserialize, Serialize, Debug)]
    struct Page {
        #[serde(default)]
        rows: RawRows,
        total: u64,
    }

    fn decode(body: &Bytes) -> Result<Page, serde_json::Error> {
        with_body(body, || serde_json::from_slice(body))
    }

    #[test]
    fn shares_the_body() {
        let body = Bytes::from("{\"total\":2, \"rows\": [ {\"a\": 1.50} , [2] ] }");
        let page = decode(&body).unwrap();
        assert_eq!(page.rows.as_str(), "[ {\"a\": 1.50} , [2] ]");
        let range = body.as_ptr_range();
        assert!(range.contains(&page.rows.as_bytes().as_ptr()));
        let rows = page.rows.clone().into_bytes();
        assert_eq!(rows.as_ptr(), page.rows.as_bytes().as_ptr());
    }

    #[test]
    fn copies_when_the_text_is_elsewhere() {
        let other = Bytes::from("[0]");
        let text = String::from("{\"total\":2,\"rows\":[1]}");
        let page: Page = with_body(&other, || serde_json::from_str(&text)).unwrap();
        drop(text);
        assert_eq!(page.rows.as_str(), "[1]");
        let page: Page = serde_json::from_str("{\"total\":2,\"rows\":[1]}").unwrap();
        assert_eq!(page.rows.as_str(), "[1]");
    }

    #[test]
    fn the_body_is_let_go_also_after_a_panic() {
        let (outer, inner) = (Bytes::from("[1]"), Bytes::from("[2]"));
        let held = || BODY.with_borrow(Clone::clone);
        with_body(&outer, || {
            let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                with_body(&inner, || panic!("while decoding"));
            }));
            assert!(panicked.is_err());
            assert_eq!(held(), Some(outer.clone()));
        });
        assert_eq!(held(), None);
    }

    #[test]
    fn null_and_absent_are_no_rows() {
        for body in ["{\"total\":0}", "{\"total\":0,\"rows\":null}"] {
            let page = decode(&Bytes::from(body)).unwrap();
            assert_eq!(page.rows, RawRows::default());
            assert_eq!((page.rows.as_str(), page.rows.count()), ("[]", 0));
        }
    }

    #[test]
    fn anything_else_is_an_error_that_says_where() {
        for (rows, found) in [
            ("{}", "map"),
            ("\"x\"", "string"),
            ("-5", "number"),
            ("true", "boolean"),
            ("false", "boolean"),
        ] {
            let body = Bytes::from(format!("{{\"total\":0,\"rows\":{rows}}}"));
            let shown = decode(&body).unwrap_err().to_string();
            let wanted = format!("invalid type: {found}, expected an array of rows at line 1");
            assert!(shown.starts_with(&wanted), "{shown}");
        }
        for broken in ["[1,]", "[1", "[\"\u{1}\"]", "[01]", ""] {
            assert!(RawRows::from_json(broken).is_err(), "{broken}");
        }
        assert!(RawRows::from_json(&b"[\"\xff\"]"[..]).is_err(), "not UTF-8");
    }

    #[test]
    fn rows_come_apart_where_they_should() {
        let cases: [(&str, &[&str]); 8] = [
            ("[]", &[]),
            (" [ \n\t\r] ", &[]),
            ("[1]", &["1"]),
            ("[ 1 , \"a,]\\\"\" ]", &["1", "\"a,]\\\"\""]),
            ("[[1,[2]],{\"a\":[{}]}]", &["[1,[2]]", "{\"a\":[{}]}"]),
            ("[\"\\\\\",\"x\"]", &["\"\\\\\"", "\"x\""]),
            ("[\"\\u005d\",\"ü{\"]", &["\"\\u005d\"", "\"ü{\""]),
            ("[null,true,-1.5e3]", &["null", "true", "-1.5e3"]),
        ];
        for (json, wanted) in cases {
            let rows = RawRows::from_json(json).unwrap();
            assert_eq!(rows.iter_raw().collect::<Vec<_>>(), wanted, "{json}");
            assert_eq!(rows.count(), wanted.len());
            assert_eq!(rows.is_empty(), wanted.is_empty());
            for row in &rows {
                serde_json::from_str::<serde_json::Value>(row).unwrap();
            }
        }
    }

    #[test]
    fn deep_rows_do_not_exhaust_the_stack() {
        let deep = format!("[{}{},1]", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(RawRows::from_json(deep).unwrap().count(), 2);
    }

    #[test]
    fn serialises_untouched() {
        let text = "{\"rows\":[ 1.50, {\"b\":1,\"b\":2} ],\"total\":3}";
        let page = decode(&Bytes::from(text)).unwrap();
        assert_eq!(serde_json::to_string(&page).unwrap(), text);
    }

    #[test]
    fn shows_only_its_length() {
        let rows = RawRows::from_json("[\"private\"]").unwrap();
        assert_eq!(format!("{rows:?}"), "RawRows(11 bytes)");
        assert_eq!(format!("{:?}", rows.iter_raw()), "RawRowsIter(9 bytes)");
    }

    #[cfg(feature = "schemars")]
    #[test]
    fn has_the_schema_of_an_array() {
        let schema = serde_json::to_value(schemars::schema_for!(RawRows)).unwrap();
        assert_eq!(schema["type"], "array");
        assert_eq!(schema["items"], true);
    }
}
