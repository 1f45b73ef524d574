//! Reads JSON text one token at a time.
//!
//! Numbers and strings stay slices of the text. That keeps every digit, needs no allocation, and
//! lets the requested type decide how a token decodes. Ignored values are skipped without decoding.

use std::num::NonZeroUsize;

use super::{
    block::{CHUNK, quotes_or_escapes},
    brackets::end_of_items,
    is_blank,
    key::Key,
};
use crate::error::{DecodeError, Result};

/// The deepest nesting of values, the same as in `serde_json`.
pub(crate) const MAX_DEPTH: u8 = 128;

/// A position in a JSON text.
///
/// `'t` is the lifetime of the text, `'de` that of borrowed data. JSON within a cell's text does
/// not live long enough to be borrowed, so it has no `lent` text.
#[derive(Clone, Debug)]
pub(crate) struct Lexer<'t, 'de> {
    pub(crate) text: &'t str,
    lent: Option<&'de str>,
    pub(crate) at: usize,
    depth: u8,
    /// The offset of this text within the text that errors refer to.
    base: usize,
    /// The start of the last value that a type ignored.
    ignored: Option<NonZeroUsize>,
}

/// A JSON string between its quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quoted {
    start: usize,
    end: usize,
    escaped: bool,
}

/// The decoded text of a JSON string.
#[derive(Debug)]
pub(crate) enum Text<'t, 'de> {
    Borrowed(&'de str),
    Short(&'t str),
    Owned(String),
}

impl std::ops::Deref for Text<'_, '_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Short(text) => text,
            Self::Owned(text) => text,
        }
    }
}

impl<'de> Lexer<'de, 'de> {
    /// Reads the items of a list, without its brackets, which begin at `base` of a longer text,
    /// starting at `at`.
    #[inline]
    pub(crate) fn within_list(items: &'de str, base: usize, at: usize) -> Self {
        Self {
            at,
            depth: 1,
            base,
            ..Self::lending(items)
        }
    }

    /// Reads text that can be borrowed.
    pub(crate) fn lending(text: &'de str) -> Self {
        Self {
            text,
            lent: Some(text),
            at: 0,
            depth: 0,
            base: 0,
            ignored: None,
        }
    }
}

