//! Columns of text and of bytes.

use std::{fmt, sync::Arc};

use arrow_array::{
    ArrayRef, OffsetSizeTrait,
    builder::{BinaryViewBuilder, GenericBinaryBuilder, GenericStringBuilder, StringViewBuilder},
};
use serde::de::{Deserializer, Error, Visitor};

use rowfeed_rows::cells::text_as_sent;

const FULL: &str = "the batch has no room for more text or bytes of this type";

/// Text of any of Arrow's three layouts.
#[derive(Debug)]
pub(crate) enum Text {
    Small(GenericStringBuilder<i32>),
    Large(GenericStringBuilder<i64>),
    View(StringViewBuilder),
}

/// Bytes of any of the three.
#[derive(Debug)]
pub(crate) enum Bytes {
    Small(GenericBinaryBuilder<i32>),
    Large(GenericBinaryBuilder<i64>),
    View(BinaryViewBuilder),
}

impl Text {
    pub(crate) fn push_null(&mut self) {
        match self {
            Self::Small(builder) => builder.append_null(),
            Self::Large(builder) => builder.append_null(),
            Self::View(builder) => builder.append_null(),
        }
    }

    /// Reads a cell as text: in rowfeed's normal form, or as it was sent.
    #[inline]
    pub(crate) fn read<'de, D: Deserializer<'de>>(
        &mut self,
        cell: D,
        is_as_sent: bool,
    ) -> Result<(), D::Error> {
        match is_as_sent {
            true => text_as_sent(cell, Push(self)),
            false => cell.deserialize_str(Push(self)),
        }
    }

    #[inline]
    fn push(&mut self, text: &str) -> Result<(), &'static str> {
        match self {
            Self::Small(builder) => {
                room_for::<i32>(builder.values_slice().len(), text.len())?;
                builder.append_value(text);
            }
            Self::Large(builder) => builder.append_value(text),
            Self::View(builder) => builder.try_append_value(text).map_err(|_| FULL)?,
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> ArrayRef {
        match self {
            Self::Small(mut builder) => Arc::new(builder.finish()),
            Self::Large(mut builder) => Arc::new(builder.finish()),
            Self::View(mut builder) => Arc::new(builder.finish()),
        }
    }
}

impl Bytes {
    pub(crate) fn push_null(&mut self) {
        match self {
            Self::Small(builder) => builder.append_null(),
            Self::Large(builder) => builder.append_null(),
            Self::View(builder) => builder.append_null(),
        }
    }

    #[inline]
    pub(crate) fn read<'de, D: Deserializer<'de>>(&mut self, cell: D) -> Result<(), D::Error> {
        cell.deserialize_bytes(Push(self))
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        match self {
            Self::Small(builder) => {
                room_for::<i32>(builder.values_slice().len(), bytes.len())?;
                builder.append_value(bytes);
            }
            Self::Large(builder) => builder.append_value(bytes),
            Self::View(builder) => builder.try_append_value(bytes).map_err(|_| FULL)?,
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> ArrayRef {
        match self {
            Self::Small(mut builder) => Arc::new(builder.finish()),
            Self::Large(mut builder) => Arc::new(builder.finish()),
            Self::View(mut builder) => Arc::new(builder.finish()),
        }
    }
}

/// The builders panic where their offsets end.
#[inline]
fn room_for<O: OffsetSizeTrait>(held: usize, more: usize) -> Result<(), &'static str> {
    match O::from_usize(held + more) {
        Some(_) => Ok(()),
        None => Err(FULL),
    }
}

struct Push<'b, B>(&'b mut B);

impl<'de> Visitor<'de> for Push<'_, Text> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("text")
    }

    #[inline]
    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.push(text).map_err(E::custom)
    }
}

impl Visitor<'_> for Push<'_, Bytes> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("bytes")
    }

    #[inline]
    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<(), E> {
        self.0.push(bytes).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_where_its_offsets_do() {
        let most = usize::try_from(i32::MAX).unwrap_or_default();
        assert_eq!(room_for::<i32>(most - 5, 5), Ok(()));
        assert_eq!(room_for::<i32>(most - 5, 6), Err(FULL));
        assert_eq!(room_for::<i64>(most, 1), Ok(()));
    }
}
