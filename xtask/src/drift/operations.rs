//! The correspondence of operations between two documents.

use indexmap::IndexMap;
use serde_json::Value;

use super::view::Node;
use crate::{document::METHODS, upstream::Keep};

/// An operation and its place.
#[derive(Clone)]
pub(super) struct Operation<'a> {
    /// `post /v1/sql`.
    pub(super) key: String,
    pub(super) path: String,
    pub(super) node: Node<'a>,
    /// The path item of the operation.
    pub(super) item: Node<'a>,
}

impl<'a> Operation<'a> {
    pub(super) fn id(&self) -> Option<&'a str> {
        self.node.text("operationId")
    }

    /// The identity of the operation, independent of the names of path parameters.
    fn shape(&self) -> String {
        shape(&self.key)
    }

    /// The names of the path parameters, in order.
    pub(super) fn path_parameters(&self) -> Vec<&str> {
        let after_brace = self.path.split('{').skip(1);
        after_brace
            .filter_map(|text| text.split('}').next())
            .collect()
    }
}

/// `get /a/{id}` as `get /a/{}`.
pub(super) fn shape(key: &str) -> String {
    let (method, path) = key.split_once(' ').unwrap_or((key, ""));
    let segments = path.split('/').map(|segment| match segment.find('{') {
        Some(at) if segment.ends_with('}') => format!("{}{{}}", &segment[..at]),
        _ => segment.to_owned(),
    });
    format!("{method} {}", segments.collect::<Vec<_>>().join("/"))
}

/// Returns the operations of a document, in its order.
pub(super) fn all(document: &Value) -> Vec<Operation<'_>> {
    let Some(root) = Node::at(document, "") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (path, item) in root.children("paths") {
        for method in METHODS {
            if let Some(node) = item.child(method) {
                let key = format!("{method} {path}");
                let (path, item) = (path.clone(), item.clone());
                found.push(Operation {
                    key,
                    path,
                    node,
                    item,
                });
            }
        }
    }
    found
}

/// Finds the same operation: the same method and path, except for the names of path parameters.
pub(super) fn twin<'o, 'a>(
    operation: &Operation<'_>,
    among: &'o [Operation<'a>],
) -> Option<&'o Operation<'a>> {
    let exact = among.iter().find(|other| other.key == operation.key);
    exact.or_else(|| {
        let shape = operation.shape();
        among.iter().find(|other| other.shape() == shape)
    })
}

/// Returns the operations of `upstream` that correspond to the kept operations: those of the
/// vendored document and those that the pin lists.
pub(super) fn kept(vendored: &[Operation<'_>], upstream: &[Operation<'_>], keep: &Keep) -> Keep {
    let Keep::Some(entries) = keep else {
        return Keep::All;
    };
    let asked = upstream
        .iter()
        .filter(|operation| entries.contains(&operation.key));
    let twins = vendored
        .iter()
        .filter_map(|operation| twin(operation, upstream));
    let mut keys: Vec<_> = asked
        .chain(twins)
        .map(|operation| operation.key.clone())
        .collect();
    keys.sort();
    keys.dedup();
    Keep::Some(keys)
}

/// The other operations of an upstream document.
#[derive(Debug, Default)]
pub(super) struct Beyond {
    pub(super) count: usize,
    /// The operations in folders most of whose operations are kept, as
    /// `post /v1/sql/fast (runFast)`.
    pub(super) near: Vec<String>,
}

pub(super) fn beyond(upstream: &[Operation<'_>], keep: &Keep) -> Beyond {
    let Keep::Some(kept) = keep else {
        return Beyond::default();
    };
    // Folder → the number of operations below it, and the number of kept ones.
    let mut folders: IndexMap<&str, (usize, usize)> = IndexMap::new();
    for operation in upstream {
        for folder in folders_of(&operation.path) {
            let counts = folders.entry(folder).or_default();
            counts.0 += 1;
            counts.1 += usize::from(kept.contains(&operation.key));
        }
    }
    let ours = |folder: &str| {
        folders
            .get(folder)
            .is_some_and(|(all, kept)| *kept >= 2 && kept * 2 > *all)
    };
    let mut beyond = Beyond::default();
    for operation in upstream
        .iter()
        .filter(|operation| !kept.contains(&operation.key))
    {
        beyond.count += 1;
        if folders_of(&operation.path).any(ours) {
            let deprecated = if operation.node.is("deprecated") {
                ", deprecated"
            } else {
                ""
            };
            let id = operation.id().unwrap_or("no operation id");
            beyond
                .near
                .push(format!("{} ({id}{deprecated})", operation.key));
        }
    }
    beyond
}

/// `/a/b/c` → `/a`, `/a/b`, `/a/b/c`.
fn folders_of(path: &str) -> impl Iterator<Item = &str> {
    let ends = path
        .char_indices()
        .skip(1)
        .filter(|(_, c)| *c == '/')
        .map(|(at, _)| at);
    ends.chain([path.len()]).map(|end| &path[..end])
}
