//! Checks a type against the columns of a result before the first row is decoded.
//!
//! The type is deserialized from a sample row in which every column has a value of its kind. A
//! missing column or a column of another kind fails for every row, so it is reported here. What
//! the sample cannot show (whether a text is a date, the fields of a nested struct) is left to the
//! rows.

use std::cell::RefCell;

use serde::{
    de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer as _, Visitor, value},
    forward_to_deserialize_any,
};

use crate::{Column, ColumnKind, Columns, field_names};

/// Returns the errors that every row with these columns would cause when decoded as `T`: each
/// missing column and each column of another kind.
///
/// The list is empty if nothing is wrong, or if only the rows can show what is.
///
/// ```
/// use rowfeed_rows::{Columns, column_errors};
///
/// #[derive(serde::Deserialize)]
/// struct Trade {
///     project: i64,
///     fee_usd: f64,
/// }
///
/// let names = ["project"];
/// let columns = Columns::dune(&names, ["date"]);
/// let errors = column_errors::<Trade>(&columns);
/// assert_eq!(errors[0], "there is no column `fee_usd`; the columns are: project");
/// assert_eq!(errors.len(), 2);
/// ```
#[must_use]
pub fn column_errors<T: DeserializeOwned>(columns: &Columns) -> Vec<String> {
    let report = RefCell::new(Report::default());
    loop {
        let known = report.borrow().missing.len() + report.borrow().unfit.len();
        let row = SampleRow {
            columns,
            report: &report,
        };
        let result = T::deserialize(row);
        let report = report.borrow();
        // Each round finds one more error, until the row decodes or no further error can be found.
        if result.is_ok() || report.missing.len() + report.unfit.len() == known {
            return report.words(columns);
        }
    }
}

/// Returns the fields of `T` that have no column, including optional fields: a misspelled `Option`
/// field would be `None` in every row.
///
/// The list is empty if `T` is not a struct or has a `#[serde(flatten)]` field. A field counts as
/// matched if one of its aliases has a column.
///
/// ```
/// use rowfeed_rows::{Columns, unmatched_fields};
///
/// #[derive(serde::Deserialize)]
/// struct Trade {
///     #[serde(alias = "protocol")]
///     project: String,
///     amonut_usd: Option<f64>,
/// }
///
/// let columns = Columns::dune(["project", "amount_usd"], ["varchar", "double"]);
/// assert_eq!(unmatched_fields::<Trade>(&columns), ["amonut_usd"]);
/// ```
#[must_use]
pub fn unmatched_fields<T: DeserializeOwned>(columns: &Columns) -> Vec<&'static str> {
    let fields = field_names::<T>().unwrap_or_default();
    let has_column = |name: &&'static str| columns.get(name).is_some();
    let (matched, mut unmatched): (Vec<_>, Vec<_>) = fields.iter().copied().partition(has_column);
    // serde lists a field's aliases beside its name, and rejects a row that has two of them.
    unmatched.retain(|name| !matched.iter().any(|other| is_same_field::<T>(name, other)));
    unmatched
}

/// Returns the errors of [`column_errors`] and one error for each [field without a
/// column](unmatched_fields).
#[must_use]
pub fn strict_column_errors<T: DeserializeOwned>(columns: &Columns) -> Vec<String> {
    let mut errors = column_errors::<T>(columns);
    let names: Vec<_> = columns.iter().map(Column::name).collect();
    for field in unmatched_fields::<T>(columns) {
        // Required fields are reported already.
        if !errors
            .iter()
            .any(|error| error.contains(&format!("`{field}`")))
        {
            errors.push(format!(
                "the optional field `{field}` has no column; the columns are: {}",
                names.join(", ")
            ));
        }
    }
    errors
}

fn is_same_field<T: DeserializeOwned>(one: &'static str, other: &'static str) -> bool {
    let report = RefCell::new(Report::default());
    // In both orders: the first value must decode before the second is read.
    [[one, other], [other, one]].into_iter().any(|names| {
        let cells = Vec::from(names.map(|name| (name, None)));
        let report = &report;
        matches!(
            T::deserialize(SampleFields { cells, report }),
            Err(Probe::Duplicate)
        )
    })
}

