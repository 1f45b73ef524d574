//! Columns of text and of bytes.

use std::{fmt, sync::Arc};

use arrow_array::{
    ArrayRef, GenericBinaryArray, OffsetSizeTrait,
    builder::{BinaryViewBuilder, GenericStringBuilder, StringViewBuilder},
};
use arrow_buffer::{Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::ArrowError;
use serde::de::{Deserializer, Error, Visitor};

use rowfeed::source::ColumnType;
use rowfeed_rows::cells::{CellText, text_as_sent};

const FULL: &str = "the batch has no room for more text or bytes of this type";

/// Text of any of Arrow's three layouts.
#[derive(Debug)]
pub(crate) enum Text {
    Small(Strings<i32>),
    Large(Strings<i64>),
    View(StringViewBuilder),
}

/// Bytes of any of the three.
#[derive(Debug)]
pub(crate) enum Bytes {
    Small(Parts<i32>),
    Large(Parts<i64>),
    View(BinaryViewBuilder),
}

/// Strings in one buffer.
#[derive(Debug)]
pub(crate) struct Strings<O: OffsetSizeTrait>(GenericStringBuilder<O>);

impl<O: OffsetSizeTrait> Strings<O> {
    pub(crate) fn with_capacity(rows: usize, bytes: usize) -> Self {
        Self(GenericStringBuilder::with_capacity(rows, bytes))
    }

    #[inline]
    fn push(&mut self, text: &str) -> Result<(), &'static str> {
        room_for::<O>(self.0.values_slice().len(), text.len())?;
        self.0.append_value(text);
        Ok(())
    }
}

/// Byte strings in one buffer, with their validity.
#[derive(Debug)]
pub(crate) struct Parts<O> {
    bytes: Vec<u8>,
    ends: Vec<O>,
    nulls: NullBufferBuilder,
}

impl<O: OffsetSizeTrait> Parts<O> {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(O::default());
        Self {
            bytes: Vec::new(),
            ends,
            nulls: NullBufferBuilder::new(rows),
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let end = O::from_usize(self.bytes.len() + bytes.len()).ok_or(FULL)?;
        self.bytes.extend_from_slice(bytes);
        self.ends.push(end);
        self.nulls.append_non_null();
        Ok(())
    }

    /// Reads a cell and decodes its bytes into the buffer.
    #[inline]
    fn take<'a>(
        &mut self,
        cell: CellText<'a>,
        declared: &ColumnType,
        close: impl FnOnce(CellText<'a>) -> Option<CellText<'a>>,
    ) -> Option<CellText<'a>> {
        let held = self.bytes.len();
        let behind = cell.bytes(declared, &mut self.bytes).and_then(close);
        let end = O::from_usize(self.bytes.len());
        let (Some(behind), Some(end)) = (behind, end) else {
            self.bytes.truncate(held);
            return None;
        };
        self.ends.push(end);
        self.nulls.append_non_null();
        Some(behind)
    }

    fn push_null(&mut self) {
        self.ends.extend(self.ends.last().copied());
        self.nulls.append_null();
    }

    fn finish(mut self) -> Result<ArrayRef, ArrowError> {
        let ends = OffsetBuffer::new(ScalarBuffer::from(self.ends));
        let nulls = self.nulls.finish();
        let bytes = Buffer::from_vec(self.bytes);
        Ok(Arc::new(GenericBinaryArray::try_new(ends, bytes, nulls)?))
    }
}

impl Text {
    pub(crate) fn push_null(&mut self) {
        match self {
            Self::Small(strings) => strings.0.append_null(),
            Self::Large(strings) => strings.0.append_null(),
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
    pub(crate) fn push(&mut self, text: &str) -> Result<(), &'static str> {
        match self {
            Self::Small(strings) => strings.push(text),
            Self::Large(strings) => strings.push(text),
            Self::View(builder) => builder.try_append_value(text).map_err(|_| FULL),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Small(strings) => strings.0.values_slice().len(),
            Self::Large(strings) => strings.0.values_slice().len(),
            Self::View(_) => 0,
        }
    }

    /// Reserves memory for this number of strings and bytes. The column must be empty.
    pub(crate) fn make_room(&mut self, rows: usize, bytes: usize) {
        match self {
            Self::Small(strings) => *strings = Strings::with_capacity(rows, bytes),
            Self::Large(strings) => *strings = Strings::with_capacity(rows, bytes),
            Self::View(_) => {}
        }
    }

    pub(crate) fn finish(self) -> ArrayRef {
        match self {
            Self::Small(mut strings) => Arc::new(strings.0.finish()),
            Self::Large(mut strings) => Arc::new(strings.0.finish()),
            Self::View(mut builder) => Arc::new(builder.finish()),
        }
    }
}

impl Bytes {
    pub(crate) fn push_null(&mut self) {
        match self {
            Self::Small(parts) => parts.push_null(),
            Self::Large(parts) => parts.push_null(),
            Self::View(builder) => builder.append_null(),
        }
    }

    #[inline]
    pub(crate) fn read<'de, D: Deserializer<'de>>(&mut self, cell: D) -> Result<(), D::Error> {
        cell.deserialize_bytes(Push(self))
    }

    /// Reads a cell directly from the page.
    #[inline]
    pub(crate) fn take<'a>(
        &mut self,
        cell: CellText<'a>,
        declared: &ColumnType,
        close: impl FnOnce(CellText<'a>) -> Option<CellText<'a>>,
    ) -> Option<CellText<'a>> {
        match self {
            Self::Small(parts) => parts.take(cell, declared, close),
            Self::Large(parts) => parts.take(cell, declared, close),
            Self::View(_) => None,
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        match self {
            Self::Small(parts) => parts.push(bytes),
            Self::Large(parts) => parts.push(bytes),
            Self::View(builder) => builder.try_append_value(bytes).map_err(|_| FULL),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Small(parts) => parts.bytes.len(),
            Self::Large(parts) => parts.bytes.len(),
            Self::View(_) => 0,
        }
    }

    /// Reserves memory for this number of bytes.
    pub(crate) fn make_room(&mut self, bytes: usize) {
        match self {
            Self::Small(parts) => parts.bytes.reserve(bytes),
            Self::Large(parts) => parts.bytes.reserve(bytes),
            Self::View(_) => {}
        }
    }

    pub(crate) fn finish(self) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Small(parts) => parts.finish(),
            Self::Large(parts) => parts.finish(),
            Self::View(mut builder) => Ok(Arc::new(builder.finish())),
        }
    }
}

/// Checks the limit of the offsets, beyond which the builders panic.
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
