//! The name of a member in its usual form, compared inline.

/// `"name":`, for a name without escapes.
#[derive(Debug, Default)]
pub(crate) struct Key {
    text: Box<[u8]>,
    /// The first eight bytes, or fewer.
    head: u64,
    /// The last eight bytes, if there are that many.
    tail: u64,
}

impl Key {
    pub(crate) fn new(name: &str) -> Self {
        Self::lead(true, name, b"")
    }

    /// Returns a key with the comma before it, unless it is the first member, and with `value` as
    /// the beginning of the text after it.
    pub(crate) fn lead(is_first: bool, name: &str, value: &[u8]) -> Self {
        let comma: &[u8] = if is_first { b"" } else { b"," };
        let text = [comma, b"\"", name.as_bytes(), b"\":", value].concat();
        let mut head = [0; 8];
        let shown = text.len().min(8);
        head[..shown].copy_from_slice(&text[..shown]);
        Self {
            head: u64::from_le_bytes(head),
            tail: text
                .last_chunk()
                .map_or(0, |tail| u64::from_le_bytes(*tail)),
            text: text.into(),
        }
    }

    /// Returns the length of the key, if `text` begins with it.
    #[inline]
    pub(crate) fn begins(&self, text: &[u8]) -> Option<usize> {
        let len = self.text.len();
        let head = u64::from_le_bytes(*text.first_chunk()?);
        let same = if len < 8 {
            head & ((1 << (len * 8)) - 1) == self.head
        } else {
            let tail = text.get(len - 8..len)?.first_chunk()?;
            head == self.head
                && u64::from_le_bytes(*tail) == self.tail
                && (len <= 16 || text[8..len - 8] == self.text[8..len - 8])
        };
        // An unknown column has an empty key, which matches nothing.
        (same && len > 0).then_some(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_followed_by_their_values() {
        let key = Key::lead(false, "a", b"{\"value\":");
        assert_eq!(key.begins(b",\"a\":{\"value\":12"), Some(14));
        assert_eq!(key.begins(b",\"a\":{\"valve\":12"), None);
        assert_eq!(key.begins(b"\"a\":{\"value\":1234"), None);
        let key = Key::lead(true, "a", b"");
        assert_eq!(key.begins(b"\"a\":12345"), Some(4));
    }

    #[test]
    fn keys_match_only_at_their_position() {
        for len in 0..40 {
            let name = &"abcdefghijklmnopqrstuvwxyz0123456789ABCD"[..len];
            let key = Key::new(name);
            let text = format!("\"{name}\":12345678");
            assert_eq!(key.begins(text.as_bytes()), Some(len + 3), "{name}");
            for at in 0..len + 3 {
                let mut other = text.clone().into_bytes();
                other[at] ^= 1;
                assert_eq!(key.begins(&other), None, "{name} {at}");
            }
            for end in 0..len + 3 {
                assert_eq!(key.begins(&text.as_bytes()[..end]), None, "{name} {end}");
            }
        }
        assert_eq!(Key::default().begins(b"\"\":12345678"), None);
    }
}
