//! The generated types.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow, bail};
use quote::ToTokens as _;
use serde_json::Value;
use syn::{
    Attribute, Fields, File, Item, Meta, Token, Type, parse_quote, punctuated::Punctuated,
    visit::Visit as _,
};

use super::{module, names, operations::exactly, self_name};
use crate::normalize::{JSON_NAME, snake};

/// Removes the builders of types that only responses contain. They are unused, and half of the
/// code.
pub(super) fn drop_builders_of_responses(file: &mut File) -> Result<()> {
    let requested = requested(file)?;
    let types = module(&mut file.items, "types")?;
    types.retain(|item| match item {
        Item::Impl(item) if item.trait_.is_none() && has_only_builder_fn(item) => {
            self_name(item).is_some_and(|name| requested.contains(&name.to_string()))
        }
        _ => true,
    });
    let structs: BTreeSet<String> = types.iter().filter_map(named_fields).collect();
    let Ok(builders) = module(types, "builder") else {
        return exactly("builders of structs", structs.len(), 0);
    };
    let built = |items: &[Item]| {
        items
            .iter()
            .filter(|i| matches!(i, Item::Struct(_)))
            .count()
    };
    exactly("builders of structs", structs.len(), built(builders))?;
    builders.retain(|item| match item {
        Item::Struct(item) => requested.contains(&item.ident.to_string()),
        Item::Impl(item) => {
            self_name(item).is_some_and(|name| requested.contains(&name.to_string()))
        }
        _ => true,
    });
    let wanted = structs.intersection(&requested).count();
    exactly("builders of request types", wanted, built(builders))?;
    if builders.is_empty() {
        types.retain(|item| !matches!(item, Item::Mod(item) if item.ident == "builder"));
    }
    Ok(())
}

/// Returns the name of a struct with named fields, for which typify generates a builder.
fn named_fields(item: &Item) -> Option<String> {
    match item {
        Item::Struct(item) if matches!(item.fields, Fields::Named(_)) => {
            Some(item.ident.to_string())
        }
        Item::Struct(item) if matches!(item.fields, Fields::Unit) => Some(item.ident.to_string()),
        _ => None,
    }
}

fn has_only_builder_fn(item: &syn::ItemImpl) -> bool {
    matches!(item.items.as_slice(), [syn::ImplItem::Fn(f)] if f.sig.ident == "builder")
}

/// Returns the types that the parameters and bodies of operations contain.
fn requested(file: &mut File) -> Result<BTreeSet<String>> {
    let types = module(&mut file.items, "types")?;
    let graph = names::graph(types, []);
    let known: BTreeSet<String> = graph.keys().cloned().collect();
    let mut roots = BTreeSet::new();
    for item in module(&mut file.items, "builder")? {
        if let Item::Struct(item) = item {
            roots.extend(names::mentioned(&known, |mentions| {
                mentions.visit_item_struct(item)
            }));
        }
    }
    Ok(names::reachable(&graph, roots))
}

/// Decodes `null` as an empty collection, as services in Go send it. In types that only responses
/// contain, nullable fields may be missing, because another version of a service may omit a field
/// instead of sending `null`.
pub(super) fn decoding_is_lenient(file: &mut File, document: &Value) -> Result<()> {
    let requested = requested(file)?;
    let (mut wanted, mut found) = (0, 0);
    for item in module(&mut file.items, "types")? {
        let Item::Struct(item) = item else { continue };
        let is_requested = requested.contains(&item.ident.to_string());
        let name = item.ident.to_string();
        let Fields::Named(fields) = &mut item.fields else {
            continue;
        };
        if !is_requested {
            let changed = fields
                .named
                .iter_mut()
                .flat_map(|field| &mut field.attrs)
                .filter(|attribute| attribute.path().is_ident("serde"))
                .map(|attribute| usize::from(let_it_be_missing(attribute)))
                .sum::<usize>();
            // Members of an allOf are elsewhere in the document, so there may be more.
            let said = required_and_nullable(document, &name);
            found += changed.min(said);
            wanted += said;
        }
        for field in &mut fields.named {
            if is_collection(&field.ty) && !is_flattened(&field.attrs) {
                field.attrs.push(parse_quote! {
                    #[serde(deserialize_with = "::rowfeed_client::codegen::null_as_default")]
                });
            }
        }
    }
    exactly("optional fields of responses", wanted, found)
}

