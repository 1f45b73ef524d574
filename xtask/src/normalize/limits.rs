//! Refuses documents from which no client can be generated, before any rule runs: schemas that
//! consist of themselves, too deep nesting, and unions that multiply.
//!
//! Overlays can create such schemas too, so the checks run on the corrected document.

use std::collections::{HashMap, HashSet};

use anyhow::{Result, bail};
use serde_json::{Map, Value};

use super::schemas::operations_by_name;
use crate::{
    document::{self, pointer_segment, ref_name},
    text,
};

/// The maximum depth of nested schemas. The compiler follows them to check whether a future is
/// `Send`, and fails at 26 nested optional lists. The deepest known document has 17.
const DEEPEST: usize = 24;

/// The maximum number of alternatives of a schema, after the expansion of nested unions. If several
/// unions are parts of one `allOf`, their numbers multiply, and generation takes minutes.
const MOST_ALTERNATIVES: u64 = 600;

/// Refuses schemas that are endless or too large.
///
/// # Errors
///
/// The error names the JSON pointer of the schema, and the operation that reaches it.
pub(crate) fn check(document: &Value) -> Result<()> {
    let Some(schemas) = document
        .pointer("/components/schemas")
        .and_then(Value::as_object)
    else {
        return Ok(());
    };
    references_lead_somewhere(document, schemas)?;
    let made_of = graph(schemas, is_made_of);
    if let Some(cycle) = first_cycle(&made_of) {
        bail!(
            "{}: the schema consists of itself ({}); break the cycle in the overlay, for example \
             with x-opaque{}",
            pointer(cycle[0]),
            text::shown(&cycle.join(" → ")),
            reached_by(document, cycle[0])
        );
    }
    let mut counted = HashMap::new();
    for (name, schema) in schemas {
        let count = alternatives(schemas, name, schema, &mut counted);
        if count > MOST_ALTERNATIVES {
            bail!(
                "{}: nested unions have {count} alternatives, the maximum is \
                 {MOST_ALTERNATIVES}; replace one of them in the overlay, for example \
                 with x-opaque{}",
                pointer(name),
                reached_by(document, name)
            );
        }
    }
    let holds = graph(schemas, document::refs_in);
    if let Some((name, depth)) = deepest(&holds)
        && depth > DEEPEST
    {
        bail!(
            "{}: {depth} schemas are nested from here, the maximum is {DEEPEST}; break the chain \
             in the overlay, for example with x-opaque{}",
            pointer(name),
            reached_by(document, name)
        );
    }
    Ok(())
}

fn pointer(name: &str) -> String {
    format!(
        "/components/schemas/{}",
        text::shown(&pointer_segment(name))
    )
}

/// Returns `; reached by the operation getA (GET /a)`, for the first operation that reaches a
/// schema.
fn reached_by(document: &Value, name: &str) -> String {
    for (operation, shown) in operations_by_name(document) {
        let mut roots = Vec::new();
        document::refs_in(operation, &mut roots);
        if document::closure(document, roots).contains(name) {
            return format!("; reached by the operation {shown}");
        }
    }
    String::new()
}

fn references_lead_somewhere(document: &Value, schemas: &Map<String, Value>) -> Result<()> {
    let mut found = Vec::new();
    document::refs_in(document, &mut found);
    match found.iter().find(|name| !schemas.contains_key(*name)) {
        Some(lost) => bail!("{}: referenced but missing", pointer(lost)),
        None => Ok(()),
    }
}

type Graph<'a> = HashMap<&'a str, Vec<&'a str>>;

fn graph<'a>(
    schemas: &'a Map<String, Value>,
    edges: impl Fn(&Value, &mut Vec<String>),
) -> Graph<'a> {
    let names: HashMap<&str, &str> = schemas.keys().map(|name| (&**name, &**name)).collect();
    schemas
        .iter()
        .map(|(name, schema)| {
            let mut found = Vec::new();
            edges(schema, &mut found);
            let targets = found.iter().filter_map(|name| names.get(&**name).copied());
            let mut seen = HashSet::new();
            (&**name, targets.filter(|name| seen.insert(*name)).collect())
        })
        .collect()
}

/// Returns the schemas that a schema consists of, without those of its fields.
fn is_made_of(schema: &Value, found: &mut Vec<String>) {
    let reference = schema.get("$ref").and_then(Value::as_str);
    found.extend(reference.and_then(ref_name).map(str::to_owned));
    for key in ["allOf", "anyOf", "oneOf"] {
        let parts = schema.get(key).and_then(Value::as_array);
        for part in parts.into_iter().flatten() {
            is_made_of(part, found);
        }
    }
}

