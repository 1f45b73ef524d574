use std::{
    fmt,
    hash::{Hash, Hasher},
};

use bytes::Bytes;
use bytestring::ByteString;
use serde::{Deserialize, Serialize, Serializer, ser};
use serde_json::value::RawValue;

use crate::{
    Columns, RowDecoder,
    json::{self, brackets::end_of_items},
    row_index::RowIndex,
};

/// The rows of a page as the unchanged JSON text of their array.
///
/// In a decoded response this is a slice of the received body: nothing is copied, and no row is
/// parsed. Only brackets and quotes are matched. [`decode`](Self::decode) reads the text between
/// them. The value keeps that body in memory until it is dropped. A JSON null counts as no rows.
///
/// It deserializes where serde_json can lend the text: from a slice or string, directly or as a
/// field of a struct. It does not deserialize from a reader, or inside untagged, internally tagged
/// or flattened types, which serde buffers.
///
/// ```
/// use rowfeed_rows::{Columns, RawRows};
///
/// #[derive(Debug, PartialEq, serde::Deserialize)]
/// struct Trade {
///     project: String,
///     amount: u128,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let names = ["project", "amount"];
/// let types = ["varchar", "uint256"];
/// let columns = Columns::dune(&names, &types);
/// let rows = RawRows::from_json(r#"[{"project": "lagoon", "amount": "18446744073709551616"}]"#)?;
/// let trades: Vec<Trade> = rows.decode(&columns).collect::<Result<_, _>>()?;
/// assert_eq!(trades[0].amount, 1 << 64);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RawRows {
    /// A list, without white space around it.
    json: ByteString,
    /// `None` if a row is neither a list nor an object.
    index: Option<RowIndex>,
    is_cached: bool,
}

