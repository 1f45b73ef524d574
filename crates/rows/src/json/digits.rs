//! Numbers in JSON text, eight digits at a time.

use crate::{error::Result, json::lexer::Lexer};

/// A number as written, with properties of its digits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number<'t> {
    pub(crate) text: &'t str,
    /// Whether it has neither a fraction nor an exponent.
    pub(crate) whole: bool,
    /// The digits without sign and decimal point, if they fit and there is no exponent.
    pub(crate) digits: Option<u64>,
    /// The number of digits after the decimal point.
    pub(crate) scale: usize,
}

impl Number<'_> {
    /// Returns whether it has more digits than floats are written with, so that it must be a
    /// decimal.
    pub(crate) fn is_longer_than_a_float(&self) -> bool {
        let mantissa = self.text.split(['e', 'E']).next().unwrap_or_default();
        let digits = mantissa.trim_start_matches(['-', '0', '.']).bytes();
        digits.filter(u8::is_ascii_digit).count() > 17
    }
}

impl<'t> Lexer<'t, '_> {
    /// Reads an integer of at most eighteen digits, or nothing.
    #[inline]
    pub(crate) fn small_integer(&mut self) -> Option<i64> {
        let bytes = self.text.as_bytes();
        let negative = bytes.get(self.at) == Some(&b'-');
        let first = self.at + usize::from(negative);
        let Digits { value, count } = digits(bytes, first);
        let end = first + count;
        let plain = matches!(bytes.get(end), Some(b',' | b'}' | b']'));
        if !plain || count == 0 || count > 18 || (bytes[first] == b'0' && count > 1) {
            return None;
        }
        let value = i64::try_from(value).ok()?;
        self.at = end;
        Some(if negative { -value } else { value })
    }

    /// Reads a number.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<Number<'t>> {
        self.peek()?;
        let bytes = self.text.as_bytes();
        let start = self.at;
        let first = start + usize::from(bytes.get(start) == Some(&b'-'));
        let whole = digits(bytes, first);
        let mut end = first + whole.count;
        let mut count = whole.count;
        let mut value = whole.value;
        let mut scale = 0;
        let mut valid = count > 0 && (count == 1 || bytes[first] != b'0');
        if bytes.get(end) == Some(&b'.') {
            let fraction = digits(bytes, end + 1);
            scale = fraction.count;
            count += scale;
            valid &= scale > 0;
            end += 1 + scale;
            if count <= 19 {
                value = value * POWERS[scale] + fraction.value;
            }
        }
        let whole_digits = scale == 0;
        // Nineteen digits always fit.
        let value = (count <= 19).then_some(value);
        let exponent = matches!(bytes.get(end), Some(b'e' | b'E'));
        if exponent {
            let signed = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let digits = bytes.get(signed..).unwrap_or_default();
            let count = digits
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            valid &= count > 0;
            end = signed + count;
        }
        if !valid {
            return Err(self.broken("expected a value"));
        }
        self.at = end;
        Ok(Number {
            text: &self.text[start..end],
            whole: whole_digits && !exponent,
            digits: value.filter(|_| !exponent),
            scale,
        })
    }

    /// Skips a number.
    #[inline]
    pub(crate) fn skip_number(&mut self) -> Result<()> {
        let bytes = self.text.as_bytes();
        let digits = |mut at: usize| {
            while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk())
                && are_digits(u64::from_le_bytes(*eight))
            {
                at += 8;
            }
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        let first = self.at + usize::from(bytes.get(self.at) == Some(&b'-'));
        let mut end = digits(first);
        let count = end - first;
        let mut valid = count > 0 && (count == 1 || bytes[first] != b'0');
        if bytes.get(end) == Some(&b'.') {
            let after = digits(end + 1);
            valid &= after > end + 1;
            end = after;
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let signed = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            end = digits(signed);
            valid &= end > signed;
        }
        if !valid {
            return Err(self.broken("expected a value"));
        }
        self.at = end;
        Ok(())
    }
}

/// Returns whether eight bytes are all digits.
#[inline]
fn are_digits(word: u64) -> bool {
    word & HALVES == ZEROS && word.wrapping_add(SIXES) & HALVES == ZEROS
}

