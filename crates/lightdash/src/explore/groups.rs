//! One filter as Lightdash's three: on dimensions, metrics and table calculations.

use std::collections::BTreeMap;

use super::field::{Field, FieldKind};
use super::filter::{Condition, Filter, Node};
use crate::types::{
    AndFilterGroup, FieldTarget, FilterGroup, FilterGroupItem, FilterRule, Filters, OrFilterGroup,
};

/// The id and the kind of a field.
pub(super) type Resolve<'a> = dyn Fn(&Field) -> (String, FieldKind) + 'a;

/// Splits a filter, all of whose parts hold, into one group for each kind of field.
///
/// # Errors
///
/// A condition that cannot be sent, an `or` over several kinds, or an `or` of nothing.
pub(super) fn split(filter: &Filter, resolve: &Resolve<'_>) -> Result<Filters, String> {
    let mut groups = BTreeMap::new();
    place(&filter.0, resolve, &mut groups)?;
    let mut ids = Ids(0);
    let mut of = |kind| {
        let nodes: Vec<&Node> = groups.remove(&kind)?;
        Some(group(&nodes, resolve, &mut ids))
    };
    Ok(Filters {
        dimensions: of(FieldKind::Dimension),
        metrics: of(FieldKind::Metric),
        table_calculations: of(FieldKind::Calculation),
    })
}

/// Adds a part to the group of its kind; an `and` over several kinds by its own parts.
fn place<'n>(
    node: &'n Node,
    resolve: &Resolve<'_>,
    groups: &mut BTreeMap<FieldKind, Vec<&'n Node>>,
) -> Result<(), String> {
    let mut kinds = BTreeMap::new();
    survey(node, resolve, &mut kinds)?;
    let mut found = kinds.keys();
    match (found.next(), found.next(), node) {
        // `all` of nothing.
        (None, ..) => Ok(()),
        (Some(kind), None, _) => {
            groups.entry(*kind).or_default().push(node);
            Ok(())
        }
        (_, _, Node::And(nodes)) => {
            let mut nodes = nodes.iter();
            nodes.try_for_each(|node| place(node, resolve, groups))
        }
        _ => {
            let kinds = kinds.iter().map(|(kind, names)| {
                let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
                format!("{} ({})", kind.plural(), names.join(", "))
            });
            let kinds: Vec<_> = kinds.collect();
            Err(format!(
                "an `or` joins {}; Lightdash filters dimensions before grouping, metrics after it \
                 and table calculations at the end, so an `or` joins fields of one kind: join them \
                 with `and`, or run a query for each",
                kinds.join(" and ")
            ))
        }
    }
}

/// Collects the kinds of fields with their names, and finds what cannot be sent.
fn survey<'n>(
    node: &'n Node,
    resolve: &Resolve<'_>,
    kinds: &mut BTreeMap<FieldKind, Vec<&'n str>>,
) -> Result<(), String> {
    match node {
        Node::Rule(condition) => {
            if let Some(flaw) = &condition.flaw {
                let name = condition.field.written();
                return Err(format!("the condition on `{name}`: {flaw}"));
            }
            let (_, kind) = resolve(&condition.field);
            kinds
                .entry(kind)
                .or_default()
                .push(condition.field.written());
            Ok(())
        }
        Node::Or(nodes) if nodes.is_empty() => {
            Err("any() of no conditions holds for no row; leave it out, or give one".to_owned())
        }
        Node::And(nodes) | Node::Or(nodes) => {
            let mut nodes = nodes.iter();
            nodes.try_for_each(|node| survey(node, resolve, kinds))
        }
    }
}

/// Ids that are unique in a query.
struct Ids(usize);

impl Ids {
    fn next(&mut self) -> String {
        self.0 += 1;
        format!("filter-{}", self.0)
    }
}

fn group(nodes: &[&Node], resolve: &Resolve<'_>, ids: &mut Ids) -> FilterGroup {
    match nodes {
        [Node::Or(nodes)] => or_group(nodes, resolve, ids).into(),
        [Node::And(nodes)] => and_group(&nodes.iter().collect::<Vec<_>>(), resolve, ids).into(),
        nodes => and_group(nodes, resolve, ids).into(),
    }
}

fn and_group(nodes: &[&Node], resolve: &Resolve<'_>, ids: &mut Ids) -> AndFilterGroup {
    let id = ids.next();
    let items = nodes.iter().filter_map(|node| item(node, resolve, ids));
    let and = items.collect();
    AndFilterGroup { and, id }
}

fn or_group(nodes: &[Node], resolve: &Resolve<'_>, ids: &mut Ids) -> OrFilterGroup {
    let id = ids.next();
    let items = nodes.iter().filter_map(|node| item(node, resolve, ids));
    let or = items.collect();
    OrFilterGroup { id, or }
}

fn item(node: &Node, resolve: &Resolve<'_>, ids: &mut Ids) -> Option<FilterGroupItem> {
    match node {
        Node::Rule(condition) => Some(rule(condition, resolve, ids).into()),
        Node::And(nodes) if nodes.is_empty() => None,
        Node::And(nodes) => {
            let nodes: Vec<_> = nodes.iter().collect();
            Some(and_group(&nodes, resolve, ids).into())
        }
        Node::Or(nodes) => Some(or_group(nodes, resolve, ids).into()),
    }
}

fn rule(condition: &Condition, resolve: &Resolve<'_>, ids: &mut Ids) -> FilterRule {
    let (field_id, _) = resolve(&condition.field);
    FilterRule {
        case_sensitive: condition.case_sensitive,
        disabled: condition.disabled,
        id: ids.next(),
        include_null: condition.include_null,
        operator: condition.operator.clone(),
        required: None,
        settings: condition.settings.clone(),
        target: FieldTarget { field_id },
        values: condition.values.clone(),
    }
}
