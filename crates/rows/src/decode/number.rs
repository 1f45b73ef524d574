//! Numbers from their digits, without rounding.

use crate::json::digits::Number;

/// An integer, in the narrowest type that serde accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Integer {
    I64(i64),
    U64(u64),
    I128(i128),
    U128(u128),
}

/// The reason why digits are not an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    NotANumber,
    Fraction,
    TooWide,
}

impl Unfit {
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::NotANumber => "this is not a number: change the field's type",
            Self::Fraction => {
                "the number has a fraction, which an integer would lose: use `f64`, a decimal \
                 type or `String`"
            }
            Self::TooWide => {
                "the integer is wider than 128 bits: use a big-integer type or `String`, which \
                 keep every digit"
            }
        }
    }
}

impl Integer {
    /// Returns the integer that a JSON number equals.
    #[inline]
    pub(crate) fn of(number: Number<'_>) -> Result<Self, Unfit> {
        if let (true, Some(digits)) = (number.whole, number.digits)
            && let Ok(value) = i64::try_from(digits)
        {
            let negative = number.text.as_bytes()[0] == b'-';
            return Ok(Self::I64(if negative { -value } else { value }));
        }
        exact(number.text)
    }
}

/// Returns the integer that `text` equals.
///
/// A fraction of zeros and an exponent are valid if the value is whole: `1.0` and `1e3` are
/// integers, `1.5` is not.
#[inline]
pub(crate) fn integer(text: &str) -> Result<Integer, Unfit> {
    let bytes = text.as_bytes();
    let (negative, digits) = match bytes.first() {
        Some(b'-') => (true, &bytes[1..]),
        _ => (false, bytes),
    };
    // 18 digits always fit.
    if (1..=18).contains(&digits.len()) {
        let mut value = 0_i64;
        let mut plain = true;
        for digit in digits {
            plain &= digit.is_ascii_digit();
            value = value * 10 + i64::from(digit & 0x0f);
        }
        if plain {
            return Ok(Integer::I64(if negative { -value } else { value }));
        }
    }
    exact(text)
}

fn exact(text: &str) -> Result<Integer, Unfit> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent_value(exponent)?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err(Unfit::NotANumber);
    }
    let zeros = |text: &str| text.len() - text.trim_end_matches('0').len();
    let mut fraction = fraction;
    fraction = &fraction[..fraction.len() - zeros(fraction)];
    let mut scale = exponent.saturating_sub(i64::try_from(fraction.len()).unwrap_or(i64::MAX));
    let mut head = whole;
    if fraction.is_empty() {
        let trimmed = zeros(whole);
        head = &whole[..whole.len() - trimmed];
        scale = scale.saturating_add(i64::try_from(trimmed).unwrap_or(i64::MAX));
    }
    let mut value = 0_u128;
    for digit in head.bytes().chain(fraction.bytes()) {
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(u128::from(digit - b'0')))
            .ok_or(if scale < 0 {
                Unfit::Fraction
            } else {
                Unfit::TooWide
            })?;
    }
    if value == 0 {
        return Ok(Integer::I64(0));
    }
    if scale < 0 {
        return Err(Unfit::Fraction);
    }
    let power = u32::try_from(scale).map_err(|_| Unfit::TooWide)?;
    let value = 10_u128
        .checked_pow(power)
        .and_then(|power| value.checked_mul(power))
        .ok_or(Unfit::TooWide)?;
    narrowest(negative, value).ok_or(Unfit::TooWide)
}

/// Returns an exponent. One that is too large for `i64` counts as the largest.
fn exponent_value(text: &str) -> Result<i64, Unfit> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Unfit::NotANumber);
    }
    let value = digits.parse::<i64>().unwrap_or(i64::MAX);
    Ok(if negative { -value } else { value })
}

fn narrowest(negative: bool, value: u128) -> Option<Integer> {
    if negative {
        let value = 0_i128.checked_sub_unsigned(value)?;
        return Some(i64::try_from(value).map_or(Integer::I128(value), Integer::I64));
    }
    Some(if let Ok(value) = i64::try_from(value) {
        Integer::I64(value)
    } else if let Ok(value) = u64::try_from(value) {
        Integer::U64(value)
    } else if let Ok(value) = i128::try_from(value) {
        Integer::I128(value)
    } else {
        Integer::U128(value)
    })
}