const HALVES: u64 = 0xf0f0_f0f0_f0f0_f0f0;
const ZEROS: u64 = 0x3030_3030_3030_3030;
const SIXES: u64 = 0x0606_0606_0606_0606;

/// The digits from a position on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digits {
    /// The value of the digits, if there are at most nineteen.
    pub(crate) value: u64,
    pub(crate) count: usize,
}

/// Reads all digits from `at` on.
#[inline]
pub(crate) fn digits(bytes: &[u8], at: usize) -> Digits {
    let mut value = 0_u64;
    let mut count = 0;
    loop {
        let rest = bytes.get(at + count..).unwrap_or_default();
        let word = match rest.first_chunk() {
            Some(eight) => u64::from_le_bytes(*eight),
            None => last_word(rest),
        };
        // A byte that is not a digit has a bit set in its upper half. Only such a byte causes a
        // carry, and only the lowest such byte counts.
        let values = word ^ ZEROS;
        let others = (values | values.wrapping_add(SIXES)) & HALVES;
        if others == 0 {
            value = value.wrapping_mul(100_000_000).wrapping_add(joined(values));
            count += 8;
            continue;
        }
        let more = others.trailing_zeros() as usize / 8;
        if more > 0 {
            // Leading zeros.
            value = value
                .wrapping_mul(POWERS[more])
                .wrapping_add(joined(values << (64 - 8 * more)));
        }
        return Digits {
            value,
            count: count + more,
        };
    }
}

/// Returns the last bytes, of which there are fewer than eight.
#[cold]
fn last_word(rest: &[u8]) -> u64 {
    let mut last = [0; 8];
    for (last, byte) in last.iter_mut().zip(rest) {
        *last = *byte;
    }
    u64::from_le_bytes(last)
}

/// The powers of ten that fit.
pub(crate) const POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut at = 1;
    while at < 20 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// Returns the number of eight digits, the first in the lowest byte.
#[inline]
fn joined(ones: u64) -> u64 {
    // Neighbors are joined to numbers of two digits, of four, of eight.
    let twos = (ones * 10 + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (twos * 100 + (twos >> 16)) & 0x0000_ffff_0000_ffff;
    (fours * 10_000 + (fours >> 32)) & 0xffff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_counted_and_valued() {
        let mut random = fastrand::Rng::with_seed(10);
        for _ in 0..100_000 {
            let count = random.usize(..21);
            let mut text: String = (0..count).map(|_| random.digit(10)).collect();
            let value = text.parse::<u64>().unwrap_or_default();
            let behind = random.usize(..10);
            if behind > 0 {
                text.push(char::from(
                    *random.choice(b"/:,.\"xe}\xff").unwrap_or(&b' '),
                ));
                text.extend((1..behind).map(|_| random.alphanumeric()));
            }
            let found = digits(text.as_bytes(), 0);
            assert_eq!(found.count, count, "{text}");
            assert!(count > 19 || found.value == value, "{text}");
        }
    }

    #[test]
    fn reading_and_skipping_accept_the_same_numbers() {
        let pieces = [
            "0", "1", "12345678", "99999999", ".", "-", "e", "E", "+", "7",
        ];
        let mut random = fastrand::Rng::with_seed(9);
        for _ in 0..50_000 {
            let length = random.usize(1..7);
            let text: String = (0..length)
                .map(|_| pieces[random.usize(..pieces.len())])
                .collect();
            let (mut taken, mut passed) = (Lexer::lending(&text), Lexer::lending(&text));
            let (number, skipped) = (taken.number(), passed.skip_number());
            assert_eq!(number.is_ok(), skipped.is_ok(), "{text}");
            assert_eq!(taken.position(), passed.position(), "{text}");
            if let Ok(number) = number {
                let whole = number.text.len() == text.len();
                let json = serde_json::from_str::<serde_json::Number>(&text);
                assert!(
                    !whole || json.is_ok() || text.contains(['e', 'E']),
                    "{text}"
                );
                let digits = number.text.trim_start_matches('-').replace('.', "");
                if let Some(value) = number.digits {
                    assert_eq!(digits.parse(), Ok(value), "{text}");
                }
            }
        }
    }
}
