//! Reading and writing of OpenAPI documents as JSON trees. Errors name the position.

use std::{fmt, fs, path::Path};

use anyhow::{Context as _, Result, anyhow, bail};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::text;

/// The maximum size of a document, in bytes. The largest known API document has 12 MB.
const LARGEST: u64 = 64 << 20;

/// Reads a JSON or YAML document. Errors name the file, the line and the column.
pub(crate) fn read(path: &Path) -> Result<Value> {
    let bytes = read_bytes(path)?;
    parse(path, &bytes)
}

/// Returns the bytes of a file.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    let shown = || format!("cannot read {}", path.display());
    let size = fs::metadata(path).with_context(shown)?.len();
    if size > LARGEST {
        bail!(
            "{}: the file has {size} bytes, the maximum is {LARGEST}",
            path.display()
        );
    }
    fs::read(path).with_context(shown)
}

/// Parses a document; `path` decides between JSON (`.json`) and YAML, and names it in errors.
///
/// # Errors
///
/// The text is not valid, or an object has a duplicate key. Parsers disagree on which of the two
/// values wins, so the reviewed value might not be the used one.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Value> {
    let shown = path.display();
    let tree: Tree = if path
        .extension()
        .is_some_and(|ext| ext == "json" || ext == "lock")
    {
        serde_json::from_slice(bytes).map_err(|error| {
            anyhow!(
                "{shown}:{}:{}: this is not valid JSON: {}",
                error.line(),
                error.column(),
                text::shown(without_position(&error.to_string())),
            )
        })?
    } else {
        serde_yaml_ng::from_slice(bytes).map_err(|error| match error.location() {
            Some(at) => anyhow!(
                "{shown}:{}:{}: this is not valid YAML: {}",
                at.line(),
                at.column(),
                text::shown(without_position(&error.to_string())),
            ),
            None => anyhow!(
                "{shown}: this is not valid YAML: {}",
                text::shown(&error.to_string())
            ),
        })?
    };
    Ok(tree.0)
}

/// A JSON value whose objects have no duplicate keys.
struct Tree(Value);

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor).map(Self)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Tree(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format!("duplicate key {key:?}")));
            }
            let Tree(value) = entries.next_value()?;
            object.insert(key, value);
        }
        Ok(object.into())
    }
}

/// Refuses control characters in names, values and other facts, because a review does not show
/// them. Sentences may contain line breaks, see [`text::documentation`].
pub(crate) fn facts_are_plain(document: &Value) -> Result<()> {
    plain_below(document, "", false)
}

fn plain_below(value: &Value, pointer: &str, is_prose: bool) -> Result<()> {
    let refused = |text: &str, pointer: &str, what: &str| -> Result<()> {
        match text.chars().find(|c| text::is_control(*c)) {
            Some(c) => bail!(
                "{}: {what} contains the control character U+{:04X}",
                text::shown(pointer),
                u32::from(c)
            ),
            None => Ok(()),
        }
    };
    match value {
        Value::String(text) if !is_prose => refused(text, pointer, "the text"),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(at, item)| plain_below(item, &format!("{pointer}/{at}"), is_prose)),
        Value::Object(object) => object.iter().try_for_each(|(key, value)| {
            let below = format!("{pointer}/{}", pointer_segment(key));
            refused(key, &below, "the key")?;
            let is_prose = match key.as_str() {
                "description" | "summary" => value.is_string(),
                "x-enum-descriptions" => true,
                _ => is_prose,
            };
            plain_below(value, &below, is_prose)
        }),
        _ => Ok(()),
    }
}

/// Returns the canonical text of a document: JSON indented by two spaces, with the keys in the
/// order of the document.
pub(crate) fn to_text(document: &Value) -> Result<String> {
    let mut text = serde_json::to_string_pretty(document)?;
    text.push('\n');
    Ok(text)
}

/// Escapes `~` and `/` according to RFC 6901.
pub(crate) fn pointer_segment(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// The HTTP methods that a path item may contain.
pub(crate) const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// Returns NAME of a local reference, `#/components/schemas/NAME`.
pub(crate) fn ref_name(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/components/schemas/")
}

/// Calls `visit` for `value` and every object below it, parents first.
pub(crate) fn walk_objects(
    value: &mut Value,
    visit: &mut impl FnMut(&mut serde_json::Map<String, Value>),
) {
    match value {
        Value::Object(object) => {
            visit(object);
            object.values_mut().for_each(|v| walk_objects(v, visit));
        }
        Value::Array(items) => items.iter_mut().for_each(|v| walk_objects(v, visit)),
        _ => {}
    }
}

/// Collects the names of all schemas that `value` references at any depth.
pub(crate) fn refs_in(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            if let Some(name) = object
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(ref_name)
            {
                found.push(name.to_owned());
            }
            object.values().for_each(|v| refs_in(v, found));
        }
        Value::Array(items) => items.iter().for_each(|v| refs_in(v, found)),
        _ => {}
    }
}

/// Returns all schemas that are reachable from `roots`, including the roots, in order of discovery.
pub(crate) fn closure(
    document: &Value,
    roots: impl IntoIterator<Item = String>,
) -> indexmap::IndexSet<String> {
    let mut seen = indexmap::IndexSet::new();
    let mut todo: Vec<String> = roots.into_iter().collect();
    while let Some(name) = todo.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        if let Some(schema) = document
            .pointer("/components/schemas")
            .and_then(|schemas| schemas.get(&name))
        {
            refs_in(schema, &mut todo);
        }
    }
    seen
}

/// Removes the ` at line L column C` that both parsers append. The error already begins with the
/// position.
fn without_position(message: &str) -> &str {
    message
        .rfind(" at line ")
        .map_or(message, |at| &message[..at])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_duplicate_key_is_an_error_with_its_position() {
        for (name, text, place) in [
            (
                "a.json",
                "{\n  \"a\": {\"b\": 1,\n  \"b\": 2}}",
                "a.json:3:",
            ),
            ("a.yaml", "a:\n  b: 1\n  b: 2\n", "a.yaml:"),
        ] {
            let said = parse(Path::new(name), text.as_bytes())
                .unwrap_err()
                .to_string();
            assert!(said.starts_with(place), "{said}");
            assert!(said.contains("duplicate key \"b\""), "{said}");
        }
    }

    #[test]
    fn values_of_every_type_are_read() {
        let text = r#"{"a": [null, true, -1, 18446744073709551615, 1.5, "x"]}"#;
        let wanted: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse(Path::new("a.json"), text.as_bytes()).unwrap(), wanted);
        assert_eq!(parse(Path::new("a.yaml"), text.as_bytes()).unwrap(), wanted);
        let statuses = parse(Path::new("a.yaml"), b"200: x\n").unwrap();
        assert_eq!(statuses, json!({"200": "x"}));
    }

    #[test]
    fn a_control_character_in_a_fact_is_refused_with_its_pointer() {
        let document = json!({"a/b": {"enum": ["fine", "x\ny"]}});
        let said = facts_are_plain(&document).unwrap_err().to_string();
        assert!(
            said.contains("/a~1b/enum/1") && said.contains("U+000A"),
            "{said}"
        );
        let said = facts_are_plain(&json!({"a\r": 1})).unwrap_err().to_string();
        assert!(
            said.contains("/a\\r: the key") && said.contains("U+000D"),
            "{said}"
        );
        let words = json!({"description": "a\nb", "x-enum-descriptions": {"A": "a\nb"}});
        facts_are_plain(&words).unwrap();
    }
}
