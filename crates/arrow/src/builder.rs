//! One column of a batch under construction.

use std::fmt;

use arrow_array::{
    ArrayRef,
    builder::{BinaryViewBuilder, BooleanBuilder, StringViewBuilder},
    types::{
        Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DecimalType,
        validate_decimal_precision_and_scale,
    },
};
use arrow_schema::{ArrowError, DataType, Field, Fields, IntervalUnit, TimeUnit};
use serde::de::{DeserializeSeed, Deserializer, Visitor};

use rowfeed_rows::cells::CellText;

use crate::{
    compatible::{Member, has_alternatives, has_members, is_compatible, member_of},
    decimal::Decimal,
    fixed::Fixed,
    nested::{List, Map},
    structs::Struct,
    text::{Bytes, Parts, Strings, Text},
    values::Values,
};
use rowfeed::source::{ColumnType, LogicalType};

/// Builds an array from the cells of a column.
///
/// Cells are read through serde, so they have the same form as for any other type: quoted or bare
/// numbers, JSON in text, every Optional's list.
#[derive(Debug)]
pub(crate) struct Builder {
    data_type: DataType,
    values: Values,
    is_nullable: bool,
    /// The number of Optionals around a value. The NULL of each is NULL.
    optionals: usize,
    usual: Usual,
}

/// The usual form of values, and of NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Usual {
    /// Too many forms for [`Builder::take`].
    No,
    /// The plain value.
    Plain,
    /// The plain value, or `null`.
    OrNull,
    /// `[value]`, or `[]`.
    InList,
}

impl Usual {
    fn of(values: &Values, declared: &ColumnType, is_nullable: bool) -> Self {
        match (values.are_taken(declared), declared.optional_depth()) {
            (true, 0) if is_nullable => Self::OrNull,
            (true, 0) => Self::Plain,
            (true, 1) if is_nullable => Self::InList,
            _ => Self::No,
        }
    }
}

/// The error of a declared type that cannot be read as the Arrow type.
#[derive(Debug)]
pub(crate) struct Misfit;

impl Builder {
    /// Returns a builder for cells of this type, with capacity for `rows`.
    pub(crate) fn new(field: &Field, declared: &ColumnType, rows: usize) -> Result<Self, Misfit> {
        let data_type = field.data_type();
        if !is_compatible(data_type, declared) {
            return Err(Misfit);
        }
        let values = values(data_type, declared, rows)?;
        Ok(Self {
            usual: Usual::of(&values, declared, field.is_nullable()),
            values,
            data_type: data_type.clone(),
            is_nullable: field.is_nullable(),
            optionals: declared.optional_depth(),
        })
    }

    /// Returns a builder for an alternative of a variant, in rowfeed's own schema.
    fn alternative(field: &Field, declared: &ColumnType, rows: usize) -> Result<Self, Misfit> {
        let values = match field.data_type() {
            DataType::Boolean if *declared.logical() == LogicalType::Null => {
                Values::IsSet(BooleanBuilder::with_capacity(rows))
            }
            DataType::Struct(fields) if fields.len() == 1 && !is_struct(declared) => {
                let value = Self::new(&fields[0], declared, rows)?;
                Values::Struct(Struct::wrapping(fields.clone(), value))
            }
            _ => return Self::new(field, declared, rows),
        };
        Ok(Self {
            data_type: field.data_type().clone(),
            values,
            is_nullable: field.is_nullable(),
            optionals: 0,
            usual: Usual::No,
        })
    }

