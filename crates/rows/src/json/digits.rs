//! Numbers in JSON text, eight digits at a time.

use crate::{error::Result, json::lexer::Lexer};

/// A number as written, with what was learnt from its digits on the way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number<'t> {
    pub(crate) text: &'t str,
    /// Neither a fraction nor an exponent.
    pub(crate) whole: bool,
    /// Its digits without sign and point, if they are few enough for this and have no exponent.
    pub(crate) digits: Option<u64>,
    /// How many of the digits stand behind the point.
    pub(crate) scale: usize,
}

impl Number<'_> {
    /// Whether it has more digits than a float is ever written with, so that it must be a decimal.
    pub(crate) fn is_longer_than_a_float(&self) -> bool {
        let mantissa = self.text.split(['e', 'E']).next().unwrap_or_default();
        let digits = mantissa.trim_start_matches(['-', '0', '.']).bytes();
        digits.filter(u8::is_ascii_digit).count() > 17
    }
}

impl<'t> Lexer<'t, '_> {
    /// Takes an integer of at most eighteen digits, or nothing.
    #[inline]
    pub(crate) fn small_integer(&mut self) -> Option<i64> {
        let bytes = self.text.as_bytes();
        let negative = bytes.get(self.at) == Some(&b'-');
        let first = self.at + usize::from(negative);
        let mut end = first;
        let mut value = 0_i64;
        while let Some(digit) = bytes.get(end).map(|byte| byte.wrapping_sub(b'0'))
            && digit < 10
        {
            value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
            end += 1;
        }
        let plain = matches!(bytes.get(end), Some(b',' | b'}' | b']'));
        let count = end - first;
        if !plain || count == 0 || count > 18 || (bytes[first] == b'0' && count > 1) {
            return None;
        }
        self.at = end;
        Some(if negative { -value } else { value })
    }

    /// Takes a number.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<Number<'t>> {
        self.peek()?;
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut value = 0_u64;
        let mut digits = |mut at: usize| {
            while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk())
                && let Some(eight) = eight_digits(*eight)
            {
                value = value.wrapping_mul(100_000_000).wrapping_add(eight);
                at += 8;
            }
            while let Some(digit) = bytes.get(at).map(|byte| byte.wrapping_sub(b'0'))
                && digit < 10
            {
                value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
                at += 1;
            }
            at
        };
        let first = start + usize::from(bytes.get(start) == Some(&b'-'));
        let mut end = digits(first);
        let mut count = end - first;
        let mut scale = 0;
        let mut valid = count > 0 && (count == 1 || bytes[first] != b'0');
        if bytes.get(end) == Some(&b'.') {
            let after = digits(end + 1);
            scale = after - end - 1;
            count += scale;
            valid &= scale > 0;
            end = after;
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

    /// Steps over a number.
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

/// Whether eight bytes are all digits.
#[inline]
fn are_digits(word: u64) -> bool {
    const SIXES: u64 = 0x0606_0606_0606_0606;
    word & HALVES == ZEROS && word.wrapping_add(SIXES) & HALVES == ZEROS
}

const HALVES: u64 = 0xf0f0_f0f0_f0f0_f0f0;
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The number that eight digits are, if they are digits.
#[inline]
fn eight_digits(text: [u8; 8]) -> Option<u64> {
    let word = u64::from_le_bytes(text);
    if !are_digits(word) {
        return None;
    }
    // Neighbours become numbers of two digits, of four, of eight: the first is the lowest byte.
    let ones = word & !HALVES;
    let twos = (ones * 10 + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (twos * 100 + (twos >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours * 10_000 + (fours >> 32)) & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_digits_are_their_number() {
        let mut random = fastrand::Rng::with_seed(8);
        for _ in 0..10_000 {
            let number = random.u64(..100_000_000);
            let text = format!("{number:08}");
            let mut bytes = [0; 8];
            bytes.copy_from_slice(text.as_bytes());
            assert_eq!(eight_digits(bytes), Some(number));
            let at = random.usize(..8);
            bytes[at] = random.u8(..);
            assert_eq!(
                eight_digits(bytes).is_some(),
                bytes[at].is_ascii_digit(),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn numbers_are_taken_and_passed_by_the_same_grammar() {
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
