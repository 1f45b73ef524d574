//! Conversion of the arguments of generated setters.

use std::{any::type_name, fmt::Display};

use crate::excerpt::escaped;

/// Converts the argument of the setter `field` of `of`, an operation or a type.
///
/// # Errors
///
/// A message that names the field, the type it takes, the type of the argument, and the cause.
///
/// ```
/// use rowfeed_client::codegen;
///
/// let limit: Result<i64, _> = codegen::value("limit", "get_results", 10_u64);
/// assert_eq!(limit, Ok(10));
/// let limit: Result<i64, _> = codegen::value("limit", "get_results", u64::MAX);
/// assert!(limit.unwrap_err().starts_with("`limit` of `get_results` takes an integer from -"));
/// ```
pub fn value<T, V>(field: &str, of: &str, value: V) -> Result<T, String>
where
    V: TryInto<T>,
    V::Error: Display,
{
    value
        .try_into()
        .map_err(|cause| unfit::<T, V>(&place(field, "", of), &cause))
}

/// Converts each of the arguments of the setter `field` of `of`.
///
/// # Errors
///
/// The message of [`value`] for the first value that cannot be converted, with its index.
pub fn list<T, I>(field: &str, of: &str, values: I) -> Result<Vec<T>, String>
where
    I: IntoIterator,
    I::Item: TryInto<T>,
    <I::Item as TryInto<T>>::Error: Display,
{
    let convert = |(index, value): (usize, I::Item)| {
        value.try_into().map_err(|cause| {
            let place = place(field, &format!("[{index}]"), of);
            unfit::<T, I::Item>(&place, &cause)
        })
    };
    values.into_iter().enumerate().map(convert).collect()
}

/// Converts the entries passed to the setter `field` of `of` into a map. If several entries have
/// the same key, the last one wins.
///
/// # Errors
///
/// The message of [`value`] for the first value that cannot be converted, with its key.
pub fn map<M, T, I, K, V>(field: &str, of: &str, entries: I) -> Result<M, String>
where
    M: FromIterator<(String, T)>,
    I: IntoIterator<Item = (K, V)>,
    K: Into<String>,
    V: TryInto<T>,
    V::Error: Display,
{
    let convert = |(key, value): (K, V)| {
        let key = key.into();
        match value.try_into() {
            Ok(value) => Ok((key, value)),
            Err(cause) => {
                let place = place(field, &format!("[\"{}\"]", escaped(&key, SHOWN)), of);
                Err(unfit::<T, V>(&place, &cause))
            }
        }
    };
    entries.into_iter().map(convert).collect()
}

/// Returns the message for a text that does not match the pattern of its type.
#[must_use]
pub fn mismatch(text: &str, pattern: &str) -> String {
    let text = escaped(text, SHOWN);
    format!("\"{text}\" does not match the pattern {pattern}")
}

/// The most characters shown of a key or a text.
const SHOWN: usize = 60;

fn place(field: &str, index: &str, of: &str) -> String {
    format!("`{field}{index}` of `{of}`")
}

#[cold]
fn unfit<T, V>(place: &str, cause: &dyn Display) -> String {
    let (wanted, given) = (type_name::<T>(), type_name::<V>());
    let cause = escaped(&cause.to_string(), 1000);
    if given.contains("::builder::") {
        // The cause names the field that the builder of a part lacks.
        return format!("{place}: {cause}");
    }
    let given = short(given);
    format!(
        "{place} takes {}, and was given {} `{given}`: {cause}",
        words(wanted),
        article(&given)
    )
}

