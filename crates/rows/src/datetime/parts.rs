//! The layouts in which services write dates and times.

use std::borrow::Cow;

use super::epoch::{NOT_A_DATE, Read, days, seconds_of_day, seconds_of_offset};

/// The time zone in the text of a date or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone<'a> {
    /// No zone.
    Absent,
    /// UTC, in any spelling.
    Utc,
    /// An offset from UTC: `+03`, `+03:00` or `+03:00:00`.
    Offset(&'a str),
    /// The name of a zone, such as `Europe/Moscow`.
    Named(&'a str),
}

/// The parts of the text of a date, with or without a time.
///
/// Only the layout is checked; [`days`](Self::days) and [`seconds_of_day`](super::seconds_of_day)
/// check the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    /// `2021-06-07`; the year may have a sign or up to six digits.
    pub date: &'a str,
    /// Whether ` BC` follows, as PostgreSQL writes it. Year 1 is then the year before year 1 AD.
    pub is_bc: bool,
    /// `HH:MM:SS`, then the fraction without its dot and the zeros at its end.
    pub time: Option<(&'a str, &'a str)>,
    /// The zone after the date and the time.
    pub zone: Zone<'a>,
}

impl<'a> Parts<'a> {
    /// Splits `text` in any of the layouts that the services write; `None` if it is not a date.
    #[must_use]
    pub fn of(text: &'a str) -> Option<Self> {
        if let Some(before_christ) = text.strip_suffix(" BC") {
            let parts = Self::of_era(before_christ)?;
            let is_bc = !parts.date.starts_with(['-', '+']);
            return is_bc.then_some(Self { is_bc, ..parts });
        }
        Self::of_era(text.strip_suffix(" AD").unwrap_or(text))
    }

    fn of_era(text: &'a str) -> Option<Self> {
        // Nearly every text has this layout.
        if let Some(head) = text.as_bytes().first_chunk()
            && matches_usual(head)
        {
            return Self::with_time(&text[..10], &text[11..]);
        }
        let (date, rest) = split_date(text)?;
        let absent = Self {
            date,
            is_bc: false,
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

    /// Splits `clock`, which begins with a time. A fraction and a zone may follow.
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
            is_bc: false,
            time: Some((clock, without_zeros(fraction))),
            zone: zone(rest)?,
        })
    }

    /// Returns the days since 1970-01-01, in the proleptic Gregorian calendar.
    ///
    /// # Errors
    ///
    /// There is no such date.
    pub fn days(&self) -> Read<i64> {
        match self.is_bc {
            false => days(self.date),
            true => days(&self.iso_date().ok_or(NOT_A_DATE)?),
        }
    }

    /// Returns the date in ISO 8601, where year 0 is 1 BC: `-000043-03-15` for 44 BC.
    pub(crate) fn iso_date(&self) -> Option<Cow<'a, str>> {
        if !self.is_bc {
            return Some(Cow::Borrowed(self.date));
        }
        let (year, rest) = self.date.split_at_checked(self.date.len() - 6)?;
        Some(Cow::Owned(
            match year.parse::<u32>().ok()?.checked_sub(1)? {
                0 => format!("0000{rest}"),
                year => format!("-{year:06}{rest}"),
            },
        ))
    }

    pub(crate) fn is_clear(&self) -> bool {
        self.time.is_some() && !matches!(self.zone, Zone::Named(_))
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

/// Returns whether `text` has a digit wherever `shape` has `0`, and the same byte elsewhere.
pub(super) fn matches_shape(text: &str, shape: &[u8]) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape).fold(true, |same, (byte, &like)| {
            same & match like {
                b'0' => byte.is_ascii_digit(),
                _ => byte == like,
            }
        })
}

/// Returns the nanoseconds since 1970 of a point in time. Without an offset it is in UTC.
#[must_use]
pub fn unix_nanos(text: &str) -> Option<i128> {
    let parts = Parts::of(text)?;
    let offset = match parts.zone {
        Zone::Absent | Zone::Utc => 0,
        Zone::Offset(offset) => seconds_of_offset(offset).ok()?,
        Zone::Named(_) => return None,
    };
    let (clock, fraction) = parts.time.unwrap_or(("00:00:00", ""));
    let seconds = parts.days().ok()? * 86_400 + seconds_of_day(clock).ok()? - offset;
    let nanos: i128 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    Some(i128::from(seconds) * 1_000_000_000 + nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time_are_nanoseconds_since_1970() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2024-02-29T12:30:45.999Z", 1_709_209_845_999),
            ("2024-02-29 12:30:45.9990000000001 UTC", 1_709_209_845_999),
            ("2024-02-29T14:30:45+02:00", 1_709_209_845_000),
            ("1969-12-31T23:59:59.5Z", -500),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000),
            ("0001-01-01 00:00:00+00 BC", -62_167_219_200_000),
        ] {
            assert_eq!(unix_nanos(text), Some(millis * 1_000_000), "{text}");
        }
        for text in ["", "soon", "2023-02-29T00:00:00Z", "2024-01-01T24:00:00Z"] {
            assert_eq!(unix_nanos(text), None, "{text}");
        }
    }
}