/// A row with these cells alone.
struct SampleFields<'a> {
    cells: Vec<(&'a str, Option<&'a Column>)>,
    report: &'a RefCell<Report>,
}

impl<'de> de::Deserializer<'de> for SampleFields<'_> {
    type Error = Probe;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Probe> {
        visitor.visit_map(Cells {
            cells: self.cells.into_iter(),
            next: None,
            report: self.report,
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Probe> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[derive(Default)]
struct Report {
    missing: Vec<&'static str>,
    unfit: Vec<(String, String)>,
}

impl Report {
    fn words(&self, columns: &Columns) -> Vec<String> {
        let names: Vec<_> = columns.iter().map(Column::name).collect();
        let missing = self.missing.iter().map(|name| {
            format!(
                "there is no column `{name}`; the columns are: {}",
                names.join(", ")
            )
        });
        let unfit = self
            .unfit
            .iter()
            .map(|(column, words)| format!("column `{column}` {words}"));
        missing.chain(unfit).collect()
    }
}

/// The reason why a sample row does not decode.
#[derive(Debug)]
enum Probe {
    Missing(&'static str),
    /// Two names of one field.
    Duplicate,
    Unfit,
    /// Something that only the rows can show.
    Unclear,
}

impl std::fmt::Display for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the sample row does not do")
    }
}

impl std::error::Error for Probe {}

impl de::Error for Probe {
    fn custom<T: std::fmt::Display>(_message: T) -> Self {
        Self::Unclear
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn duplicate_field(_field: &'static str) -> Self {
        Self::Duplicate
    }
}

#[derive(Clone, Copy)]
struct SampleRow<'a> {
    columns: &'a Columns,
    report: &'a RefCell<Report>,
}

impl<'de> de::Deserializer<'de> for SampleRow<'_> {
    type Error = Probe;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Probe> {
        Err(Probe::Unclear)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Probe> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Probe> {
        let columns = self.columns.iter();
        let mut cells: Vec<_> = columns
            .filter(|column| fields.contains(&column.name()))
            .map(|column| (column.name(), Some(column)))
            .collect();
        // Columns reported as missing exist from now on, so that further errors show.
        cells.extend(
            self.report
                .borrow()
                .missing
                .iter()
                .map(|name| (*name, None)),
        );
        let result = visitor.visit_map(Cells {
            cells: cells.into_iter(),
            next: None,
            report: self.report,
        });
        if let Err(Probe::Missing(name)) = result {
            let mut report = self.report.borrow_mut();
            // An existing column that is still missing was used by a field of another name.
            if self.columns.get(name).is_none() && !report.missing.contains(&name) {
                report.missing.push(name);
            }
        }
        result
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Cells<'a> {
    cells: std::vec::IntoIter<(&'a str, Option<&'a Column>)>,
    next: Option<(&'a str, Option<&'a Column>)>,
    report: &'a RefCell<Report>,
}

impl<'de> de::MapAccess<'de> for Cells<'_> {
    type Error = Probe;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Probe> {
        self.next = self.cells.next();
        let Some((name, _)) = self.next else {
            return Ok(None);
        };
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Probe> {
        let Some((_, column)) = self.next.take() else {
            return Err(Probe::Unclear);
        };
        seed.deserialize(SampleCell {
            column,
            report: self.report,
        })
        .map_err(|flaw| match flaw {
            // Of a struct inside.
            Probe::Missing(_) => Probe::Unclear,
            flaw => flaw,
        })
    }
}

/// A value of a column. A missing column has whatever value is requested.
#[derive(Clone, Copy)]
struct SampleCell<'a> {
    column: Option<&'a Column>,
    report: &'a RefCell<Report>,
}

impl SampleCell<'_> {
    fn kind(&self) -> Option<ColumnKind> {
        self.column.map(Column::kind)
    }

    /// Records that the column cannot be what is requested. The next round skips it.
    fn need(&self, wanted: &str, can_be: bool) -> Result<(), Probe> {
        let Some(column) = self.column else {
            return Ok(());
        };
        let mut report = self.report.borrow_mut();
        if can_be || report.unfit.iter().any(|(name, _)| name == column.name()) {
            return Ok(());
        }
        let declared = column.type_name().unwrap_or("an undeclared type");
        let words = format!("is {declared}, but the field requires {wanted}");
        report.unfit.push((column.name().to_owned(), words));
        Err(Probe::Unfit)
    }

    /// A scalar that can only be written in one way.
    fn is_one_of(&self, kinds: &[ColumnKind]) -> bool {
        self.kind().is_some_and(|kind| kinds.contains(&kind))
    }
}

const TIMES: [ColumnKind; 5] = [
    ColumnKind::Date,
    ColumnKind::Time,
    ColumnKind::Timestamp,
    ColumnKind::Instant,
    ColumnKind::Interval,
];
const NUMBERS: [ColumnKind; 4] = [
    ColumnKind::Integer,
    ColumnKind::Decimal,
    ColumnKind::Float,
    ColumnKind::Number,
];
const NESTED: [ColumnKind; 4] = [
    ColumnKind::List,
    ColumnKind::Tuple,
    ColumnKind::Struct,
    ColumnKind::Map,
];

macro_rules! numbers {
    ($($method:ident => $visit:ident($zero:expr)),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Probe> {
            let never = self.is_one_of(&TIMES)
                || self.is_one_of(&NESTED)
                || self.is_one_of(&[ColumnKind::Boolean, ColumnKind::Bytes]);
            self.need("a number", !never)?;
            visitor.$visit($zero)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for SampleCell<'_> {
    type Error = Probe;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Probe> {
        visitor.visit_unit()
    }

    numbers! {
        deserialize_i8 => visit_i8(0),
        deserialize_i16 => visit_i16(0),
        deserialize_i32 => visit_i32(0),
        deserialize_i64 => visit_i64(0),
        deserialize_i128 => visit_i128(0),
        deserialize_u8 => visit_u8(0),
        deserialize_u16 => visit_u16(0),
        deserialize_u32 => visit_u32(0),
        deserialize_u64 => visit_u64(0),
        deserialize_u128 => visit_u128(0),
        deserialize_f32 => visit_f32(0.0),
        deserialize_f64 => visit_f64(0.0),
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Probe> {
        let never = self.is_one_of(&TIMES)
            || self.is_one_of(&NUMBERS)
            || self.is_one_of(&NESTED)
            || self.is_one_of(&[ColumnKind::Bytes]);
        self.need("true or false", !never)?;
        visitor.visit_bool(false)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Probe> {
        match self.column {
            Some(_) => visitor.visit_some(self),
            None => visitor.visit_none(),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Probe> {
        let never = self.is_one_of(&TIMES)
            || self.is_one_of(&NUMBERS)
            || self.is_one_of(&[ColumnKind::Boolean]);
        self.need("a list", !never)?;
        visitor.visit_seq(value::SeqDeserializer::new(std::iter::empty::<u8>()))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Probe> {
        let never = self.is_one_of(&TIMES)
            || self.is_one_of(&NUMBERS)
            || self.is_one_of(&[ColumnKind::Boolean, ColumnKind::Bytes]);
        self.need("a map", !never)?;
        visitor.visit_map(value::MapDeserializer::new(std::iter::empty::<(u8, u8)>()))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Probe> {
        visitor.visit_borrowed_str(match self.kind() {
            Some(ColumnKind::Date) => "1970-01-01",
            Some(ColumnKind::Time) => "00:00:00",
            Some(ColumnKind::Timestamp) => "1970-01-01T00:00:00",
            Some(ColumnKind::Instant) => "1970-01-01T00:00:00+00:00",
            Some(ColumnKind::Interval) => "PT0S",
            Some(kind) if NUMBERS.contains(&kind) => "0",
            _ => "",
        })
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Probe> {
        self.deserialize_str(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Probe> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Probe> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        char bytes byte_buf unit unit_struct tuple tuple_struct struct enum identifier
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, dead_code)]
mod tests {
    use serde::Deserialize;

    use super::*;

    fn columns() -> Columns {
        let columns = [
            ("id", "bigint"),
            ("day", "date"),
            ("hash", "varbinary"),
            ("note", "varchar"),
            ("tags", "array(varchar)"),
        ];
        let (names, types): (Vec<_>, Vec<_>) = columns
            .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
            .into_iter()
            .unzip();
        Columns::dune(&names, &types)
    }

    fn flaws_of<T: de::DeserializeOwned>() -> Vec<String> {
        column_errors::<T>(&columns())
    }

    #[test]
    fn a_matching_struct_has_no_errors() {
        #[derive(Deserialize)]
        struct Fits {
            id: i64,
            day: jiff::civil::Date,
            hash: Vec<u8>,
            note: Option<String>,
            tags: Vec<String>,
            #[serde(default)]
            other: i64,
            another: Option<i64>,
        }
        assert_eq!(flaws_of::<Fits>(), Vec::<String>::new());
    }

    #[test]
    fn missing_columns_are_named_with_the_existing_ones() {
        #[derive(Deserialize)]
        struct Misses {
            id: i64,
            price: f64,
            owner: String,
        }
        let flaws = flaws_of::<Misses>();
        assert_eq!(flaws.len(), 2, "{flaws:#?}");
        assert_eq!(
            flaws[0],
            "there is no column `price`; the columns are: id, day, hash, note, tags"
        );
        assert!(flaws[1].contains("`owner`"), "{flaws:#?}");
    }

    #[test]
    fn mismatched_columns_are_named_with_their_types() {
        #[derive(Deserialize)]
        struct Unfit {
            id: bool,
            day: Option<i64>,
            tags: u8,
        }
        let flaws = flaws_of::<Unfit>();
        assert_eq!(
            flaws,
            [
                "column `id` is bigint, but the field requires true or false",
                "column `day` is date, but the field requires a number",
                "column `tags` is array(varchar), but the field requires a number",
            ]
        );
    }

    #[test]
    fn aliases_match_and_unclear_cases_pass() {
        #[derive(Deserialize)]
        struct Alias {
            #[serde(alias = "id")]
            key: i64,
            #[serde(alias = "note")]
            when: jiff::Timestamp,
        }
        assert_eq!(flaws_of::<Alias>(), Vec::<String>::new());
        assert_eq!(flaws_of::<(i64, String)>(), Vec::<String>::new());
    }

    #[test]
    fn unmatched_fields_honor_aliases() {
        #[derive(Deserialize)]
        struct Row {
            #[serde(alias = "identifier", alias = "number")]
            id: i64,
            #[serde(rename = "day", alias = "date")]
            on: Option<String>,
            nte: Option<String>,
            #[serde(default)]
            labels: Vec<String>,
            #[serde(skip)]
            seen: bool,
        }
        assert_eq!(unmatched_fields::<Row>(&columns()), ["nte", "labels"]);
        assert_eq!(flaws_of::<Row>(), Vec::<String>::new());
        let errors = strict_column_errors::<Row>(&columns());
        assert_eq!(
            errors[0],
            "the optional field `nte` has no column; the columns are: id, day, hash, note, tags"
        );
        assert_eq!(errors.len(), 2);

        // Neither name of the field has a column.
        let none = Columns::dune(["hash"], ["varbinary"]);
        let names = unmatched_fields::<Row>(&none);
        assert!(
            names.contains(&"id") && names.contains(&"identifier"),
            "{names:?}"
        );
        assert_eq!(unmatched_fields::<(i64, String)>(&columns()), [""; 0]);
    }
}
