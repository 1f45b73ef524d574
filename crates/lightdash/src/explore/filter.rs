//! Conditions on fields, and how they are joined.

use std::ops::{BitAnd, BitOr};

use serde_json::{Value, json};

use super::field::Field;
use super::value::{FilterValue, FilterValues};
use crate::types::FilterOperator as Operator;

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
    /// Days.
    Days,
    /// Weeks. They begin with the day that the project or the warehouse begins them with.
    Weeks,
    /// Months.
    Months,
    /// Quarters.
    Quarters,
    /// Years.
    Years,
}

impl Unit {
    /// The unit as filters name it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Milliseconds => "milliseconds",
            Self::Seconds => "seconds",
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Days => "days",
            Self::Weeks => "weeks",
            Self::Months => "months",
            Self::Quarters => "quarters",
            Self::Years => "years",
        }
    }
}

/// A condition on one field; see [`field`](super::field).
#[derive(Clone, Debug)]
#[must_use = "a condition does nothing until it is passed to filter()"]
pub struct Condition {
    pub(super) field: Field,
    pub(super) operator: Operator,
    pub(super) values: Vec<Value>,
    pub(super) settings: Option<Value>,
    pub(super) include_null: Option<bool>,
    pub(super) case_sensitive: Option<bool>,
    pub(super) disabled: Option<bool>,
    /// Why the condition cannot be sent.
    pub(super) flaw: Option<String>,
}

impl Condition {
    pub(super) fn new(field: Field, operator: Operator, values: Vec<FilterValue>) -> Self {
        let mut flaw = None;
        let values = values.into_iter().filter_map(|value| match value.0 {
            Ok(value) => Some(value),
            Err(cause) => {
                flaw.get_or_insert(cause);
                None
            }
        });
        let values = values.collect();
        Self {
            field,
            operator,
            values,
            settings: None,
            include_null: None,
            case_sensitive: None,
            disabled: None,
            flaw,
        }
    }

    /// A condition with any number of values. The server ignores one without values, which would
    /// select every row.
    pub(super) fn of_values(
        field: Field,
        operator: Operator,
        values: impl Into<FilterValues>,
    ) -> Self {
        let values = values.into().0;
        let is_empty = values.is_empty();
        let mut condition = Self::new(field, operator, values);
        if is_empty {
            condition.flaw = Some(format!(
                "{} has no values, and Lightdash would ignore the condition and return every row",
                condition.operator
            ));
        }
        condition
    }

    /// The same with texts.
    pub(super) fn of_texts(
        field: Field,
        operator: Operator,
        texts: impl Into<FilterValues>,
    ) -> Self {
        let mut condition = Self::of_values(field, operator, texts);
        if let Some(other) = condition.values.iter().find(|value| !value.is_string()) {
            let flaw = format!("{} takes texts, not {other}", condition.operator);
            condition.flaw.get_or_insert(flaw);
        }
        // The server drops empty texts, so that the condition would match NULL as well.
        if condition.values.iter().any(|value| value == "") {
            let flaw = format!(
                "{} of an empty text is a condition that Lightdash ignores",
                condition.operator
            );
            condition.flaw.get_or_insert(flaw);
        }
        condition
    }

    pub(super) fn in_unit(field: Field, operator: Operator, unit: Unit) -> Self {
        // As the web interface sends it. The server does not read the value.
        let mut condition = Self::new(field, operator, vec![1.into()]);
        condition.settings = Some(json!({ "unitOfTime": unit.word(), "completed": false }));
        condition
    }

    /// Sets whether texts are compared with their case. The explore and its fields say so unless it
    /// is set.
    pub fn case_sensitive(mut self, is_sensitive: bool) -> Self {
        self.case_sensitive = Some(is_sensitive);
        self
    }

    /// Sets whether the server ignores the condition.
    pub fn disabled(mut self, is_disabled: bool) -> Self {
        self.disabled = Some(is_disabled);
        self
    }

    /// Both conditions.
    pub fn and(self, other: impl Into<Filter>) -> Filter {
        Filter::from(self).and(other)
    }

    /// One of the conditions, or both.
    pub fn or(self, other: impl Into<Filter>) -> Filter {
        Filter::from(self).or(other)
    }
}