    /// Reads a cell in the usual form of its column, directly from the page.
    #[inline]
    pub(crate) fn take<'a>(&mut self, cell: CellText<'a>) -> Option<CellText<'a>> {
        match self.usual {
            Usual::Plain => self.values.take(cell, false),
            Usual::OrNull => match self.values.take(cell, false) {
                None => {
                    let behind = cell.null()?;
                    self.values.push_null();
                    Some(behind)
                }
                taken => taken,
            },
            Usual::InList => {
                let inside = cell.literal(b"[")?;
                match inside.literal(b"]") {
                    Some(behind) => {
                        self.values.push_null();
                        Some(behind)
                    }
                    None => self.values.take(inside, true),
                }
            }
            Usual::No => None,
        }
    }

    /// Reads a cell.
    #[inline]
    pub(crate) fn append<'de, D: Deserializer<'de>>(&mut self, cell: D) -> Result<(), D::Error> {
        if !self.is_nullable {
            return self.values.read(cell);
        }
        cell.deserialize_option(Nullable {
            values: &mut self.values,
            more: self.optionals.saturating_sub(1),
        })
    }

    /// Reads the value of a variant's alternative, which is not NULL if it is set.
    pub(crate) fn append_alternative<'de, D>(&mut self, cell: D) -> Result<(), D::Error>
    where
        D: Deserializer<'de>,
    {
        match self.optionals {
            0 => self.values.read(cell),
            _ => self.append(cell),
        }
    }

    pub(crate) fn push_null(&mut self) {
        self.values.push_null();
    }

    /// Returns the number of bytes of text or bytes in the column.
    pub(crate) fn bytes(&self) -> usize {
        self.values.bytes()
    }

    /// Reserves memory for this number of rows and bytes. The column must be empty.
    pub(crate) fn make_room(&mut self, rows: usize, bytes: usize) {
        self.values.make_room(rows, bytes);
    }

    pub(crate) fn finish(self) -> Result<ArrayRef, ArrowError> {
        self.values.finish(&self.data_type)
    }
}

impl<'de> DeserializeSeed<'de> for &mut Builder {
    type Value = ();

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, cell: D) -> Result<(), D::Error> {
        self.append(cell)
    }
}

/// A cell that may be NULL at any level.
struct Nullable<'b> {
    values: &'b mut Values,
    more: usize,
}

impl<'de> Visitor<'de> for Nullable<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value or NULL")
    }

    fn visit_none<E>(self) -> Result<(), E> {
        self.values.push_null();
        Ok(())
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, cell: D) -> Result<(), D::Error> {
        match self.more {
            0 => self.values.read(cell),
            more => cell.deserialize_option(Self {
                more: more - 1,
                ..self
            }),
        }
    }
}

