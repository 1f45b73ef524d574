//! A received body as a response type, without a look into its rows.
//!
//! The rows of a page are nearly all of its body. A JSON parser that is to give them as raw text
//! still reads every token of them; here they are found by their brackets, and the parser gets the
//! rest of the body, with an empty list in their place.

use std::{cell::RefCell, ops::Range};

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::{RawRows, brackets::end_of_nested, row_index::RowIndex};

/// The member of a body, or of an object within it, that may hold raw rows.
const ROWS: &[u8] = b"rows";
const NO_ROWS: &[u8] = b"[]";
/// Objects that lie deeper are stepped over.
const MAX_DEPTH: usize = 8;

/// Decodes a body so that every [`RawRows`] in it shares it.
///
/// Rows are only checked to be UTF-8 with brackets and quotes that match; whoever decodes them
/// reads them in full. Whatever is wrong with the rest of the body is an error here.
pub(crate) fn decode<T: DeserializeOwned>(body: &Bytes) -> Result<T, serde_json::Error> {
    if let Some(rows) = find_rows(body)
        && let Some(value) = decode_around(body, rows)
    {
        return Ok(value);
    }
    lend(body, || serde_json::from_slice(body))
}

/// Runs `decode` so that every [`RawRows`] it meets can share `body`.
pub(crate) fn lend<T>(body: &Bytes, decode: impl FnOnce() -> T) -> T {
    with(Lent::Body(body.clone()), decode).0
}

/// The rows that stand at `text` in what is being decoded, shared if they can be.
pub(crate) fn lent_rows(text: &str) -> RawRows {
    LENT.with_borrow_mut(|lent| match lent {
        Some(Lent::Rows { place, rows }) if *place == text.as_ptr().addr() => {
            rows.take().unwrap_or_default()
        }
        Some(Lent::Body(body)) if contains(body, text) => {
            RawRows::of_valid(body.slice_ref(text.as_bytes()))
        }
        _ => RawRows::of_valid(Bytes::copy_from_slice(text.as_bytes())),
    })
}

enum Lent {
    /// All that is being decoded.
    Body(Bytes),
    /// What belongs to this place of it.
    Rows { place: usize, rows: Option<RawRows> },
}

thread_local! {
    /// What the values being decoded on this thread may share.
    static LENT: RefCell<Option<Lent>> = const { RefCell::new(None) };
}

/// Runs `work` with `lent`, and gives back what is left of it.
fn with<T>(lent: Lent, work: impl FnOnce() -> T) -> (T, Option<Lent>) {
    /// Puts back what was there, also when `work` panics.
    struct Restore(Option<Lent>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let before = self.0.take();
            LENT.with(|slot| slot.replace(before));
        }
    }
    let restore = Restore(LENT.with(|slot| slot.replace(Some(lent))));
    let out = work();
    let left = LENT.with(RefCell::take);
    drop(restore);
    (out, left)
}

fn contains(body: &Bytes, text: &str) -> bool {
    let (body, text) = (body.as_ptr_range(), text.as_bytes().as_ptr_range());
    body.start <= text.start && text.end <= body.end
}

/// Decodes what is around the rows. `None` if that fails, or if the type has no [`RawRows`] in
/// their place: then it must see the body as it is.
fn decode_around<T: DeserializeOwned>(
    body: &Bytes,
    (at, index): (Range<usize>, Option<RowIndex>),
) -> Option<T> {
    let (head, tail) = (&body[..at.start], &body[at.end..]);
    let rest = [head, NO_ROWS, tail].concat();
    let lent = Lent::Rows {
        place: rest[head.len()..].as_ptr().addr(),
        rows: Some(RawRows::of_valid_with(body.slice(at), index)),
    };
    match with(lent, || serde_json::from_slice(&rest)) {
        (Ok(value), Some(Lent::Rows { rows: None, .. })) => Some(value),
        _ => None,
    }
}

/// Where the rows are, if they are UTF-8 and have an end.
fn find_rows(body: &[u8]) -> Option<(Range<usize>, Option<RowIndex>)> {
    let start = Walk { json: body, at: 0 }.rows()?;
    let (len, index) = RowIndex::read(&body[start..])?;
    let rows = start..start + len;
    str::from_utf8(&body[rows.clone()]).ok()?;
    Some((rows, index))
}

/// A walk over the beginning of a body. What is no JSON ends it; the parser will say why.
struct Walk<'a> {
    json: &'a [u8],
    at: usize,
}

