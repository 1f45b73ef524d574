//! The rows of a page without the first few.

use bytes::Bytes;
use rowfeed_client::RawRows;

/// Drops the first rows. Reuses the buffer where nothing else holds it, and copies otherwise.
///
/// # Errors
///
/// What is left is not JSON: a service may send that inside of a row.
pub(crate) fn without_first(rows: RawRows, count: usize) -> Result<RawRows, serde_json::Error> {
    if count == 0 {
        return Ok(rows);
    }
    let Some(row) = rows.iter_raw().nth(count) else {
        return Ok(RawRows::default());
    };
    // A comma or a blank precedes every row but the first: room for the bracket.
    let begin = row.as_ptr().addr() - rows.as_bytes().as_ptr().addr() - 1;
    let list = rows.into_bytes().slice(begin..);
    let list: Bytes = match list.try_into_mut() {
        Ok(mut list) => {
            list[0] = b'[';
            list.freeze()
        }
        Err(shared) => [b"[", &shared[1..]].concat().into(),
    };
    RawRows::from_json(list)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const ROWS: &str = "[ [1] ,[2],\n{\"a\":\",[\"} , 4 ]";

    #[test]
    fn the_rows_behind_are_left_as_they_are() {
        for (count, left) in [
            (0, ROWS),
            (1, "[[2],\n{\"a\":\",[\"} , 4 ]"),
            (2, "[{\"a\":\",[\"} , 4 ]"),
            (3, "[4 ]"),
            (4, "[]"),
            (9, "[]"),
        ] {
            for is_shared in [false, true] {
                let rows = RawRows::from_json(ROWS.to_owned()).unwrap();
                let other = is_shared.then(|| rows.clone());
                let rows = without_first(rows, count).unwrap();
                assert_eq!(rows.as_str(), left, "{count} {is_shared}");
                assert_eq!(rows.count(), 4_usize.saturating_sub(count));
                // Nobody else sees the change.
                assert!(other.is_none_or(|other| other.as_str() == ROWS));
            }
        }
    }

    #[test]
    fn a_buffer_that_nothing_else_holds_is_reused() {
        let rows = RawRows::from_json(ROWS.to_owned()).unwrap();
        let end = rows.as_bytes().as_ptr_range().end;
        let rows = without_first(rows, 2).unwrap();
        assert_eq!(rows.as_bytes().as_ptr_range().end, end);
    }
}
