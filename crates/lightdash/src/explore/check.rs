//! Checks a query against its explore.

use std::collections::BTreeMap;

use super::{ExploreQuery, Field, FieldKind, field::Name, filter::Node};
use crate::{
    nearest::nearest,
    types::{Explore, FilterOperator as Operator, MetricQuery, MetricType},
};

/// What values a field has, as far as filters care.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Values {
    Text,
    Number,
    Time,
    Boolean,
    Unknown,
}

/// A field of an explore.
struct Known<'e> {
    table: &'e str,
    name: &'e str,
    kind: FieldKind,
    values: Values,
    is_hidden: bool,
}

/// The fields of an explore by id.
type Fields<'e> = BTreeMap<String, Known<'e>>;

/// Checks the fields and operators of a query.
///
/// # Errors
///
/// All mistakes that were found, in words.
pub(super) fn check(
    query: &ExploreQuery,
    sent: &MetricQuery,
    explore: &Explore,
) -> Result<(), String> {
    if query.base() != explore.base_table {
        return Err(format!(
            "the explore's base table is `{}`; set base_table(\"{}\")",
            explore.base_table, explore.base_table
        ));
    }
    let check = Check {
        query,
        fields: fields(explore),
        custom_metrics: (sent.additional_metrics.iter())
            .map(|metric| format!("{}_{}", metric.table, metric.name))
            .collect(),
    };
    let mut flaws = Vec::new();
    for (fields, kind) in [
        (&query.dimensions, FieldKind::Dimension),
        (&query.metrics, FieldKind::Metric),
    ] {
        flaws.extend(
            fields
                .iter()
                .filter_map(|field| check.find(field, Some(kind)).err()),
        );
    }
    let sorts = query.sorts.iter().map(|sort| &sort.field);
    let calculations = query.calculations.iter();
    let others = sorts.chain(calculations.flat_map(|calculation| calculation.fields()));
    flaws.extend(others.filter_map(|field| check.find(field, None).err()));
    for filter in &query.filters {
        check.filter(&filter.0, sent, &mut flaws);
    }
    for (name, _) in &query.parameters {
        // Parameters of the project are not part of the explore, so only a near name is a mistake.
        let known = explore.parameters.keys().map(String::as_str);
        if !explore.parameters.contains_key(name)
            && let [like, ..] = nearest(name, known.clone()).as_slice()
        {
            flaws.push(format!(
                "there is no parameter `{name}`; did you mean `{like}`?"
            ));
        }
    }
    flaws.dedup();
    match flaws.is_empty() {
        true => Ok(()),
        false => Err(flaws.join("; ")),
    }
}

fn fields(explore: &Explore) -> Fields<'_> {
    let mut fields = Fields::new();
    for (table, of_table) in &explore.tables {
        let id = |name: &str| format!("{table}_{}", name.replace('.', "__"));
        for (name, dimension) in &of_table.dimensions {
            let known = Known {
                table,
                name,
                kind: FieldKind::Dimension,
                values: match dimension.type_.as_str() {
                    "string" => Values::Text,
                    "number" => Values::Number,
                    "date" | "timestamp" => Values::Time,
                    "boolean" => Values::Boolean,
                    _ => Values::Unknown,
                },
                is_hidden: dimension.hidden,
            };
            fields.insert(id(name), known);
        }
        for (name, metric) in &of_table.metrics {
            let known = Known {
                table,
                name,
                kind: FieldKind::Metric,
                values: match &metric.type_ {
                    MetricType::String => Values::Text,
                    MetricType::Date | MetricType::Timestamp => Values::Time,
                    MetricType::Boolean => Values::Boolean,
                    // The smallest and the largest value are of any type.
                    MetricType::Min | MetricType::Max | MetricType::Unknown(_) => Values::Unknown,
                    _ => Values::Number,
                },
                is_hidden: metric.hidden,
            };
            fields.insert(id(name), known);
        }
    }
    fields
}

struct Check<'e> {
    query: &'e ExploreQuery,
    fields: Fields<'e>,
    custom_metrics: Vec<String>,
}

