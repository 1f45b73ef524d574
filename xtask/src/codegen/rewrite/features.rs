//! Operations that require a cargo feature, and the types that only they use.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use heck::ToPascalCase as _;
use serde_json::Value;
use syn::{Attribute, File, ImplItem, Item, parse_quote, visit::Visit as _};

use super::{
    module, names,
    operations::{Operations, exactly},
    self_name,
};
use crate::normalize;

/// Type → the features of which any includes it; empty for a type without a feature. A type that no
/// operation needs is absent, because progenitor also emits the parts of merged schemas.
pub(in crate::codegen) type Gates = BTreeMap<String, BTreeSet<String>>;

/// Adds `cfg` to builders, methods and types, and removes the types that no operation needs.
pub(super) fn gate(file: &mut File, document: &Value, operations: &Operations) -> Result<Gates> {
    let gated = operations.values().filter_map(|operation| {
        let feature = operation.feature.clone()?;
        Some((operation.builder.clone(), feature))
    });
    let by_operation: BTreeMap<String, String> = gated.collect();
    let enums = normalize::open_enums(document)?
        .into_iter()
        .map(|open| open.name);
    let graph = names::graph(module(&mut file.items, "types")?, enums);
    let known: BTreeSet<String> = graph.keys().cloned().collect();

    // An operation needs the types that its builder mentions.
    let mut always = BTreeSet::new();
    let mut gated: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for item in module(&mut file.items, "builder")? {
        let Some(operation) = operation_of(item) else {
            continue;
        };
        let mentioned = names::mentioned(&known, |mentions| mentions.visit_item(item));
        match by_operation.get(&operation) {
            Some(feature) => gated.entry(feature.clone()).or_default().extend(mentioned),
            None => always.extend(mentioned),
        }
    }
    let always = names::reachable(&graph, always);
    let mut gates: Gates = always
        .iter()
        .map(|name| (name.clone(), BTreeSet::new()))
        .collect();
    for (feature, roots) in gated {
        for name in names::reachable(&graph, roots).difference(&always) {
            gates
                .entry(name.clone())
                .or_default()
                .insert(feature.clone());
        }
    }

    let unneeded: BTreeSet<String> = known
        .iter()
        .filter(|name| !gates.contains_key(*name))
        .cloned()
        .collect();
    let types = module(&mut file.items, "types")?;
    types.retain(|item| about(item, &unneeded).is_empty());
    gate_types(types, &gates);
    if let Ok(builders) = module(types, "builder") {
        gate_types(builders, &gates);
    }
    gate_operations(file, &by_operation)?;
    Ok(gates)
}

fn operation_of(item: &Item) -> Option<String> {
    match item {
        Item::Struct(item) => Some(item.ident.to_string()),
        Item::Impl(item) => self_name(item).map(ToString::to_string),
        _ => None,
    }
}

/// Returns the element of `names` that a type or an `impl` belongs to.
fn about(item: &Item, names: &BTreeSet<String>) -> BTreeSet<String> {
    match item {
        // `impl From<A> for IndexMap<…>` needs A too.
        Item::Impl(item) => names::mentioned(names, |mentions| {
            mentions.visit_type(&item.self_ty);
            if let Some((path, _)) = &item.trait_ {
                mentions.visit_path(path);
            }
        }),
        other => names::type_name(other)
            .map(ToString::to_string)
            .filter(|name| names.contains(name))
            .into_iter()
            .collect(),
    }
}

fn gate_types(items: &mut [Item], gates: &Gates) {
    let gated = gates.iter().filter(|(_, features)| !features.is_empty());
    let gated: BTreeSet<String> = gated.map(|(name, _)| name.clone()).collect();
    for item in items {
        let names = about(item, &gated);
        let conditions: BTreeSet<_> = names.iter().filter_map(|name| gates.get(name)).collect();
        let attributes = match item {
            Item::Struct(item) => &mut item.attrs,
            Item::Enum(item) => &mut item.attrs,
            Item::Type(item) => &mut item.attrs,
            Item::Impl(item) => &mut item.attrs,
            _ => continue,
        };
        for features in conditions {
            attributes.insert(0, cfg(features));
        }
    }
}

fn gate_operations(file: &mut File, by_operation: &BTreeMap<String, String>) -> Result<()> {
    let (mut builders, mut methods) = (0, 0);
    for item in module(&mut file.items, "builder")? {
        let feature = operation_of(item).and_then(|name| by_operation.get(&name).cloned());
        let Some(feature) = feature else { continue };
        let cfg = cfg(&BTreeSet::from([feature]));
        match item {
            Item::Struct(item) => item.attrs.insert(0, cfg),
            Item::Impl(item) => item.attrs.insert(0, cfg),
            _ => continue,
        }
        builders += 1;
    }
    for item in &mut file.items {
        let Item::Impl(item) = item else { continue };
        for function in &mut item.items {
            if let ImplItem::Fn(function) = function {
                let name = function.sig.ident.to_string().to_pascal_case();
                if let Some(feature) = by_operation.get(&name) {
                    function
                        .attrs
                        .insert(0, cfg(&BTreeSet::from([feature.clone()])));
                    methods += 1;
                }
            }
        }
    }
    // A builder consists of a struct, its methods, and its parameters.
    exactly("builders behind features", 3 * by_operation.len(), builders)?;
    exactly("methods behind features", by_operation.len(), methods)
}

fn cfg(features: &BTreeSet<String>) -> Attribute {
    let features = features.iter();
    match features.len() {
        1 => parse_quote!(#[cfg(#(feature = #features)*)]),
        _ => parse_quote!(#[cfg(any(#(feature = #features),*))]),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_that_only_a_feature_uses_require_it() {
        let mut file: File = parse_quote! {
            pub mod types {
                pub struct Heavy { pub part: Part, pub shared: Shared }
                pub struct Part {}
                impl Part { pub fn builder() {} }
                impl ::std::convert::From<Part> for ::std::string::String {}
                pub struct Shared {}
                pub struct Unneeded {}
                impl ::std::convert::From<Unneeded> for Shared {}
            }
            impl Client {
                pub fn get_heavy(&self) -> builder::GetHeavy { builder::GetHeavy::new(self) }
            }
            pub mod builder {
                pub struct GetHeavy {}
                impl codegen::Parameters for GetHeavy {}
                impl GetHeavy { pub async fn send(self) -> types::Heavy { panic!() } }
                pub struct GetLight {}
                impl GetLight { pub async fn send(self) -> types::Shared { panic!() } }
            }
        };
        let document = json!({"paths": {
            "/heavy": {"get": {"operationId": "get_heavy", "x-feature": "heavy"}},
            "/light": {"get": {"operationId": "get_light"}}}});
        let gates = gate(
            &mut file,
            &document,
            &super::super::operations::of(&document),
        )
        .unwrap();
        let heavy = BTreeSet::from(["heavy".to_owned()]);
        assert_eq!((&gates["Heavy"], &gates["Part"]), (&heavy, &heavy));
        assert!(gates["Shared"].is_empty());
        assert!(!gates.contains_key("Unneeded"));
        let text = prettyplease::unparse(&file);
        assert!(!text.contains("Unneeded"), "{text}");
        // Two types, two impls of a type, a method, a builder and its two impls.
        assert_eq!(
            text.matches("#[cfg(feature = \"heavy\")]").count(),
            8,
            "{text}"
        );
    }
}
