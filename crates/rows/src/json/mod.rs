//! The JSON scanner: [`brackets`] finds structure sixty-four bytes at a time, [`lexer`] takes one
//! token at a time. Both know the same white space, that of RFC 8259.

mod block;
pub(crate) mod brackets;
pub(crate) mod digits;
pub(crate) mod key;
pub(crate) mod lexer;

/// Whether the byte is white space in JSON (RFC 8259, section 2). A form feed is not.
#[inline]
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
}

/// The text without white space at its ends.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\n', '\t', '\r'])
}
