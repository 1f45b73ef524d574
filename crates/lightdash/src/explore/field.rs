//! Fields of an explore, and their ids.

use super::filter::{Condition, Period};
use super::value::{FilterValue, FilterValues};
use crate::types::FilterOperator as Operator;

/// A dimension, a metric or a table calculation, as a query names it.
///
/// | text | field |
/// |---|---|
/// | `status` | the field `status` of the explore's base table |
/// | `customers.status` | the field `status` of the joined table `customers` |
/// | the name of a calculation of the query | that calculation |
///
/// [`Field::id`] takes the id that the server uses, such as `orders_status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub(super) name: Name,
    pub(super) kind: Option<FieldKind>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// `name` or `table.name`.
    Path(String),
    Id(String),
}

/// What a field is. Lightdash filters dimensions before grouping, metrics after grouping, and table
/// calculations at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldKind {
    /// A dimension.
    Dimension,
    /// A metric.
    Metric,
    /// A table calculation.
    Calculation,
}

impl FieldKind {
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Dimension => "dimensions",
            Self::Metric => "metrics",
            Self::Calculation => "table calculations",
        }
    }
}

/// Names a field. In a filter, it counts as a metric or a calculation if the query selects one of
/// this name, and as a dimension otherwise; [`metric`] names a metric that is not selected.
pub fn field(name: impl Into<Field>) -> Field {
    name.into()
}

/// Names a dimension.
pub fn dimension(name: impl Into<Field>) -> Field {
    Field {
        kind: Some(FieldKind::Dimension),
        ..name.into()
    }
}

/// Names a metric, selected or not.
pub fn metric(name: impl Into<Field>) -> Field {
    Field {
        kind: Some(FieldKind::Metric),
        ..name.into()
    }
}

impl From<&str> for Field {
    fn from(name: &str) -> Self {
        name.to_owned().into()
    }
}

impl From<&String> for Field {
    fn from(name: &String) -> Self {
        name.clone().into()
    }
}

impl From<String> for Field {
    fn from(name: String) -> Self {
        Self {
            name: Name::Path(name),
            kind: None,
        }
    }
}

impl Field {
    /// Names a field by the id that the server uses, such as `orders_status`.
    pub fn id(id: impl Into<String>) -> Self {
        Self {
            name: Name::Id(id.into()),
            kind: None,
        }
    }

    /// The name as the user wrote it.
    pub(super) fn written(&self) -> &str {
        match &self.name {
            Name::Path(name) | Name::Id(name) => name,
        }
    }

    /// The id, in an explore with this base table and these calculations.
    pub(super) fn resolve(&self, base: &str, is_calculation: impl Fn(&str) -> bool) -> String {
        match &self.name {
            Name::Id(id) => id.clone(),
            Name::Path(name) if self.kind.is_none() && is_calculation(name) => name.clone(),
            Name::Path(name) => {
                let (table, name) = name.split_once('.').unwrap_or((base, name));
                // A field of a nested column has dots in its name, which ids have twice as `_`.
                format!("{table}_{}", name.replace('.', "__"))
            }
        }
    }

    /// NULL.
    pub fn is_null(self) -> Condition {
        Condition::new(self, Operator::IsNull, Vec::new())
    }

    /// Not NULL.
    pub fn is_not_null(self) -> Condition {
        Condition::new(self, Operator::NotNull, Vec::new())
    }

    /// Equal to the value, or to one of several values.
    ///
    /// Several values are for texts and numbers. For a date, a timestamp or a truth value the server
    /// uses only the first value; [`checked`](super::ExploreQuery::checked) refuses such a query. Join
    /// conditions with [`or`](Condition::or) instead.
    pub fn equals(self, values: impl Into<FilterValues>) -> Condition {
        Condition::of_values(self, Operator::Equals, values)
    }

    /// Equal to one of the values, or NULL. For texts.
    pub fn equals_or_null(self, values: impl Into<FilterValues>) -> Condition {
        let mut condition = Condition::of_values(self, Operator::Equals, values);
        condition.include_null = Some(true);
        condition
    }

    /// Equal to none of the values. NULL is equal to none, so its rows are kept. Several values are
    /// for texts and numbers; see [`equals`](Self::equals).
    pub fn not_equals(self, values: impl Into<FilterValues>) -> Condition {
        Condition::of_values(self, Operator::NotEquals, values)
    }

