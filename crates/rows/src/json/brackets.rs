//! Finds the brackets of a JSON text, sixty-four bytes at a time.
//!
//! Finding the end of a page's rows reads nearly all of its body. So the scan handles whole blocks:
//! it finds quotes and brackets, and the parity of the quotes before a bracket shows whether it is
//! outside strings. The compiler vectorizes the code on every target. It is about four times as
//! fast as a parser that ignores values.

use std::ops::ControlFlow;

const BLOCK: usize = 64;

/// Calls `visit` with position and byte of each bracket outside strings, in order, until it breaks.
/// Returns `None` if the text ends first. The text must begin outside a string.
#[inline]
pub(crate) fn visit_brackets<B>(
    json: &[u8],
    visited: impl FnMut(usize, u8) -> ControlFlow<B>,
) -> Option<B> {
    visit(json, is_bracket, visited)
}

/// Calls `visit` for all bytes that `wanted` selects.
#[inline(always)]
fn visit<B>(
    json: &[u8],
    wanted: impl Fn(u8) -> bool,
    mut visit: impl FnMut(usize, u8) -> ControlFlow<B>,
) -> Option<B> {
    let mut state = Strings::new(json);
    let mut last = [b' '; BLOCK];
    let mut start = 0;
    loop {
        let rest = &json[start..];
        let block = match rest.first_chunk::<BLOCK>() {
            Some(block) => block,
            None if rest.is_empty() => return None,
            None => {
                last[..rest.len()].copy_from_slice(rest);
                &last
            }
        };
        let found = gathered(block, &wanted);
        if found == 0 {
            state.pass(block, start);
        } else {
            let mut found = in_order(found) & !state.next(block, start);
            while found != 0 {
                let place = found.trailing_zeros() as usize;
                if let ControlFlow::Break(out) = visit(start + place, block[place]) {
                    return Some(out);
                }
                found &= found - 1;
            }
        }
        // The last block is filled up with blanks, which are never selected.
        start += BLOCK.min(rest.len());
    }
}

/// Returns the end of the value whose opening bracket is at the start of `json`.
#[inline]
pub(crate) fn end_of_nested(json: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    visit_brackets(json, |place, bracket| {
        if is_opening(bracket) {
            depth += 1;
        } else {
            depth = depth.saturating_sub(1);
        }
        match depth {
            0 => ControlFlow::Break(place + 1),
            _ => ControlFlow::Continue(()),
        }
    })
}

/// Returns the end of a number of items of a list or object, whose first item is at the start of
/// `json`: the position of the comma after the last of them, or of the closing bracket, and how
/// many items were passed. `None` if the text ends first.
pub(crate) fn end_of_items(json: &[u8], items: usize) -> Option<(usize, usize)> {
    let mut depth = 0_usize;
    let mut passed = 0;
    visit(
        json,
        |byte| is_bracket(byte) | (byte == b','),
        |place, byte| {
            match byte {
                b',' if depth > 0 => return ControlFlow::Continue(()),
                b',' => {}
                byte if is_opening(byte) => {
                    depth += 1;
                    return ControlFlow::Continue(());
                }
                _ if depth > 0 => {
                    depth -= 1;
                    return ControlFlow::Continue(());
                }
                _ => return ControlFlow::Break((place, passed + 1)),
            }
            passed += 1;
            match passed == items {
                true => ControlFlow::Break((place, passed)),
                false => ControlFlow::Continue(()),
            }
        },
    )
}

#[inline]
pub(crate) fn is_opening(bracket: u8) -> bool {
    bracket & 0b100 == 0
}

/// The state that one block passes to the next.
struct Strings<'a> {
    json: &'a [u8],
    /// All bits are set if the last block ended inside a string.
    open: u64,
    /// Whether the last block ended with a backslash that escapes the next byte.
    escapes: bool,
    /// The position of the next backslash, or the end. Most blocks have none.
    backslash: usize,
}

impl<'a> Strings<'a> {
    fn new(json: &'a [u8]) -> Self {
        let mut strings = Self {
            json,
            open: 0,
            escapes: false,
            backslash: 0,
        };
        strings.find_backslash(0);
        strings
    }

