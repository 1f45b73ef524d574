//! Writes JSON text with the digits and the member order of the services.

use std::fmt::Write as _;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// A JSON object that keeps the order of its members.
#[derive(Clone, Debug)]
pub(crate) struct Ordered<T>(pub(crate) Vec<(String, T)>);

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// The memory in bytes of a value without its text, and of the smallest non-empty object.
const VALUE: usize = size_of::<Value>();
const OBJECT: usize = 640;

/// The number of members that fit in the memory of the smallest object.
const MEMBERS: usize = 5;

/// Estimates the memory of a value in bytes.
pub(crate) fn held(value: &Value) -> usize {
    let inside = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(held).sum(),
        Value::Object(members) => {
            let nodes = OBJECT * members.len().div_ceil(MEMBERS);
            let members = members.iter();
            let inside: usize = members
                .map(|(name, value)| name.len() + held(value) - VALUE)
                .sum();
            nodes + inside
        }
        _ => 0,
    };
    VALUE + inside
}

/// Estimates an upper bound of the memory in bytes that a text needs once it is parsed.
pub(crate) fn taken(text: &[u8]) -> usize {
    let (mut in_string, mut escaped, mut bytes) = (false, false, text.len());
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' => bytes += OBJECT + 2 * VALUE,
            // a node of an object is at least half full
            b':' => bytes += OBJECT / MEMBERS,
            b'[' | b',' => bytes += 2 * VALUE,
            _ => {}
        }
    }
    bytes
}

/// Returns a JSON string literal.
pub(crate) fn string(text: &str) -> String {
    self::text(&text)
}

/// Wraps well-formed JSON text. Returns `null` if it is not well formed.
pub(crate) fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Serializes a value. The types of this crate have only string keys, so this does not fail.
pub(crate) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// Serializes a value of about this many bytes.
pub(crate) fn text_of(value: &impl Serialize, bytes: usize) -> String {
    let mut out = Vec::with_capacity(bytes.min(MOST_AHEAD) + 4096);
    match serde_json::to_writer(&mut out, value).map(|()| String::from_utf8(out)) {
        Ok(Ok(text)) => text,
        _ => "null".to_owned(),
    }
}

/// Formats a double with its shortest digits, and a whole double without a fraction, as JavaScript
/// and Go do. The value must be finite, because JSON has no other numbers.
pub(crate) fn double(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs();
    if (1e-6..1e21).contains(&magnitude) {
        format!("{value}")
    } else {
        let text = format!("{value:e}");
        match text.split_once("e-") {
            Some(_) => text,
            None => text.replace('e', "e+"),
        }
    }
}

/// Returns `0x` and two lower-case hexadecimal digits per byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + bytes.len() * 2);
    text.push_str("0x");
    for byte in bytes {
        // writing to a String cannot fail
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The largest initial capacity of an output buffer in bytes.
const MOST_AHEAD: usize = 64 * 1024 * 1024;

/// Writes the rows of a page of about this many bytes as an array of objects, with the members in
/// the order of `names`. An empty cell text leaves the member out.
pub(crate) fn object_rows<R: AsRef<[String]>>(
    names: &[(usize, &str)],
    rows: impl Iterator<Item = R>,
    bytes: usize,
) -> Box<RawValue> {
    let keys: Vec<(usize, String)> = names
        .iter()
        .map(|(index, name)| (*index, string(name)))
        .collect();
    let mut out = String::with_capacity(bytes.min(MOST_AHEAD));
    out.push('[');
    for row in rows {
        if out.len() > 1 {
            out.push(',');
        }
        out.push('{');
        let mut first = true;
        for (index, key) in &keys {
            let cell = &row.as_ref()[*index];
            if cell.is_empty() {
                continue;
            }
            if !std::mem::take(&mut first) {
                out.push(',');
            }
            out.push_str(key);
            out.push(':');
            out.push_str(cell);
        }
        out.push('}');
    }
    out.push(']');
    raw(out)
}

/// Writes the rows of a page as an array of arrays.
pub(crate) fn array_rows<R: AsRef<[String]>>(
    rows: impl Iterator<Item = R>,
    bytes: usize,
) -> Box<RawValue> {
    let mut out = String::with_capacity(bytes.min(MOST_AHEAD));
    out.push('[');
    for row in rows {
        if out.len() > 1 {
            out.push(',');
        }
        out.push('[');
        for (index, cell) in row.as_ref().iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push_str(cell);
        }
        out.push(']');
    }
    out.push(']');
    raw(out)
}

#[cfg(test)]
mod tests {
    use super::{Ordered, double, held, hex, object_rows, taken, text};

    #[test]
    fn doubles_are_short() {
        assert_eq!(double(37_185_158.0), "37185158");
        assert_eq!(double(0.1), "0.1");
        assert_eq!(double(-0.0), "0");
        assert_eq!(double(1e22), "1e+22");
        assert_eq!(double(1.5e-9), "1.5e-9");
    }

    #[test]
    fn the_memory_of_a_text_is_estimated_before_it_is_parsed() {
        for text in [
            "[1,1,1,1]",
            r#"[{"a":1},{"a":1,"b":[]},{}]"#,
            r#"{"a":"{{{{,,,,\"[[[[","b":{"c":{"d":null}}}"#,
        ] {
            let value = serde_json::from_str(text).unwrap_or_default();
            assert!(taken(text.as_bytes()) >= held(&value), "{text}");
        }
        let string = br#""{[,:\\""#;
        assert_eq!(taken(string), string.len());
        let objects = format!("[{}1]", r#"{"a":1},"#.repeat(1_000));
        assert!(taken(objects.as_bytes()) > 640_000);
        let value = serde_json::json!([{ "a": 1 }, { "a": 1 }]);
        assert!(held(&value) > 1_280);
    }

    #[test]
    fn members_keep_their_order() {
        let object = Ordered(vec![("b".to_owned(), 1), ("a".to_owned(), 2)]);
        assert_eq!(text(&object), r#"{"b":1,"a":2}"#);
        let rows = [vec!["1".to_owned(), "\"x\"".to_owned()]];
        let page = object_rows(&[(1, "t"), (0, "n")], rows.iter(), 0);
        assert_eq!(page.get(), r#"[{"t":"x","n":1}]"#);
        assert_eq!(hex(&[0, 255]), "0x00ff");
    }
}