fn values(data_type: &DataType, declared: &ColumnType, rows: usize) -> Result<Values, Misfit> {
    let member = |field: &Field, declared: &ColumnType| Builder::new(field, declared, rows);
    let unrecognized = ColumnType::unrecognized();
    Ok(match data_type {
        DataType::Null => Values::Null(0),
        DataType::Boolean => Values::Boolean(BooleanBuilder::with_capacity(rows)),
        DataType::Int8 => Values::Int8(Fixed::with_capacity(rows)),
        DataType::Int16 => Values::Int16(Fixed::with_capacity(rows)),
        DataType::Int32 => Values::Int32(Fixed::with_capacity(rows)),
        DataType::Int64 => Values::Int64(Fixed::with_capacity(rows)),
        DataType::UInt8 => Values::UInt8(Fixed::with_capacity(rows)),
        DataType::UInt16 => Values::UInt16(Fixed::with_capacity(rows)),
        DataType::UInt32 => Values::UInt32(Fixed::with_capacity(rows)),
        DataType::UInt64 => Values::UInt64(Fixed::with_capacity(rows)),
        DataType::Float32 => Values::Float32(Fixed::with_capacity(rows)),
        DataType::Float64 => match declared.logical() {
            LogicalType::Number => Values::AnyNumber(Fixed::with_capacity(rows)),
            _ => Values::Float64(Fixed::with_capacity(rows)),
        },
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => {
            let form = Decimal {
                precision: *precision,
                scale: *scale,
            };
            let is_valid = match data_type {
                DataType::Decimal32(..) => is_valid::<Decimal32Type>(form),
                DataType::Decimal64(..) => is_valid::<Decimal64Type>(form),
                DataType::Decimal128(..) => is_valid::<Decimal128Type>(form),
                _ => is_valid::<Decimal256Type>(form),
            };
            if !is_valid {
                return Err(Misfit);
            }
            match data_type {
                DataType::Decimal32(..) => Values::Decimal32(Fixed::with_capacity(rows), form),
                DataType::Decimal64(..) => Values::Decimal64(Fixed::with_capacity(rows), form),
                DataType::Decimal128(..) => Values::Decimal128(Fixed::with_capacity(rows), form),
                _ => Values::Decimal256(Fixed::with_capacity(rows), form),
            }
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Values::Text {
            text: match data_type {
                DataType::Utf8 => Text::Small(Strings::with_capacity(rows, 0)),
                DataType::LargeUtf8 => Text::Large(Strings::with_capacity(rows, 0)),
                _ => Text::View(StringViewBuilder::with_capacity(rows)),
            },
            is_as_sent: has_alternatives(declared),
        },
        DataType::Binary => {
            Values::Bytes(Bytes::Small(Parts::with_capacity(rows)), declared.clone())
        }
        DataType::LargeBinary => {
            Values::Bytes(Bytes::Large(Parts::with_capacity(rows)), declared.clone())
        }
        DataType::BinaryView => Values::Bytes(
            Bytes::View(BinaryViewBuilder::with_capacity(rows)),
            declared.clone(),
        ),
        DataType::Date32 => Values::Date(Fixed::with_capacity(rows)),
        DataType::Timestamp(unit, zone) => {
            Values::Timestamp(Fixed::with_capacity(rows), *unit, zone.is_some())
        }
        DataType::Time64(unit @ (TimeUnit::Microsecond | TimeUnit::Nanosecond)) => {
            Values::Time(Fixed::with_capacity(rows), *unit)
        }
        DataType::Duration(unit) => Values::Duration(Fixed::with_capacity(rows), *unit),
        DataType::Interval(IntervalUnit::YearMonth) => Values::Months(Fixed::with_capacity(rows)),
        DataType::List(field) => {
            let elements = match declared.logical() {
                LogicalType::List(element) => element,
                LogicalType::Map(map) => map.entry(),
                _ => &unrecognized,
            };
            Values::List(List::new(field.clone(), member(field, elements)?))
        }
        DataType::Map(field, is_sorted) => {
            let DataType::Struct(entry) = field.data_type() else {
                return Err(Misfit);
            };
            let [key, value] = &**entry else {
                return Err(Misfit);
            };
            let (keys, values) = match declared.logical() {
                LogicalType::Map(map) => (member(key, map.key())?, member(value, map.value())?),
                _ => (member(key, &unrecognized)?, member(value, &unrecognized)?),
            };
            Values::Map(Map::new(
                field.clone(),
                *is_sorted,
                entry.clone(),
                keys,
                values,
            ))
        }
        DataType::Struct(fields) => {
            if !matches!(declared.logical(), LogicalType::Tuple(_)) && has_twins(fields) {
                return Err(Misfit);
            }
            let members = fields.iter().enumerate().map(|(at, field)| {
                match member_of(declared, at, field.name()) {
                    Member::Plain(declared) => member(field, declared),
                    Member::Alternative(declared) => Builder::alternative(field, declared, rows),
                    Member::Undeclared => member(field, &unrecognized),
                    Member::Missing => Err(Misfit),
                }
            });
            let members = members.collect::<Result<Vec<_>, _>>()?;
            Values::Struct(Struct::new(fields.clone(), members, declared))
        }
        _ => return Err(Misfit),
    })
}

/// Returns whether values of the type become structs without another one around them.
fn is_struct(declared: &ColumnType) -> bool {
    declared.optional_depth() == 0 && has_members(declared)
}

/// Returns whether Arrow has decimals with this many digits.
fn is_valid<T: DecimalType>(form: Decimal) -> bool {
    validate_decimal_precision_and_scale::<T>(form.precision, form.scale).is_ok()
}

/// Returns whether two members have the same name, so that they cannot be distinguished.
fn has_twins(fields: &Fields) -> bool {
    let mut names: Vec<_> = fields.iter().map(|field| field.name()).collect();
    names.sort_unstable();
    names.windows(2).any(|names| names[0] == names[1])
}
