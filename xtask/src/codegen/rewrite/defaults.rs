//! The default values of the builders of types.

use std::collections::BTreeMap;

use anyhow::Result;
use quote::ToTokens as _;
use serde_json::Value;
use syn::{Expr, File, Ident, Item, parse_quote, visit_mut::VisitMut};

use super::{module, operations::exactly, self_name};
use crate::normalize::{EMPTY, snake};

/// Gives a request field with a single possible value this value, so callers need not set it.
pub(super) fn builders_know_constants(file: &mut File) -> Result<()> {
    let types = module(&mut file.items, "types")?;
    let constants: BTreeMap<String, Ident> = types
        .iter()
        .filter_map(|item| match item {
            Item::Enum(item) => match item.variants.iter().collect::<Vec<_>>().as_slice() {
                [only] if only.fields.is_empty() => {
                    Some((item.ident.to_string(), only.ident.clone()))
                }
                _ => None,
            },
            _ => None,
        })
        .collect();
    let Ok(builders) = module(types, "builder") else {
        return Ok(());
    };
    let mut fields = Fields::new();
    for item in builders.iter() {
        let Item::Struct(item) = item else { continue };
        for field in &item.fields {
            // `Result<super::Constant, String>`
            let text = field.ty.to_token_stream().to_string().replace(' ', "");
            let inner = text
                .split('<')
                .nth(1)
                .and_then(|text| text.split(',').next());
            let name = inner.and_then(|inner| inner.strip_prefix("super::"));
            if let (Some(field), Some((name, variant))) = (
                &field.ident,
                name.and_then(|name| constants.get_key_value(name)),
            ) {
                let constant = quote::format_ident!("{name}");
                let key = (item.ident.to_string(), field.to_string());
                fields.insert(key, parse_quote!(Ok(super::#constant::#variant)));
            }
        }
    }
    let found = begin_with(builders, &fields);
    exactly("constants in builders", fields.len(), found)
}

/// Makes a member that must be sent and may be empty empty by default. The document lists these
/// members of a component.
pub(super) fn builders_begin_empty(file: &mut File, document: &Value) -> Result<()> {
    let schemas = document
        .pointer("/components/schemas")
        .and_then(Value::as_object);
    let mut fields = Fields::new();
    for (name, schema) in schemas.into_iter().flatten() {
        let members = schema.get(EMPTY).and_then(Value::as_array);
        for member in members.into_iter().flatten().filter_map(Value::as_str) {
            let key = (name.clone(), snake(member));
            fields.insert(key, parse_quote!(Ok(Default::default())));
        }
    }
    let found = match module(module(&mut file.items, "types")?, "builder") {
        Ok(builders) => begin_with(builders, &fields),
        Err(_) => 0,
    };
    exactly("members with an empty default", fields.len(), found)
}

/// Expressions, by builder and field.
type Fields = BTreeMap<(String, String), Expr>;

/// Replaces the initial values of the builders, and returns the number of changed fields.
fn begin_with(builders: &mut [Item], fields: &Fields) -> usize {
    let mut found = 0;
    for item in builders {
        let Item::Impl(item) = item else { continue };
        let Some(of) = self_name(item).map(ToString::to_string) else {
            continue;
        };
        let is_default = item.trait_.as_ref().is_some_and(|(path, _)| {
            let last = path.segments.last();
            last.is_some_and(|segment| segment.ident == "Default")
        });
        if is_default {
            let mut begin = BeginWith {
                of: &of,
                fields,
                found: 0,
            };
            begin.visit_item_impl_mut(item);
            found += begin.found;
        }
    }
    found
}

struct BeginWith<'a> {
    of: &'a str,
    fields: &'a Fields,
    found: usize,
}

impl VisitMut for BeginWith<'_> {
    fn visit_field_value_mut(&mut self, field: &mut syn::FieldValue) {
        if let syn::Member::Named(name) = &field.member
            && let Some(expr) = self.fields.get(&(self.of.to_owned(), name.to_string()))
        {
            field.expr = expr.clone();
            self.found += 1;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_constant_is_set_by_default() {
        let mut file: File = parse_quote! {
            pub mod types {
                pub enum KindSql { Sql }
                pub enum Open { A, B }
                pub mod builder {
                    pub struct Ask {
                        kind: ::std::result::Result<super::KindSql, ::std::string::String>,
                        open: ::std::result::Result<super::Open, ::std::string::String>,
                    }
                    impl ::std::default::Default for Ask {
                        fn default() -> Self {
                            Self { kind: Err("no value".to_string()), open: Err("no value".to_string()) }
                        }
                    }
                }
            }
        };
        builders_know_constants(&mut file).unwrap();
        let text = prettyplease::unparse(&file);
        assert!(text.contains("kind: Ok(super::KindSql::Sql)"), "{text}");
        assert!(text.contains("open: Err("), "{text}");
    }

    #[test]
    fn a_member_that_may_be_empty_is_empty_by_default() {
        let mut file: File = parse_quote! {
            pub mod types {
                pub mod builder {
                    impl ::std::default::Default for Ask {
                        fn default() -> Self {
                            Self {
                                sort_by: Err("no value".to_string()),
                                sql: Err("no value".to_string()),
                            }
                        }
                    }
                }
            }
        };
        let mut document = json!({"components": {"schemas": {"Ask": {EMPTY: ["sortBy"]}}}});
        builders_begin_empty(&mut file, &document).unwrap();
        let text = prettyplease::unparse(&file);
        assert!(text.contains("sort_by: Ok(Default::default())"), "{text}");
        assert!(text.contains("sql: Err("), "{text}");
        document["components"]["schemas"]["Ask"][EMPTY] = json!(["gone"]);
        let said = builders_begin_empty(&mut file, &document)
            .unwrap_err()
            .to_string();
        assert!(said.contains("members with an empty default"), "{said}");
    }
}