    /// Finds the first backslash from a position on.
    fn find_backslash(&mut self, from: usize) {
        let rest = self.json.get(from..).unwrap_or_default();
        self.backslash = from + memchr::memchr(b'\\', rest).unwrap_or(rest.len());
    }

    /// Returns whether a byte of the block may be escaped.
    #[inline]
    fn has_escapes(&self, start: usize) -> bool {
        self.escapes || self.backslash < start + BLOCK
    }

    /// Returns which bytes of the block are inside a string, its opening quote included.
    #[inline]
    fn next(&mut self, block: &[u8; BLOCK], start: usize) -> u64 {
        let mut quotes = positions(block, |byte| byte == b'"');
        if self.has_escapes(start) {
            quotes &= !self.escaped(positions(block, |byte| byte == b'\\'));
            self.find_backslash(start + BLOCK);
        }
        let inside = parity(quotes) ^ self.open;
        self.open = 0_u64.wrapping_sub(inside >> 63);
        inside
    }

    /// Updates the state for a block whose brackets are not needed.
    #[inline]
    fn pass(&mut self, block: &[u8; BLOCK], start: usize) {
        if self.has_escapes(start) {
            self.next(block, start);
            return;
        }
        let odd = block
            .iter()
            .fold(0, |odd, byte| odd ^ u8::from(*byte == b'"'));
        self.open ^= 0_u64.wrapping_sub(odd.into());
    }

    /// Returns which bytes are escaped by the backslashes of a block.
    fn escaped(&mut self, backslashes: u64) -> u64 {
        let mut escaped = u64::from(self.escapes);
        self.escapes = false;
        let mut left = backslashes & !escaped;
        while left != 0 {
            let place = left.trailing_zeros();
            if place == 63 {
                self.escapes = true;
                break;
            }
            escaped |= 2 << place;
            left &= !(3 << place);
        }
        escaped
    }
}

#[inline]
fn is_bracket(byte: u8) -> bool {
    let byte = byte | 0x20;
    (byte == b'{') | (byte == b'}')
}

/// Returns one bit for each byte that `wanted` selects, the first lowest.
#[inline(always)]
fn positions(block: &[u8; BLOCK], wanted: impl Fn(u8) -> bool) -> u64 {
    let mut picked = [0_u8; BLOCK];
    for (picked, byte) in picked.iter_mut().zip(block) {
        *picked = u8::from(wanted(*byte));
    }
    let (words, _) = picked.as_chunks::<8>();
    words.iter().rev().fold(0, |bits, word| {
        // Gathers the lowest bits of eight bytes in the highest byte.
        let eight = u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        (bits << 8) | eight
    })
}

/// Returns the same bits in a faster order: the bit of byte 8 * `k` + `i` is bit `k` of byte `i`.
#[inline(always)]
fn gathered(block: &[u8; BLOCK], wanted: impl Fn(u8) -> bool) -> u64 {
    let mut picked = [0_u8; BLOCK];
    for ((picked, byte), bit) in picked.iter_mut().zip(block).zip(&BITS) {
        *picked = if wanted(*byte) { *bit } else { 0 };
    }
    let (words, _) = picked.as_chunks::<8>();
    let word = |at: usize| u64::from_le_bytes(words[at]);
    (word(0) | word(1)) | (word(2) | word(3)) | ((word(4) | word(5)) | (word(6) | word(7)))
}

/// The bit of each byte in its word.
const BITS: [u8; BLOCK] = {
    let mut bits = [0; BLOCK];
    let mut at = 0;
    while at < BLOCK {
        bits[at] = 1 << (at / 8);
        at += 1;
    }
    bits
};

/// Returns the bits of [`gathered`] in the order of their bytes, by transposing a square of eight
/// by eight.
#[inline]
fn in_order(mut bits: u64) -> u64 {
    for (distance, mask) in [
        (7, 0x00aa_00aa_00aa_00aa),
        (14, 0x0000_cccc_0000_cccc),
        (28, 0x0000_0000_f0f0_f0f0),
    ] {
        let moved = (bits ^ bits >> distance) & mask;
        bits ^= moved ^ moved << distance;
    }
    bits
}

