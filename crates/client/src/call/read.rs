//! Reading the body of a success into one buffer.

use bytes::Bytes;

use super::{Failure, OpenBody};
use crate::error::CallErrorKind;

/// The most memory reserved for a `Content-Length` before any byte has arrived.
const MAX_RESERVED: usize = 16 * 1024 * 1024;

/// Reads a body of at most `max` bytes. A body that arrives in one piece is not copied. `received`
/// counts the bytes, also of a body that breaks off.
pub(super) async fn read(open: OpenBody, max: u64, received: &mut u64) -> Result<Bytes, Failure> {
    let OpenBody {
        mut response,
        limit,
    } = open;
    let announced = response.content_length();
    if announced.is_some_and(|announced| announced > max) {
        return Err(too_large(max).at(&response));
    }
    let max_len = usize::try_from(max).unwrap_or(usize::MAX);
    let mut buffer = Buffer {
        expected: announced.and_then(|announced| announced.try_into().ok()),
        max: max_len,
        first: Bytes::new(),
        rest: Vec::new(),
    };
    loop {
        let chunk = match limit.run(response.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => return Ok(buffer.into_bytes()),
            Ok(Err(error)) => return Err(Failure::from_body(error).at(&response)),
            Err(failure) => return Err(failure.at(&response)),
        };
        *received += chunk.len() as u64;
        if chunk.len() > max_len - buffer.len() {
            return Err(too_large(max).at(&response));
        }
        buffer.push(chunk);
    }
}

/// A growing buffer that never takes more than 1.5 times `max` bytes of memory.
///
/// While a buffer moves to a larger one, both exist. So the last step goes from at most 2/5 of the
/// final size to all of it, which is 7/5 at once. A buffer that only doubles takes up to 3.
struct Buffer {
    /// The announced length, if there is one.
    expected: Option<usize>,
    max: usize,
    /// All received bytes, while they are one chunk.
    first: Bytes,
    rest: Vec<u8>,
}

impl Buffer {
    fn len(&self) -> usize {
        self.first.len() + self.rest.len()
    }

    /// Appends a chunk. The caller has checked that it fits below `max`.
    fn push(&mut self, chunk: Bytes) {
        if self.len() == 0 {
            self.first = chunk;
            return;
        }
        let needed = self.len() + chunk.len();
        if self.rest.capacity() < needed {
            let capacity = self.next_capacity(needed);
            self.rest.reserve_exact(capacity - self.rest.len());
        }
        if !self.first.is_empty() {
            let first = std::mem::take(&mut self.first);
            self.rest.extend_from_slice(&first);
        }
        self.rest.extend_from_slice(&chunk);
    }

    fn next_capacity(&self, needed: usize) -> usize {
        let target = self.expected.unwrap_or(self.max).max(needed).min(self.max);
        let reserved = self.expected.unwrap_or(0).min(MAX_RESERVED);
        let next = self.rest.capacity().saturating_mul(2).max(needed);
        let next = next.max(reserved);
        match next > target / 5 * 2 && next > reserved {
            true => target,
            false => next,
        }
    }

    fn into_bytes(mut self) -> Bytes {
        if self.rest.is_empty() {
            return self.first;
        }
        // Only after the step to all of `max`; both buffers together are 1.5 times `max`.
        if self.rest.len() <= self.rest.capacity() / 2 {
            self.rest.shrink_to_fit();
        }
        self.rest.into()
    }
}

fn too_large(max: u64) -> Failure {
    let text = format!(
        "the body is larger than {max} bytes; request fewer rows at a time, or raise \
         `max_body_bytes`"
    );
    Failure::new(CallErrorKind::BodyTooLarge, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads chunks of a size, and returns the most bytes that both buffers held at once.
    fn peak(expected: Option<usize>, max: usize, len: usize, chunk: usize) -> usize {
        let mut buffer = Buffer {
            expected,
            max,
            first: Bytes::new(),
            rest: Vec::new(),
        };
        let mut most = 0;
        while buffer.len() < len {
            let size = chunk.min(len - buffer.len());
            let before = buffer.rest.capacity();
            buffer.push(vec![b'x'; size].into());
            let after = buffer.rest.capacity();
            let moved = if before == after { 0 } else { before };
            most = most.max(after + moved);
        }
        let before = buffer.rest.capacity();
        let body = buffer.into_bytes();
        assert_eq!(body.len(), len);
        // This is an upper bound if nothing shrinks.
        most.max(if len <= before / 2 { before + len } else { 0 })
    }

    #[test]
    fn no_body_takes_more_than_one_and_a_half_times_the_limit() {
        let max = 1_000_000;
        for len in (20_000..=max).step_by(19_999) {
            for chunk in [1_000, 8_192, 70_000, 399_999] {
                for expected in [None, Some(len)] {
                    let peak = peak(expected, max, len, chunk);
                    assert!(
                        peak <= max * 3 / 2,
                        "{peak}: {len} by {chunk}, {expected:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn an_announced_body_is_not_copied_again() {
        assert_eq!(peak(Some(600_000), 1_000_000, 600_000, 8_192), 600_000);
    }

    #[test]
    fn a_wrong_announcement_is_no_limit() {
        for expected in [Some(0), Some(10), Some(999_999)] {
            assert!(peak(expected, 1_000_000, 500_000, 8_192) <= 1_500_000);
        }
    }
}