/// A number of units of time before or after now. A method named after a unit makes it a condition.
#[derive(Clone, Debug)]
#[must_use = "a period is a condition once it has a unit, such as days()"]
pub struct Period {
    field: Field,
    operator: Operator,
    count: u32,
    completed: bool,
}

macro_rules! units {
    ($($name:ident $unit:ident;)*) => {$(
        #[doc = concat!("A condition that counts ", stringify!($name), ".")]
        pub fn $name(self) -> Condition {
            self.of(Unit::$unit)
        }
    )*};
}

impl Period {
    pub(super) fn new(field: Field, operator: Operator, count: u32) -> Self {
        Self {
            field,
            operator,
            count,
            completed: false,
        }
    }

    /// Counts completed units only: with months, from the first day of a month to the last day of
    /// the month before this one.
    pub fn completed(mut self) -> Self {
        self.completed = true;
        self
    }

    /// A condition that counts this unit.
    pub fn of(self, unit: Unit) -> Condition {
        let mut condition = Condition::new(self.field, self.operator, vec![self.count.into()]);
        let settings = json!({ "unitOfTime": unit.word(), "completed": self.completed });
        condition.settings = Some(settings);
        if self.count == 0 {
            condition.flaw = Some(format!("{} takes at least 1", condition.operator));
        }
        condition
    }

    units! {
        milliseconds Milliseconds;
        seconds Seconds;
        minutes Minutes;
        hours Hours;
        days Days;
        weeks Weeks;
        months Months;
        quarters Quarters;
        years Years;
    }
}

/// Conditions joined by `and` and `or`, to any depth.
///
/// Lightdash filters dimensions before grouping, metrics after grouping, and table calculations at
/// the end. An `and` may join all of them. An `or` joins conditions of one kind; another one is an
/// error of the query.
#[derive(Clone, Debug)]
#[must_use = "a filter does nothing until it is passed to filter()"]
pub struct Filter(pub(super) Node);

#[derive(Clone, Debug)]
pub(super) enum Node {
    Rule(Box<Condition>),
    And(Vec<Node>),
    Or(Vec<Node>),
}

impl From<Condition> for Filter {
    fn from(condition: Condition) -> Self {
        Self(Node::Rule(Box::new(condition)))
    }
}

/// All of the filters. None at all holds for every row.
pub fn all<F: Into<Filter>>(filters: impl IntoIterator<Item = F>) -> Filter {
    Filter(Node::And(nodes(filters)))
}

/// At least one of the filters. None at all is an error of the query.
pub fn any<F: Into<Filter>>(filters: impl IntoIterator<Item = F>) -> Filter {
    Filter(Node::Or(nodes(filters)))
}

fn nodes<F: Into<Filter>>(filters: impl IntoIterator<Item = F>) -> Vec<Node> {
    filters.into_iter().map(|filter| filter.into().0).collect()
}

impl Filter {
    /// This filter and another one.
    pub fn and(self, other: impl Into<Filter>) -> Filter {
        let mut nodes = match self.0 {
            Node::And(nodes) => nodes,
            other => vec![other],
        };
        match other.into().0 {
            Node::And(more) => nodes.extend(more),
            other => nodes.push(other),
        }
        Filter(Node::And(nodes))
    }

    /// This filter, or another one, or both.
    pub fn or(self, other: impl Into<Filter>) -> Filter {
        let mut nodes = match self.0 {
            // An empty `any` stays an error, and an empty `all` holds for every row.
            Node::Or(nodes) if !nodes.is_empty() => nodes,
            other => vec![other],
        };
        match other.into().0 {
            Node::Or(more) if !more.is_empty() => nodes.extend(more),
            other => nodes.push(other),
        }
        Filter(Node::Or(nodes))
    }
}

impl<F: Into<Filter>> BitAnd<F> for Filter {
    type Output = Filter;

    fn bitand(self, other: F) -> Filter {
        self.and(other)
    }
}

impl<F: Into<Filter>> BitOr<F> for Filter {
    type Output = Filter;

    fn bitor(self, other: F) -> Filter {
        self.or(other)
    }
}

impl<F: Into<Filter>> BitAnd<F> for Condition {
    type Output = Filter;

    fn bitand(self, other: F) -> Filter {
        self.and(other)
    }
}

impl<F: Into<Filter>> BitOr<F> for Condition {
    type Output = Filter;

    fn bitor(self, other: F) -> Filter {
        self.or(other)
    }
}
