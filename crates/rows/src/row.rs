//! Rows with columns that are not known at compile time.

use std::fmt;

use serde::{
    Serialize, Serializer,
    de::{Deserialize, Deserializer, MapAccess, Visitor},
};

use crate::{decode::hooks, error::DecodeError, value::Value};

/// A row as names and values, in the order of the columns.
///
/// A column is absent if a Lightdash pivot or a Dune row does not have it. That differs from NULL.
///
/// ```
/// use rowfeed_rows::{Columns, RawRows, Row};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let names = ["project", "members"];
/// let types = ["varchar", "integer"];
/// let columns = Columns::dune(&names, &types);
/// let rows = RawRows::from_json(r#"[{"project": "lagoon", "members": 3}]"#)?;
/// let rows: Vec<Row> = rows.decode(&columns).collect::<Result<_, _>>()?;
/// for row in &rows {
///     for (name, value) in row.iter() {
///         print!("{name} = {value:?}, ");
///     }
///     println!();
/// }
/// assert_eq!(rows[0]["project"].as_str(), Some("lagoon"));
/// assert_eq!(rows[0][1].as_integer(), Some(3));
/// assert!(rows[0].get("fee").is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row(Vec<(String, Value)>);

impl Row {
    /// Returns the value of the column with this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value)
    }

    /// Returns the number of columns of the row.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether the row has no columns.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns an iterator over names and values, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl std::ops::Index<usize> for Row {
    type Output = Value;

    /// Returns the value at this position.
    ///
    /// # Panics
    ///
    /// If the row has no such position.
    fn index(&self, position: usize) -> &Value {
        &self.0[position].1
    }
}

impl std::ops::Index<&str> for Row {
    type Output = Value;

    /// Returns the value of the column with this name; [`Value::Null`] if there is none.
    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }
}

impl IntoIterator for Row {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<(String, Value)> for Row {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(cells: I) -> Self {
        Self(cells.into_iter().collect())
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(hooks::ROW, RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a row")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Row, D::Error> {
        inner.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut cells: A) -> Result<Row, A::Error> {
        let mut row = Vec::new();
        while let Some(cell) = cells.next_entry()? {
            row.push(cell);
        }
        Ok(Row(row))
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// Returns the error of a row of several columns that is decoded as one value.
#[cold]
pub(crate) fn not_single(columns: usize) -> DecodeError {
    DecodeError::new(format!(
        "a row becomes a single value only if it has one column, and this one has {columns}: use \
         a struct, a tuple, a map or a `Row`"
    ))
}
