//! Columns of fixed-width values, including numbers.

use std::{fmt, marker::PhantomData};

use arrow_array::{ArrayRef, make_array};
use arrow_buffer::{ArrowNativeType, Buffer, NullBufferBuilder};
use arrow_data::ArrayData;
use arrow_schema::{ArrowError, DataType};
use serde::de::{Deserializer, Error, Unexpected, Visitor};

/// Values of one width, with their validity.
#[derive(Debug)]
pub(crate) struct Fixed<N> {
    values: Vec<N>,
    nulls: NullBufferBuilder,
}

impl<N: ArrowNativeType> Fixed<N> {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            values: Vec::with_capacity(rows),
            nulls: NullBufferBuilder::new(rows),
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, value: N) {
        self.values.push(value);
        self.nulls.append_non_null();
    }

    pub(crate) fn push_null(&mut self) {
        self.values.push(N::default());
        self.nulls.append_null();
    }

    pub(crate) fn finish(mut self, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        let data = ArrayData::builder(data_type.clone())
            .len(self.values.len())
            .add_buffer(Buffer::from_vec(self.values))
            .nulls(self.nulls.finish())
            .build()?;
        Ok(make_array(data))
    }
}

/// Reads an integer that the type can hold.
pub(crate) struct Integer<N>(pub(crate) PhantomData<N>);

impl<N> Integer<N> {
    fn no_room<E: Error>(value: impl fmt::Display) -> E {
        let value = value.to_string();
        let expected = &"an integer of this type";
        E::invalid_value(Unexpected::Other(&value), expected)
    }
}

impl<N> Visitor<'_> for Integer<N>
where
    N: TryFrom<i64> + TryFrom<u64> + TryFrom<i128> + TryFrom<u128>,
{
    type Value = N;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an integer")
    }

    #[inline]
    fn visit_i64<E: Error>(self, value: i64) -> Result<N, E> {
        N::try_from(value).map_err(|_| Self::no_room(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<N, E> {
        N::try_from(value).map_err(|_| Self::no_room(value))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<N, E> {
        N::try_from(value).map_err(|_| Self::no_room(value))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<N, E> {
        N::try_from(value).map_err(|_| Self::no_room(value))
    }
}

/// Reads a number from a column that declares floats.
pub(crate) struct Float;

impl Visitor<'_> for Float {
    type Value = f64;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a number")
    }

    #[inline]
    fn visit_f64<E>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }
}

/// Reads a 32-bit float from the digits, not through a 64-bit one.
pub(crate) struct Float32;

impl Visitor<'_> for Float32 {
    type Value = f32;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a number")
    }

    fn visit_f32<E>(self, value: f32) -> Result<f32, E> {
        Ok(value)
    }
}

/// Reads a float from a column that does not declare its kind of number. An integer must be exact
/// in a float, and no number may have more digits than floats are written with.
pub(crate) struct AnyNumber;

const ROUNDS: &str = "a Float64 would round this number";

impl AnyNumber {
    pub(crate) fn read<'de, D: Deserializer<'de>>(cell: D) -> Result<f64, D::Error> {
        cell.deserialize_any(Self)
    }
}

impl Visitor<'_> for AnyNumber {
    type Value = f64;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a number")
    }

    fn visit_f64<E>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "it is looked at whether there is any"
    )]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "an i128 holds what a u64 can become"
    )]
    fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
        let float = value as f64;
        match float as i128 == i128::from(value) {
            true => Ok(float),
            false => Err(E::custom(ROUNDS)),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "it is looked at whether there is any"
    )]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "an i128 holds what a u64 can become"
    )]
    fn visit_u64<E: Error>(self, value: u64) -> Result<f64, E> {
        let float = value as f64;
        match float as i128 == i128::from(value) {
            true => Ok(float),
            false => Err(E::custom(ROUNDS)),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<f64, E> {
        let Ok(float) = text.parse::<f64>() else {
            return Err(E::custom("this is not a number"));
        };
        if !float.is_finite() {
            let is_digits = text.bytes().any(|byte| byte.is_ascii_digit());
            return match is_digits {
                true => Err(E::custom("the number is too large for a Float64")),
                false => Ok(float),
            };
        }
        let is_whole = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-');
        let is_exact = match is_whole {
            true => format!("{float:.0}") == text,
            false => digits(text) <= 17,
        };
        match is_exact {
            true => Ok(float),
            false => Err(E::custom(ROUNDS)),
        }
    }
}

/// Returns the number of significant digits.
fn digits(text: &str) -> usize {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let mantissa = match mantissa.contains('.') {
        true => mantissa.trim_end_matches('0'),
        false => mantissa,
    };
    let mantissa = mantissa.trim_start_matches(['-', '+', '0', '.']);
    mantissa.bytes().filter(u8::is_ascii_digit).count()
}
