//! Converts differences to changes. Each is judged by the directions in which operations reach it.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use serde_json::Value;

use super::{
    change::{Change, Direction, Directions, Kind, Reached, Subject, Words},
    operations::{self, Operation},
    shape,
    view::Node,
    walk::{FINE, Finding, Owner, Verdict, Walk, breaks},
};

/// Returns all changes between two documents that are reduced to the same operations: breaking
/// changes first, and changes of operations before those of schemas. `upstream` are the operations
/// of the whole new document.
pub(super) fn changes(old: &Value, new: &Value, upstream: &[Operation<'_>]) -> Vec<Change> {
    let (from, to) = (operations::all(old), operations::all(new));
    let mut walk = Walk::new(old, new);
    let mut met = HashSet::new();
    for operation in &from {
        match operations::twin(operation, &to) {
            Some(twin) => {
                met.insert(twin.key.clone());
                walk.operation(operation, twin);
            }
            None => {
                let moved = upstream
                    .iter()
                    .find(|other| operation.id().is_some() && other.id() == operation.id());
                let message = match moved {
                    Some(other) => format!("removed; FILE has this operation id at {}", other.key),
                    None => "removed".to_owned(),
                };
                walk.whole(operation, Kind::OperationRemoved, message, breaks(""));
            }
        }
    }
    for operation in to.iter().filter(|operation| !met.contains(&operation.key)) {
        walk.whole(operation, Kind::OperationAdded, "added".to_owned(), FINE);
    }
    walk.follow();

    let mut ids: Ids<'_> = IndexMap::new();
    for operation in from.iter().chain(&to) {
        ids.entry(&operation.key).or_insert(operation.id());
    }
    let reach = Reach::of(&walk, &ids);
    let mut changes = Vec::new();
    for (owner, findings) in &walk.findings {
        for finding in findings {
            changes.push(judged(owner, finding, &reach, &ids, &walk.required));
        }
    }
    changes.extend(unmatched(&walk));
    changes.sort_by_key(|change| {
        let place = match &change.subject {
            Subject::Operation { key, .. } => (ids.get_index_of(key.as_str()), None),
            Subject::Schema { name, now } => (Some(usize::MAX), Some((name.clone(), now.clone()))),
        };
        (!change.breaking, place)
    });
    changes
}

/// Operation ids by method and path. Those of the vendored document win.
type Ids<'o> = IndexMap<&'o str, Option<&'o str>>;

/// Returns the operations and directions that reach each pair of schemas.
#[derive(Default)]
struct Reach<'w, 'a> {
    directions: HashMap<&'w Owner<'a>, Directions>,
    operations: HashMap<&'w Owner<'a>, Vec<&'w str>>,
}

impl<'w, 'a> Reach<'w, 'a> {
    fn of(walk: &'w Walk<'a>, ids: &Ids<'_>) -> Self {
        let mut reach = Self::default();
        for owner in walk.edges.keys() {
            let Owner::Operation(key, Some(direction)) = owner else {
                continue;
            };
            let mut todo = vec![owner];
            let mut seen = HashSet::new();
            while let Some(at) = todo.pop() {
                for pair in walk.edges.get(at).into_iter().flatten() {
                    if seen.insert(pair) {
                        reach.directions.entry(pair).or_default().add(*direction);
                        reach.operations.entry(pair).or_default().push(key);
                        todo.push(pair);
                    }
                }
            }
        }
        for keys in reach.operations.values_mut() {
            keys.sort_by_key(|key| ids.get_index_of(*key));
            keys.dedup();
        }
        reach
    }
}

fn judged(
    owner: &Owner<'_>,
    finding: &Finding,
    reach: &Reach<'_, '_>,
    ids: &Ids<'_>,
    required: &HashSet<String>,
) -> Change {
    let mut directions = Directions::default();
    let subject = match owner {
        Owner::Operation(key, direction) => {
            if let Some(direction) = direction {
                directions.add(*direction);
            }
            Subject::Operation {
                key: key.clone(),
                id: id_of(ids, key),
            }
        }
        Owner::Pair(old, new) => {
            directions = reach.directions.get(owner).copied().unwrap_or_default();
            let now = (old != new).then(|| (*new).to_owned());
            Subject::Schema {
                name: (*old).to_owned(),
                now,
            }
        }
    };
    // A change of an operation as a whole has the same message in both directions.
    let mut verdicts: Vec<(Direction, Verdict)> = Vec::new();
    if directions.request || directions == Directions::default() {
        verdicts.push((Direction::Request, finding.request));
    }
    if directions.response {
        verdicts.push((Direction::Response, finding.response));
    }
    let breaking = verdicts.iter().any(|(_, verdict)| verdict.breaks);
    let said: Vec<_> = verdicts
        .iter()
        .filter(|(_, verdict)| verdict.breaks == breaking && !verdict.because.is_empty())
        .collect();
    let because = match said[..] {
        [] => String::new(),
        [(_, one)] if verdicts.len() == 1 => one.because.to_owned(),
        [(_, a), (_, b)] if a.because == b.because => a.because.to_owned(),
        _ => {
            let each = said.iter().map(|(direction, verdict)| match direction {
                Direction::Request => format!("in requests, {}", verdict.because),
                Direction::Response => format!("in responses, {}", verdict.because),
            });
            each.collect::<Vec<_>>().join("; ")
        }
    };
    let keys = reach.operations.get(owner).into_iter().flatten();
    Change {
        breaking,
        kind: finding.kind,
        subject,
        pointer: finding.pointer.clone(),
        directions,
        words: Words {
            because,
            ..finding.words.clone()
        },
        reached_by: keys
            .map(|key| Reached {
                key: (*key).to_owned(),
                id: id_of(ids, key),
            })
            .collect(),
        newly_required: directions.response && required.contains(&finding.pointer),
        hidden_by: Vec::new(),
    }
}

fn id_of(ids: &Ids<'_>, key: &str) -> Option<String> {
    ids.get(key).copied().flatten().map(str::to_owned)
}

/// Reports schemas without a counterpart, which other changes removed or added. Two schemas with
/// the same shape are a rename.
fn unmatched(walk: &Walk<'_>) -> Vec<Change> {
    let pairs: Vec<_> = walk
        .edges
        .keys()
        .filter_map(|owner| match owner {
            Owner::Pair(old, new) => Some((*old, *new)),
            Owner::Operation(..) => None,
        })
        .collect();
    let names = |document| {
        let root = Node::at(document, "/components");
        let schemas = root
            .map(|root| root.children("schemas"))
            .unwrap_or_default();
        schemas.into_iter()
    };
    let here = |document, name: &str| Node::schema(document, name).is_some();
    let gone = names(walk.old)
        .filter(|(name, _)| !here(walk.new, name) && pairs.iter().all(|(old, _)| old != name));
    let mut come: Vec<_> = names(walk.new)
        .filter(|(name, _)| !here(walk.old, name) && pairs.iter().all(|(_, new)| new != name))
        .collect();
    let change =
        |kind, node: &Node<'_>, name: String, now: Option<String>, before: String| Change {
            breaking: false,
            kind,
            subject: Subject::Schema { name, now },
            pointer: node.pointer.clone(),
            directions: Directions::default(),
            words: Words {
                before,
                ..Words::default()
            },
            reached_by: Vec::new(),
            newly_required: false,
            hidden_by: Vec::new(),
        };
    let mut changes = Vec::new();
    for (name, node) in gone {
        match come.iter().position(|(_, other)| shape::same(&node, other)) {
            Some(at) => {
                let now = come.remove(at).0;
                let message = format!("renamed to `{now}`, with the same shape");
                changes.push(change(Kind::SchemaRenamed, &node, name, Some(now), message));
            }
            None => {
                let message = "no longer used".to_owned();
                changes.push(change(Kind::SchemaRemoved, &node, name, None, message));
            }
        }
    }
    for (name, node) in come {
        changes.push(change(
            Kind::SchemaAdded,
            &node,
            name,
            None,
            "newly used".to_owned(),
        ));
    }
    changes
}
