//! Decodes a received body into a response type without parsing its rows.
//!
//! The rows of a page are nearly all of its body. A JSON parser that returns them as raw text still
//! reads every token. This module finds them by their brackets instead, and gives the parser the
//! rest of the body with an empty list in their place.

use std::{
    cell::{Cell, RefCell},
    ops::Range,
};

use bytes::Bytes;
use bytestring::ByteString;
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned},
};
use serde_json::value::RawValue;

use crate::{
    RawRows,
    json::{brackets::end_of_nested, lexer::Lexer},
    row_index::RowIndex,
};

const NO_ROWS: &str = "[]";
/// The deepest object in which rows are searched for.
const MAX_DEPTH: usize = 8;

/// Whether a list of `len` bytes is treated as the rows of its body: most of the body, and long
/// enough that parsing around it pays. If the list is not raw rows after all, the rest is parsed
/// twice. Tests and fuzzers have small bodies.
fn is_worth_it(list: usize, body: usize) -> bool {
    cfg!(any(test, rowfeed_fuzzing)) || (list >= 1024 && list >= body / 2)
}

/// Whether a body may have rows that are worth it, and is large enough to look for them.
fn is_worth_a_search(body: usize) -> bool {
    cfg!(any(test, rowfeed_fuzzing)) || body >= 2048
}

/// Decodes a JSON body so that every [`RawRows`] in it shares the body's memory.
///
/// The list of rows may have any name and be nested up to eight objects deep. Of the rows, only
/// UTF-8, brackets and quotes are checked; decoding a row checks the rest. The remainder of the
/// body is checked in full.
///
/// # Errors
///
/// The body is not JSON, or does not fit `T`.
///
/// ```
/// use rowfeed_rows::{RawRows, decode_body};
///
/// #[derive(serde::Deserialize)]
/// struct Page {
///     data: RawRows,
///     next: Option<String>,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let page: Page = decode_body(&r#"{"data": [[1, "a"], [2, "b"]], "next": null}"#.into())?;
/// assert_eq!((page.data.count(), page.next), (2, None));
/// # Ok(())
/// # }
/// ```
pub fn decode_body<T: DeserializeOwned>(body: &Bytes) -> Result<T, serde_json::Error> {
    // The only UTF-8 check of a page: slices of the text are text.
    let Ok(text) = ByteString::try_from(body.clone()) else {
        return serde_json::from_slice(body);
    };
    if is_worth_a_search(text.len())
        && let Some(rows) = find_rows(&text)
        && is_worth_it(rows.place.len(), text.len())
        && let Some(value) = decode_around(&text, rows)
    {
        return Ok(value);
    }
    share(&text, || serde_json::from_str(&text))
}

/// Decodes a body that was kept, as [`decode_body`] does. [`RawRows::is_cached`] tells its rows from
/// those that were just received.
///
/// # Errors
///
/// The same as for [`decode_body`].
///
/// ```
/// use rowfeed_rows::{RawRows, decode_cached_body};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rows: RawRows = decode_cached_body(&"[[1], [2]]".into())?;
/// assert!(rows.is_cached() && !RawRows::from_json("[[1]]")?.is_cached());
/// # Ok(())
/// # }
/// ```
pub fn decode_cached_body<T: DeserializeOwned>(body: &Bytes) -> Result<T, serde_json::Error> {
    /// Puts back what was there, also when decoding panics.
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            IS_CACHED.set(self.0);
        }
    }
    let _restore = Restore(IS_CACHED.replace(true));
    decode_body(body)
}

thread_local! {
    /// Whether the body being decoded on this thread was kept.
    static IS_CACHED: Cell<bool> = const { Cell::new(false) };
}

/// Whether the rows that are made now are of a body that was kept.
pub(crate) fn is_cached() -> bool {
    IS_CACHED.get()
}

impl RawRows {
    /// Takes a JSON array, or null, as rows. The rows share `json`.
    ///
    /// # Errors
    ///
    /// The text is not JSON, or neither an array nor null.
    pub fn from_json(json: impl Into<Bytes>) -> Result<Self, serde_json::Error> {
        let json = json.into();
        match ByteString::try_from(json.clone()) {
            Ok(text) => share(&text, || serde_json::from_str(&text)),
            Err(_) => serde_json::from_slice(&json),
        }
    }
}

