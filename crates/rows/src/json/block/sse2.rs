//! With SSE2.

use safe_arch::{cmp_eq_mask_i8_m128i, m128i, move_mask_i8_m128i, set_splat_i8_m128i};

use super::{BLOCK, CHUNK};

/// Sixty-four bytes of a text. The lowest bit of each result is that of the first byte.
#[derive(Clone, Copy)]
pub(crate) struct Block([m128i; BLOCK / CHUNK]);

impl Block {
    #[inline(always)]
    pub(crate) fn new(bytes: &[u8; BLOCK]) -> Self {
        let (chunks, _) = bytes.as_chunks::<CHUNK>();
        Self(std::array::from_fn(|at| m128i::from(chunks[at])))
    }

    /// Returns the places of a byte.
    #[inline(always)]
    pub(crate) fn places_of(self, byte: u8) -> u64 {
        let wanted = splat(byte);
        self.bits(|chunk| cmp_eq_mask_i8_m128i(chunk, wanted))
    }

    #[inline(always)]
    pub(crate) fn has(self, byte: u8) -> bool {
        let wanted = splat(byte);
        self.any(|chunk| cmp_eq_mask_i8_m128i(chunk, wanted))
    }

    /// Returns whether the block has an odd number of a byte.
    #[inline(always)]
    pub(crate) fn has_odd(self, byte: u8) -> bool {
        let wanted = splat(byte);
        let is = |at: usize| cmp_eq_mask_i8_m128i(self.0[at], wanted);
        bits((is(0) ^ is(1)) ^ (is(2) ^ is(3))).count_ones() % 2 == 1
    }

    /// Returns the places of square brackets and braces.
    #[inline(always)]
    pub(crate) fn brackets(self) -> u64 {
        self.bits(are_brackets)
    }

    #[inline(always)]
    pub(crate) fn has_brackets(self) -> bool {
        self.any(are_brackets)
    }

    #[inline(always)]
    pub(crate) fn brackets_and_commas(self) -> u64 {
        let comma = splat(b',');
        self.bits(|chunk| are_brackets(chunk) | cmp_eq_mask_i8_m128i(chunk, comma))
    }

    #[inline(always)]
    fn bits(self, wanted: impl Fn(m128i) -> m128i) -> u64 {
        let bits = |at: usize| u64::from(bits(wanted(self.0[at])));
        bits(0) | bits(1) << 16 | bits(2) << 32 | bits(3) << 48
    }

    #[inline(always)]
    fn any(self, wanted: impl Fn(m128i) -> m128i) -> bool {
        let [first, second, third, fourth] = self.0.map(wanted);
        bits((first | second) | (third | fourth)) != 0
    }
}

/// Returns the places of quotes and backslashes.
#[inline(always)]
pub(crate) fn quotes_or_escapes(chunk: &[u8; CHUNK]) -> u16 {
    let chunk = m128i::from(*chunk);
    let is = |byte| cmp_eq_mask_i8_m128i(chunk, splat(byte));
    bits(is(b'"') | is(b'\\'))
}

/// The two kinds of brackets differ in one bit.
#[inline(always)]
fn are_brackets(chunk: m128i) -> m128i {
    let chunk = chunk | splat(0x20);
    cmp_eq_mask_i8_m128i(chunk, splat(b'{')) | cmp_eq_mask_i8_m128i(chunk, splat(b'}'))
}

#[inline(always)]
fn splat(byte: u8) -> m128i {
    set_splat_i8_m128i(byte.cast_signed())
}

/// Returns the highest bit of each byte.
#[inline(always)]
fn bits(mask: m128i) -> u16 {
    // One bit for each of sixteen bytes.
    move_mask_i8_m128i(mask) as u16
}
