//! Dates and times in one normal form.
//!
//! | sent | normal form |
//! |---|---|
//! | `2021-06-07 13:21:10.000 UTC`, `2021-06-07T13:21:10Z` | `2021-06-07T13:21:10+00:00` |
//! | `2022-05-04 00:00:00` | `2022-05-04T00:00:00` |
//! | `2022-05-04T00:00:00Z` in a date column | `2022-05-04` |
//! | `2019-09-16T14:32:40,Europe/Moscow` | `2019-09-16T14:32:40[Europe/Moscow]` |
//! | `0044-03-15 12:00:00 BC` | `-000043-03-15T12:00:00` |
//!
//! Zeros at the end of a fraction are removed. Other text stays unchanged.

use std::fmt::{self, Write as _};

use super::{
    fixed,
    parts::{Parts, Zone, matches_shape},
};
use crate::types::{ColumnType, LogicalType, TimeZone};

/// How to interpret a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// A point in time. Without a zone it is in UTC.
    Instant,
    /// A date and time, with an offset only if one was sent.
    Timestamp,
    /// A date. One with a time of day other than midnight stays a timestamp.
    Date,
    /// A date and time. An offset of UTC is removed.
    Civil,
    /// The column has no declared type: only text that is certainly a date with a time changes.
    Guess,
}

/// A normal form, without allocation.
pub(crate) struct Normal {
    bytes: [u8; 72],
    len: usize,
}

impl Normal {
    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    pub(crate) fn as_str(&self) -> &str {
        // Only whole `str`s are written, so this is always UTF-8.
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl fmt::Write for Normal {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        let room = self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// Returns the date in `text`, if a date is requested and the text has a form that the services
/// write.
#[inline]
pub(crate) fn plain_date(text: &str, wish: Wish) -> Option<&str> {
    if wish != Wish::Date {
        return None;
    }
    let (date, rest) = text.split_at_checked(10)?;
    let is_midnight = matches!(rest, "" | "T00:00:00Z" | "T00:00:00.000Z");
    (is_midnight && matches_shape(date, b"0000-00-00")).then_some(date)
}

/// Returns the normal form of `text`; `None` if the text stays unchanged.
#[inline]
pub(crate) fn normalize(text: &str, wish: Wish) -> Option<Normal> {
    let out = match usual(text.as_bytes(), wish) {
        Some(out) => out,
        None => by_parts(text, wish)?,
    };
    (out.as_bytes() != text.as_bytes()).then_some(out)
}

fn by_parts(text: &str, wish: Wish) -> Option<Normal> {
    let parts = Parts::of(text)?;
    let mut out = Normal {
        bytes: [0; 72],
        len: 0,
    };
    parts.write(wish, &mut out)?;
    Some(out)
}

/// Returns the normal form of the usual text: a date with a time, a fraction of up to nine digits
/// or none, and UTC or no zone.
#[inline]
fn usual(text: &[u8], wish: Wish) -> Option<Normal> {
    let head = text.first_chunk::<19>()?;
    if wish == Wish::Date || !fixed::has_layout(head) {
        return None;
    }
    let mut bytes = [0; 72];
    bytes[..19].copy_from_slice(head);
    bytes[10] = b'T';
    let mut len = 19;
    let mut rest = &text[19..];
    if let [b'.', behind @ ..] = rest {
        let digits = behind.iter().take_while(|byte| byte.is_ascii_digit());
        let count = digits.count();
        if !(1..=9).contains(&count) {
            return None;
        }
        let (digits, zone) = behind.split_at(count);
        rest = zone;
        let zeros = digits.iter().rev().take_while(|digit| **digit == b'0');
        let kept = count - zeros.count();
        if kept > 0 {
            bytes[19] = b'.';
            bytes[20..20 + kept].copy_from_slice(&digits[..kept]);
            len += 1 + kept;
        }
    }
    let has_zone = match rest {
        b"Z" | b" UTC" => true,
        b"" => false,
        _ => return None,
    };
    if wish == Wish::Instant || (has_zone && wish != Wish::Civil) {
        bytes[len..len + 6].copy_from_slice(b"+00:00");
        len += 6;
    }
    Some(Normal { bytes, len })
}

impl Wish {
    /// Returns the interpretation for a declared type.
    #[inline]
    pub(crate) fn of(declared: &ColumnType) -> Option<Self> {
        match declared.logical {
            LogicalType::Timestamp {
                zone: TimeZone::Utc,
                ..
            } => Some(Self::Instant),
            LogicalType::Timestamp { .. } => Some(Self::Timestamp),
            LogicalType::Date => Some(Self::Date),
            LogicalType::Undeclared => Some(Self::Guess),
            _ => None,
        }
    }
}

/// Returns whether `text` is a date, with or without a time.
pub(crate) fn is_date(text: &str) -> bool {
    Parts::of(text).is_some()
}

/// Returns whether `text` has neither an offset nor a zone.
pub(crate) fn is_civil(text: &str) -> bool {
    Parts::of(text).is_some_and(|parts| parts.zone == Zone::Absent)
}

/// Returns whether `text` is certainly a date with a time, so that no declared type is needed.
pub(crate) fn is_clear(text: &str) -> bool {
    Parts::of(text).is_some_and(|parts| parts.is_clear())
}

/// Returns `12:30:00.500` without the zeros at the end of the fraction.
pub(crate) fn time(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|byte| byte.is_ascii_digit()) => {
            let kept = fraction.trim_end_matches('0');
            let dot = usize::from(!kept.is_empty());
            &text[..whole.len() + dot + kept.len()]
        }
        _ => text,
    }
}

impl Parts<'_> {
    fn write(&self, wish: Wish, out: &mut Normal) -> Option<()> {
        let utc = matches!(self.zone, Zone::Absent | Zone::Utc);
        if wish == Wish::Guess && !self.is_clear() {
            return None;
        }
        out.write_str(&self.iso_date()?).ok()?;
        let midnight = matches!(self.time, None | Some(("00:00:00", "")));
        if wish == Wish::Date && midnight && utc {
            return Some(());
        }
        let dated = self.time.is_none();
        if dated && !matches!(wish, Wish::Instant | Wish::Civil) {
            return self.write_zone(wish, out);
        }
        let (clock, fraction) = self.time.unwrap_or(("00:00:00", ""));
        out.write_str("T").ok()?;
        out.write_str(clock).ok()?;
        if !fraction.is_empty() {
            out.write_str(".").ok()?;
            out.write_str(fraction).ok()?;
        }
        self.write_zone(wish, out)
    }