impl<'de> Deserialize<'de> for RawRows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&'de RawValue>::deserialize(deserializer)?.get();
        match text.as_bytes().first() {
            Some(b'[') => Ok(shared_rows(text)),
            Some(b'n') => Ok(Self::default()),
            first => Err(de::Error::invalid_type(
                match first {
                    Some(b'{') => de::Unexpected::Map,
                    Some(b'"') => de::Unexpected::Other("string"),
                    Some(b't' | b'f') => de::Unexpected::Other("boolean"),
                    _ => de::Unexpected::Other("number"),
                },
                &"an array of rows",
            )),
        }
    }
}

/// Runs `decode` so that every [`RawRows`] it meets can share `body`.
pub(crate) fn share<T>(body: &ByteString, decode: impl FnOnce() -> T) -> T {
    with(Shared::Body(body.clone()), decode).0
}

/// The rows at `text` in the body being decoded, shared if possible.
pub(crate) fn shared_rows(text: &str) -> RawRows {
    SHARED.with_borrow_mut(|shared| match shared {
        Some(Shared::Rows { place, rows }) if *place == text.as_ptr().addr() => {
            rows.take().unwrap_or_default()
        }
        Some(Shared::Body(body)) if contains(body, text) => RawRows::of_valid(body.slice_ref(text)),
        _ => RawRows::of_valid(text.into()),
    })
}

enum Shared {
    /// The whole body.
    Body(ByteString),
    /// The rows that replace the list at this place.
    Rows { place: usize, rows: Option<RawRows> },
}

thread_local! {
    /// The body that values being decoded on this thread can share.
    static SHARED: RefCell<Option<Shared>> = const { RefCell::new(None) };
}

/// Runs `work` with `shared`, and returns what `work` left of it.
fn with<T>(shared: Shared, work: impl FnOnce() -> T) -> (T, Option<Shared>) {
    /// Restores the previous value, also when `work` panics.
    struct Restore(Option<Shared>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let before = self.0.take();
            SHARED.with(|slot| slot.replace(before));
        }
    }
    let restore = Restore(SHARED.with(|slot| slot.replace(Some(shared))));
    let out = work();
    let left = SHARED.with(RefCell::take);
    drop(restore);
    (out, left)
}

fn contains(body: &str, text: &str) -> bool {
    let (body, text) = (
        body.as_bytes().as_ptr_range(),
        text.as_bytes().as_ptr_range(),
    );
    body.start <= text.start && text.end <= body.end
}

/// Decodes the body around the rows. Returns `None` if that fails, or if the type has no
/// [`RawRows`] in their place and needs the whole body.
fn decode_around<T: DeserializeOwned>(body: &ByteString, found: FoundRows) -> Option<T> {
    let FoundRows { place, index } = found;
    let (head, tail) = (&body[..place.start], &body[place.end..]);
    let rest = [head, NO_ROWS, tail].concat();
    let rows = RawRows::of_valid_with(body.slice_ref(&body[place]), index);
    let shared = Shared::Rows {
        place: rest[head.len()..].as_ptr().addr(),
        rows: Some(rows),
    };
    match with(shared, || serde_json::from_str(&rest)) {
        (Ok(value), Some(Shared::Rows { rows: None, .. })) => Some(value),
        _ => None,
    }
}

/// A list that may be the rows of a page.
struct FoundRows {
    place: Range<usize>,
    index: Option<RowIndex>,
}

