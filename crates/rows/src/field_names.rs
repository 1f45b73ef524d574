//! The names of a struct's fields, as serde reads them.

use serde::{
    Deserialize,
    de::{self, Visitor},
    forward_to_deserialize_any,
};

/// Returns the names of the fields of `T` as serde reads them, aliases included. Returns `None` if
/// `T` is not a struct, or has a flattened field and so accepts any name.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Trade {
///     #[serde(rename = "amount_usd")]
///     amount: f64,
/// }
///
/// assert_eq!(rowfeed_rows::field_names::<Trade>(), Some(["amount_usd"].as_slice()));
/// assert_eq!(rowfeed_rows::field_names::<(f64,)>(), None);
/// ```
#[must_use]
pub fn field_names<'de, T: Deserialize<'de>>() -> Option<&'static [&'static str]> {
    match T::deserialize(FieldNamesProbe) {
        Err(FieldNames(fields)) => fields,
        Ok(_) => None,
    }
}

/// Fails with the names of the fields.
struct FieldNamesProbe;

#[derive(Debug)]
struct FieldNames(Option<&'static [&'static str]>);

impl std::fmt::Display for FieldNames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("asked for fields")
    }
}

impl std::error::Error for FieldNames {}

impl de::Error for FieldNames {
    fn custom<T: std::fmt::Display>(_message: T) -> Self {
        Self(None)
    }
}

impl<'de> de::Deserializer<'de> for FieldNamesProbe {
    type Error = FieldNames;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, FieldNames> {
        Err(FieldNames(None))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, FieldNames> {
        Err(FieldNames(Some(fields)))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, FieldNames> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Trade {
        project: String,
        #[serde(rename = "amount", alias = "amount_usd")]
        usd: f64,
    }

    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Wrapped(Trade);

    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Flat {
        id: i64,
        #[serde(flatten)]
        rest: HashMap<String, String>,
    }

    #[test]
    fn a_struct_has_names_and_aliases() {
        let names = field_names::<Trade>();
        assert_eq!(names, Some(&["project", "amount", "amount_usd"][..]));
        assert_eq!(field_names::<Wrapped>(), names);
    }

    #[test]
    fn types_that_take_any_name_have_no_field_names() {
        assert_eq!(field_names::<Flat>(), None);
        assert_eq!(field_names::<(i64, String)>(), None);
        assert_eq!(field_names::<HashMap<String, String>>(), None);
    }
}