/// Counts the properties of a component that are required and nullable. Only scalars count, because
/// the generated code of other types depends on their references.
fn required_and_nullable(document: &Value, name: &str) -> usize {
    let schema = &document["components"]["schemas"][name];
    let required = schema.get("required").and_then(Value::as_array);
    let required: BTreeSet<&str> = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = schema.get("properties").and_then(Value::as_object);
    let scalar = |property: &Value| {
        let ty = property.get("type").and_then(Value::as_str);
        ty.is_some_and(|ty| ["string", "integer", "number", "boolean"].contains(&ty))
            && property.get("nullable") == Some(&Value::Bool(true))
    };
    let properties = properties.into_iter().flatten();
    properties
        .filter(|(name, property)| required.contains(name.as_str()) && scalar(property))
        .count()
}

/// Removes progenitor's attribute of a required nullable field. Returns whether it was present.
fn let_it_be_missing(attribute: &mut Attribute) -> bool {
    let parser = Punctuated::<Meta, Token![,]>::parse_terminated;
    let Ok(metas) = attribute.parse_args_with(parser) else {
        return false;
    };
    let (dropped, kept): (Vec<_>, Vec<_>) = metas.into_iter().partition(|meta| {
        meta.to_token_stream()
            .to_string()
            .contains("\"::std::option::Option::deserialize\"")
    });
    if dropped.is_empty() {
        return false;
    }
    *attribute = parse_quote!(#[serde(#(#kept),*)]);
    true
}

fn is_collection(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let last = path.path.segments.last();
    last.is_some_and(|segment| {
        ["Vec", "IndexMap", "Map"]
            .iter()
            .any(|name| segment.ident == name)
    })
}

fn is_flattened(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("serde"))
        .any(|attribute| {
            let parser = Punctuated::<Meta, Token![,]>::parse_terminated;
            attribute
                .parse_args_with(parser)
                .is_ok_and(|metas| metas.iter().any(|meta| meta.path().is_ident("flatten")))
        })
}

/// Adds `#[serde(…)]` attributes to fields: `x-serde`, for example an alias, and the JSON name of a
/// renamed property.
pub(super) fn take_serde_attributes(file: &mut File, document: &Value) -> Result<()> {
    let schemas = document
        .pointer("/components/schemas")
        .and_then(Value::as_object);
    let types = module(&mut file.items, "types")?;
    let mut found = 0;
    for (name, schema) in schemas.into_iter().flatten() {
        let parts = schema.get("allOf").and_then(Value::as_array);
        for part in std::iter::once(schema).chain(parts.into_iter().flatten()) {
            let properties = part.get("properties").and_then(Value::as_object);
            for (property, schema) in properties.into_iter().flatten() {
                for attribute in serde_attributes(schema)? {
                    let field = field(types, name, property).ok_or_else(|| {
                        anyhow!(
                            "/components/schemas/{name}/properties/{property}: x-serde applies to \
                             no field of a struct"
                        )
                    })?;
                    field.attrs.push(attribute);
                    found += 1;
                }
            }
        }
    }
    let mut all = 0;
    count_serde_keys(document, &mut all);
    if all != found {
        bail!(
            "{found} of {all} properties with x-serde, or with the Rust name of another property, are \
             fields of components; move inline objects to the components"
        );
    }
    Ok(())
}