    /// Contains the text, or one of several texts. The server compares with `LIKE`, so `%` and `_`
    /// in the text match any text and any character.
    pub fn contains(self, texts: impl Into<FilterValues>) -> Condition {
        Condition::of_texts(self, Operator::Include, texts)
    }

    /// Contains none of the texts. Rows with NULL are kept. `%` and `_` are wildcards, as in
    /// [`contains`](Self::contains).
    pub fn not_contains(self, texts: impl Into<FilterValues>) -> Condition {
        Condition::of_texts(self, Operator::DoesNotInclude, texts)
    }

    /// Begins with the text, or with one of several texts. `%` and `_` are wildcards, as in
    /// [`contains`](Self::contains).
    pub fn starts_with(self, texts: impl Into<FilterValues>) -> Condition {
        Condition::of_texts(self, Operator::StartsWith, texts)
    }

    /// Ends with the text, or with one of several texts. `%` and `_` are wildcards, as in
    /// [`contains`](Self::contains).
    pub fn ends_with(self, texts: impl Into<FilterValues>) -> Condition {
        Condition::of_texts(self, Operator::EndsWith, texts)
    }

    /// Less than the value.
    pub fn less_than(self, value: impl Into<FilterValue>) -> Condition {
        Condition::new(self, Operator::LessThan, vec![value.into()])
    }

    /// At most the value.
    pub fn less_than_or_equal(self, value: impl Into<FilterValue>) -> Condition {
        Condition::new(self, Operator::LessThanOrEqual, vec![value.into()])
    }

    /// Greater than the value.
    pub fn greater_than(self, value: impl Into<FilterValue>) -> Condition {
        Condition::new(self, Operator::GreaterThan, vec![value.into()])
    }

    /// At least the value.
    pub fn greater_than_or_equal(self, value: impl Into<FilterValue>) -> Condition {
        Condition::new(self, Operator::GreaterThanOrEqual, vec![value.into()])
    }

    /// Between two values, both included.
    pub fn between(self, low: impl Into<FilterValue>, high: impl Into<FilterValue>) -> Condition {
        Condition::new(self, Operator::InBetween, vec![low.into(), high.into()])
    }

    /// Less than the low value or greater than the high value. For numbers.
    pub fn not_between(
        self,
        low: impl Into<FilterValue>,
        high: impl Into<FilterValue>,
    ) -> Condition {
        Condition::new(self, Operator::NotInBetween, vec![low.into(), high.into()])
    }

    /// In this many units of time before now: `field("created").in_the_past(30).days()`.
    pub fn in_the_past(self, count: u32) -> Period {
        Period::new(self, Operator::InThePast, count)
    }

    /// Not in this many units of time before now.
    pub fn not_in_the_past(self, count: u32) -> Period {
        Period::new(self, Operator::NotInThePast, count)
    }

    /// In this many units of time after now.
    pub fn in_the_next(self, count: u32) -> Period {
        Period::new(self, Operator::InTheNext, count)
    }

    /// In the current day, week, month and so on.
    pub fn in_the_current(self, unit: super::Unit) -> Condition {
        Condition::in_unit(self, Operator::InTheCurrent, unit)
    }

    /// Not in the current day, week, month and so on.
    pub fn not_in_the_current(self, unit: super::Unit) -> Condition {
        Condition::in_unit(self, Operator::NotInTheCurrent, unit)
    }

    /// In any week, month, quarter or year, up to the day of it that today is: with months, on the
    /// 15th, the first 15 days of every month. Other units are errors of the query.
    ///
    /// [`in_the_current`](Self::in_the_current) selects the current one alone.
    pub fn in_period_to_date(self, unit: super::Unit) -> Condition {
        use super::Unit;
        let mut condition = Condition::in_unit(self, Operator::InPeriodToDate, unit);
        if !matches!(
            unit,
            Unit::Weeks | Unit::Months | Unit::Quarters | Unit::Years
        ) {
            condition.flaw = Some(format!(
                "in_period_to_date() takes weeks, months, quarters or years, not {}",
                unit.word()
            ));
        }
        condition
    }
}
