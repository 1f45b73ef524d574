//! Documentation of public items that the document does not document.
//!
//! A setter gets the documentation of its field, and a field that of its type. A variant or a
//! builder names its content. So the compiler can require documentation of every public item.

use std::collections::BTreeMap;

use anyhow::Result;
use syn::{
    Attribute, Fields, File, GenericArgument, ImplItem, Item, ItemEnum, ItemImpl, ItemStruct,
    PathArguments, PathSegment, Type, Variant, parse_quote,
};

use super::{docs, module, self_name};
use crate::text;

/// Adds missing documentation to the module of types.
pub(super) fn fill_in(file: &mut File) -> Result<()> {
    let types = module(&mut file.items, "types")?;
    let known = Known::of(types);
    for item in types {
        match item {
            Item::Struct(item) => known.fields(item),
            Item::Enum(item) => known.alternatives(item),
            Item::Impl(item) if item.trait_.is_none() => {
                for function in functions(item) {
                    if function.sig.ident == "builder" {
                        say(
                            &mut function.attrs,
                            "Returns a builder without any fields set. Finish it with `.try_into()?`, or \
                             pass it to a setter that takes this type.",
                        );
                    }
                }
            }
            Item::Mod(item) if item.ident == "builder" => {
                let builders = item.content.iter_mut().flat_map(|(_, items)| items);
                builders.for_each(|item| known.builder(item));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The existing documentation.
struct Known {
    types: BTreeMap<String, String>,
    fields: BTreeMap<(String, String), String>,
}

impl Known {
    fn of(types: &[Item]) -> Self {
        let mut known = Self {
            types: BTreeMap::new(),
            fields: BTreeMap::new(),
        };
        for item in types {
            let (name, attrs) = match item {
                Item::Struct(item) => (&item.ident, &item.attrs),
                Item::Enum(item) => (&item.ident, &item.attrs),
                _ => continue,
            };
            if let Some(words) = docs::first_paragraph(attrs) {
                known.types.insert(name.to_string(), words);
            }
        }
        for item in types {
            let Item::Struct(item) = item else { continue };
            for field in &item.fields {
                let Some(name) = &field.ident else { continue };
                let said = docs::words(&field.attrs).or_else(|| known.of_field(field));
                if let Some(words) = said {
                    let place = (item.ident.to_string(), name.to_string());
                    known.fields.insert(place, words);
                }
            }
        }
        known
    }

    fn of_field(&self, field: &syn::Field) -> Option<String> {
        let is_flat = |attribute: &Attribute| {
            attribute.path().is_ident("serde")
                && matches!(&attribute.meta, syn::Meta::List(list)
                    if list.tokens.to_string().contains("flatten"))
        };
        if field.attrs.iter().any(is_flat) {
            return Some("Members that the API document does not name.".to_owned());
        }
        self.types.get(&innermost(&field.ty)?).cloned()
    }

    fn fields(&self, item: &mut ItemStruct) {
        for field in &mut item.fields {
            let Some(name) = &field.ident else { continue };
            let place = (item.ident.to_string(), name.to_string());
            if let Some(words) = self.fields.get(&place) {
                say(&mut field.attrs, words);
            }
        }
    }

    fn alternatives(&self, item: &mut ItemEnum) {
        for variant in &mut item.variants {
            let words = alternative(variant);
            say(&mut variant.attrs, &words);
        }
    }

    fn builder(&self, item: &mut Item) {
        match item {
            Item::Struct(item) => {
                let words = format!(
                    "Builds a [`{0}`](super::{0}): set the members, then finish with \
                     `.try_into()?`, or pass the builder itself to a setter that takes a `{0}`.",
                    item.ident
                );
                say(&mut item.attrs, &words);
            }
            Item::Impl(item) if item.trait_.is_none() => {
                let Some(name) = self_name(item).map(ToString::to_string) else {
                    return;
                };
                for function in functions(item) {
                    let place = (name.clone(), function.sig.ident.to_string());
                    if let Some(words) = self.fields.get(&place) {
                        say(&mut function.attrs, words);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Adds documentation before all other attributes, unless the item has documentation.
fn say(attributes: &mut Vec<Attribute>, words: &str) {
    if docs::words(attributes).is_none() {
        attributes.insert(0, parse_quote!(#[doc = #words]));
    }
}

fn functions(item: &mut ItemImpl) -> impl Iterator<Item = &mut syn::ImplItemFn> {
    item.items.iter_mut().filter_map(|item| match item {
        ImplItem::Fn(function) => Some(function),
        _ => None,
    })
}

/// Returns the documentation of an arm of a union or of the value of an enum.
fn alternative(variant: &Variant) -> String {
    match &variant.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => a(&fields.unnamed[0].ty),
        _ => format!("{}.", text::code(&wire(variant))),
    }
}

/// The spelling of a value in JSON.
fn wire(variant: &Variant) -> String {
    let mut name = None;
    for attribute in &variant.attrs {
        if attribute.path().is_ident("serde") {
            // Only `rename = "…"` matters.
            let _ = attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("rename") {
                    name = Some(meta.value()?.parse::<syn::LitStr>()?.value());
                }
                Ok(())
            });
        }
    }
    name.unwrap_or_else(|| variant.ident.to_string())
}

fn a(ty: &Type) -> String {
    let Some(last) = last(ty) else {
        return "Any other value.".to_owned();
    };
    match last.ident.to_string().as_str() {
        "String" => "A string.".to_owned(),
        "bool" => "`true` or `false`.".to_owned(),
        "f32" | "f64" => "A number.".to_owned(),
        "Value" => "Any other value, unchanged.".to_owned(),
        "Vec" => "Several values.".to_owned(),
        "IndexMap" | "HashMap" | "Map" => "An object.".to_owned(),
        "Box" => inside(last).map_or_else(|| "One value.".to_owned(), a),
        name if name.starts_with(['i', 'u']) => "An integer.".to_owned(),
        name if name.starts_with(['A', 'E', 'I', 'O']) => format!("An [`{name}`]."),
        name => format!("A [`{name}`]."),
    }
}

fn last(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

fn inside(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// The type inside `Option`, `Box` and `Vec`.
fn innermost(ty: &Type) -> Option<String> {
    let last = last(ty)?;
    match last.ident.to_string().as_str() {
        "Option" | "Box" | "Vec" => innermost(inside(last)?),
        name => Some(name.to_owned()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn filled_in() -> String {
        let mut file: File = parse_quote! {
            pub mod types {
                #[doc = "How it is drawn."]
                pub struct Style { #[doc = "In pixels.\n\nAt most 80."] pub width: i64 }
                #[doc = "What to draw."]
                pub struct Ask {
                    #[doc = "Existing text."]
                    pub id: i64,
                    pub style: ::std::option::Option<::std::boxed::Box<Style>>,
                    #[serde(flatten)]
                    pub extra: ::serde_json::Map<String, Value>,
                }
                impl Style { pub fn builder() -> builder::Style { Default::default() } }
                pub enum Kind { #[serde(rename = "the-one")] TheOne }
                pub enum Size {
                    Text(::std::string::String), Number(i64), Style(Style), Other(::serde_json::Value),
                }
                pub mod builder {
                    pub struct Style { width: i64 }
                    impl Style { pub fn width<T>(mut self, value: T) -> Self { self } }
                }
            }
        };
        fill_in(&mut file).unwrap();
        prettyplease::unparse(&file)
    }

    #[track_caller]
    fn has(wanted: &str) {
        let squeeze = |text: &str| text.split_whitespace().collect::<String>();
        let text = filled_in();
        assert!(squeeze(&text).contains(&squeeze(wanted)), "{text}");
    }

    #[test]
    fn a_field_gets_the_documentation_of_its_type() {
        has("///How it is drawn.\n pub style:");
        has("///Members that the API document does not name.\n #[serde(flatten)]");
    }

    #[test]
    fn a_setter_gets_the_documentation_of_its_field() {
        let text = filled_in();
        let before = text.split("pub fn width").next().unwrap();
        let setter = &before[before.find("impl Style {").unwrap()..];
        assert!(
            setter.contains("In pixels.") && setter.contains("At most 80."),
            "{setter}"
        );
        let finish =
            "///Builds a [`Style`](super::Style): set the members, then finish with `.try_into()?`";
        assert!(text.contains(finish), "{text}");
    }

    #[test]
    fn a_variant_names_its_content() {
        has("///`the-one`.\n #[serde(rename = \"the-one\")] TheOne");
        has("///A string.\n Text(");
        has("///An integer.\n Number(");
        has("///A [`Style`].\n Style(");
        has("///Any other value, unchanged.\n Other(");
    }

    #[test]
    fn existing_documentation_is_unchanged() {
        has("///Existing text.\n pub id");
        has("pass it to a setter that takes this type.\n pub fn builder");
    }
}
