//! Dates and times in one normal form.
//!
//! | sent | normal form |
//! |---|---|
//! | `2021-06-07 13:21:10.000 UTC`, `2021-06-07T13:21:10Z` | `2021-06-07T13:21:10+00:00` |
//! | `2022-05-04 00:00:00` | `2022-05-04T00:00:00` |
//! | `2022-05-04T00:00:00Z` in a date column | `2022-05-04` |
//! | `2019-09-16T14:32:40,Europe/Moscow` | `2019-09-16T14:32:40[Europe/Moscow]` |
//!
//! Zeros at the end of a fraction go; a text that is none of these stays as it was sent.

use std::fmt::{self, Write as _};

use super::types::{ColumnType, LogicalType, TimeZone};

/// What to make of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
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
pub(super) struct Normal {
    bytes: [u8; 72],
    len: usize,
}

impl Normal {
    pub(super) fn as_str(&self) -> &str {
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
pub(super) fn plain_date(text: &str, wish: Wish) -> Option<&str> {
    if wish != Wish::Date {
        return None;
    }
    let (date, rest) = text.split_at_checked(10)?;
    let is_midnight = matches!(rest, "" | "T00:00:00Z" | "T00:00:00.000Z");
    (is_midnight && matches_shape(date, b"0000-00-00")).then_some(date)
}

/// The normal form of `text`, or nothing if it should stay as it is.
pub(super) fn normal(text: &str, wish: Wish) -> Option<Normal> {
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
    pub(super) fn of(declared: &ColumnType) -> Option<Self> {
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
pub(super) fn is_date(text: &str) -> bool {
    Parts::of(text).is_some()
}

/// Whether `text` has neither an offset nor a zone.
pub(super) fn is_civil(text: &str) -> bool {
    Parts::of(text).is_some_and(|parts| parts.zone == Zone::Absent)
}

/// Whether `text` is a date with a time beyond doubt, so that no declared type is needed.
pub(super) fn is_clear(text: &str) -> bool {
    Parts::of(text).is_some_and(|parts| parts.is_clear())
}

/// `12:30:00.500` without the zeros at the end of the fraction.
pub(super) fn time(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|byte| byte.is_ascii_digit()) => {
            let kept = fraction.trim_end_matches('0');
            let dot = usize::from(!kept.is_empty());
            &text[..whole.len() + dot + kept.len()]
        }
        _ => text,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone<'a> {
    Absent,
    Utc,
    Offset(&'a str),
    Named(&'a str),
}

/// What the text of a date is made of, with or without a time.
pub(crate) struct Parts<'a> {
    /// `2021-06-07`; the year may have a sign or up to six digits.
    pub(crate) date: &'a str,
    /// `HH:MM:SS`, then the fraction without its dot and the zeros at its end.
    pub(crate) time: Option<(&'a str, &'a str)>,
    pub(crate) zone: Zone<'a>,
}

impl<'a> Parts<'a> {
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        // Nearly every text has this layout.
        if let Some(head) = text.as_bytes().first_chunk()
            && matches_usual(head)
        {
            return Self::with_time(&text[..10], &text[11..]);
        }
        let (date, rest) = split_date(text)?;
        let absent = Self {
            date,
            time: None,
            zone: Zone::Absent,
        };
        match rest.as_bytes().first() {
            None => Some(absent),
            Some(b',') => {
                let zone = zone(rest)?;
                Some(Self { zone, ..absent })
            }
            Some(&mark) => {
                let clock = rest.get(1..)?;
                let shape = matches_shape(clock.get(..8)?, b"00:00:00");
                (shape && matches!(mark, b'T' | b' ')).then_some(())?;
                Self::with_time(date, clock)
            }
        }
    }

    /// `clock` begins with a time; a fraction and a zone may follow.
    fn with_time(date: &'a str, clock: &'a str) -> Option<Self> {
        let (clock, mut rest) = clock.split_at(8);
        let mut fraction = "";
        if let Some(after) = rest.strip_prefix('.') {
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                return None;
            }
            (fraction, rest) = after.split_at(digits);
        }
        Some(Self {
            date,
            time: Some((clock, without_zeros(fraction))),
            zone: zone(rest)?,
        })
    }

    fn write(&self, wish: Wish, out: &mut Normal) -> Option<()> {
        let utc = matches!(self.zone, Zone::Absent | Zone::Utc);
        if wish == Wish::Guess && !self.is_clear() {
            return None;
        }
        out.write_str(self.date).ok()?;
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

    fn is_clear(&self) -> bool {
        self.time.is_some() && !matches!(self.zone, Zone::Named(_))
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

/// `2021-06-07`, and years with a sign or more than four digits.
fn split_date(text: &str) -> Option<(&str, &str)> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let year = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let end = text.len() - unsigned.len() + year + 6;
    let tail = text.get(end - 6..end)?;
    ((4..=6).contains(&year) && matches_shape(tail, b"-00-00")).then(|| text.split_at(end))
}

fn zone(text: &str) -> Option<Zone<'_>> {
    if matches!(text, " UTC" | "Z") {
        return Some(Zone::Utc);
    }
    let trimmed = text.strip_prefix(' ').unwrap_or(text);
    match trimmed.as_bytes() {
        [] if text.is_empty() => Some(Zone::Absent),
        b"Z" | b"+00:00" | b"-00:00" | b"+00" => Some(Zone::Utc),
        [b'+' | b'-', offset @ ..] => {
            let known = match offset.len() {
                2 => matches_shape(&trimmed[1..], b"00"),
                5 => matches_shape(&trimmed[1..], b"00:00"),
                8 => matches_shape(&trimmed[1..], b"00:00:00"),
                _ => false,
            };
            known.then_some(Zone::Offset(trimmed))
        }
        _ => {
            let name = trimmed.strip_prefix(',').unwrap_or(trimmed);
            let parted = text.len() > name.len();
            let known = name.starts_with(|first: char| first.is_ascii_alphabetic())
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte));
            (parted && known).then_some(Zone::Named(name))
        }
    }
}

fn without_zeros(fraction: &str) -> &str {
    let zeros = fraction.bytes().rev().take_while(|&byte| byte == b'0');
    &fraction[..fraction.len() - zeros.count()]
}

/// `2021-06-07 13:21:10` with a blank or a `T`.
fn matches_usual(head: &[u8; 19]) -> bool {
    let digits = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18];
    let marks = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    let digits = digits
        .iter()
        .fold(true, |same, &at: &usize| same & head[at].is_ascii_digit());
    digits
        && marks
            .iter()
            .all(|&(at, mark): &(usize, u8)| head[at] == mark)
        && matches!(head[10], b' ' | b'T')
}

/// Whether `text` has a digit where `shape` has `0` and the same byte elsewhere.
fn matches_shape(text: &str, shape: &[u8]) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape).fold(true, |same, (byte, &like)| {
            same & match like {
                b'0' => byte.is_ascii_digit(),
                _ => byte == like,
            }
        })
}
