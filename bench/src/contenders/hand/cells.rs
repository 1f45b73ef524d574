//! Deserializes the value of a field from the service's representation of a cell.

use std::{fmt, marker::PhantomData, str::FromStr};

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, SeqAccess, Visitor},
};

#[derive(Deserialize)]
struct Cell<T> {
    value: CellValue<T>,
}

#[derive(Deserialize)]
struct CellValue<T> {
    raw: T,
}

/// The raw value of a cell of Lightdash.
pub(super) fn raw<'de, T: Deserialize<'de>, D: Deserializer<'de>>(input: D) -> Result<T, D::Error> {
    Ok(Cell::deserialize(input)?.value.raw)
}

/// The raw value of a number that Lightdash sends as text.
pub(super) fn raw_text<'de, T: FromStr<Err: fmt::Display>, D: Deserializer<'de>>(
    input: D,
) -> Result<T, D::Error> {
    raw::<Parsed<T>, D>(input).map(|parsed| parsed.0)
}

struct Parsed<T>(T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Text<T>(PhantomData<T>);

        impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
            type Value = Parsed<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number in text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Parsed<T>, E> {
                text.parse().map(Parsed).map_err(E::custom)
            }
        }

        input.deserialize_str(Text(PhantomData))
    }
}

/// An Optional of Yandex Query: an array of one value, or an empty array.
pub(super) fn optional<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    input: D,
) -> Result<Option<T>, D::Error> {
    struct Optional<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Optional<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array of at most one value")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<Option<T>, A::Error> {
            let value = cells.next_element()?;
            // Reads up to the bracket.
            cells.next_element::<IgnoredAny>()?;
            Ok(value)
        }
    }

    input.deserialize_seq(Optional(PhantomData))
}
