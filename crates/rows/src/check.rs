//! Whether a type can be read from a result, told before the first row is.
//!
//! The type is deserialised from a sample row: every column has a value of its kind. What
//! fails then for want of a column, or because a column holds something else, fails for every row.
//! What cannot be told so (a text that must be a date, the fields of a nested struct) is left to
//! the rows.

use std::cell::RefCell;

use serde::{
    de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer as _, Visitor, value},
    forward_to_deserialize_any,
};

use crate::{Column, ColumnKind, Columns, field_names};

/// Returns what is certainly wrong with reading `T` from rows with these columns, before any row is
/// read: every column that is missing and every one of another kind. It is empty where only the
/// rows can tell.
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
/// assert_eq!(errors[0], "there is no column `fee_usd`; there are: project");
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
        // Each round finds one more flaw, until the row would do or nothing more can be told.
        if result.is_ok() || report.missing.len() + report.unfit.len() == known {
            return report.words(columns);
        }
    }
}

/// Returns the fields of `T` that no column is for, whether `T` needs them or not: a misspelled
/// `Option` field is `None` in every row. It is empty where `T` is not a struct, or has a
/// `#[serde(flatten)]` field. An alias of a field that has a column is not among them.
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
    // serde lists a field's aliases beside its name, and refuses a row that has two of them.
    unmatched.retain(|name| !matched.iter().any(|other| is_same_field::<T>(name, other)));
    unmatched
}

/// Returns what [`column_errors`] does, and the [fields without a column](unmatched_fields).
#[must_use]
pub fn strict_column_errors<T: DeserializeOwned>(columns: &Columns) -> Vec<String> {
    let mut errors = column_errors::<T>(columns);
    let names: Vec<_> = columns.iter().map(Column::name).collect();
    for field in unmatched_fields::<T>(columns) {
        // Those that `T` needs are named already.
        if !errors
            .iter()
            .any(|error| error.contains(&format!("`{field}`")))
        {
            errors.push(format!(
                "no column is for the optional field `{field}`; there are: {}",
                names.join(", ")
            ));
        }
    }
    errors
}

fn is_same_field<T: DeserializeOwned>(one: &'static str, other: &'static str) -> bool {
    let report = RefCell::new(Report::default());
    // In both orders: the value of the first must decode before the second is looked at.
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
                "there is no column `{name}`; there are: {}",
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

/// Why a sample row does not do.
#[derive(Debug)]
enum Probe {
    Missing(&'static str),
    /// Two names of one field.
    Duplicate,
    Unfit,
    /// Something that the rows will tell.
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
        // What was found missing before is there now, to see what else is.
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
            // A column that is there and still missing was given to a field of another name.
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

/// A value of a column, or of one that is missing: then it is whatever is requested.
#[derive(Clone, Copy)]
struct SampleCell<'a> {
    column: Option<&'a Column>,
    report: &'a RefCell<Report>,
}

impl SampleCell<'_> {
    fn kind(&self) -> Option<ColumnKind> {
        self.column.map(Column::kind)
    }

    /// Notes that the column cannot be what is requested. The next round leaves it alone.
    fn need(&self, wanted: &str, can_be: bool) -> Result<(), Probe> {
        let Some(column) = self.column else {
            return Ok(());
        };
        let mut report = self.report.borrow_mut();
        if can_be || report.unfit.iter().any(|(name, _)| name == column.name()) {
            return Ok(());
        }
        let declared = column.type_name().unwrap_or("an undeclared type");
        let words = format!("is {declared}, and {wanted} is wanted of it");
        report.unfit.push((column.name().to_owned(), words));
        Err(Probe::Unfit)
    }

    /// A scalar that is certainly not written as a number, text or anything else loose.
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
    fn what_fits_has_no_flaw() {
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
    fn every_missing_column_is_named_with_those_there_are() {
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
            "there is no column `price`; there are: id, day, hash, note, tags"
        );
        assert!(flaws[1].contains("`owner`"), "{flaws:#?}");
    }

    #[test]
    fn every_column_of_another_kind_is_named_with_its_type() {
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
                "column `id` is bigint, and true or false is wanted of it",
                "column `day` is date, and a number is wanted of it",
                "column `tags` is array(varchar), and a number is wanted of it",
            ]
        );
    }

    #[test]
    fn an_alias_is_enough_and_what_is_unclear_is_no_flaw() {
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
    fn a_field_without_a_column_is_found_and_an_alias_with_one_is_not() {
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
            "no column is for the optional field `nte`; there are: id, day, hash, note, tags"
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
