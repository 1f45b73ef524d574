//! For every target. The compiler vectorizes the loops.

use super::{BLOCK, CHUNK};

/// Sixty-four bytes of a text. The lowest bit of each result is that of the first byte.
#[derive(Clone, Copy)]
pub(crate) struct Block([u8; BLOCK]);

impl Block {
    #[inline(always)]
    pub(crate) fn new(bytes: &[u8; BLOCK]) -> Self {
        Self(*bytes)
    }

    /// Returns the places of a byte.
    #[inline(always)]
    pub(crate) fn places_of(self, byte: u8) -> u64 {
        self.places(|other| other == byte)
    }

    #[inline(always)]
    pub(crate) fn has(self, byte: u8) -> bool {
        self.any(|other| other == byte)
    }

    /// Returns whether the block has an odd number of a byte.
    #[inline(always)]
    pub(crate) fn has_odd(self, byte: u8) -> bool {
        let bytes = self.0.iter();
        bytes.fold(0, |odd, other| odd ^ u8::from(*other == byte)) == 1
    }

    /// Returns the places of square brackets and braces.
    #[inline(always)]
    pub(crate) fn brackets(self) -> u64 {
        self.places(is_bracket)
    }

    #[inline(always)]
    pub(crate) fn has_brackets(self) -> bool {
        self.any(is_bracket)
    }

    #[inline(always)]
    pub(crate) fn brackets_and_commas(self) -> u64 {
        self.places(|byte| is_bracket(byte) | (byte == b','))
    }

    #[inline(always)]
    fn any(self, wanted: impl Fn(u8) -> bool) -> bool {
        let bytes = self.0.iter();
        bytes.fold(0, |any, byte| any | u8::from(wanted(*byte))) != 0
    }

    #[inline(always)]
    fn places(self, wanted: impl Fn(u8) -> bool) -> u64 {
        match self.gathered(wanted) {
            0 => 0,
            bits => in_order(bits),
        }
    }

    /// Returns one bit for each byte that `wanted` selects, in an order that vectors produce: the
    /// bit of byte 8 * `k` + `i` is bit `k` of byte `i`.
    #[inline(always)]
    fn gathered(self, wanted: impl Fn(u8) -> bool) -> u64 {
        let mut picked = [0_u8; BLOCK];
        for ((picked, byte), bit) in picked.iter_mut().zip(&self.0).zip(&BITS) {
            *picked = if wanted(*byte) { *bit } else { 0 };
        }
        let (words, _) = picked.as_chunks::<8>();
        let word = |at: usize| u64::from_le_bytes(words[at]);
        (word(0) | word(1)) | (word(2) | word(3)) | ((word(4) | word(5)) | (word(6) | word(7)))
    }
}

/// Returns the places of quotes and backslashes, from two words of eight bytes.
#[inline(always)]
pub(crate) fn quotes_or_escapes(chunk: &[u8; CHUNK]) -> u16 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const LOWS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    // The highest bit of each zero byte, and no other bits.
    let zeros = |word: u64| !(((word & LOWS) + LOWS) | word | LOWS);
    let (words, _) = chunk.as_chunks::<8>();
    let bits = |at: usize| {
        let word = u64::from_le_bytes(words[at]);
        let hits = zeros(word ^ (ONES * 0x22)) | zeros(word ^ (ONES * 0x5c));
        // Moves bit 8 * `i` to bit 56 + `i`.
        ((hits >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u16
    };
    bits(0) | bits(1) << 8
}

#[inline]
fn is_bracket(byte: u8) -> bool {
    // The two kinds of brackets differ in one bit.
    let byte = byte | 0x20;
    (byte == b'{') | (byte == b'}')
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

/// Returns the bits of [`Block::gathered`] in the order of their bytes, by transposing a square of
/// eight by eight.
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