impl<'t, 'de> Lexer<'t, 'de> {
    /// Reads the JSON inside a cell of `outer`.
    pub(crate) fn inside(text: &'t Text<'_, 'de>, outer: u8) -> Self {
        Self {
            text,
            lent: match text {
                Text::Borrowed(lent) => Some(lent),
                _ => None,
            },
            at: 0,
            depth: outer,
            base: 0,
            ignored: None,
        }
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn depth(&self) -> u8 {
        self.depth
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// Returns to this depth.
    pub(crate) fn rise_to(&mut self, depth: u8) {
        self.depth = depth;
    }

    /// Returns a lexer at another position of the same text.
    pub(crate) fn moved_to(&self, at: usize) -> Self {
        Self { at, ..self.clone() }
    }

    pub(crate) fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// Skips a value that the type ignores.
    pub(crate) fn ignore(&mut self) -> Result<()> {
        self.ignored = NonZeroUsize::new(self.at);
        self.skip()
    }

    /// Returns whether the value that began at `start` was ignored as a whole.
    #[inline]
    pub(crate) fn has_ignored(&self, start: usize) -> bool {
        self.ignored.is_some_and(|ignored| ignored.get() == start)
    }

    /// Returns the next byte that is not blank, without reading it.
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<u8> {
        match self.text.as_bytes().get(self.at) {
            Some(&byte) if byte > b' ' => Ok(byte),
            _ => self.peek_behind_blanks(),
        }
    }

    #[inline(never)]
    fn peek_behind_blanks(&mut self) -> Result<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let blanks = rest.iter().take_while(|byte| is_blank(**byte)).count();
        self.at += blanks;
        match rest.get(blanks) {
            Some(byte) => Ok(*byte),
            None => Err(self.broken("the JSON ends too early")),
        }
    }

    /// Reads `byte` or fails.
    #[inline]
    pub(crate) fn expect(&mut self, byte: u8) -> Result<()> {
        if self.peek()? == byte {
            self.at += 1;
            Ok(())
        } else {
            Err(self.not_found(byte))
        }
    }

    #[cold]
    fn not_found(&self, byte: u8) -> DecodeError {
        self.broken(&format!("expected `{}`", char::from(byte)))
    }

    /// Reads the opening bracket of a list or object.
    #[inline]
    pub(crate) fn open(&mut self, bracket: u8) -> Result<()> {
        self.expect(bracket)?;
        self.sink()
    }

    /// Counts one level for values that are visited out of order.
    #[inline]
    pub(crate) fn sink(&mut self) -> Result<()> {
        if self.depth >= MAX_DEPTH {
            return Err(self.broken("the value nests too deep"));
        }
        self.depth += 1;
        Ok(())
    }

    /// Returns whether another item follows in a list or object. Reads the comma or the closing
    /// bracket.
    #[inline]
    pub(crate) fn next_item(&mut self, first: &mut bool, close: u8) -> Result<bool> {
        let byte = self.peek()?;
        if byte == close {
            self.at += 1;
            self.depth = self.depth.saturating_sub(1);
            return Ok(false);
        }
        if *first {
            *first = false;
        } else if byte == b',' {
            self.at += 1;
        } else {
            return Err(self.broken("expected a comma or the end of the list or object"));
        }
        Ok(true)
    }

    /// Returns whether another item follows in a text that ends with the last one. Reads the comma.
    #[inline]
    pub(crate) fn next_of_rest(&mut self, first: &mut bool) -> Result<bool> {
        if self.text.as_bytes()[self.at..]
            .iter()
            .all(|byte| is_blank(*byte))
        {
            return Ok(false);
        }
        if !std::mem::take(first) {
            self.expect(b',')?;
        }
        Ok(true)
    }

    /// Checks that only blanks follow.
    pub(crate) fn finish(&mut self) -> Result<()> {
        if self.text.as_bytes()[self.at..]
            .iter()
            .all(|byte| is_blank(*byte))
        {
            Ok(())
        } else {
            Err(self.broken("something follows the JSON"))
        }
    }

    /// Reads a string.
    #[inline]
    pub(crate) fn quoted(&mut self) -> Result<Quoted> {
        self.expect(b'"')?;
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut escaped = false;
        loop {
            let Some(at) = quote_or_escape(bytes, self.at) else {
                return Err(self.broken("a string has no end"));
            };
            if bytes[at] == b'"' {
                self.at = at + 1;
                return Ok(Quoted {
                    start,
                    end: at,
                    escaped,
                });
            }
            // Skips the escaped byte. An invalid escape is an error when the text is decoded.
            escaped = true;
            self.at = (at + 2).min(bytes.len());
        }
    }

    /// Reads a string without escapes that begins here and can be borrowed, or nothing.
    #[inline]
    pub(crate) fn plain_string(&mut self) -> Option<&'de str> {
        let lent = self.lent?;
        let bytes = lent.as_bytes();
        if bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        let end = quote_or_escape(bytes, start)?;
        if bytes[end] != b'"' {
            return None;
        }
        self.at = end + 1;
        Some(&lent[start..end])
    }

    /// Reads the name of a member and its colon, if they are here in their usual form.
    #[inline]
    pub(crate) fn key_is(&mut self, key: &Key) -> bool {
        let len = key.begins(&self.text.as_bytes()[self.at..]);
        self.at += len.unwrap_or(0);
        len.is_some()
    }

    /// Reads exactly this text, or nothing.
    #[inline]
    pub(crate) fn literal<const N: usize>(&mut self, text: &[u8; N]) -> bool {
        let same = self.text.as_bytes()[self.at..].first_chunk() == Some(text);
        self.at += N * usize::from(same);
        same
    }

    /// Returns the decoded text of a string.
    #[inline]
    pub(crate) fn text(&self, quoted: Quoted) -> Result<Text<'t, 'de>> {
        if quoted.escaped {
            return self.unescaped(quoted).map(Text::Owned);
        }
        Ok(match self.lent {
            Some(lent) => Text::Borrowed(&lent[quoted.start..quoted.end]),
            None => Text::Short(&self.text[quoted.start..quoted.end]),
        })
    }

    #[cold]
    fn unescaped(&self, quoted: Quoted) -> Result<String> {
        serde_json::from_str(&self.text[quoted.start - 1..=quoted.end]).map_err(|_| {
            DecodeError::malformed(
                self.base + quoted.start,
                "a string holds an escape that is not valid",
            )
        })
    }

