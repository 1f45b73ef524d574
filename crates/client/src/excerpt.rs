//! Short, one-line, printable excerpts of received text.

/// Returns the beginning of `bytes` on one line: at most `max` characters, control and direction
/// characters escaped, `…` for omitted text.
pub(crate) fn excerpt(bytes: &[u8], max: usize) -> String {
    // Four bytes a character are enough; more show that something follows.
    let head = &bytes[..bytes.len().min(max * 4 + 4)];
    let text = String::from_utf8_lossy(head);
    let mut out = escaped(text.trim_start(), max);
    if head.len() < bytes.len() && !out.ends_with('…') {
        out.push('…');
    }
    out
}

/// Returns `text` on one line, cut off after `max` characters.
pub(crate) fn escaped(text: &str, max: usize) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    for c in chars.by_ref().take(max) {
        if c.is_control() || changes_direction(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    if chars.next().is_some() {
        out.push('…');
    }
    out
}

/// Returns the texts of an error and its causes on one line, each once.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    escaped(&text, 1000)
}

fn changes_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_short_and_on_one_line() {
        assert_eq!(excerpt(b"  <html>\r\n", 200), "<html>\\r\\n");
        assert_eq!(excerpt(b"abcdef", 3), "abc…");
        assert_eq!(excerpt("a\u{202e}b".as_bytes(), 9), "a\\u{202e}b");
        assert_eq!(excerpt(&[0xff, b'a'], 9), "\u{fffd}a");
        assert_eq!(excerpt(&b"x".repeat(5000), 200).chars().count(), 201);
    }
}
