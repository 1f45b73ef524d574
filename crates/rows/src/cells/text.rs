//! The text of a cell, read directly from the page in the usual forms of the services.

use crate::{
    datetime::fixed,
    decode::number::ratio,
    json::{
        digits::{Digits, POWERS, digits},
        lexer::quote_or_escape,
    },
    types::{ColumnType, Encoding},
};

/// The text of a page from the first byte of a cell on.
///
/// Each method reads a value in the form that services usually write, and returns it with the text
/// behind it. For every other form, valid or not, it returns `None`. Then read the cell as a
/// `Deserializer`, which accepts all forms and reports errors.
///
/// The methods do not check the text behind the value. The reader does.
#[derive(Clone, Copy, Debug)]
pub struct CellText<'a>(&'a str);

impl<'a> CellText<'a> {
    /// Returns `None` at the end of the text, or within a character.
    #[inline]
    pub(crate) fn new(text: &'a str, at: usize) -> Option<Self> {
        text.get(at..).map(Self)
    }

    /// Returns the number of bytes left.
    #[inline]
    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    #[inline]
    fn rest(self) -> &'a [u8] {
        self.0.as_bytes()
    }

    /// Returns the text behind this number of bytes.
    #[inline]
    fn skip(self, bytes: usize) -> Option<Self> {
        Self::new(self.0, bytes)
    }

    /// Reads exactly these bytes.
    #[inline]
    #[must_use]
    pub fn literal<const N: usize>(self, literal: &[u8; N]) -> Option<Self> {
        match self.rest().first_chunk() == Some(literal) {
            true => self.skip(N),
            false => None,
        }
    }

    /// Reads `null`.
    #[inline]
    #[must_use]
    pub fn null(self) -> Option<Self> {
        self.literal(b"null")
    }

    /// Reads a string without escapes, and returns the text between its quotes.
    #[inline]
    #[must_use]
    pub fn string(self) -> Option<(&'a str, Self)> {
        let bytes = self.rest();
        if bytes.first() != Some(&b'"') {
            return None;
        }
        let end = quote_or_escape(bytes, 1)?;
        if bytes[end] != b'"' {
            return None;
        }
        Some((self.0.get(1..end)?, self.skip(end + 1)?))
    }

    /// Reads an integer of up to 18 digits, bare or as a string.
    #[inline]
    #[must_use]
    pub fn integer(self) -> Option<(i64, Self)> {
        let bytes = self.rest();
        let is_quoted = bytes.first() == Some(&b'"');
        let start = usize::from(is_quoted);
        let is_negative = bytes.get(start) == Some(&b'-');
        let first = start + usize::from(is_negative);
        let Digits { value, count } = digits(bytes, first);
        if !(1..=18).contains(&count) {
            return None;
        }
        let mut end = first + count;
        if is_quoted {
            if bytes.get(end) != Some(&b'"') {
                return None;
            }
            end += 1;
        } else if !is_end(bytes.get(end)) || (count > 1 && bytes[first] == b'0') {
            return None;
        }
        let value = i64::try_from(value).ok()?;
        let value = if is_negative { -value } else { value };
        Some((value, self.skip(end)?))
    }

    /// Reads a bare number without an exponent, of up to 19 digits, as the nearest float.
    #[inline]
    #[must_use]
    pub fn float(self) -> Option<(f64, Self)> {
        let (number, behind) = self.number()?;
        let value = ratio(number.digits, number.scale)?;
        Some((if number.is_negative { -value } else { value }, behind))
    }

    /// Reads a number as a float if that loses no digit: an integer below 2^53, bare or as a
    /// string, or a bare number with a fraction and up to 17 digits.
    #[inline]
    #[must_use]
    pub fn exact_float(self) -> Option<(f64, Self)> {
        if let Some((value, behind)) = self.integer() {
            #[expect(clippy::cast_precision_loss, reason = "it is below 2^53")]
            return (value.unsigned_abs() < 1 << 53).then_some((value as f64, behind));
        }
        let (number, behind) = self.number()?;
        if number.scale == 0 || number.digits >= 100_000_000_000_000_000 {
            return None;
        }
        let value = ratio(number.digits, number.scale)?;
        Some((if number.is_negative { -value } else { value }, behind))
    }

    #[inline]
    fn number(self) -> Option<(Plain, Self)> {
        let bytes = self.rest();
        let is_negative = bytes.first() == Some(&b'-');
        let first = usize::from(is_negative);
        let whole = digits(bytes, first);
        let mut end = first + whole.count;
        if whole.count == 0 || whole.count > 19 || (whole.count > 1 && bytes[first] == b'0') {
            return None;
        }
        let (mut value, mut scale) = (whole.value, 0);
        if bytes.get(end) == Some(&b'.') {
            let fraction = digits(bytes, end + 1);
            scale = fraction.count;
            if scale == 0 || whole.count + scale > 19 {
                return None;
            }
            // Nineteen digits always fit.
            value = value * POWERS[scale] + fraction.value;
            end += 1 + scale;
        }
        let number = Plain {
            is_negative,
            digits: value,
            scale,
        };
        match is_end(bytes.get(end)) {
            true => Some((number, self.skip(end)?)),
            false => None,
        }
    }

    /// Reads a number, bare or as a string, and returns its text. The content of a string is not
    /// checked.
    #[inline]
    #[must_use]
    pub fn numeral(self) -> Option<(&'a str, Self)> {
        if self.rest().first() == Some(&b'"') {
            return self.string();
        }
        let (_, behind) = self.number()?;
        Some((self.0.get(..self.len() - behind.len())?, behind))
    }

    /// Reads `true` or `false`.
    #[inline]
    #[must_use]
    pub fn boolean(self) -> Option<(bool, Self)> {
        if let Some(behind) = self.literal(b"true") {
            return Some((true, behind));
        }
        Some((false, self.literal(b"false")?))
    }

    /// Reads a date and time with a year of four digits, as a string: `2024-02-29 12:30:45.999 UTC`
    /// or `2024-02-29T12:30:45.999Z`, with up to nine digits of a fraction or none, in UTC or
    /// without a zone. Returns the seconds since 1970 and the nanoseconds within the second.
    #[inline]
    #[must_use]
    pub fn timestamp(self) -> Option<((i64, u32), Self)> {
        let text = self.rest().strip_prefix(b"\"")?;
        let (time, len) = fixed::timestamp(text)?;
        match text.get(len) {
            Some(b'"') => Some((time, self.skip(len + 2)?)),
            _ => None,
        }
    }

    /// Reads a date with a year of four digits, as a string, optionally with midnight in UTC.
    /// Returns the days since 1970.
    #[inline]
    #[must_use]
    pub fn date(self) -> Option<(i32, Self)> {
        let text = self.rest().strip_prefix(b"\"")?;
        let days = fixed::date(text)?;
        let len = match &text[10..] {
            [b'"', ..] => 10,
            rest if rest.starts_with(b"T00:00:00Z\"") => 20,
            rest if rest.starts_with(b"T00:00:00.000Z\"") => 24,
            _ => return None,
        };
        Some((days, self.skip(len + 2)?))
    }

    /// Reads a string without escapes in a column that is declared as bytes, decodes it, and
    /// appends the bytes to `out`.
    #[inline]
    pub fn bytes(self, declared: &ColumnType, out: &mut Vec<u8>) -> Option<Self> {
        match declared.encoding {
            Encoding::Hex => self.hex(out),
            Encoding::Base64 => self.base64(out),
            _ => None,
        }
    }

    fn hex(self, out: &mut Vec<u8>) -> Option<Self> {
        let digits = self.literal(b"\"0x")?.rest();
        let held = out.len();
        let mut read = 0;
        // A hash has 64 digits.
        if let Some(hash) = digits.first_chunk::<64>()
            && let Some(bytes) = many_hex_digits::<64, 32>(hash)
        {
            out.extend_from_slice(&bytes);
            read = 64;
        }
        while let Some(eight) = digits.get(read..).and_then(|rest| rest.first_chunk())
            && let Some(bytes) = many_hex_digits::<8, 4>(eight)
        {
            out.extend_from_slice(&bytes);
            read += 8;
        }
        let is_whole = loop {
            match digits.get(read..) {
                Some([b'"', ..]) => break true,
                Some([high, low, ..]) => {
                    let Some([byte]) = many_hex_digits::<2, 1>(&[*high, *low]) else {
                        break false;
                    };
                    out.push(byte);
                    read += 2;
                }
                _ => break false,
            }
        };
        if !is_whole {
            out.truncate(held);
            return None;
        }
        self.skip(read + 4)
    }

    fn base64(self, out: &mut Vec<u8>) -> Option<Self> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let (text, behind) = self.string()?;
        let held = out.len();
        match STANDARD.decode_vec(text, out) {
            Ok(()) => Some(behind),
            Err(_) => {
                out.truncate(held);
                None
            }
        }
    }
}

