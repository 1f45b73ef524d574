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
//! Zeros at the end of a fraction go; a text that is none of these stays as it was sent.

use std::fmt::{self, Write as _};

use super::parts::{Parts, Zone, matches_shape};
use crate::types::{ColumnType, LogicalType, TimeZone};

/// What to make of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// A point in time: one without a zone is UTC.
    Instant,
    /// A date and time, with an offset only if one was sent.
    Timestamp,
    /// A date; one with a time of day other than midnight stays a timestamp.
    Date,
    /// A date and time without an offset, when it is UTC.
    Civil,
    /// The column has no declared type: only what is clearly a date with a time.
    Guess,
}

/// A normal form, in place.
pub(crate) struct Normal {
    bytes: [u8; 72],
    len: usize,
}

impl Normal {
    pub(crate) fn as_str(&self) -> &str {
        // Only whole `str`s are written, so this is always text.
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

/// The date that `text` is, where a date is wanted and it is written in the ways that the services
/// write dates.
#[inline]
pub(crate) fn plain_date(text: &str, wish: Wish) -> Option<&str> {
    if wish != Wish::Date {
        return None;
    }
    let (date, rest) = text.split_at_checked(10)?;
    let is_midnight = matches!(rest, "" | "T00:00:00Z" | "T00:00:00.000Z");
    (is_midnight && matches_shape(date, b"0000-00-00")).then_some(date)
}

/// The normal form of `text`, or nothing if it should stay as it is.
pub(crate) fn normalize(text: &str, wish: Wish) -> Option<Normal> {
    let parts = Parts::of(text)?;
    let mut out = Normal {
        bytes: [0; 72],
        len: 0,
    };
    parts.write(wish, &mut out)?;
    (out.as_str() != text).then_some(out)
}

impl Wish {
    /// What a declared type asks for.
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

/// Whether `text` is a date, with or without a time.
pub(crate) fn is_date(text: &str) -> bool {
    Parts::of(text).is_some()
}

/// Whether `text` has neither an offset nor a zone.
pub(crate) fn is_civil(text: &str) -> bool {
    Parts::of(text).is_some_and(|parts| parts.zone == Zone::Absent)
}

/// Whether `text` is a date with a time beyond doubt, so that no declared type is needed.
pub(crate) fn is_clear(text: &str) -> bool {
    Parts::of(text).is_some_and(|parts| parts.is_clear())
}

/// `12:30:00.500` without the zeros at the end of the fraction.
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
