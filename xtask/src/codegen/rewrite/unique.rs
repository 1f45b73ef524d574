//! A check for duplicate names. progenitor has none, and the compiler's error would name generated
//! code.

use std::collections::HashSet;

use anyhow::{Result, bail};
use syn::{Fields, File, ImplItem, Item};

use super::self_name;

/// Refuses a file with two fields, variants, methods or types with the same name in one place.
pub(super) fn check(file: &File) -> Result<()> {
    items(&file.items, "")
}

fn items(list: &[Item], place: &str) -> Result<()> {
    let mut types = HashSet::new();
    let mut functions = HashSet::new();
    for item in list {
        let name = match item {
            Item::Struct(item) => {
                fields(&item.fields, &format!("{place}{}", item.ident))?;
                &item.ident
            }
            Item::Enum(item) => {
                let at = format!("{place}{}", item.ident);
                let variants = item
                    .variants
                    .iter()
                    .map(|variant| variant.ident.to_string());
                unique(
                    variants,
                    &at,
                    "variants",
                    "name one with x-enum-names or a title",
                )?;
                for variant in &item.variants {
                    fields(&variant.fields, &format!("{at}::{}", variant.ident))?;
                }
                &item.ident
            }
            Item::Type(item) => &item.ident,
            Item::Mod(item) => {
                if let Some((_, inner)) = &item.content {
                    items(inner, &format!("{place}{}::", item.ident))?;
                }
                continue;
            }
            Item::Impl(item) => {
                let Some(of) = self_name(item).filter(|_| item.trait_.is_none()) else {
                    continue;
                };
                for function in &item.items {
                    if let ImplItem::Fn(function) = function
                        && !functions.insert((of.to_string(), function.sig.ident.to_string()))
                    {
                        bail!(
                            "{place}{of} has two methods named {}; rename one in the overlay: an \
                             operation by its operationId, a parameter by x-rust-name",
                            function.sig.ident
                        );
                    }
                }
                continue;
            }
            _ => continue,
        };
        if !types.insert(name.to_string()) {
            bail!(
                "there are two types named {place}{name}; name one of their schemas with \
                 x-rust-name, or move an inline schema to the components"
            );
        }
    }
    Ok(())
}

fn fields(fields: &Fields, place: &str) -> Result<()> {
    let names = fields
        .iter()
        .filter_map(|field| Some(field.ident.as_ref()?.to_string()));
    unique(
        names,
        place,
        "fields",
        "put both into one schema, which gives them distinct names",
    )
}

fn unique(
    names: impl Iterator<Item = String>,
    place: &str,
    what: &str,
    advice: &str,
) -> Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        if seen.contains(&name) {
            bail!("{place} has two {what} named {name}; {advice}");
        }
        seen.insert(name);
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn the_error_names_a_duplicate_name_and_its_place() {
        for (file, wanted) in [
            (
                parse_quote!(
                    pub mod types {
                        pub struct A {
                            pub a: i64,
                            pub a: i64,
                        }
                    }
                ),
                "types::A has two fields named a",
            ),
            (
                parse_quote!(
                    pub mod types {
                        pub struct A;
                        pub enum A {}
                    }
                ),
                "two types named types::A",
            ),
            (
                parse_quote!(
                    pub mod types {
                        pub enum A {
                            B,
                            B,
                        }
                    }
                ),
                "types::A has two variants named B",
            ),
            (
                parse_quote!(impl Client { fn a() {} } impl Client { fn a() {} }),
                "Client has two methods named a",
            ),
        ] {
            let said = check(&file).unwrap_err().to_string();
            assert!(said.contains(wanted), "{said}");
        }
        check(&parse_quote!(
            pub mod types {
                pub struct A;
            }
            pub mod builder {
                pub struct A;
            }
        ))
        .unwrap();
    }
}