    /// Reads `true`, `false` or `null`.
    #[inline]
    pub(crate) fn word(&mut self, word: &str) -> Result<()> {
        self.peek()?;
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.broken("expected a value"))
        }
    }

    /// Skips one value.
    pub(crate) fn skip(&mut self) -> Result<()> {
        match self.peek()? {
            b'"' => self.quoted().map(drop),
            b'{' | b'[' => self.skip_nested(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.skip_number(),
        }
    }

    /// Skips a number of items of a list or object, up to the comma or bracket after them. Returns
    /// `false` if there are fewer. Only brackets, quotes and commas are checked.
    pub(crate) fn skip_items(&mut self, items: usize) -> bool {
        let end = end_of_items(&self.text.as_bytes()[self.at..], items);
        let Some((place, passed)) = end else {
            return false;
        };
        self.at += place;
        passed == items
    }

    /// Skips a list or an object, and checks it.
    fn skip_nested(&mut self) -> Result<()> {
        // The lists and objects around the position, the innermost lowest. A set bit is an object.
        let mut around = 0_u128;
        let mut depth = 0_u32;
        loop {
            let first = self.peek()?;
            if matches!(first, b'{' | b'[') {
                if depth == u128::BITS {
                    self.skip_deep()?;
                } else {
                    self.at += 1;
                    depth += 1;
                    around = around << 1 | u128::from(first == b'{');
                    // The closing bracket's code is two above that of the opening one.
                    if self.peek()? != first + 2 {
                        if first == b'{' {
                            self.skip_key()?;
                        }
                        continue;
                    }
                }
            } else {
                self.skip()?;
            }
            loop {
                let in_object = around & 1 == 1;
                match (self.peek()?, in_object) {
                    (b'}', true) | (b']', false) => {
                        self.at += 1;
                        around >>= 1;
                        depth -= 1;
                        if depth == 0 {
                            return Ok(());
                        }
                    }
                    (b',', _) => {
                        self.at += 1;
                        if in_object {
                            self.skip_key()?;
                        }
                        break;
                    }
                    _ => {
                        let message = "expected a comma or the end of the list or object";
                        return Err(self.broken(message));
                    }
                }
            }
        }
    }

    fn skip_key(&mut self) -> Result<()> {
        self.quoted()?;
        self.expect(b':')
    }

    /// Skips a list or an object that nests deeper than the bits above can record.
    #[cold]
    fn skip_deep(&mut self) -> Result<()> {
        let bytes = self.text.as_bytes();
        let mut open = 0_usize;
        loop {
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.quoted()?;
                    continue;
                }
                Some(b'{' | b'[') => open += 1,
                Some(b'}' | b']') => open -= 1,
                Some(_) => {}
                None => return Err(self.broken("the JSON ends too early")),
            }
            self.at += 1;
            if open == 0 {
                return Ok(());
            }
        }
    }

    /// Skips one value and returns its text.
    pub(crate) fn value(&mut self) -> Result<Text<'t, 'de>> {
        self.peek()?;
        let start = self.at;
        self.skip()?;
        Ok(match self.lent {
            Some(lent) => Text::Borrowed(&lent[start..self.at]),
            None => Text::Short(&self.text[start..self.at]),
        })
    }

    /// Returns the text of the value at `start`, or the rest of the text, for errors.
    #[cold]
    pub(crate) fn sent(&self, start: usize) -> &'t str {
        let mut there = self.moved_to(start);
        match there.value() {
            Ok(Text::Short(text)) => text,
            Ok(_) => self.text[start..there.at].trim_start(),
            Err(_) => self.text.get(start..).unwrap_or_default().trim_start(),
        }
    }

    #[cold]
    pub(crate) fn broken(&self, message: &str) -> DecodeError {
        DecodeError::malformed(self.base + self.at, message)
    }
}

/// Returns the position of the next quote or backslash. Most strings are short, so the first bytes
/// are searched in place before a function is called that is faster for long ones.
#[inline]
pub(crate) fn quote_or_escape(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    for _ in 0..8 {
        let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<CHUNK>()) else {
            break;
        };
        let hits = quotes_or_escapes(chunk);
        if hits != 0 {
            return Some(at + hits.trailing_zeros() as usize);
        }
        at += CHUNK;
    }
    let rest = bytes.get(at..)?;
    memchr::memchr2(b'"', b'\\', rest).map(|ahead| at + ahead)
}
