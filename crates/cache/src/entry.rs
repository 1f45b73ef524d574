//! One entry: a line of JSON, and the body compressed with zstd and its checksum.

use std::{
    io::{self, Read as _, Write as _},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rowfeed_client::CachedResponse;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::PageStore;

const FORMAT: &str = "rowfeed-cache 1";

/// Pages are read more often than written, and 3 is zstd's own choice.
const LEVEL: i32 = 3;

#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
    /// Compared on reading, so that no other page can be in its place.
    key: String,
    /// Seconds since 1970.
    stored_at: u64,
    expires_at: u64,
    content_type: Option<String>,
    bytes: u64,
}

/// SHA-256, in hexadecimal digits.
pub(crate) fn digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn load(
    store: &dyn PageStore,
    key: &str,
    now: SystemTime,
    most: u64,
) -> Option<CachedResponse> {
    let name = digest(key);
    let entry = match store.get(&name) {
        Ok(entry) => entry?,
        Err(error) => {
            tracing::warn!(%error, "the cache of pages cannot be read");
            return None;
        }
    };
    let response = decode(&entry, key, now, most);
    if response.is_none()
        && let Err(error) = store.remove(&name)
    {
        tracing::warn!(%error, "an entry of the cache of pages cannot be removed");
    }
    response
}

pub(crate) fn store(
    store: &dyn PageStore,
    key: &str,
    response: &CachedResponse,
    now: SystemTime,
    expires: SystemTime,
) -> bool {
    let put = encode(key, response, now, expires).and_then(|entry| store.put(&digest(key), &entry));
    put.inspect_err(|error| tracing::warn!(%error, "a page cannot be kept"))
        .is_ok()
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |age| age.as_secs())
}

fn encode(
    key: &str,
    response: &CachedResponse,
    now: SystemTime,
    expires: SystemTime,
) -> io::Result<Vec<u8>> {
    let head = Head {
        format: FORMAT.to_owned(),
        key: key.to_owned(),
        stored_at: seconds(now),
        expires_at: seconds(expires),
        content_type: response.content_type.clone(),
        bytes: response.body.len() as u64,
    };
    let mut entry = serde_json::to_vec(&head)?;
    entry.push(b'\n');
    let mut encoder = zstd::Encoder::new(entry, LEVEL)?;
    encoder.include_checksum(true)?;
    encoder.write_all(&response.body)?;
    encoder.finish()
}

/// `None` for an entry that is damaged, of another page, or too old. At most `most` bytes are
/// decompressed.
fn decode(entry: &[u8], key: &str, now: SystemTime, most: u64) -> Option<CachedResponse> {
    let end = entry.iter().position(|byte| *byte == b'\n')?;
    let head: Head = serde_json::from_slice(&entry[..end]).ok()?;
    // A clock that was set back must not make an entry live longer.
    let is_fresh = (head.stored_at..head.expires_at).contains(&seconds(now))
        || head.stored_at.abs_diff(seconds(now)) < CLOCK_DRIFT.as_secs()
            && seconds(now) < head.expires_at;
    if head.format != FORMAT || head.key != key || !is_fresh || head.bytes > most {
        return None;
    }
    let expected = usize::try_from(head.bytes).ok()?;
    let mut body = Vec::new();
    let decoder = zstd::Decoder::new(&entry[end + 1..]).ok()?;
    decoder
        .take(head.bytes.saturating_add(1))
        .read_to_end(&mut body)
        .ok()?;
    (body.len() == expected).then(|| CachedResponse {
        content_type: head.content_type,
        body: body.into(),
    })
}

/// How far the clocks of two processes may be apart.
const CLOCK_DRIFT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn response(body: &str) -> CachedResponse {
        CachedResponse {
            content_type: Some("application/json".to_owned()),
            body: body.to_owned().into(),
        }
    }

    #[test]
    fn an_entry_is_good_for_its_key_until_it_expires() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let after = |seconds| now + Duration::from_secs(seconds);
        let page = response(&"[1]".repeat(1000));
        let entry = encode("key", &page, now, after(100)).unwrap();
        assert!(entry.len() < 400);
        assert_eq!(decode(&entry, "key", after(99), 10_000), Some(page));
        assert_eq!(decode(&entry, "other", now, 10_000), None);
        assert_eq!(decode(&entry, "key", after(100), 10_000), None);
        assert_eq!(
            decode(&entry, "key", now - Duration::from_secs(3600), 10_000),
            None
        );
        // Less than the body has.
        assert_eq!(decode(&entry, "key", now, 2_999), None);
    }

    #[test]
    fn a_damaged_entry_is_no_entry() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let page =
            response("{\"rows\": [[1, 2, 3], [4, 5, 6]], \"columns\": [\"a\", \"b\", \"c\"]}");
        let entry = encode("key", &page, now, now + Duration::from_secs(9)).unwrap();
        for length in 0..entry.len() {
            assert_eq!(
                decode(&entry[..length], "key", now, 10_000),
                None,
                "{length}"
            );
        }
        for at in 0..entry.len() {
            for bit in [0x01, 0x20, 0x80] {
                let mut damaged = entry.clone();
                damaged[at] ^= bit;
                // Whatever else is damaged, the body is what was stored.
                if let Some(read) = decode(&damaged, "key", now, 10_000) {
                    assert_eq!(read.body, page.body, "{at}");
                }
            }
        }
    }

    /// An entry that decompresses to far more than it says is given up.
    #[test]
    fn a_bomb_is_given_up_at_the_size_that_was_announced() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let bomb = response(&" ".repeat(50 << 20));
        let entry = encode("key", &bomb, now, now + Duration::from_secs(9)).unwrap();
        let text = String::from_utf8_lossy(&entry).into_owned();
        let honest = format!("\"bytes\":{}", 50 << 20);
        assert!(text.contains(&honest));
        let at = text.find(&honest).unwrap();
        let lie = format!("{:<width$}", "\"bytes\":100", width = honest.len());
        let mut entry = entry;
        entry[at..at + lie.len()].copy_from_slice(lie.as_bytes());
        assert_eq!(decode(&entry, "key", now, 1 << 20), None);
    }
}