fn serde_attributes(property: &Value) -> Result<Vec<Attribute>> {
    let text = |key: &str| property.get(key).and_then(Value::as_str);
    let mut attributes = Vec::new();
    if let Some(said) = text("x-serde") {
        let tokens: proc_macro2::TokenStream = said
            .parse()
            .map_err(|error| anyhow!("x-serde {said:?}: {error}"))?;
        attributes.push(parse_quote!(#[serde(#tokens)]));
    }
    if let Some(name) = text(JSON_NAME) {
        attributes.push(parse_quote!(#[serde(rename = #name)]));
    }
    Ok(attributes)
}

fn count_serde_keys(value: &Value, count: &mut usize) {
    match value {
        Value::Object(object) => {
            let keys = ["x-serde", JSON_NAME].iter();
            *count += keys
                .filter(|key| object.get(**key).is_some_and(Value::is_string))
                .count();
            object
                .values()
                .for_each(|value| count_serde_keys(value, count));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|value| count_serde_keys(value, count)),
        _ => {}
    }
}

fn field<'a>(types: &'a mut [Item], name: &str, property: &str) -> Option<&'a mut syn::Field> {
    let item = types.iter_mut().find_map(|item| match item {
        Item::Struct(item) if item.ident == name => Some(item),
        _ => None,
    })?;
    let wanted = snake(property);
    item.fields.iter_mut().find(|field| {
        let ident = field
            .ident
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        ident.trim_end_matches('_') == wanted
    })
}

/// Puts `JsonSchema` of public types behind a feature of the client crate. typify's patches need
/// the names of types, and the names of inline schemas are known only at this point.
pub(super) fn offer_json_schemas(file: &mut File) -> Result<()> {
    for item in module(&mut file.items, "types")? {
        let attributes = match item {
            Item::Struct(item) => &mut item.attrs,
            Item::Enum(item) => &mut item.attrs,
            _ => continue,
        };
        attributes.push(parse_quote! {
            #[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))]
        });
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn sample() -> File {
        parse_quote! {
            pub mod types {
                pub struct Ask { pub part: ::std::option::Option<Part> }
                impl Ask { pub fn builder() -> builder::Ask { Default::default() } }
                pub struct Part { pub list: ::std::vec::Vec<i64> }
                impl Part { pub fn builder() -> builder::Part { Default::default() } }
                pub struct Answer {
                    #[serde(default)] pub list: ::std::vec::Vec<i64>,
                    #[serde(rename = "A", deserialize_with = "::std::option::Option::deserialize")]
                    pub absent: ::std::option::Option<i64>,
                    #[serde(flatten)] pub extra: ::indexmap::IndexMap<String, String>,
                }
                impl Answer { pub fn builder() -> builder::Answer { Default::default() } }
                pub mod builder {
                    pub struct Ask { part: i64 }
                    impl Ask {}
                    pub struct Part { list: i64 }
                    impl ::std::convert::From<super::Part> for Part {}
                    pub struct Answer { list: i64 }
                    impl ::std::convert::TryFrom<Answer> for super::Answer {}
                }
            }
            pub mod builder {
                pub struct DoIt { body: Result<types::builder::Ask, String> }
                impl DoIt { pub async fn send(self) -> Result<types::Answer, ()> { todo!() } }
            }
        }
    }

    #[test]
    fn only_request_types_have_builders() {
        let mut file = sample();
        drop_builders_of_responses(&mut file).unwrap();
        let text = prettyplease::unparse(&file);
        assert!(
            text.contains("builder::Ask") && text.contains("builder::Part"),
            "{text}"
        );
        assert!(!text.contains("builder::Answer"), "{text}");
        assert!(!text.contains("for super::Answer"), "{text}");
    }

    #[test]
    fn a_serde_alias_is_on_its_field() {
        let mut file = sample();
        let mut document = serde_json::json!({"components": {"schemas": {"Answer": {
            "properties": {"list": {"x-serde": "alias = \"liste\""}}}}}});
        take_serde_attributes(&mut file, &document).unwrap();
        let text = prettyplease::unparse(&file);
        assert!(
            text.contains("#[serde(alias = \"liste\")]\n        pub list"),
            "{text}"
        );
        document["components"]["schemas"]["Answer"]["properties"]["gone"] =
            serde_json::json!({"x-serde": "default"});
        let error = take_serde_attributes(&mut sample(), &document)
            .unwrap_err()
            .to_string();
        assert!(error.contains("Answer/properties/gone"), "{error}");
    }

    #[test]
    fn null_decodes_as_an_empty_collection() {
        let mut file = sample();
        let nullable = serde_json::json!({"type": "integer", "nullable": true});
        let answer =
            serde_json::json!({"required": ["absent"], "properties": {"absent": nullable}});
        let document = serde_json::json!({"components": {"schemas": {"Answer": answer}}});
        decoding_is_lenient(&mut file, &document).unwrap();
        let said = decoding_is_lenient(&mut file, &document)
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("optional fields of responses: expected 1"),
            "{said}"
        );
        let text = prettyplease::unparse(&file);
        // Twice, because both calls add them and the second call fails later.
        assert_eq!(text.matches("null_as_default").count(), 4, "{text}");
        let answer = text.split("pub struct Answer").nth(1).unwrap();
        let before_list = answer.split("pub list").next().unwrap();
        assert!(before_list.contains("null_as_default"), "{text}");
        assert!(
            text.contains("#[serde(rename = \"A\")]\n        pub absent"),
            "{text}"
        );
    }
}