impl RawRows {
    /// Returns an iterator that decodes each row as `T` when it reaches it. `T` may borrow from the
    /// rows.
    ///
    /// `T` is a struct, a tuple, a map, a [`Row`](crate::Row) or a [`Value`](crate::Value). If
    /// there is one column, `T` may also be the type of that column. See [Types and
    /// values](crate#types-and-values).
    ///
    /// # Errors
    ///
    /// If a row does not fit `T`, the iterator returns an error, which names row and column, and
    /// ends.
    pub fn decode<'a, T: Deserialize<'a>>(&'a self, columns: &'a Columns) -> RowDecoder<'a, T> {
        RowDecoder::new(columns, self.as_str(), 0)
    }

    /// Returns the array as JSON text, without white space around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.json
    }

    /// Returns the array as JSON bytes, without white space around it. They are valid UTF-8.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.json.as_bytes()
    }

    /// Returns the array as shared bytes.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.json.into_bytes()
    }

    /// Returns whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.index {
            Some(index) => index.count() == 0,
            None => self.iter_raw().next().is_none(),
        }
    }

    /// Returns the number of rows. It is known in advance if every row is a list or an object.
    #[must_use]
    pub fn count(&self) -> usize {
        match &self.index {
            Some(index) => index.count(),
            None => self.iter_raw().count(),
        }
    }

    /// Returns the rows of a portion, with the commas between them but without brackets around
    /// them. Portions are numbered from 0; `None` after the last. A portion has about 16 KiB, so
    /// that rows can be decoded a few at a time.
    #[doc(hidden)]
    #[must_use]
    pub fn portion(&self, number: usize) -> Option<&str> {
        let list = self.as_str();
        let place = match &self.index {
            Some(index) => index.portion(list.as_bytes(), number)?,
            None if number == 0 => 1..list.len() - 1,
            None => return None,
        };
        list.get(place)
    }

    /// Drops the first rows. Reuses the buffer if this is its only owner, and copies otherwise.
    #[must_use]
    pub fn skip_first(self, rows: usize) -> Self {
        if rows == 0 {
            return self;
        }
        let Some(row) = self.iter_raw().nth(rows) else {
            return Self::default();
        };
        // A comma or a blank precedes every row but the first. The bracket replaces it.
        let cut = row.as_ptr().addr() - self.as_bytes().as_ptr().addr() - 1;
        let is_cached = self.is_cached;
        let index = self.index.as_ref().map(|index| index.behind(rows, cut));
        let list = self.into_bytes().slice(cut..);
        let list: Bytes = match list.try_into_mut() {
            Ok(mut list) => {
                list[0] = b'[';
                list.freeze()
            }
            Err(shared) => [b"[", &shared[1..]].concat().into(),
        };
        // Text that is cut between two ASCII characters is UTF-8.
        let json = ByteString::try_from(list).unwrap_or_default();
        Self {
            json,
            index,
            is_cached,
        }
    }

    /// Drops all rows but the first ones. Reuses the buffer if this is its only owner, and copies
    /// otherwise.
    #[must_use]
    pub fn keep_first(self, rows: usize) -> Self {
        let Some(last) = rows.checked_sub(1) else {
            return Self::default();
        };
        if self
            .index
            .as_ref()
            .is_some_and(|index| index.count() <= rows)
        {
            return self;
        }
        let mut rest = self.iter_raw().skip(last);
        let (Some(row), Some(_)) = (rest.next(), rest.next()) else {
            return self;
        };
        // A comma or a blank follows every row but the last. The bracket replaces it.
        let end = row.as_ptr().addr() - self.as_bytes().as_ptr().addr() + row.len();
        let is_cached = self.is_cached;
        let index = self.index.as_ref().map(|index| index.before(rows, end));
        let list = self.into_bytes().slice(..=end);
        let list: Bytes = match list.try_into_mut() {
            Ok(mut list) => {
                list[end] = b']';
                list.freeze()
            }
            Err(shared) => [&shared[..end], b"]"].concat().into(),
        };
        // Text that is cut between two ASCII characters is UTF-8.
        let json = ByteString::try_from(list).unwrap_or_default();
        Self {
            json,
            index,
            is_cached,
        }
    }

    /// Whether the rows are from a kept response, and not from one that was just received; see
    /// [`decode_cached_body`](crate::decode_cached_body).
    #[must_use]
    pub fn is_cached(&self) -> bool {
        self.is_cached
    }

    /// Returns the rows of a complete list.
    pub(crate) fn of_valid(json: ByteString) -> Self {
        let index = RowIndex::read(json.as_bytes()).and_then(|(_, index)| index);
        Self::of_valid_with(json, index)
    }

    /// Returns the rows of a complete list, with its index.
    pub(crate) fn of_valid_with(json: ByteString, index: Option<RowIndex>) -> Self {
        let is_cached = crate::body::is_cached();
        Self {
            json,
            index,
            is_cached,
        }
    }

    /// Returns an iterator over the JSON text of each row, in order, without white space around it.
    #[must_use]
    pub fn iter_raw(&self) -> RawRowsIter<'_> {
        RawRowsIter {
            // The text after the opening bracket.
            rest: self.as_str().get(1..).unwrap_or_default(),
        }
    }
}

impl Default for RawRows {
    fn default() -> Self {
        Self::of_valid(ByteString::from_static("[]"))
    }
}

impl PartialEq for RawRows {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl Eq for RawRows {}

impl Hash for RawRows {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.json.hash(state);
    }
}

impl fmt::Debug for RawRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawRows({} bytes)", self.json.len())
    }
}

impl<'a> IntoIterator for &'a RawRows {
    type Item = &'a str;
    type IntoIter = RawRowsIter<'a>;

    fn into_iter(self) -> RawRowsIter<'a> {
        self.iter_raw()
    }
}

/// An iterator over the rows of a [`RawRows`], as JSON text.
#[derive(Clone)]
pub struct RawRowsIter<'a> {
    rest: &'a str,
}

impl<'a> Iterator for RawRowsIter<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let (end, _) = end_of_items(self.rest.as_bytes(), 1)?;
        let (row, after) = self.rest.split_at(end);
        // A comma, or the bracket that closes the list.
        self.rest = after.strip_prefix(',').unwrap_or_default();
        let row = json::trim(row);
        (!row.is_empty()).then_some(row)
    }
}

impl std::iter::FusedIterator for RawRowsIter<'_> {}

