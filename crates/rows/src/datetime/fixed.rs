//! Dates and times in their usual layouts, read by position.

/// Reads `2024-02-29 12:30:45`, with a `T` or a blank, up to nine digits of a fraction or none, and
/// `Z`, ` UTC` or nothing behind it. Returns the seconds since 1970 with the nanoseconds within the
/// second, and the number of bytes read. The rest of the text is not read.
#[inline]
pub(crate) fn timestamp(text: &[u8]) -> Option<((i64, u32), usize)> {
    let head: &[u8; 19] = text.first_chunk()?;
    let days = i64::from(date(text)?);
    let clock = word(&head[11..])? ^ word(b"00:00:00")?;
    if clock & MARKS_OF_TIME != 0 || !are_digits(clock) || !matches!(head[10], b' ' | b'T') {
        return None;
    }
    let pairs = pairs(clock);
    let (hour, minute, second) = (byte(pairs, 0), byte(pairs, 3), byte(pairs, 6));
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days * 86_400 + i64::from(hour * 3_600 + minute * 60 + second);
    let mut len = 19;
    let mut nanos = 0;
    if text.get(19) == Some(&b'.') {
        let fraction = crate::json::digits::digits(text, 20);
        if !(1..=9).contains(&fraction.count) {
            return None;
        }
        nanos = u32::try_from(fraction.value).ok()? * UNITS[fraction.count];
        len += 1 + fraction.count;
    }
    len += match text.get(len..)? {
        [b'Z', ..] => 1,
        [b' ', b'U', b'T', b'C', ..] => 4,
        _ => 0,
    };
    Some(((seconds, nanos), len))
}

/// Returns whether the text has the layout of `2024-02-29 12:30:45`, with a `T` or a blank,
/// whatever its values.
#[inline]
pub(crate) fn has_layout(head: &[u8; 19]) -> bool {
    let (Some(start), Some(clock)) = (word(head), word(&head[11..])) else {
        return false;
    };
    let (start, clock) = (
        start ^ u64::from_le_bytes(*b"0000-00-"),
        clock ^ u64::from_le_bytes(*b"00:00:00"),
    );
    start & MARKS_OF_DATE == 0
        && clock & MARKS_OF_TIME == 0
        && are_digits(start)
        && are_digits(clock)
        && head[8].is_ascii_digit()
        && head[9].is_ascii_digit()
        && matches!(head[10], b' ' | b'T')
}

/// Returns the days since 1970 of the date at the beginning of the text.
#[inline]
pub(crate) fn date(text: &[u8]) -> Option<i32> {
    let head: &[u8; 10] = text.first_chunk()?;
    let start = word(head)? ^ word(b"0000-00-")?;
    let (ten, one) = (head[8].wrapping_sub(b'0'), head[9].wrapping_sub(b'0'));
    if start & MARKS_OF_DATE != 0 || !are_digits(start) || ten > 9 || one > 9 {
        return None;
    }
    let pairs = pairs(start);
    let year = byte(pairs, 0) * 100 + byte(pairs, 2);
    let month = byte(pairs, 5);
    let day = u32::from(ten * 10 + one);
    if !(1..=12).contains(&month) || day == 0 || day > days_of(month, year) {
        return None;
    }
    // If a year begins in March, its leap day is at the end. 400 years are added to keep numbers
    // above 0.
    let year = year + 400 - u32::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year;
    // Days of 400 years, and from 0000-03-01 to 1970.
    i32::try_from(days)
        .ok()
        .map(|days| days - 146_097 - 719_468)
}

/// The nanoseconds of a fraction's last digit, by the number of digits.
const UNITS: [u32; 10] = [
    1_000_000_000,
    100_000_000,
    10_000_000,
    1_000_000,
    100_000,
    10_000,
    1_000,
    100,
    10,
    1,
];

const MARKS_OF_DATE: u64 = 0xff00_00ff_0000_0000;
const MARKS_OF_TIME: u64 = 0x0000_ff00_00ff_0000;

fn days_of(month: u32, year: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[inline]
fn word(text: &[u8]) -> Option<u64> {
    text.first_chunk().map(|eight| u64::from_le_bytes(*eight))
}

/// Returns whether each byte is at most 9.
#[inline]
fn are_digits(values: u64) -> bool {
    const HIGHS: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const SIXES: u64 = 0x0606_0606_0606_0606;
    // A byte above 15 fails with any carry.
    (values | values.wrapping_add(SIXES)) & HIGHS == 0
}

/// Returns in each byte ten times its value plus the next byte's value.
#[inline]
fn pairs(values: u64) -> u64 {
    values * 10 + (values >> 8)
}

#[inline]
fn byte(word: u64, place: u32) -> u32 {
    (word >> (place * 8) & 0xff) as u32
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::datetime::{Parts, Zone, unix_nanos};

    #[test]
    fn fixed_dates_equal_parsed_parts() {
        for year in (0..=9999)
            .step_by(7)
            .chain([1600, 1900, 2000, 2024, 2100, 9999])
        {
            for month in 0..=13 {
                for day in [0, 1, 15, 28, 29, 30, 31, 32] {
                    let text = format!("{year:04}-{month:02}-{day:02}");
                    let days = Parts::of(&text).and_then(|parts| parts.days().ok());
                    assert_eq!(date(text.as_bytes()).map(i64::from), days, "{text}");
                }
            }
        }
    }

    #[test]
    fn fixed_times_equal_parsed_parts() {
        let mut random = fastrand::Rng::with_seed(19);
        let mut taken = 0;
        for _ in 0..200_000 {
            let mut text = format!(
                "{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}",
                random.u32(..10_000),
                random.u32(1..13),
                random.u32(1..30),
                ["T", " "][random.usize(..2)],
                random.u32(..25),
                random.u32(..61),
                random.u32(..61),
            );
            if random.bool() {
                let digits = random.usize(1..11);
                text.push('.');
                text.extend((0..digits).map(|_| random.digit(10)));
            }
            text.push_str(["Z", " UTC", "", "+00:00", " Z", "z"][random.usize(..6)]);
            if random.u8(..4) == 0 {
                let at = random.usize(..text.len());
                let other = char::from(random.u8(b' '..b'~'));
                text.replace_range(at..=at, &other.to_string());
            }
            let Some(((seconds, nanos), len)) = timestamp(text.as_bytes()) else {
                continue;
            };
            if len < text.len() {
                continue;
            }
            taken += 1;
            let zone = Parts::of(&text).unwrap().zone;
            assert!(matches!(zone, Zone::Absent | Zone::Utc), "{text}");
            let all = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
            assert_eq!(unix_nanos(&text), Some(all), "{text}");
        }
        assert!(taken > 40_000, "{taken}");
    }
}
