//! References between generated types.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Item, Path, visit::Visit};

/// Returns the identifiers in `item` that are in `known`.
pub(super) fn mentioned<'a>(
    known: &'a BTreeSet<String>,
    visit: impl FnOnce(&mut Mentions<'a>),
) -> BTreeSet<String> {
    let mut mentions = Mentions {
        known,
        found: BTreeSet::new(),
    };
    visit(&mut mentions);
    mentions.found
}

/// Collects references to known types, including those in macros and attributes.
pub(super) struct Mentions<'a> {
    known: &'a BTreeSet<String>,
    found: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_path(&mut self, path: &'ast Path) {
        for segment in &path.segments {
            let name = segment.ident.to_string();
            if self.known.contains(&name) {
                self.found.insert(name);
            }
        }
        syn::visit::visit_path(self, path);
    }
}

/// Returns the types of the `types` module, with the types that their fields reference. `also` are
/// the types of other modules.
pub(super) fn graph(
    types: &[Item],
    also: impl IntoIterator<Item = String>,
) -> BTreeMap<String, BTreeSet<String>> {
    let declared = types
        .iter()
        .filter_map(type_name)
        .map(|name| name.to_string());
    let known: BTreeSet<String> = declared.chain(also).collect();
    let mut graph: BTreeMap<String, BTreeSet<String>> = known
        .iter()
        .map(|name| (name.clone(), BTreeSet::new()))
        .collect();
    for item in types {
        if let Some(name) = type_name(item) {
            let mut found = mentioned(&known, |mentions| mentions.visit_item(item));
            found.remove(&name.to_string());
            graph.insert(name.to_string(), found);
        }
    }
    graph
}

/// Returns all types that are reachable from `roots`, including the roots.
pub(super) fn reachable(
    graph: &BTreeMap<String, BTreeSet<String>>,
    roots: impl IntoIterator<Item = String>,
) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut todo: Vec<String> = roots.into_iter().collect();
    while let Some(name) = todo.pop() {
        if seen.insert(name.clone()) {
            todo.extend(graph.get(&name).into_iter().flatten().cloned());
        }
    }
    seen
}

/// Returns the name of a struct, enum or alias.
pub(super) fn type_name(item: &Item) -> Option<&syn::Ident> {
    match item {
        Item::Struct(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        _ => None,
    }
}