/// A number without an exponent.
struct Plain {
    is_negative: bool,
    digits: u64,
    scale: usize,
}

/// Returns whether a bare value ends before this byte. Blanks are not handled here.
#[inline]
fn is_end(byte: Option<&u8>) -> bool {
    matches!(byte, Some(b',' | b'}' | b']'))
}

/// Decodes a fixed number of hexadecimal digits, in words of two digits, which the compiler
/// vectorizes.
#[inline]
fn many_hex_digits<const DIGITS: usize, const BYTES: usize>(
    digits: &[u8; DIGITS],
) -> Option<[u8; BYTES]> {
    let mut wrong = 0;
    let mut bytes = [0; BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
        let word = u16::from_le_bytes(*pair);
        // This bit is set in letters. Their low bits count from 1.
        let letters = (word >> 6) & 0x0101;
        let values = (word & 0x0f0f) + letters * 9;
        // The digits of these values, in the same case.
        let written = values + 0x3030 + letters * 7 + (word & (letters << 5));
        let above_nine = (values + 0x0606) & 0x1010;
        wrong |= (written ^ word) | (values & 0xf0f0) | (above_nine ^ (letters << 4));
        #[expect(clippy::cast_possible_truncation, reason = "the rest is cut off")]
        let both = (values << 4 | values >> 8) as u8;
        *byte = both;
    }
    (wrong == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hex_words_equal_single_digits() {
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let value = digit(first).zip(digit(second));
                let value = value.map(|(high, low)| [u8::try_from(high * 16 + low).unwrap()]);
                let read = many_hex_digits::<2, 1>(&[first, second]);
                assert_eq!(read, value, "{first} {second}");
                let mut many = *b"0123456789abcdefABCDEF0123456789";
                many[6] = first;
                many[7] = second;
                let read = many_hex_digits::<32, 16>(&many);
                assert_eq!(read.map(|bytes| [bytes[3]]), value, "{first} {second}");
            }
        }
    }

    /// Returns the value and the number of bytes read.
    fn taken<'a, T>(
        text: &'a str,
        take: impl FnOnce(CellText<'a>) -> Option<(T, CellText<'a>)>,
    ) -> Option<(T, usize)> {
        let (value, behind) = take(CellText::new(text, 0)?)?;
        Some((value, text.len() - behind.len()))
    }

    #[test]
    fn only_usual_forms_take_the_fast_path() {
        assert_eq!(taken("\"a ü\",", CellText::string), Some(("a ü", 6)));
        assert_eq!(taken("\"a\\n\",", CellText::string), None);
        assert_eq!(taken("\"a", CellText::string), None);
        for (text, value) in [
            ("0,", Some((0, 1))),
            ("-12}", Some((-12, 3))),
            ("\"-12\"", Some((-12, 5))),
            ("\"007\"", Some((7, 5))),
            ("123456789012345678]", Some((123_456_789_012_345_678, 18))),
            ("1234567890123456789]", None),
            ("007,", None),
            ("-,", None),
            ("1", None),
            ("1 ,", None),
            ("1.0,", None),
            ("1e3,", None),
            ("\"1", None),
            ("\"\"", None),
            ("\"1x\"", None),
        ] {
            assert_eq!(taken(text, CellText::integer), value, "{text}");
        }
        for (text, value) in [
            ("0.1,", Some((0.1, 3))),
            ("-2.50]", Some((-2.5, 5))),
            ("12}", Some((12.0, 2))),
            ("1e3,", None),
            ("1.,", None),
            (".5,", None),
            ("01.5,", None),
            ("\"1.5\"", None),
            ("1.5", None),
        ] {
            assert_eq!(taken(text, CellText::float), value, "{text}");
        }
        let (zero, _) = taken("-0,", CellText::float).unwrap();
        assert!(zero.is_sign_negative());
        for (text, value) in [
            ("9007199254740991,", Some((9_007_199_254_740_991.0, 16))),
            ("9007199254740993,", None),
            ("\"42\"", Some((42.0, 4))),
            ("0.12345678901234567,", Some((0.123_456_789_012_345_67, 19))),
            ("0.123456789012345678,", None),
            ("10000000000000000000,", None),
        ] {
            assert_eq!(taken(text, CellText::exact_float), value, "{text}");
        }
    }

    #[test]
    fn invalid_bytes_append_nothing() {
        let hex = ColumnType::hex_bytes();
        let base64 = ColumnType::base64_bytes();
        for (text, declared, bytes) in [
            ("\"0x\"", &hex, Some(&[][..])),
            ("\"0xaB\"", &hex, Some(&[0xab])),
            ("\"0x0011223344556677889\"", &hex, None),
            (
                "\"0x00112233445566778899\",\"0x",
                &hex,
                Some(&[0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99]),
            ),
            ("\"0x001122334455667g\"", &hex, None),
            ("\"0011\"", &hex, None),
            ("\"0x00", &hex, None),
            ("\"AAE=\"", &base64, Some(&[0, 1])),
            ("\"AAE\"", &base64, None),
            ("\"0x00\"", &ColumnType::text(), None),
        ] {
            let mut out = vec![7];
            let taken = CellText::new(text, 0).unwrap().bytes(declared, &mut out);
            assert_eq!(taken.is_some(), bytes.is_some(), "{text}");
            assert_eq!(out[0], 7);
            assert_eq!(&out[1..], bytes.unwrap_or_default(), "{text}");
        }
    }
}