    fn write_zone(&self, wish: Wish, out: &mut Normal) -> Option<()> {
        match self.zone {
            Zone::Absent if wish == Wish::Instant => out.write_str("+00:00"),
            Zone::Absent => Ok(()),
            Zone::Utc if wish == Wish::Civil => Ok(()),
            Zone::Utc => out.write_str("+00:00"),
            Zone::Offset(offset) if offset.len() == 3 => write!(out, "{offset}:00"),
            Zone::Offset(offset) => out.write_str(offset),
            Zone::Named(name) => write!(out, "[{name}]"),
        }
        .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_normal_forms_equal_parsed_parts() {
        let mut random = fastrand::Rng::with_seed(72);
        let mut taken = 0;
        for _ in 0..100_000 {
            let mut text = format!(
                "{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}",
                random.u32(..10_000),
                random.u32(..100),
                random.u32(..100),
                ["T", " "][random.usize(..2)],
                random.u32(..100),
                random.u32(..100),
                random.u32(..100),
            );
            if random.bool() {
                let digits = random.usize(..11);
                text.push('.');
                text.extend((0..digits).map(|_| ['0', '7'][random.usize(..2)]));
            }
            text.push_str(["Z", " UTC", "", "+00:00", " Z", " BC"][random.usize(..6)]);
            if random.u8(..4) == 0 {
                let at = random.usize(..text.len());
                let other = char::from(random.u8(b' '..b'~'));
                text.replace_range(at..=at, &other.to_string());
            }
            for wish in [
                Wish::Instant,
                Wish::Timestamp,
                Wish::Date,
                Wish::Civil,
                Wish::Guess,
            ] {
                if let Some(normal) = usual(text.as_bytes(), wish) {
                    taken += 1;
                    let slowly = by_parts(&text, wish);
                    let slowly = slowly.as_ref().map(Normal::as_str);
                    assert_eq!(Some(normal.as_str()), slowly, "{text} {wish:?}");
                }
            }
        }
        assert!(taken > 50_000, "{taken}");
    }
}
