//! JSON text, written with the digits and in the order that a service writes it.

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

/// What a value takes beside its text, and the smallest object that is not empty.
const VALUE: usize = size_of::<Value>();
const OBJECT: usize = 640;

/// Members of an object that share what the smallest takes.
const MEMBERS: usize = 5;

/// Bytes that a value takes in memory, roughly.
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

/// Bytes that a text takes in memory as a value, roughly and at most, before it is read as one.
pub(crate) fn taken(text: &[u8]) -> usize {
    let (mut in_string, mut escaped, mut bytes) = (false, false, text.len());
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' => bytes += OBJECT + 2 * VALUE,
            // a node of an object is half full at worst
            b':' => bytes += OBJECT / MEMBERS,
            b'[' | b',' => bytes += 2 * VALUE,
            _ => {}
        }
    }
    bytes
}

/// A JSON string literal.
pub(crate) fn string(text: &str) -> String {
    self::text(&text)
}

/// JSON text that is known to be well formed; `null` if it is not.
pub(crate) fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Any value as JSON text. The types of this crate have string keys only and so
/// never fail.
pub(crate) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// The same, of a value that takes about so many bytes.
pub(crate) fn text_of(value: &impl Serialize, bytes: usize) -> String {
    let mut out = Vec::with_capacity(bytes.min(MOST_AHEAD) + 4096);
    match serde_json::to_writer(&mut out, value).map(|()| String::from_utf8(out)) {
        Ok(Ok(text)) => text,
        _ => "null".to_owned(),
    }
}

/// A double with its shortest digits and whole ones without a fraction, as
/// JavaScript and Go write it. Not a number and infinity have no JSON number.
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

/// `0x` and two lower-case digits for each byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + bytes.len() * 2);
    text.push_str("0x");
    for byte in bytes {
        // writing to a String cannot fail
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Bytes that are set aside ahead of what is written, at most.
const MOST_AHEAD: usize = 64 * 1024 * 1024;

/// The rows of a page, which take about so many bytes, as an array of objects, members in the order of `names`. A
/// cell without any text is a member that is not there.
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

/// The rows of a page as an array of arrays.
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
    fn what_a_text_takes_is_known_before_it_is_read() {
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
