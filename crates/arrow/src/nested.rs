//! Columns of lists and maps.

use std::{fmt, sync::Arc};

use arrow_array::{ArrayRef, ListArray, MapArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, FieldRef, Fields};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::builder::Builder;
const FULL: &str = "the batch has no room for more elements";

/// The end of each list or map among the elements, with their validity.
#[derive(Debug)]
struct Ends {
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl Ends {
    fn new() -> Self {
        Self {
            offsets: vec![0],
            nulls: NullBufferBuilder::new(0),
        }
    }

    fn last(&self) -> i32 {
        self.offsets.last().copied().unwrap_or_default()
    }

    fn push_null(&mut self) {
        self.offsets.push(self.last());
        self.nulls.append_null();
    }

    fn push<E: Error>(&mut self, elements: usize) -> Result<(), E> {
        let elements = i32::try_from(elements).ok();
        let end = elements.and_then(|elements| self.last().checked_add(elements));
        self.offsets.push(end.ok_or_else(|| E::custom(FULL))?);
        self.nulls.append_non_null();
        Ok(())
    }

    fn offsets(&mut self) -> OffsetBuffer<i32> {
        OffsetBuffer::new(ScalarBuffer::from(std::mem::take(&mut self.offsets)))
    }
}

/// Lists, and sets.
#[derive(Debug)]
pub(crate) struct List {
    field: FieldRef,
    elements: Box<Builder>,
    ends: Ends,
}

impl List {
    pub(crate) fn new(field: FieldRef, elements: Builder) -> Self {
        Self {
            field,
            elements: Box::new(elements),
            ends: Ends::new(),
        }
    }

    pub(crate) fn push_null(&mut self) {
        self.ends.push_null();
    }

    pub(crate) fn read<'de, D: Deserializer<'de>>(&mut self, cell: D) -> Result<(), D::Error> {
        let elements = cell.deserialize_seq(Elements(&mut self.elements))?;
        self.ends.push(elements)
    }

    pub(crate) fn finish(mut self) -> Result<ArrayRef, ArrowError> {
        let elements = self.elements.finish()?;
        let (offsets, nulls) = (self.ends.offsets(), self.ends.nulls.finish());
        let list = ListArray::try_new(self.field, offsets, elements, nulls)?;
        Ok(Arc::new(list))
    }
}

struct Elements<'b>(&'b mut Builder);

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = usize;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<usize, A::Error> {
        let mut elements = 0;
        while list.next_element_seed(&mut *self.0)?.is_some() {
            elements += 1;
        }
        Ok(elements)
    }
}

/// Maps.
#[derive(Debug)]
pub(crate) struct Map {
    field: FieldRef,
    is_sorted: bool,
    entry: Fields,
    keys: Box<Builder>,
    values: Box<Builder>,
    ends: Ends,
}

impl Map {
    pub(crate) fn new(
        field: FieldRef,
        is_sorted: bool,
        entry: Fields,
        keys: Builder,
        values: Builder,
    ) -> Self {
        Self {
            field,
            is_sorted,
            entry,
            keys: Box::new(keys),
            values: Box::new(values),
            ends: Ends::new(),
        }
    }

    pub(crate) fn push_null(&mut self) {
        self.ends.push_null();
    }

    pub(crate) fn read<'de, D: Deserializer<'de>>(&mut self, cell: D) -> Result<(), D::Error> {
        let entries = Entries(&mut self.keys, &mut self.values);
        let entries = cell.deserialize_map(entries)?;
        self.ends.push(entries)
    }

    pub(crate) fn finish(mut self) -> Result<ArrayRef, ArrowError> {
        let columns = vec![self.keys.finish()?, self.values.finish()?];
        let entries = StructArray::try_new(self.entry, columns, None)?;
        let (offsets, nulls) = (self.ends.offsets(), self.ends.nulls.finish());
        let map = MapArray::try_new(self.field, offsets, entries, nulls, self.is_sorted)?;
        Ok(Arc::new(map))
    }
}

struct Entries<'b>(&'b mut Builder, &'b mut Builder);

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = usize;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("keys with values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let mut entries = 0;
        while map.next_key_seed(&mut *self.0)?.is_some() {
            map.next_value_seed(&mut *self.1)?;
            entries += 1;
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::value::Error;

    use super::*;

    #[test]
    fn elements_end_where_their_offsets_do() {
        let mut ends = Ends::new();
        assert_eq!(ends.push::<Error>(0), Ok(()));
        let most = usize::try_from(i32::MAX).unwrap_or_default();
        assert_eq!(ends.push::<Error>(most - 1), Ok(()));
        assert_eq!(ends.push::<Error>(1), Ok(()));
        let error = ends.push::<Error>(1).map_err(|error| error.to_string());
        assert_eq!(error, Err(FULL.to_owned()));
        assert!(ends.push::<Error>(usize::MAX).is_err());
    }
}