/// Describes the values that a type takes.
fn words(name: &str) -> String {
    let name = short(name);
    let name = name
        .strip_prefix("Option<")
        .and_then(|name| name.strip_suffix('>'))
        .unwrap_or(&name);
    match name {
        "String" => "text".to_owned(),
        "bool" => "true or false".to_owned(),
        "f64" | "f32" => "a number".to_owned(),
        "i64" => format!("an integer from {} to {}", i64::MIN, i64::MAX),
        "i32" => format!("an integer from {} to {}", i32::MIN, i32::MAX),
        "u64" => format!("an integer from 0 to {}", u64::MAX),
        "u32" => format!("an integer from 0 to {}", u32::MAX),
        name => format!("{} `{name}`", article(name)),
    }
}

fn article(name: &str) -> &'static str {
    let first = name.trim_start_matches('&').chars().next();
    match first {
        Some('a' | 'e' | 'i' | 'o' | 'A' | 'E' | 'I' | 'O') => "an",
        _ => "a",
    }
}

/// Returns a type's name without its modules and those of its arguments.
fn short(name: &str) -> String {
    let mut out = String::new();
    let mut segment = String::new();
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ':' if chars.peek() == Some(&':') => {
                chars.next();
                segment.clear();
            }
            c if c.is_alphanumeric() || c == '_' => segment.push(c),
            c => {
                out.push_str(&segment);
                segment.clear();
                out.push(c);
            }
        }
    }
    out + &segment
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use super::*;

    mod builder {
        pub(super) struct Part;

        impl TryFrom<Part> for i64 {
            type Error = &'static str;

            fn try_from(_: Part) -> Result<Self, Self::Error> {
                Err("`name` of `Part` is not set")
            }
        }
    }

    #[test]
    fn a_value_that_does_not_fit_is_reported_with_field_types_and_cause() {
        let said = value::<Option<u32>, _>("page", "get_page", Some(3)).unwrap();
        assert_eq!(said, Some(3));
        let said = value::<u32, _>("page", "get_page", -1_i64).unwrap_err();
        assert_eq!(
            said,
            "`page` of `get_page` takes an integer from 0 to 4294967295, and was given an `i64`: out \
             of range integral type conversion attempted"
        );
        let said = value::<i64, _>("part", "Whole", builder::Part).unwrap_err();
        assert_eq!(said, "`part` of `Whole`: `name` of `Part` is not set");
    }

    #[test]
    fn lists_and_maps_are_set_from_anything_iterable() {
        let words: Vec<String> = list("tags", "Query", ["a", "b"]).unwrap();
        assert_eq!(words, ["a", "b"]);
        let again: Vec<String> = list("tags", "Query", &words).unwrap();
        assert_eq!(again, words);
        let said = list::<u8, _>("bytes", "Blob", [1, 256]).unwrap_err();
        assert!(said.starts_with("`bytes[1]` of `Blob` takes a `u8`, and was given an `i32`"));

        let pairs = [("a", "1"), ("b", "2"), ("a", "3")];
        let made: BTreeMap<String, String> = map("params", "run", pairs).unwrap();
        assert_eq!(made["a"], "3");
        let owned = HashMap::from([("a".to_owned(), "1".to_owned())]);
        let made: BTreeMap<String, serde_json::Value> = map("params", "run", owned).unwrap();
        assert_eq!(made["a"], "1");
        let said = map::<BTreeMap<_, u8>, _, _, _, _>("params", "run", [("x\n", 256)]);
        let said = said.unwrap_err();
        assert!(
            said.starts_with("`params[\"x\\n\"]` of `run` takes"),
            "{said}"
        );
    }

    #[test]
    fn a_text_that_matches_no_pattern_is_shown_in_part() {
        let said = mismatch(&"x".repeat(100), "^[0-9]$");
        assert_eq!(
            said,
            format!("\"{}…\" does not match the pattern ^[0-9]$", "x".repeat(60))
        );
    }

    #[test]
    fn names_of_types_are_short() {
        let name = type_name::<Result<Vec<Option<String>>, &str>>();
        assert_eq!(short(name), "Result<Vec<Option<String>>, &str>");
        assert_eq!(words(type_name::<Option<String>>()), "text");
    }
}
