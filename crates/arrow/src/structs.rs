//! Columns of structs, and of variants, which are structs with one member set.

use std::{fmt, sync::Arc};

use arrow_array::{ArrayRef, StructArray};
use arrow_buffer::NullBufferBuilder;
use arrow_schema::{ArrowError, Fields};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::builder::Builder;
use rowfeed::source::{ColumnType, LogicalType};

/// Members by name or by position, or alternatives of which one is set.
#[derive(Debug)]
pub(crate) struct Struct {
    fields: Fields,
    members: Vec<Builder>,
    /// Members of the value that the user did not select.
    unwanted: Vec<Box<str>>,
    /// Which members of the current value were read.
    is_read: Vec<bool>,
    form: Form,
    nulls: NullBufferBuilder,
    len: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Names,
    Positions,
    Alternatives,
    /// The value of the only member, without a struct around it.
    Wrapped,
}

impl Struct {
    /// Returns the members of a value of this type.
    pub(crate) fn new(fields: Fields, members: Vec<Builder>, declared: &ColumnType) -> Self {
        let form = match declared.logical() {
            LogicalType::Tuple(_) => Form::Positions,
            LogicalType::Variant(_) => Form::Alternatives,
            _ => Form::Names,
        };
        let mut unwanted = Vec::new();
        if let LogicalType::Struct(known) | LogicalType::Variant(known) = declared.logical() {
            let names = known.iter().map(|(name, _)| name);
            unwanted.extend(names.filter(|name| fields.find(name).is_none()).cloned());
        }
        Self {
            is_read: vec![false; members.len()],
            fields,
            members,
            unwanted,
            form,
            nulls: NullBufferBuilder::new(0),
            len: 0,
        }
    }

    /// Returns a builder that puts a struct around each value.
    pub(crate) fn wrapping(fields: Fields, value: Builder) -> Self {
        Self {
            is_read: Vec::new(),
            fields,
            members: vec![value],
            unwanted: Vec::new(),
            form: Form::Wrapped,
            nulls: NullBufferBuilder::new(0),
            len: 0,
        }
    }

    pub(crate) fn push_null(&mut self) {
        self.members.iter_mut().for_each(Builder::push_null);
        self.nulls.append_null();
        self.len += 1;
    }

    pub(crate) fn read<'de, D: Deserializer<'de>>(&mut self, cell: D) -> Result<(), D::Error> {
        self.is_read.fill(false);
        match self.form {
            Form::Names | Form::Alternatives => cell.deserialize_map(Members(self)),
            // A list, or an object if the declared type omits the names of its members.
            Form::Positions => cell.deserialize_any(Members(self)),
            Form::Wrapped => match &mut *self.members {
                [value] => value.append(cell),
                _ => Err(D::Error::custom("the struct has more members than one")),
            },
        }?;
        self.nulls.append_non_null();
        self.len += 1;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<ArrayRef, ArrowError> {
        let members = self.members.into_iter().map(Builder::finish);
        let members = members.collect::<Result<Vec<_>, _>>()?;
        let nulls = self.nulls.finish();
        let array = StructArray::try_new_with_length(self.fields, members, nulls, self.len)?;
        Ok(Arc::new(array))
    }
}

struct Members<'b>(&'b mut Struct);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let value = self.0;
        while let Some(place) = map.next_key_seed(Name(value))? {
            let Some(place) = place else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if std::mem::replace(&mut value.is_read[place], true) {
                let name = value.fields[place].name();
                return Err(A::Error::custom(format_args!(
                    "the value holds the member `{name}` twice"
                )));
            }
            let member = &mut value.members[place];
            match value.form {
                Form::Alternatives => map.next_value_seed(Set(member))?,
                _ => map.next_value_seed(member)?,
            }
        }
        let members = value.members.iter_mut().zip(&value.is_read);
        for ((member, is_read), field) in members.zip(&value.fields) {
            if *is_read {
                continue;
            }
            if !field.is_nullable() {
                let name = field.name();
                return Err(A::Error::custom(format_args!(
                    "the value lacks the member `{name}`, which may not be NULL"
                )));
            }
            member.push_null();
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let value = self.0;
        let expected = value.members.len();
        for member in &mut value.members {
            if list.next_element_seed(member)?.is_none() {
                return Err(A::Error::custom(format_args!(
                    "the list is shorter than the {expected} members of the type"
                )));
            }
        }
        match list.next_element::<IgnoredAny>()? {
            None => Ok(()),
            Some(_) => Err(A::Error::custom(format_args!(
                "the list is longer than the {expected} members of the type"
            ))),
        }
    }
}

/// The position of the member with this name; `None` for one that was not selected.
struct Name<'b>(&'b Struct);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<Option<usize>, D::Error> {
        name.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Option<usize>, E> {
        if let Some((place, _)) = self.0.fields.find(name) {
            return Ok(Some(place));
        }
        match self.0.unwanted.iter().any(|unwanted| **unwanted == *name) {
            true => Ok(None),
            false => Err(E::custom(format_args!(
                "the value holds a member `{name}` that its type does not have"
            ))),
        }
    }

    fn visit_u64<E: Error>(self, index: u64) -> Result<Option<usize>, E> {
        self.visit_str(&index.to_string())
    }
}

/// The alternative that is set. It is present, whatever its value is.
struct Set<'b>(&'b mut Builder);

impl<'de> DeserializeSeed<'de> for Set<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, cell: D) -> Result<(), D::Error> {
        self.0.append_alternative(cell)
    }
}
