use std::{
    fmt,
    hash::{Hash, Hasher},
};

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;

use crate::{
    body::{lend, lent_rows},
    row_index::RowIndex,
};

/// The rows of a page as the untouched JSON text of their array.
///
/// While a response is decoded this is a slice of the received body: nothing is copied, and no
/// row is parsed: only brackets and quotes are matched, and what is between them is read by whoever
/// decodes a row. It keeps that body in memory until dropped. A JSON null counts as no rows.
///
/// It decodes where serde_json can lend the text: from a slice or string, directly or as a field
/// of a struct; not from a reader, and not inside untagged, internally tagged or flattened
/// types, which serde buffers.
#[derive(Clone)]
pub struct RawRows {
    /// A list, without blanks around it; always UTF-8.
    json: Bytes,
    /// Absent where a row is neither a list nor an object.
    index: Option<RowIndex>,
}

impl RawRows {
    /// Takes a JSON array, or null, as rows. The rows share `json`.
    ///
    /// # Errors
    ///
    /// The text is not JSON, or neither an array nor null.
    pub fn from_json(json: impl Into<Bytes>) -> Result<Self, serde_json::Error> {
        let json = json.into();
        lend(&json, || serde_json::from_slice(&json))
    }

    /// The array as JSON text, without white space around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Every way to make one starts from a str, so this is always `Ok`.
        std::str::from_utf8(&self.json).unwrap_or("[]")
    }

    /// The array as JSON bytes, without white space around it; valid UTF-8.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.json
    }

    /// The array as shared bytes.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.json
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.index {
            Some(index) => index.count() == 0,
            None => self.iter_raw().next().is_none(),
        }
    }

    /// How many rows there are. Known already where every row is a list or an object.
    #[must_use]
    pub fn count(&self) -> usize {
        match &self.index {
            Some(index) => index.count(),
            None => self.iter_raw().count(),
        }
    }

    /// Some of the rows, with the commas between them but without brackets around them: those of
    /// the portion with this number, from 0. `None` behind the last portion. A portion is some
    /// 16 KiB large, so that rows can be decoded a few at a time.
    #[doc(hidden)]
    #[must_use]
    pub fn portion(&self, number: usize) -> Option<&str> {
        let rows = match &self.index {
            Some(index) => index.portion(&self.json, number)?,
            None if number == 0 => &self.json[1..self.json.len() - 1],
            None => return None,
        };
        // They come apart at brackets and commas, so this is always text.
        Some(std::str::from_utf8(rows).unwrap_or_default())
    }

    /// Rows of a list that has been found to be UTF-8 and to have an end.
    pub(crate) fn of_valid(json: Bytes) -> Self {
        let index = RowIndex::read(&json).and_then(|(_, index)| index);
        Self { json, index }
    }

    /// The same, with its index.
    pub(crate) fn of_valid_with(json: Bytes, index: Option<RowIndex>) -> Self {
        Self { json, index }
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
        Self::of_valid(Bytes::from_static(b"[]"))
    }
}

impl PartialEq for RawRows {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl Eq for RawRows {}

impl Hash for RawRows {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.json.hash(state);
    }
}

impl fmt::Debug for RawRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawRows({} bytes)", self.json.len())
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
            Some(b'[') => Ok(lent_rows(text)),
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
        let raw: &RawValue = serde_json::from_slice(&self.json).map_err(ser::Error::custom)?;
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

const JSON_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

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
        lend(body, || serde_json::from_slice(body))
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
        let page: Page = lend(&other, || serde_json::from_str(&text)).unwrap();
        drop(text);
        assert_eq!(page.rows.as_str(), "[1]");
        let page: Page = serde_json::from_str("{\"total\":2,\"rows\":[1]}").unwrap();
        assert_eq!(page.rows.as_str(), "[1]");
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