impl fmt::Debug for RawRowsIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "RawRowsIter({} bytes)",
            self.rest.len().saturating_sub(1)
        )
    }
}

impl Serialize for RawRows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.json).map_err(ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for RawRows {
    fn schema_name() -> String {
        "RawRows".to_owned()
    }

    fn is_referenceable() -> bool {
        false
    }

    fn json_schema(generator: &mut schemars::r#gen::SchemaGenerator) -> schemars::schema::Schema {
        generator.subschema_for::<Vec<serde_json::Value>>()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::body::share;

    #[derive(Deserialize, Serialize, Debug)]
    struct Page {
        #[serde(default)]
        rows: RawRows,
        total: u64,
    }

    fn decode(body: &Bytes) -> Result<Page, serde_json::Error> {
        share(&ByteString::try_from(body.clone()).unwrap(), || {
            serde_json::from_slice(body)
        })
    }

    #[test]
    fn shares_the_body() {
        let body = Bytes::from("{\"total\":2, \"rows\": [ {\"a\": 1.50} , [2] ] }");
        let page = decode(&body).unwrap();
        assert_eq!(page.rows.as_str(), "[ {\"a\": 1.50} , [2] ]");
        let range = body.as_ptr_range();
        assert!(range.contains(&page.rows.as_bytes().as_ptr()));
        let rows = page.rows.clone().into_bytes();
        assert_eq!(rows.as_ptr(), page.rows.as_bytes().as_ptr());
    }

    #[test]
    fn copies_when_the_text_is_elsewhere() {
        let other = ByteString::from("[0]");
        let text = String::from("{\"total\":2,\"rows\":[1]}");
        let page: Page = share(&other, || serde_json::from_str(&text)).unwrap();
        drop(text);
        assert_eq!(page.rows.as_str(), "[1]");
        let page: Page = serde_json::from_str("{\"total\":2,\"rows\":[1]}").unwrap();
        assert_eq!(page.rows.as_str(), "[1]");
    }

    #[test]
    fn null_and_absent_are_no_rows() {
        for body in ["{\"total\":0}", "{\"total\":0,\"rows\":null}"] {
            let page = decode(&Bytes::from(body)).unwrap();
            assert_eq!(page.rows, RawRows::default());
            assert_eq!((page.rows.as_str(), page.rows.count()), ("[]", 0));
        }
    }

    #[test]
    fn other_json_is_an_error_with_a_position() {
        for (rows, found) in [
            ("{}", "map"),
            ("\"x\"", "string"),
            ("-5", "number"),
            ("true", "boolean"),
            ("false", "boolean"),
        ] {
            let body = Bytes::from(format!("{{\"total\":0,\"rows\":{rows}}}"));
            let shown = decode(&body).unwrap_err().to_string();
            let wanted = format!("invalid type: {found}, expected an array of rows at line 1");
            assert!(shown.starts_with(&wanted), "{shown}");
        }
        for broken in ["[1,]", "[1", "[\"\u{1}\"]", "[01]", ""] {
            assert!(RawRows::from_json(broken).is_err(), "{broken}");
        }
        assert!(RawRows::from_json(&b"[\"\xff\"]"[..]).is_err(), "not UTF-8");
    }

    #[test]
    fn rows_split_at_their_boundaries() {
        let cases: [(&str, &[&str]); 8] = [
            ("[]", &[]),
            (" [ \n\t\r] ", &[]),
            ("[1]", &["1"]),
            ("[ 1 , \"a,]\\\"\" ]", &["1", "\"a,]\\\"\""]),
            ("[[1,[2]],{\"a\":[{}]}]", &["[1,[2]]", "{\"a\":[{}]}"]),
            ("[\"\\\\\",\"x\"]", &["\"\\\\\"", "\"x\""]),
            ("[\"\\u005d\",\"ü{\"]", &["\"\\u005d\"", "\"ü{\""]),
            ("[null,true,-1.5e3]", &["null", "true", "-1.5e3"]),
        ];
        for (json, wanted) in cases {
            let rows = RawRows::from_json(json).unwrap();
            assert_eq!(rows.iter_raw().collect::<Vec<_>>(), wanted, "{json}");
            assert_eq!(rows.count(), wanted.len());
            assert_eq!(rows.is_empty(), wanted.is_empty());
            for row in &rows {
                serde_json::from_str::<serde_json::Value>(row).unwrap();
            }
        }
    }

    const ROWS: &str = "[ [1] ,[2],\n{\"a\":\",[\"} , 4 ]";

    #[test]
    fn skipping_keeps_the_remaining_rows_unchanged() {
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
                let rows = rows.skip_first(count);
                assert_eq!(rows.as_str(), left, "{count} {is_shared}");
                assert_eq!(rows.count(), 4_usize.saturating_sub(count));
                // The other owner sees no change.
                assert!(other.is_none_or(|other| other.as_str() == ROWS));
            }
        }
    }

    #[test]
    fn truncation_keeps_the_first_rows_unchanged() {
        for (count, left) in [
            (0, "[]"),
            (1, "[ [1]]"),
            (2, "[ [1] ,[2]]"),
            (3, "[ [1] ,[2],\n{\"a\":\",[\"}]"),
            (4, ROWS),
            (9, ROWS),
        ] {
            for is_shared in [false, true] {
                let rows = RawRows::from_json(ROWS.to_owned()).unwrap();
                let other = is_shared.then(|| rows.clone());
                let rows = rows.keep_first(count);
                assert_eq!(rows.as_str(), left, "{count} {is_shared}");
                assert_eq!(rows.count(), count.min(4));
                assert!(other.is_none_or(|other| other.as_str() == ROWS));
            }
        }
        let rows = RawRows::from_json(ROWS.to_owned()).unwrap();
        let start = rows.as_bytes().as_ptr();
        assert_eq!(rows.keep_first(2).as_bytes().as_ptr(), start);
    }

    #[test]
    fn an_unshared_buffer_is_reused() {
        let rows = RawRows::from_json(ROWS.to_owned()).unwrap();
        let end = rows.as_bytes().as_ptr_range().end;
        let rows = rows.skip_first(2);
        assert_eq!(rows.as_bytes().as_ptr_range().end, end);
    }

    #[test]
    fn parts_have_correct_indexes() {
        // Of several portions.
        let rows: Vec<String> = (0..9_000).map(|n| format!("[{n},\"é\"]")).collect();
        let list = RawRows::from_json(format!("[{}]", rows.join(" ,\n"))).unwrap();
        for count in [1, 2, 1_000, 4_321, 8_999, 9_000, 9_001] {
            let (kept, left) = rows.split_at(count.min(rows.len()));
            for (some, rows) in [
                (list.clone().skip_first(count), left),
                (list.clone().keep_first(count), kept),
            ] {
                assert_eq!(some.count(), rows.len());
                assert_eq!(some.is_empty(), rows.is_empty());
                let portions = (0..).map_while(|number| some.portion(number));
                let portions: Vec<_> = portions.map(str::trim).collect();
                assert_eq!(portions.join(" ,\n"), rows.join(" ,\n"), "{count}");
            }
        }
    }

    #[test]
    fn deep_rows_do_not_exhaust_the_stack() {
        let deep = format!("[{}{},1]", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(RawRows::from_json(deep).unwrap().count(), 2);
    }

    #[test]
    fn serializes_untouched() {
        let text = "{\"rows\":[ 1.50, {\"b\":1,\"b\":2} ],\"total\":3}";
        let page = decode(&Bytes::from(text)).unwrap();
        assert_eq!(serde_json::to_string(&page).unwrap(), text);
    }

    #[test]
    fn shows_only_its_length() {
        let rows = RawRows::from_json("[\"private\"]").unwrap();
        assert_eq!(format!("{rows:?}"), "RawRows(11 bytes)");
        assert_eq!(format!("{:?}", rows.iter_raw()), "RawRowsIter(9 bytes)");
    }

    #[cfg(feature = "schemars")]
    #[test]
    fn has_the_schema_of_an_array() {
        let schema = serde_json::to_value(schemars::schema_for!(RawRows)).unwrap();
        assert_eq!(schema["type"], "array");
        assert_eq!(schema["items"], true);
    }
}