/// Replaces each bit by the parity of itself and all lower bits.
#[inline]
fn parity(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// One byte at a time, as JSON's grammar defines it.
    fn slowly(json: &[u8]) -> Vec<(usize, u8)> {
        let mut found = Vec::new();
        let (mut inside, mut escaped) = (false, false);
        for (place, byte) in json.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if inside => escaped = true,
                b'"' => inside = !inside,
                b'{' | b'}' | b'[' | b']' if !inside => found.push((place, *byte)),
                _ => {}
            }
        }
        found
    }

    fn quickly(json: &[u8]) -> Vec<(usize, u8)> {
        let mut found = Vec::new();
        let end: Option<()> = visit_brackets(json, |place, byte| {
            found.push((place, byte));
            ControlFlow::Continue(())
        });
        assert_eq!(end, None);
        found
    }

    #[test]
    fn block_scan_equals_byte_scan() {
        let mut random = fastrand::Rng::with_seed(20);
        let pieces = [
            "{", "}", "[", "]", "\"", "\"", "\\", "\\\"", "\\\\", ",", "x", "ü", " ", "12345678",
        ];
        for length in (0..400).chain(4000..4010) {
            for _ in 0..20 {
                // A backslash outside a string is not JSON, so it is drawn only inside one.
                let (mut json, mut inside) = (String::new(), false);
                while json.len() < length {
                    let piece = pieces[random.usize(..pieces.len())];
                    if piece.starts_with('\\') && !inside {
                        continue;
                    }
                    json.push_str(match piece {
                        "\\" => "\\n",
                        piece => piece,
                    });
                    inside ^= piece == "\"";
                }
                assert_eq!(quickly(json.as_bytes()), slowly(json.as_bytes()), "{json}");
            }
        }
    }

    #[test]
    fn positions_point_at_the_bytes() {
        let mut random = fastrand::Rng::with_seed(64);
        for _ in 0..10_000 {
            let block = [0; BLOCK].map(|_: u8| b"\"{x"[random.usize(..3)]);
            let slow = (0..BLOCK).filter(|place| block[*place] == b'"');
            let slow = slow.fold(0_u64, |bits, place| bits | 1 << place);
            assert_eq!(positions(&block, |byte| byte == b'"'), slow);
            assert_eq!(in_order(gathered(&block, |byte| byte == b'"')), slow);
        }
    }

    #[test]
    fn escapes_carry_across_blocks() {
        for shift in 0..70 {
            for escapes in 1..6 {
                let blanks = " ".repeat(shift);
                let text = format!("{blanks}[\"{}\",[]]", "\\\\".repeat(escapes));
                assert_eq!(
                    end_of_nested(&text.as_bytes()[shift..]),
                    Some(text.len() - shift)
                );
                let text = format!("{blanks}[\"{}\\\"]\",[]]", "\\\\".repeat(escapes));
                assert_eq!(quickly(text.as_bytes()), slowly(text.as_bytes()), "{text}");
            }
        }
    }

    #[test]
    fn items_end_at_their_own_commas() {
        let cases = [
            ("1,2,3]", 1, Some((1, 1))),
            ("1,2,3]", 2, Some((3, 2))),
            ("1,2,3]", 3, Some((5, 3))),
            ("1,2,3]", 9, Some((5, 3))),
            ("[1,2],{\"a\":1,\"b\":2},3]", 2, Some((19, 2))),
            ("\"a,]\\\",\",\"b\"]", 1, Some((8, 1))),
            ("\"a\":[,],\"b\":2}", 2, Some((13, 2))),
            ("1,2,3", 3, None),
            ("", 1, None),
        ];
        for (json, items, end) in cases {
            assert_eq!(end_of_items(json.as_bytes(), items), end, "{json} {items}");
        }
    }

    #[test]
    fn a_value_ends_with_its_own_bracket() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let cases: [(&str, Option<usize>); 7] = [
            ("[]", Some(2)),
            ("[1],[2]", Some(3)),
            ("{\"a]}\":[{\"b\":\"}\"}]} ]", Some(19)),
            ("[[1]", None),
            ("[\"]", None),
            ("", None),
            (&deep, Some(200_000)),
        ];
        for (json, end) in cases {
            assert_eq!(end_of_nested(json.as_bytes()), end, "{json}");
        }
    }
}
