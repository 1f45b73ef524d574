//! Decimals from their digits, exactly.

use std::fmt;

use arrow_buffer::i256;
use serde::de::{Error, Visitor};

/// The precision and scale of a decimal column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal {
    pub(crate) precision: u8,
    pub(crate) scale: i8,
}

/// Reads a number as the integer that a decimal column stores for it.
pub(crate) struct Digits<F>(pub(crate) Decimal, pub(crate) F);

impl<N, F: FnOnce(&Exact<'_>) -> N> Visitor<'_> for Digits<F> {
    type Value = N;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<N, E> {
        let exact = self.0.exact(text).map_err(E::custom)?;
        Ok((self.1)(&exact))
    }
}

/// The digits of a number in units of the last decimal place of the column, checked to fit.
pub(crate) struct Exact<'t> {
    is_negative: bool,
    whole: &'t [u8],
    fraction: &'t [u8],
    /// The number of zeros that follow.
    zeros: u32,
}

impl Decimal {
    pub(crate) fn exact(self, text: &str) -> Result<Exact<'_>, &'static str> {
        let unsigned = text.strip_prefix('-');
        let is_negative = unsigned.is_some();
        let unsigned = unsigned.unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| NOT_ONE)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let (mut whole, mut fraction) = (whole.as_bytes(), fraction.as_bytes());
        if whole.is_empty() || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
            return Err(NOT_ONE);
        }
        while let [b'0', rest @ ..] = whole {
            whole = rest;
        }
        let mut shift = i64::from(self.scale) + i64::from(exponent) - length(fraction);
        while shift < 0 {
            let last = match (fraction, whole) {
                ([rest @ .., last], _) => {
                    fraction = rest;
                    last
                }
                ([], [rest @ .., last]) => {
                    whole = rest;
                    last
                }
                ([], []) => break,
            };
            if *last != b'0' {
                return Err("the number has more digits after the decimal point than the type");
            }
            shift += 1;
        }
        let leading = match whole {
            [] => fraction.iter().take_while(|digit| **digit == b'0').count(),
            _ => 0,
        };
        let digits = length(whole) + length(&fraction[leading..]);
        if digits > 0 && digits + shift > i64::from(self.precision) {
            return Err("the number has more digits than the type");
        }
        Ok(Exact {
            is_negative,
            whole,
            fraction: &fraction[leading..],
            zeros: match digits {
                0 => 0,
                _ => u32::try_from(shift).unwrap_or(0),
            },
        })
    }
}

const NOT_ONE: &str = "this is not a number that a decimal can hold";

fn length(digits: &[u8]) -> i64 {
    i64::try_from(digits.len()).unwrap_or(i64::MAX)
}

impl Exact<'_> {
    /// Returns the value, of at most 38 digits.
    pub(crate) fn to_i128(&self) -> i128 {
        let mut value = 0_i128;
        for part in [self.whole, self.fraction] {
            for chunk in part.chunks(18) {
                let (number, power) = small(chunk);
                value = value * i128::from(power) + i128::from(number);
            }
        }
        value *= 10_i128.pow(self.zeros);
        if self.is_negative { -value } else { value }
    }

    /// Returns the value, of at most 76 digits.
    pub(crate) fn to_i256(&self) -> i256 {
        let mut value = i256::ZERO;
        for part in [self.whole, self.fraction] {
            for chunk in part.chunks(18) {
                let (number, power) = small(chunk);
                let power = i256::from_i128(power.into());
                let number = i256::from_i128(number.into());
                value = value.wrapping_mul(power).wrapping_add(number);
            }
        }
        value = value.wrapping_mul(i256::from_i128(10).wrapping_pow(self.zeros));
        match self.is_negative {
            true => value.wrapping_neg(),
            false => value,
        }
    }
}

/// Returns the value of up to 18 digits, and the power of ten by which they shift the digits
/// before.
fn small(digits: &[u8]) -> (i64, i64) {
    digits.iter().fold((0, 1), |(value, power), digit| {
        (value * 10 + i64::from(digit - b'0'), power * 10)
    })
}
