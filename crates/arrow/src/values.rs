//! The values of a column, by their Arrow type.

use std::{marker::PhantomData, sync::Arc};

use arrow_array::{ArrayRef, NullArray, builder::BooleanBuilder};
use arrow_buffer::i256;
use arrow_schema::{ArrowError, DataType, TimeUnit};
use serde::de::{Deserialize, Deserializer, Error};

use crate::{
    decimal::{Decimal, Digits, Exact},
    fixed::{AnyNumber, Fixed, Float, Float32, Integer},
    nested::{List, Map},
    structs::Struct,
    text::{Bytes, Text},
    time,
};

#[derive(Debug)]
pub(crate) enum Values {
    Null(usize),
    Boolean(BooleanBuilder),
    /// Of a variant: true, where this is the alternative.
    IsSet(BooleanBuilder),
    Int8(Fixed<i8>),
    Int16(Fixed<i16>),
    Int32(Fixed<i32>),
    Int64(Fixed<i64>),
    UInt8(Fixed<u8>),
    UInt16(Fixed<u16>),
    UInt32(Fixed<u32>),
    UInt64(Fixed<u64>),
    Float32(Fixed<f32>),
    Float64(Fixed<f64>),
    /// Of a column whose numbers may be anything.
    AnyNumber(Fixed<f64>),
    Decimal32(Fixed<i32>, Decimal),
    Decimal64(Fixed<i64>, Decimal),
    Decimal128(Fixed<i128>, Decimal),
    Decimal256(Fixed<i256>, Decimal),
    Text {
        text: Text,
        is_as_sent: bool,
    },
    Bytes(Bytes),
    Date(Fixed<i32>),
    Timestamp(Fixed<i64>, TimeUnit, bool),
    Time(Fixed<i64>, TimeUnit),
    Duration(Fixed<i64>, TimeUnit),
    Months(Fixed<i32>),
    List(List),
    Map(Map),
    Struct(Struct),
}

/// Does the same with all values of one width.
macro_rules! each_fixed {
    ($values:expr, $fixed:ident => $do:expr, $($rest:tt)*) => {
        match $values {
            Values::Int8($fixed) => $do,
            Values::Int16($fixed) => $do,
            Values::Int32($fixed) | Values::Date($fixed) | Values::Months($fixed) => $do,
            Values::Int64($fixed) => $do,
            Values::UInt8($fixed) => $do,
            Values::UInt16($fixed) => $do,
            Values::UInt32($fixed) => $do,
            Values::UInt64($fixed) => $do,
            Values::Float32($fixed) => $do,
            Values::Float64($fixed) | Values::AnyNumber($fixed) => $do,
            Values::Decimal32($fixed, _) => $do,
            Values::Decimal64($fixed, _) => $do,
            Values::Decimal128($fixed, _) => $do,
            Values::Decimal256($fixed, _) => $do,
            Values::Timestamp($fixed, ..) => $do,
            Values::Time($fixed, _) | Values::Duration($fixed, _) => $do,
            $($rest)*
        }
    };
}

/// Reads an integer into values of one width.
macro_rules! integer {
    ($fixed:ident, $cell:ident) => {
        $fixed.push($cell.deserialize_i64(Integer(PhantomData))?)
    };
}

impl Values {
    /// Takes a cell that is not NULL.
    #[inline]
    pub(crate) fn read<'de, D: Deserializer<'de>>(&mut self, cell: D) -> Result<(), D::Error> {
        match self {
            Self::Null(len) => {
                <()>::deserialize(cell)?;
                *len += 1;
            }
            Self::Boolean(builder) => builder.append_value(bool::deserialize(cell)?),
            Self::IsSet(builder) => {
                <()>::deserialize(cell)?;
                builder.append_value(true);
            }
            Self::Int8(fixed) => integer!(fixed, cell),
            Self::Int16(fixed) => integer!(fixed, cell),
            Self::Int32(fixed) => integer!(fixed, cell),
            Self::Int64(fixed) => integer!(fixed, cell),
            Self::UInt8(fixed) => integer!(fixed, cell),
            Self::UInt16(fixed) => integer!(fixed, cell),
            Self::UInt32(fixed) => integer!(fixed, cell),
            Self::UInt64(fixed) => integer!(fixed, cell),
            Self::Float32(fixed) => fixed.push(cell.deserialize_f32(Float32)?),
            Self::Float64(fixed) => fixed.push(cell.deserialize_f64(Float)?),
            Self::AnyNumber(fixed) => fixed.push(AnyNumber::read(cell)?),
            Self::Decimal32(fixed, form) => {
                let value =
                    cell.deserialize_str(Digits(*form, |exact: &Exact<'_>| exact.to_i128()))?;
                fixed.push(i32::try_from(value).map_err(D::Error::custom)?);
            }
            Self::Decimal64(fixed, form) => {
                let value =
                    cell.deserialize_str(Digits(*form, |exact: &Exact<'_>| exact.to_i128()))?;
                fixed.push(i64::try_from(value).map_err(D::Error::custom)?);
            }
            Self::Decimal128(fixed, form) => {
                fixed.push(
                    cell.deserialize_str(Digits(*form, |exact: &Exact<'_>| exact.to_i128()))?,
                );
            }
            Self::Decimal256(fixed, form) => {
                fixed.push(
                    cell.deserialize_str(Digits(*form, |exact: &Exact<'_>| exact.to_i256()))?,
                );
            }
            Self::Text { text, is_as_sent } => text.read(cell, *is_as_sent)?,
            Self::Bytes(bytes) => bytes.read(cell)?,
            Self::Date(fixed) => fixed.push(time::read(cell, time::date)?),
            Self::Timestamp(fixed, unit, has_zone) => {
                let (unit, has_zone) = (*unit, *has_zone);
                fixed.push(time::read(cell, |text| {
                    time::timestamp(text, unit, has_zone)
                })?);
            }
            Self::Time(fixed, unit) => {
                let unit = *unit;
                fixed.push(time::read(cell, |text| time::time(text, unit))?);
            }
            Self::Duration(fixed, unit) => {
                let unit = *unit;
                fixed.push(time::read(cell, |text| time::duration(text, unit))?);
            }
            Self::Months(fixed) => fixed.push(time::read(cell, time::months)?),
            Self::List(list) => list.read(cell)?,
            Self::Map(map) => map.read(cell)?,
            Self::Struct(members) => members.read(cell)?,
        }
        Ok(())
    }

    pub(crate) fn push_null(&mut self) {
        each_fixed!(self, fixed => fixed.push_null(),
            Self::Null(len) => *len += 1,
            Self::Boolean(builder) | Self::IsSet(builder) => builder.append_null(),
            Self::Text { text, .. } => text.push_null(),
            Self::Bytes(bytes) => bytes.push_null(),
            Self::List(list) => list.push_null(),
            Self::Map(map) => map.push_null(),
            Self::Struct(members) => members.push_null(),
        );
    }

    pub(crate) fn finish(self, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        Ok(each_fixed!(self, fixed => fixed.finish(data_type)?,
            Self::Null(len) => Arc::new(NullArray::new(len)),
            Self::Boolean(mut builder) | Self::IsSet(mut builder) => Arc::new(builder.finish()),
            Self::Text { text, .. } => text.finish(),
            Self::Bytes(bytes) => bytes.finish(),
            Self::List(list) => list.finish()?,
            Self::Map(map) => map.finish()?,
            Self::Struct(members) => members.finish()?,
        ))
    }
}