/// Returns a cycle through a node, the first by name. Not recursive, because a document may have
/// chains of any length.
fn first_cycle<'a>(graph: &Graph<'a>) -> Option<Vec<&'a str>> {
    let mut names: Vec<_> = graph.keys().copied().collect();
    names.sort_unstable();
    let mut done: HashSet<&str> = HashSet::new();
    for start in names {
        let mut path = vec![(start, 0)];
        let mut on_path = HashSet::from([start]);
        while let Some((name, next)) = path.last_mut() {
            let target = graph.get(name).and_then(|targets| targets.get(*next));
            *next += 1;
            match target {
                Some(target) if on_path.contains(target) => {
                    let from = path.iter().position(|(name, _)| name == target)?;
                    let cycle = path[from..].iter().map(|(name, _)| *name);
                    return Some(cycle.chain([*target]).collect());
                }
                Some(target) if !done.contains(target) => {
                    on_path.insert(target);
                    path.push((target, 0));
                }
                Some(_) => {}
                None => {
                    on_path.remove(name);
                    done.insert(name);
                    path.pop();
                }
            }
        }
    }
    None
}

/// Returns the number of alternatives of a component. The graph has no cycles at this point. The
/// traversal from schema to schema is not recursive.
fn alternatives<'a>(
    schemas: &'a Map<String, Value>,
    name: &'a str,
    schema: &'a Value,
    counted: &mut HashMap<&'a str, u64>,
) -> u64 {
    let mut todo = vec![(name, schema)];
    while let Some((name, schema)) = todo.pop() {
        if counted.contains_key(name) {
            continue;
        }
        let mut below = Vec::new();
        is_made_of(schema, &mut below);
        let missing: Vec<_> = below
            .iter()
            .filter_map(|name| schemas.get_key_value(name))
            .filter(|(name, _)| !counted.contains_key(name.as_str()))
            .map(|(name, schema)| (name.as_str(), schema))
            .collect();
        if missing.is_empty() {
            let count = count(schema, counted);
            counted.insert(name, count);
        } else {
            todo.push((name, schema));
            todo.extend(missing);
        }
    }
    counted.get(name).copied().unwrap_or(1)
}

fn count(schema: &Value, counted: &HashMap<&str, u64>) -> u64 {
    let reference = schema.get("$ref").and_then(Value::as_str);
    let mut total = reference
        .and_then(ref_name)
        .and_then(|name| counted.get(name).copied())
        .unwrap_or(1);
    let parts = |key: &str| schema.get(key).and_then(Value::as_array);
    for part in parts("allOf").into_iter().flatten() {
        total = total.saturating_mul(count(part, counted));
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(arms) = parts(key) {
            let sum = arms
                .iter()
                .fold(0_u64, |sum, arm| sum.saturating_add(count(arm, counted)));
            total = total.saturating_mul(sum.max(1));
        }
    }
    total
}

/// Returns the node with the longest path, and its length. A cycle counts with all of its nodes,
/// because a path may visit all of them.
fn deepest<'a>(graph: &Graph<'a>) -> Option<(&'a str, usize)> {
    let groups = groups(graph);
    let group_of: HashMap<&str, usize> = groups
        .iter()
        .enumerate()
        .flat_map(|(at, names)| names.iter().map(move |name| (*name, at)))
        .collect();
    // Each group follows the groups that it contains.
    let mut depths: Vec<usize> = Vec::with_capacity(groups.len());
    for (at, names) in groups.iter().enumerate() {
        let below = names
            .iter()
            .flat_map(|name| graph.get(name).into_iter().flatten())
            .filter_map(|name| group_of.get(name).copied())
            .filter(|group| *group != at)
            .filter_map(|group| depths.get(group).copied())
            .max()
            .unwrap_or(0);
        depths.push(below + names.len());
    }
    let (at, depth) = depths
        .iter()
        .enumerate()
        .max_by_key(|(at, depth)| (**depth, std::cmp::Reverse(*at)))?;
    Some((groups[at].iter().min()?, *depth))
}

