//! Mechanical rewrites of progenitor's output, one module each.

mod builders;
mod client;
mod defaults;
mod docs;
mod examples;
mod features;
mod names;
mod operations;
mod overview;
mod types;
mod unique;
mod words;

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use serde_json::Value;
use syn::{File, GenericArgument, Item, ItemMod, PathArguments, Type};

pub(super) use features::Gates;

/// Rewrites the file of a package, and returns the features of each type.
///
/// Each pass derives the number of places to change from the document, and fails on another number.
/// Otherwise it would silently miss a new form of progenitor's output.
pub(super) fn rewrite(file: &mut File, document: &Value, package: &str) -> Result<Gates> {
    let operations = operations::of(document);
    client::own_hooks_and_no_public_constructor(file)?;
    builders::own_the_client(file, &operations)?;
    builders::names_of_the_wire(file, &operations)?;
    builders::parse_urls(file, &operations)?;
    builders::one_query(file, &operations)?;
    builders::no_body_is_none(file, &operations)?;
    builders::call_error(file, &operations)?;
    builders::of_operations(file, &operations)?;
    builders::add_headers(file, &operations)?;
    builders::show_parameters(file, &operations)?;
    types::drop_builders_of_responses(file)?;
    defaults::builders_know_constants(file)?;
    defaults::builders_begin_empty(file, document)?;
    builders::of_types(file)?;
    builders::show_what_does_not_match(file, &patterns(document))?;
    types::decoding_is_lenient(file, document)?;
    types::take_serde_attributes(file, document)?;
    types::offer_json_schemas(file)?;
    words::fill_in(file)?;
    let members = builders::of_bodies(file, &operations)?;
    builders::tell_parameters(file, &operations)?;
    builders::decode_as(file, &operations)?;
    let gates = features::gate(file, document, &operations)?;
    examples::drop_sketches(file, &operations)?;
    docs::pass_the_gate(file);
    examples::compile(file, &operations, &members, package)?;
    overview::describe(file, document, &operations, package)?;
    unique::check(file)?;
    Ok(gates)
}

/// Returns `type → pattern` for the types that check a pattern.
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

/// Returns the items of a top-level module of progenitor's output.
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
        .ok_or_else(|| anyhow!("progenitor's output has no module `{name}`"))
}

/// Returns `T` of `NAME<T>`, at any position.
fn inside<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let last = path
        .path
        .segments
        .last()
        .filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// Returns the last segment of the type of an `impl`.
fn self_name(item: &syn::ItemImpl) -> Option<&syn::Ident> {
    match item.self_ty.as_ref() {
        syn::Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        _ => None,
    }
}