/// The longest list of lists or objects that is a member of the body, or of an object within it.
/// `None` if there is no such list, or if the body is not JSON; the parser reports the latter.
fn find_rows(body: &str) -> Option<FoundRows> {
    let mut lex = Lexer::lending(body);
    let mut longest: Option<FoundRows> = None;
    let mut depth = 0;
    let mut first = true;
    lex.open(b'{').ok()?;
    loop {
        if !lex.next_item(&mut first, b'}').ok()? {
            if depth == 0 {
                return longest;
            }
            depth -= 1;
            // The object that ends here was an item itself.
            first = false;
            continue;
        }
        lex.quoted().ok()?;
        lex.expect(b':').ok()?;
        let bracket = lex.peek().ok()?;
        let start = lex.position();
        let rest = &body.as_bytes()[start..];
        match bracket {
            b'[' => {
                let (len, index) = RowIndex::read(rest)?;
                lex.go_to(start + len);
                let shortest = longest.as_ref().map_or(0, |rows| rows.place.len());
                if len > shortest && index.is_some() {
                    longest = Some(FoundRows {
                        place: start..start + len,
                        index,
                    });
                }
            }
            b'{' if depth < MAX_DEPTH => {
                lex.open(b'{').ok()?;
                depth += 1;
                first = true;
            }
            b'{' => lex.go_to(start + end_of_nested(rest)?),
            _ => lex.skip().ok()?,
        }
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

    fn page_of(body: &[u8]) -> Result<Page, serde_json::Error> {
        decode_body(&Bytes::copy_from_slice(body))
    }

    fn page(body: &str) -> Result<Page, serde_json::Error> {
        decode_body(&Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn rows_are_found_at_any_depth() {
        for (body, rows) in [
            ("{\"rows\":[{}]}", Some("[{}]")),
            ("{\"rows\":[]}", Some("[]")),
            (
                " {\"a\":1, \"r\" : {\"b\":[\"]\"],\"rows\" :\n[[1]] }}",
                Some("[[1]]"),
            ),
            (
                "{\"a\":{\"b\":{}},\"c\":null,\"rows\":[[1]]}",
                Some("[[1]]"),
            ),
            (
                "{\"a\":\"rows\",\"b\":{\"rows\":7},\"c\":{\"data\":[{}]}}",
                Some("[{}]"),
            ),
            (
                "{\"names\":[[1]],\"result\":{\"items\":[[1],[2]]}}",
                Some("[[1],[2]]"),
            ),
            ("{\"rows\":[\u{c}[1]]}", None),
            ("{\u{c}\"rows\":[[1]]}", None),
            ("{\"rows\":[1]}", None),
            ("{\"a\":[{\"rows\":[1]}]}", Some("[{\"rows\":[1]}]")),
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
            let found = find_rows(body).map(|rows| &body[rows.place]);
            assert_eq!(found, rows, "{body}");
        }
        assert!(
            page_of(b"{\"result\":{\"rows\":[\"\xff\"]}}").is_err(),
            "not UTF-8"
        );
    }

    #[test]
    fn the_body_around_rows_decodes_as_usual() {
        let body = "{\"state\":\"done\",\"result\":{\"rows\":[ {\"a\":\"}]\"} , [2] ],\"total\":2},\
                    \"next\":3}";
        let shared = Bytes::from(body);
        let page: Page = decode_body(&shared).unwrap();
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
    fn errors_around_rows_refer_to_the_received_body() {
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
    fn types_without_raw_rows_decode_the_same_body() {
        #[derive(Deserialize, Debug, PartialEq)]
        struct Counts {
            rows: Vec<u64>,
        }
        let body = Bytes::from("{\"rows\":[1,2,3]}");
        let rows = vec![1, 2, 3];
        assert_eq!(decode_body::<Counts>(&body).unwrap(), Counts { rows });
        let value: serde_json::Value = decode_body(&body).unwrap();
        assert_eq!(value, serde_json::json!({"rows": [1, 2, 3]}));
    }

    #[test]
    fn each_list_of_rows_is_separate() {
        #[derive(Deserialize)]
        struct Two {
            rows: RawRows,
            other: Results,
        }
        let body = Bytes::from("{\"other\":{\"rows\":[[1],[2]]},\"rows\":[[3]]}");
        let two: Two = decode_body(&body).unwrap();
        assert_eq!(two.other.rows.unwrap().as_str(), "[[1],[2]]");
        assert_eq!(two.rows.as_str(), "[[3]]");
    }

    #[test]
    fn repeated_members_are_errors_with_and_without_rows() {
        let repeated = page("{\"result\":{\"rows\":[{}],\"rows\":[{},{}]}}").unwrap_err();
        assert!(repeated.to_string().starts_with("duplicate field `rows`"));
    }

    #[test]
    fn a_panic_releases_the_shared_body() {
        let (outer, inner) = (ByteString::from("[1]"), ByteString::from("[2]"));
        let held = || {
            SHARED.with_borrow(|shared| match shared {
                Some(Shared::Body(body)) => Some(body.clone()),
                _ => None,
            })
        };
        share(&outer, || {
            let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                share(&inner, || panic!("while decoding"));
            }));
            assert!(panicked.is_err());
            assert_eq!(held(), Some(outer.clone()));
        });
        assert_eq!(held(), None);
    }
}