impl Walk<'_> {
    /// Where the list of rows begins.
    fn rows(mut self) -> Option<usize> {
        let mut depth = 0;
        self.take(b'{')?;
        loop {
            if self.peek()? != b'}' {
                let key = self.string()?;
                self.take(b':')?;
                match self.peek()? {
                    b'[' if &self.json[key] == ROWS => return Some(self.at),
                    b'{' if depth < MAX_DEPTH => {
                        depth += 1;
                        self.at += 1;
                        continue;
                    }
                    b'{' | b'[' => self.at += end_of_nested(&self.json[self.at..])?,
                    b'"' => {
                        self.string()?;
                    }
                    _ => self.word(),
                }
            }
            while self.peek()? == b'}' {
                depth = usize::checked_sub(depth, 1)?;
                self.at += 1;
            }
            self.take(b',')?;
        }
    }

    /// The next byte that is not blank.
    fn peek(&mut self) -> Option<u8> {
        while self.json.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        Some(self.json[self.at])
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Takes a string, and gives where its content is.
    fn string(&mut self) -> Option<Range<usize>> {
        self.take(b'"')?;
        let start = self.at;
        loop {
            match self.json.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(start..self.at - 1)
    }

    /// Takes a number or one of the words.
    fn word(&mut self) {
        let rest = self.json[self.at..].iter();
        self.at += rest
            .take_while(|byte| !b",}] \t\r\n".contains(byte))
            .count();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    struct Page {
        state: Option<String>,
        result: Option<Results>,
        next: Option<u64>,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    struct Results {
        rows: Option<RawRows>,
        total: Option<u64>,
    }

    fn page(body: &str) -> Result<Page, serde_json::Error> {
        decode(&Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn rows_are_found_where_they_are() {
        for (body, rows) in [
            ("{\"rows\":[{}]}", Some("[{}]")),
            ("{\"rows\":[]}", Some("[]")),
            (
                " {\"a\":1, \"r\" : {\"b\":[\"]\"],\"rows\" :\n[[1]] }}",
                Some("[[1]]"),
            ),
            ("{\"a\":{\"b\":{}},\"c\":null,\"rows\":[1]}", Some("[1]")),
            (
                "{\"a\":\"rows\",\"b\":{\"rows\":7},\"c\":{\"rows\":[2]}}",
                Some("[2]"),
            ),
            ("{\"a\":[{\"rows\":[1]}]}", None),
            ("{\"rows\":null}", None),
            ("{\"rows\":[1}", None),
            ("{}", None),
            ("[]", None),
            ("", None),
            ("{\"rows\\\":[1]", None),
            ("<html>", None),
            ("{\"a\"}", None),
            ("}", None),
        ] {
            let found = find_rows(body.as_bytes()).map(|(at, _)| &body[at]);
            assert_eq!(found, rows, "{body}");
        }
        assert!(find_rows(b"{\"rows\":[\"\xff\"]}").is_none(), "not UTF-8");
    }

    #[test]
    fn the_rest_of_the_body_is_decoded_as_ever() {
        let body = "{\"state\":\"done\",\"result\":{\"rows\":[ {\"a\":\"}]\"} , [2] ],\"total\":2},\
                    \"next\":3}";
        let shared = Bytes::from(body);
        let page: Page = decode(&shared).unwrap();
        let results = page.result.unwrap();
        let rows = results.rows.unwrap();
        assert_eq!(rows.as_str(), "[ {\"a\":\"}]\"} , [2] ]");
        assert!(shared.as_ptr_range().contains(&rows.as_bytes().as_ptr()));
        assert_eq!(
            (rows.count(), results.total, page.next),
            (2, Some(2), Some(3))
        );
        assert_eq!(page.state.as_deref(), Some("done"));
    }

    #[test]
    fn what_is_wrong_around_rows_is_told_of_the_body_as_it_came() {
        for body in [
            "{\"result\":{\"rows\":[{\"a\":1}]},\"next\":\"x\"}",
            "{\"result\":{\"rows\":[{\"a\":1}]},\"next\":1",
            "{\"result\":{\"rows\":[{\"a\":1}],},\"next\":1}",
            "{\"result\":{\"rows\":[{\"a\":1}]}} x",
            "{\"result\":{\"rows\":[{\"a\":1}]",
        ] {
            let wanted = serde_json::from_str::<Page>(body).unwrap_err().to_string();
            assert_eq!(page(body).unwrap_err().to_string(), wanted);
        }
    }

    #[test]
    fn a_type_with_other_rows_gets_them() {
        #[derive(Deserialize, Debug, PartialEq)]
        struct Counts {
            rows: Vec<u64>,
        }
        let body = Bytes::from("{\"rows\":[1,2,3]}");
        let rows = vec![1, 2, 3];
        assert_eq!(decode::<Counts>(&body).unwrap(), Counts { rows });
        let value: serde_json::Value = decode(&body).unwrap();
        assert_eq!(value, serde_json::json!({"rows": [1, 2, 3]}));
    }

    #[test]
    fn several_rows_in_a_body_are_each_their_own() {
        #[derive(Deserialize)]
        struct Two {
            rows: RawRows,
            other: Results,
        }
        let body = Bytes::from("{\"other\":{\"rows\":[[1],[2]]},\"rows\":[[3]]}");
        let two: Two = decode(&body).unwrap();
        assert_eq!(two.other.rows.unwrap().as_str(), "[[1],[2]]");
        assert_eq!(two.rows.as_str(), "[[3]]");
    }

    #[test]
    fn a_repeated_member_is_an_error_with_and_without_rows() {
        let repeated = page("{\"result\":{\"rows\":[{}],\"rows\":[{},{}]}}").unwrap_err();
        assert!(repeated.to_string().starts_with("duplicate field `rows`"));
    }

    #[test]
    fn what_was_lent_is_let_go_also_after_a_panic() {
        let (outer, inner) = (Bytes::from("[1]"), Bytes::from("[2]"));
        let held = || {
            LENT.with_borrow(|lent| match lent {
                Some(Lent::Body(body)) => Some(body.clone()),
                _ => None,
            })
        };
        lend(&outer, || {
            let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                lend(&inner, || panic!("while decoding"));
            }));
            assert!(panicked.is_err());
            assert_eq!(held(), Some(outer.clone()));
        });
        assert_eq!(held(), None);
    }
}
