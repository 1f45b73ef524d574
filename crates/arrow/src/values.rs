//! The values of a column, by their Arrow type.

use std::{marker::PhantomData, sync::Arc};

use arrow_array::{ArrayRef, NullArray, builder::BooleanBuilder};
use arrow_buffer::i256;
use arrow_schema::{ArrowError, DataType, TimeUnit};
use rowfeed::source::{ColumnType, LogicalType};
use rowfeed_rows::cells::CellText;
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
    /// Of a variant: true if this is the alternative.
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
    /// Of a column with any kind of number.
    AnyNumber(Fixed<f64>),
    Decimal32(Fixed<i32>, Decimal),
    Decimal64(Fixed<i64>, Decimal),
    Decimal128(Fixed<i128>, Decimal),
    Decimal256(Fixed<i256>, Decimal),
    Text {
        text: Text,
        is_as_sent: bool,
    },
    Bytes(Bytes, ColumnType),
    Date(Fixed<i32>),
    Timestamp(Fixed<i64>, TimeUnit, bool),
    Time(Fixed<i64>, TimeUnit),
    Duration(Fixed<i64>, TimeUnit),
    Months(Fixed<i32>),
    List(List),
    Map(Map),
    Struct(Struct),
}

/// Repeats an expression for all fixed-width values.
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

/// Reads an integer into fixed-width values.
macro_rules! integer {
    ($fixed:ident, $cell:ident) => {
        $fixed.push($cell.deserialize_i64(Integer(PhantomData))?)
    };
}

impl Values {
    /// Reads a cell that is not NULL.
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
            Self::Bytes(bytes, _) => bytes.read(cell)?,
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

    /// Returns whether [`take`](Self::take) reads values of this declared type.
    pub(crate) fn are_taken(&self, declared: &ColumnType) -> bool {
        use LogicalType as Of;
        let declared = declared.logical();
        match self {
            Self::Boolean(_) => matches!(declared, Of::Boolean),
            Self::Int8(_) | Self::Int16(_) | Self::Int32(_) | Self::Int64(_) => true,
            Self::UInt8(_) | Self::UInt16(_) | Self::UInt32(_) | Self::UInt64(_) => true,
            Self::Float64(_) | Self::AnyNumber(_) => true,
            Self::Decimal32(..) | Self::Decimal64(..) => true,
            Self::Decimal128(..) | Self::Decimal256(..) => true,
            // Dates and times have a normal form, and so may undeclared values.
            Self::Text { is_as_sent, .. } => {
                let is_itself = matches!(
                    declared,
                    Of::Text | Of::Json | Of::Bytes | Of::Integer { .. } | Of::Decimal { .. }
                );
                is_itself && !is_as_sent
            }
            Self::Bytes(Bytes::Small(_) | Bytes::Large(_), _) => matches!(declared, Of::Bytes),
            Self::Date(_) | Self::Timestamp(..) => true,
            _ => false,
        }
    }

    /// Reads a value that is not NULL, in its usual form, with the closing bracket of its list if
    /// there is one.
    #[inline]
    pub(crate) fn take<'a>(
        &mut self,
        cell: CellText<'a>,
        is_in_list: bool,
    ) -> Option<CellText<'a>> {
        let close = |behind: CellText<'a>| match is_in_list {
            true => behind.literal(b"]"),
            false => Some(behind),
        };
        macro_rules! integer {
            ($fixed:ident) => {{
                let (value, behind) = cell.integer()?;
                let behind = close(behind)?;
                $fixed.push(value.try_into().ok()?);
                Some(behind)
            }};
        }
        macro_rules! decimal {
            ($fixed:ident, $form:ident, $value:expr) => {{
                let (text, behind) = cell.numeral()?;
                let behind = close(behind)?;
                let exact = $form.exact(text).ok()?;
                $fixed.push($value(exact)?);
                Some(behind)
            }};
        }
        match self {
            Self::Boolean(builder) => {
                let (value, behind) = cell.boolean()?;
                let behind = close(behind)?;
                builder.append_value(value);
                Some(behind)
            }
            Self::Int8(fixed) => integer!(fixed),
            Self::Int16(fixed) => integer!(fixed),
            Self::Int32(fixed) => integer!(fixed),
            Self::Int64(fixed) => integer!(fixed),
            Self::UInt8(fixed) => integer!(fixed),
            Self::UInt16(fixed) => integer!(fixed),
            Self::UInt32(fixed) => integer!(fixed),
            Self::UInt64(fixed) => integer!(fixed),
            Self::Float64(fixed) => {
                let (value, behind) = cell.float()?;
                let behind = close(behind)?;
                fixed.push(value);
                Some(behind)
            }
            Self::AnyNumber(fixed) => {
                let (value, behind) = cell.exact_float()?;
                let behind = close(behind)?;
                fixed.push(value);
                Some(behind)
            }
            Self::Decimal32(fixed, form) => {
                decimal!(fixed, form, |exact: Exact<'_>| exact
                    .to_i128()
                    .try_into()
                    .ok())
            }
            Self::Decimal64(fixed, form) => {
                decimal!(fixed, form, |exact: Exact<'_>| exact
                    .to_i128()
                    .try_into()
                    .ok())
            }
            Self::Decimal128(fixed, form) => {
                decimal!(fixed, form, |exact: Exact<'_>| Some(exact.to_i128()))
            }
            Self::Decimal256(fixed, form) => {
                decimal!(fixed, form, |exact: Exact<'_>| Some(exact.to_i256()))
            }
            Self::Text { text, .. } => {
                let (value, behind) = cell.string()?;
                let behind = close(behind)?;
                text.push(value).ok()?;
                Some(behind)
            }
            Self::Bytes(bytes, declared) => bytes.take(cell, declared, close),
            Self::Date(fixed) => {
                let (days, behind) = cell.date()?;
                let behind = close(behind)?;
                fixed.push(days);
                Some(behind)
            }
            Self::Timestamp(fixed, unit, _) => {
                let ((seconds, nanos), behind) = cell.timestamp()?;
                let behind = close(behind)?;
                fixed.push(time::since_1970(seconds, nanos, *unit)?);
                Some(behind)
            }
            _ => None,
        }
    }

    /// Returns the number of bytes of text or bytes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Text { text, .. } => text.bytes(),
            Self::Bytes(bytes, _) => bytes.bytes(),
            _ => 0,
        }
    }

    /// Reserves memory for this number of values and bytes. The column must be empty.
    pub(crate) fn make_room(&mut self, rows: usize, bytes: usize) {
        match self {
            Self::Text { text, .. } => text.make_room(rows, bytes),
            Self::Bytes(parts, _) => parts.make_room(bytes),
            _ => {}
        }
    }

    pub(crate) fn push_null(&mut self) {
        each_fixed!(self, fixed => fixed.push_null(),
            Self::Null(len) => *len += 1,
            Self::Boolean(builder) | Self::IsSet(builder) => builder.append_null(),
            Self::Text { text, .. } => text.push_null(),
            Self::Bytes(bytes, _) => bytes.push_null(),
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
            Self::Bytes(bytes, _) => bytes.finish()?,
            Self::List(list) => list.finish()?,
            Self::Map(map) => map.finish()?,
            Self::Struct(members) => members.finish()?,
        ))
    }
}
