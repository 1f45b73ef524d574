//! Mechanical rewrites of progenitor's output, one module each.

mod builders;
mod client;
mod docs;
mod examples;
mod features;
mod names;
mod types;
mod words;

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use serde_json::Value;
use syn::{File, Item, ItemMod};

pub(super) use features::Gates;

/// Rewrites a whole file of a package; returns which features gate which types.
pub(super) fn rewrite(file: &mut File, document: &Value, package: &str) -> Result<Gates> {
    client::own_hooks_and_no_public_constructor(file);
    builders::own_the_client(file)?;
    builders::tell_parameters(file)?;
    builders::show_parameters(file, &parameter_docs(document))?;
    builders::say_what_was_wanted(file, &patterns(document))?;
    types::drop_builders_of_responses(file)?;
    types::builders_know_constants(file)?;
    types::decoding_is_lenient(file)?;
    types::take_serde_attributes(file, document)?;
    types::offer_json_schemas(file)?;
    words::fill_in(file)?;
    examples::compile(file, package)?;
    let gates = features::gate(file, document)?;
    docs::tidy(file);
    Ok(gates)
}

/// `operation → parameter → words`, names as progenitor writes them.
fn parameter_docs(document: &Value) -> BTreeMap<String, BTreeMap<String, String>> {
    use heck::ToSnakeCase as _;
    let mut docs: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let paths = document
        .get("paths")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    for (_, item) in paths {
        for operation in crate::document::METHODS.iter().filter_map(|m| item.get(*m)) {
            let id = operation["operationId"].as_str().unwrap_or_default();
            let words = docs.entry(id.to_snake_case()).or_default();
            let own = operation.get("parameters").and_then(Value::as_array);
            let shared = item.get("parameters").and_then(Value::as_array);
            for parameter in shared.into_iter().chain(own).flatten() {
                let name = parameter["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_snake_case();
                if let Some(text) = parameter.get("description").and_then(Value::as_str) {
                    words.insert(name, text.to_owned());
                }
            }
        }
    }
    docs
}

/// `type → pattern` of the types that check one.
fn patterns(document: &Value) -> BTreeMap<String, String> {
    let schemas = document
        .pointer("/components/schemas")
        .and_then(Value::as_object);
    schemas
        .into_iter()
        .flatten()
        .filter_map(|(name, schema)| {
            Some((name.clone(), schema.get("pattern")?.as_str()?.to_owned()))
        })
        .collect()
}

/// The items of a top-level module of progenitor's output.
fn module<'a>(items: &'a mut [Item], name: &str) -> Result<&'a mut Vec<Item>> {
    items
        .iter_mut()
        .find_map(|item| match item {
            Item::Mod(ItemMod {
                ident,
                content: Some((_, items)),
                ..
            }) if ident == name => Some(items),
            _ => None,
        })
        .ok_or_else(|| anyhow!("progenitor's output has no module `{name}` any more"))
}

/// The last segment of the type an `impl` is for.
fn self_name(item: &syn::ItemImpl) -> Option<&syn::Ident> {
    match item.self_ty.as_ref() {
        syn::Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        _ => None,
    }
}