/// Returns the nearest float, also for `NaN`, `inf` and `Infinity` with or without a sign.
///
/// `None` for text that is not a number, and for a number out of range.
#[inline]
pub(crate) fn float<F: Float>(text: &str) -> Option<F> {
    let value = text.parse::<F>().ok()?;
    let named = || text.trim_start_matches(['+', '-']).starts_with(['i', 'I']);
    (!value.is_infinite() || named()).then_some(value)
}

/// `f32` and `f64`. Each is read from the digits, never converted from the other.
pub(crate) trait Float: std::str::FromStr {
    fn is_infinite(&self) -> bool;

    /// Returns the float that is nearest to a JSON number.
    fn of(number: Number<'_>) -> Option<Self> {
        float(number.text)
    }
}

impl Float for f32 {
    fn is_infinite(&self) -> bool {
        f32::is_infinite(*self)
    }
}

impl Float for f64 {
    fn is_infinite(&self) -> bool {
        f64::is_infinite(*self)
    }

    #[inline]
    fn of(number: Number<'_>) -> Option<Self> {
        let value = number.digits.and_then(|digits| ratio(digits, number.scale));
        let Some(value) = value else {
            return float(number.text);
        };
        let negative = number.text.as_bytes()[0] == b'-';
        Some(if negative { -value } else { value })
    }
}

/// Returns the float nearest to `digits` / 10^`scale`; `None` for a scale above 22.
#[inline]
pub(crate) fn ratio(digits: u64, scale: usize) -> Option<f64> {
    if digits < 1 << 53 {
        // Both are exact floats, so one division returns the nearest.
        #[expect(clippy::cast_precision_loss, reason = "it is below 2^53")]
        return Some(digits as f64 / POWERS.get(scale)?);
    }
    rounded(digits, scale)
}

/// Divides more digits than a float holds: the quotient of integers, rounded once, ties to even.
fn rounded(digits: u64, scale: usize) -> Option<f64> {
    let fives = u128::from(*FIVES.get(scale)?);
    let shift = digits.leading_zeros() + 64;
    let dividend = u128::from(digits) << shift;
    // At least 2^127 / 5^22, so it has more bits than a float.
    let quotient = dividend / fives;
    let is_inexact = quotient * fives != dividend;
    let spare = 128 - quotient.leading_zeros() - 53;
    let (half, rest) = (1 << (spare - 1), quotient & ((1 << spare) - 1));
    #[expect(clippy::cast_possible_truncation, reason = "53 bits are left")]
    let mut mantissa = (quotient >> spare) as u64;
    let is_tie = rest == half && !is_inexact;
    mantissa += u64::from(rest >= half && (!is_tie || mantissa & 1 == 1));
    // One unit of the mantissa is 2^exponent, far from the limits of floats.
    let exponent = i64::from(spare) - i64::from(shift) - i64::try_from(scale).ok()?;
    let unit = f64::from_bits(u64::try_from(1023 + exponent).ok()? << 52);
    #[expect(clippy::cast_precision_loss, reason = "it is at most 2^53")]
    let value = mantissa as f64 * unit;
    Some(value)
}

/// Powers of five.
const FIVES: [u64; 23] = {
    let mut powers = [1; 23];
    let mut at = 1;
    while at < 23 {
        powers[at] = powers[at - 1] * 5;
        at += 1;
    }
    powers
};

const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Returns whether `text` is written as a number.
pub(crate) fn is_number(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit()) && text.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ratios_equal_parsed_floats() {
        let mut random = fastrand::Rng::with_seed(53);
        let check = |digits: u64, scale: usize| {
            let text = format!("{digits}e-{scale}");
            let value = ratio(digits, scale).unwrap();
            assert_eq!(value, text.parse::<f64>().unwrap(), "{text}");
        };
        for scale in 0..23 {
            for digits in [
                0,
                1,
                (1 << 53) - 1,
                1 << 53,
                (1 << 53) + 1,
                u64::MAX,
                1 << 63,
            ] {
                check(digits, scale);
            }
            // Halfway between two floats, and next to it.
            for power in 1..11 {
                for odd in [1, 3, 1001] {
                    let digits = ((1 << 53) + odd) << power | 1 << (power - 1);
                    for digits in digits - 1..digits + 2 {
                        check(digits, scale);
                    }
                }
            }
            for _ in 0..20_000 {
                check(random.u64(..) >> random.u32(..64), scale);
            }
        }
        assert_eq!(ratio(1, 23), None);
        assert_eq!(ratio(u64::MAX, 23), None);
    }
}
