//! The generated types.

use std::collections::BTreeSet;

use anyhow::Result;
use syn::{
    Attribute, Fields, File, Item, Meta, Token, Type, parse_quote, punctuated::Punctuated,
    visit::Visit as _,
};

use super::{module, names, self_name};

/// Builders of types that only responses hold: nobody builds one, and they are half of the code.
pub(super) fn drop_builders_of_responses(file: &mut File) -> Result<()> {
    let requested = requested(file)?;
    let types = module(&mut file.items, "types")?;
    types.retain(|item| match item {
        Item::Impl(item) if item.trait_.is_none() && has_only_builder_fn(item) => {
            self_name(item).is_some_and(|name| requested.contains(&name.to_string()))
        }
        _ => true,
    });
    let Ok(builders) = module(types, "builder") else {
        return Ok(());
    };
    builders.retain(|item| match item {
        Item::Struct(item) => requested.contains(&item.ident.to_string()),
        Item::Impl(item) => {
            self_name(item).is_some_and(|name| requested.contains(&name.to_string()))
        }
        _ => true,
    });
    if builders.is_empty() {
        types.retain(|item| !matches!(item, Item::Mod(item) if item.ident == "builder"));
    }
    Ok(())
}

fn has_only_builder_fn(item: &syn::ItemImpl) -> bool {
    matches!(item.items.as_slice(), [syn::ImplItem::Fn(f)] if f.sig.ident == "builder")
}

/// The types that the parameters and bodies of operations hold.
fn requested(file: &mut File) -> Result<BTreeSet<String>> {
    let types = module(&mut file.items, "types")?;
    let graph = names::graph(types, []);
    let known: BTreeSet<String> = graph.keys().cloned().collect();
    let mut roots = BTreeSet::new();
    for item in module(&mut file.items, "builder")? {
        if let Item::Struct(item) = item {
            roots.extend(names::mentioned(&known, |mentions| mentions.visit_item_struct(item)));
        }
    }
    Ok(names::reachable(&graph, roots))
}

/// Services send `null` where they mean an empty list; what only responses hold takes it for one.
pub(super) fn null_is_an_empty_collection(file: &mut File) -> Result<()> {
    let requested = requested(file)?;
    for item in module(&mut file.items, "types")? {
        let Item::Struct(item) = item else { continue };
        if requested.contains(&item.ident.to_string()) {
            continue;
        }
        let Fields::Named(fields) = &mut item.fields else {
            continue;
        };
        for field in &mut fields.named {
            if is_collection(&field.ty) && !is_flattened(&field.attrs) {
                field.attrs.push(parse_quote! {
                    #[serde(deserialize_with = "progenitor_client::null_as_default")]
                });
            }
        }
    }
    Ok(())
}

fn is_collection(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let last = path.path.segments.last();
    last.is_some_and(|segment| ["Vec", "IndexMap"].iter().any(|name| segment.ident == name))
}

fn is_flattened(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("serde")).any(|attribute| {
        let parser = Punctuated::<Meta, Token![,]>::parse_terminated;
        attribute
            .parse_args_with(parser)
            .is_ok_and(|metas| metas.iter().any(|meta| meta.path().is_ident("flatten")))
    })
}

/// `JsonSchema` on public types is a feature of the client crates.
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
    fn only_what_a_request_holds_can_be_built() {
        let mut file = sample();
        drop_builders_of_responses(&mut file).unwrap();
        let text = prettyplease::unparse(&file);
        assert!(text.contains("builder::Ask") && text.contains("builder::Part"), "{text}");
        assert!(!text.contains("builder::Answer"), "{text}");
        assert!(!text.contains("for super::Answer"), "{text}");
    }

    #[test]
    fn null_is_empty_in_responses_only() {
        let mut file = sample();
        null_is_an_empty_collection(&mut file).unwrap();
        let text = prettyplease::unparse(&file);
        assert_eq!(text.matches("null_as_default").count(), 1, "{text}");
        let answer = text.split("pub struct Answer").nth(1).unwrap();
        let before_list = answer.split("pub list").next().unwrap();
        assert!(before_list.contains("null_as_default"), "{text}");
    }
}