/// Returns the strongly connected components, each after its successors (Tarjan's algorithm,
/// without recursion).
fn groups<'a>(graph: &Graph<'a>) -> Vec<Vec<&'a str>> {
    let mut names: Vec<_> = graph.keys().copied().collect();
    names.sort_unstable();
    let (mut index, mut low) = (HashMap::new(), HashMap::new());
    let (mut stack, mut on_stack) = (Vec::new(), HashSet::new());
    let mut found = Vec::new();
    for start in names {
        if index.contains_key(start) {
            continue;
        }
        let mut path = vec![(start, 0_usize)];
        while let Some((name, next)) = path.pop() {
            if next == 0 {
                let number = index.len();
                index.insert(name, number);
                low.insert(name, number);
                stack.push(name);
                on_stack.insert(name);
            }
            let targets = graph.get(name).map_or(&[][..], Vec::as_slice);
            match targets.get(next) {
                Some(target) if !index.contains_key(target) => {
                    path.push((name, next + 1));
                    path.push((target, 0));
                }
                Some(target) => {
                    if on_stack.contains(target) {
                        let reached = index[target].min(low[name]);
                        low.insert(name, reached);
                    }
                    path.push((name, next + 1));
                }
                None => {
                    if let Some((parent, _)) = path.last() {
                        let reached = low[name].min(low[parent]);
                        low.insert(parent, reached);
                    }
                    if low[name] == index[name] {
                        let mut group = Vec::new();
                        while let Some(member) = stack.pop() {
                            on_stack.remove(member);
                            group.push(member);
                            if member == name {
                                break;
                            }
                        }
                        found.push(group);
                    }
                }
            }
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn to(name: &str) -> Value {
        json!({"$ref": format!("#/components/schemas/{name}")})
    }

    fn said(schemas: Value) -> String {
        let operation = json!({"operationId": "getA", "responses": {"200": {"content": {
            "application/json": {"schema": to("A")}}}}});
        let document =
            json!({"paths": {"/a": {"get": operation}}, "components": {"schemas": schemas}});
        check(&document).unwrap_err().to_string()
    }

    #[test]
    fn a_schema_that_consists_of_itself_is_an_error_with_the_cycle() {
        let said_of = said(json!({"A": {"allOf": [to("B"), {"type": "object"}]},
                                  "B": {"oneOf": [to("A"), {"type": "string"}]}}));
        assert!(
            said_of.starts_with("/components/schemas/A: the schema consists of itself (A → B → A)"),
            "{said_of}"
        );
        assert!(
            said_of.ends_with("reached by the operation getA (GET /a)"),
            "{said_of}"
        );
        assert!(said(json!({"A": to("A")})).contains("(A → A)"));
    }

    #[test]
    fn a_schema_may_contain_itself_in_a_field() {
        let schemas = json!({"A": {"properties": {"below": {"type": "array", "items": to("A")}}}});
        check(&json!({"components": {"schemas": schemas}})).unwrap();
    }

    #[test]
    fn unions_that_multiply_are_refused() {
        let mut schemas = Map::new();
        for level in 0..12 {
            let next = to(&format!("L{}", level + 1));
            let arms = json!({"oneOf": [next, {"allOf": [next, {"type": "object"}]}]});
            schemas.insert(format!("L{level}"), arms);
        }
        schemas.insert("L12".into(), json!({"type": "object"}));
        schemas.insert("A".into(), to("L0"));
        let said_of = said(Value::Object(schemas));
        assert!(
            said_of.contains("alternatives, the maximum is 600"),
            "{said_of}"
        );

        let arms: Vec<Value> = (0..30).map(|_| json!({"type": "object"})).collect();
        let union = json!({"oneOf": arms});
        let said_of = said(json!({"A": {"allOf": [to("B"), to("B")]}, "B": union}));
        assert!(said_of.contains("have 900 alternatives"), "{said_of}");
    }

    #[test]
    fn a_chain_of_thousands_is_an_error_without_a_stack_overflow() {
        for link in [
            |next: &str| to(next),
            |next: &str| json!({"properties": {"next": to(next)}}),
        ] {
            let mut schemas = Map::new();
            for at in 0..2_000 {
                schemas.insert(format!("L{at:04}"), link(&format!("L{:04}", at + 1)));
            }
            schemas.insert("L2000".into(), json!({"type": "string"}));
            schemas.insert("A".into(), to("L0000"));
            let said_of = said(Value::Object(schemas));
            assert!(said_of.contains("2002 schemas are nested"), "{said_of}");
            // The depth of a cycle is its length.
            let mut schemas = Map::new();
            for at in 0..30 {
                let next = json!({"properties": {"next": to(&format!("R{}", (at + 1) % 30))}});
                schemas.insert(format!("R{at}"), next);
            }
            schemas.insert("A".into(), json!({"properties": {"first": to("R0")}}));
            let said_of = said(Value::Object(schemas));
            assert!(said_of.contains("31 schemas are nested"), "{said_of}");
        }
    }

    #[test]
    fn a_reference_to_nothing_is_refused() {
        assert_eq!(
            said(json!({"A": to("gone")})),
            "/components/schemas/gone: referenced but missing"
        );
    }
}
