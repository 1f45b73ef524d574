//! Parses timestamps and decimals, which each service formats differently.

/// The parts of a timestamp in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instant<'a> {
    /// `2024-01-15`
    pub(crate) date: &'a str,
    /// `08:30:00`
    pub(crate) time: &'a str,
    /// The digits after the decimal point of the seconds, possibly none.
    pub(crate) fraction: &'a str,
}

impl<'a> Instant<'a> {
    /// Parses `2024-01-15 08:30:00.25`, with a space or a `T`, with or without a fraction and a
    /// `Z`. A date alone is its midnight.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_suffix('Z').unwrap_or(text);
        let (date, rest) = match text.find([' ', 'T']) {
            Some(at) => (&text[..at], &text[at + 1..]),
            None => (text, "00:00:00"),
        };
        let (time, fraction) = rest.split_once('.').unwrap_or((rest, ""));
        let digits = |text: &str, shape: &str| {
            text.len() == shape.len()
                && text.bytes().zip(shape.bytes()).all(|(byte, shape)| {
                    if shape == b'0' {
                        byte.is_ascii_digit()
                    } else {
                        byte == shape
                    }
                })
        };
        (digits(date, "0000-00-00")
            && digits(time, "00:00:00")
            && fraction.bytes().all(|byte| byte.is_ascii_digit()))
        .then_some(Self {
            date,
            time,
            fraction,
        })
    }

    /// Returns the fraction, truncated or padded to this many digits.
    pub(crate) fn fraction_of(&self, digits: usize) -> String {
        let mut text: String = self.fraction.chars().take(digits).collect();
        while text.len() < digits {
            text.push('0');
        }
        text
    }
}

/// Formats a decimal with exactly `scale` fraction digits.
pub(crate) fn decimal_filled(text: &str, scale: u8) -> String {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if scale == 0 {
        return whole.to_owned();
    }
    let fraction: String = fraction.chars().take(scale.into()).collect();
    format!("{whole}.{fraction:0<width$}", width = usize::from(scale))
}

/// Removes trailing zeros of the fraction of a decimal.
pub(crate) fn decimal_trimmed(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Instant, decimal_filled, decimal_trimmed};

    #[test]
    fn timestamps_are_parsed() {
        let instant = Instant::parse("2024-01-15 08:30:00.25").unwrap();
        assert_eq!((instant.date, instant.time), ("2024-01-15", "08:30:00"));
        assert_eq!(instant.fraction_of(3), "250");
        assert_eq!(instant.fraction_of(1), "2");
        assert_eq!(Instant::parse("2024-01-15").unwrap().time, "00:00:00");
        assert!(Instant::parse("2024-01-15T08:30:00Z").is_some());
        assert!(Instant::parse("yesterday").is_none());
        assert!(Instant::parse("2024-01-15 8:30").is_none());
    }

    #[test]
    fn decimals_keep_their_digits() {
        assert_eq!(decimal_filled("12.5", 9), "12.500000000");
        assert_eq!(decimal_filled("-3", 2), "-3.00");
        assert_eq!(decimal_filled("7", 0), "7");
        assert_eq!(decimal_trimmed("12.500"), "12.5");
        assert_eq!(decimal_trimmed("100"), "100");
        assert_eq!(decimal_trimmed("1.000"), "1");
    }
}