impl Check<'_> {
    /// The values of a field, which has to exist and be of this kind.
    fn find(&self, field: &Field, kind: Option<FieldKind>) -> Result<Values, String> {
        let (id, written) = (self.query.id(field), field.written());
        let kind = kind.or(field.kind);
        if self.query.is_calculation(&id) || self.custom_metrics.contains(&id) {
            return Ok(Values::Unknown);
        }
        let custom = &self.query.custom_dimensions;
        if custom.iter().any(|dimension| dimension.id == id) {
            return Ok(Values::Unknown);
        }
        match self.fields.get(&id) {
            Some(known) if kind.is_none_or(|kind| kind == known.kind) => Ok(known.values),
            Some(known) => {
                let (is, constructor) = match known.kind {
                    FieldKind::Metric => ("a metric", "metrics() or metric()"),
                    _ => ("a dimension", "dimensions() or dimension()"),
                };
                Err(format!("`{written}` is {is}; name it with {constructor}"))
            }
            None => Err(self.unknown(field, written)),
        }
    }

    fn unknown(&self, field: &Field, written: &str) -> String {
        if let (Name::Path(_), Some(known)) = (&field.name, self.fields.get(written)) {
            let name = self.name(known);
            return format!(
                "`{written}` is the id of a field; name it `{name}`, or use Field::id(\"{written}\")"
            );
        }
        let names = self.fields.values().filter(|known| !known.is_hidden);
        let names: Vec<_> = names.map(|known| self.name(known)).collect();
        // A field of a joined table that lacks its table is nearest, whatever the distance.
        let joined = names.iter().filter(|name| {
            name.split_once('.')
                .is_some_and(|(_, name)| name == written)
        });
        let mut like: Vec<&str> = joined.map(String::as_str).collect();
        match &field.name {
            Name::Path(_) => like.extend(nearest(written, names.iter().map(String::as_str))),
            Name::Id(_) => like.extend(nearest(written, self.fields.keys().map(String::as_str))),
        }
        let kind = match field.kind {
            Some(FieldKind::Dimension) => "dimension",
            Some(FieldKind::Metric) => "metric",
            _ => "field",
        };
        let like: Vec<_> = like.iter().map(|name| format!("`{name}`")).collect();
        match like.as_slice() {
            [] => format!("there is no {kind} `{written}`"),
            like => format!(
                "there is no {kind} `{written}`; the nearest are {}",
                like.join(", ")
            ),
        }
    }

    /// The name of a field as a query writes it.
    fn name(&self, known: &Known<'_>) -> String {
        match known.table == self.query.base() && !known.name.contains('.') {
            true => known.name.to_owned(),
            false => format!("{}.{}", known.table, known.name),
        }
    }

    fn filter(&self, node: &Node, sent: &MetricQuery, flaws: &mut Vec<String>) {
        let condition = match node {
            Node::Rule(condition) => condition,
            Node::And(nodes) | Node::Or(nodes) => {
                return nodes.iter().for_each(|node| self.filter(node, sent, flaws));
            }
        };
        let field = &condition.field;
        let id = self.query.id(field);
        let kind = self.query.kind(field, &id, &sent.metrics);
        let values = match kind {
            FieldKind::Calculation => Ok(Values::Unknown),
            kind => self.find(field, Some(kind)),
        };
        match values {
            Err(flaw) => flaws.push(flaw),
            Ok(values) => {
                let written = field.written();
                let misfit = misfit(&condition.operator, condition.values.len(), values);
                flaws
                    .extend(misfit.map(|misfit| format!("the condition on `{written}`: {misfit}")));
            }
        }
    }
}

/// Why the server does not apply an operator to such a field as it reads.
fn misfit(operator: &Operator, count: usize, values: Values) -> Option<String> {
    let is_for = |fields: &[Values]| values == Values::Unknown || fields.contains(&values);
    let (fields, words) = match operator {
        Operator::Equals | Operator::NotEquals if count > 1 => {
            return (!is_for(&[Values::Text, Values::Number])).then(|| {
                format!(
                    "of several values of a date, a timestamp or a truth value, Lightdash uses only \
                     the first; give {operator} one value, and join conditions with `or` or `and`"
                )
            });
        }
        Operator::StartsWith
        | Operator::EndsWith
        | Operator::Include
        | Operator::DoesNotInclude => (&[Values::Text][..], "texts"),
        Operator::LessThan
        | Operator::LessThanOrEqual
        | Operator::GreaterThan
        | Operator::GreaterThanOrEqual
        | Operator::InBetween => (&[Values::Number, Values::Time][..], "numbers and times"),
        Operator::NotInBetween => (&[Values::Number][..], "numbers"),
        Operator::InThePast
        | Operator::NotInThePast
        | Operator::InTheNext
        | Operator::InTheCurrent
        | Operator::NotInTheCurrent
        | Operator::InPeriodToDate => (&[Values::Time][..], "dates and timestamps"),
        _ => return None,
    };
    (!is_for(fields)).then(|| format!("{operator} is for {words}"))
}
