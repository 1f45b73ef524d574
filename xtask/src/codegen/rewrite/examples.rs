//! Examples of operations that compile, in place of progenitor's sketches.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::Result;
use quote::ToTokens as _;
use syn::{
    Fields, File, ImplItem, Item, ReturnType, Type, parse_quote,
    visit_mut::{self, VisitMut},
};

use super::{
    builders::Members,
    docs, inside, module,
    operations::{Operations, exactly},
    self_name,
};

struct Parameter {
    name: String,
    /// Formats a type for an example, which is outside of the crate.
    ty: String,
    is_optional: bool,
}

/// The beginning of progenitor's sketch, which follows all other documentation of a method.
const SKETCH: &str = "```ignore\nlet response = client.";

/// Removes progenitor's sketches. No text of a document can imitate one.
pub(super) fn drop_sketches(file: &mut File, operations: &Operations) -> Result<()> {
    let mut found = 0;
    for function in methods(file) {
        for attribute in &mut function.attrs {
            let words = docs::text(attribute);
            if let Some((before, _)) = words.as_ref().and_then(|words| words.rsplit_once(SKETCH)) {
                let before = before.trim_end();
                *attribute = parse_quote!(#[doc = #before]);
                found += 1;
            }
        }
    }
    exactly("sketches of examples", operations.len(), found)
}

/// Adds examples to the methods of the client. `package` is the crate of the client.
pub(super) fn compile(
    file: &mut File,
    operations: &Operations,
    members: &Members,
    package: &str,
) -> Result<()> {
    let parameters = parameters(module(&mut file.items, "builder")?, members);
    let mut found = 0;
    for function in methods(file) {
        let method = function.sig.ident.to_string();
        let builder = returned(&function.sig.output);
        if let Some(parameters) = builder.and_then(|builder| parameters.get(&builder)) {
            let example = example(package, &method, parameters);
            // After all other documentation.
            for line in std::iter::once("").chain(example.lines()) {
                let line = docs::line(line);
                function.attrs.push(parse_quote!(#[doc = #line]));
            }
            found += 1;
        }
    }
    exactly("examples", operations.len(), found)
}

/// Returns the methods of the client that start an operation.
fn methods(file: &mut File) -> impl Iterator<Item = &mut syn::ImplItemFn> {
    let implementations = file.items.iter_mut().filter_map(|item| match item {
        Item::Impl(item)
            if item.trait_.is_none() && self_name(item).is_some_and(|name| name == "Client") =>
        {
            Some(item)
        }
        _ => None,
    });
    implementations
        .flat_map(|item| &mut item.items)
        .filter_map(|item| match item {
            ImplItem::Fn(function) => Some(function),
            _ => None,
        })
        .filter(|function| returned_module(&function.sig.output).is_some_and(|m| m == "builder"))
}

/// Returns `builder` of `builder::GetIt`.
fn returned_module(output: &ReturnType) -> Option<String> {
    match output {
        ReturnType::Type(_, ty) => match ty.as_ref() {
            Type::Path(path) => Some(path.path.segments.first()?.ident.to_string()),
            _ => None,
        },
        ReturnType::Default => None,
    }
}

/// Returns the parameters of each operation. Members of a body with setters replace the body.
fn parameters(builders: &[Item], members: &Members) -> BTreeMap<String, Vec<Parameter>> {
    let structs = builders.iter().filter_map(|item| match item {
        Item::Struct(item) => Some(item),
        _ => None,
    });
    structs
        .filter_map(|item| {
            let Fields::Named(fields) = &item.fields else {
                return None;
            };
            let members = members.get(&item.ident.to_string());
            let parameters = fields.named.iter().filter_map(|field| {
                let name = field.ident.as_ref()?.to_string();
                if name == "client" || (name == "body" && members.is_some()) {
                    return None;
                }
                let given = inside(&field.ty, "Result")?;
                let value = inside(given, "Option");
                Some(Parameter {
                    name,
                    ty: shown(value.unwrap_or(given)),
                    is_optional: value.is_some(),
                })
            });
            let members = members.into_iter().flatten().map(|member| Parameter {
                name: member.name.to_string(),
                ty: shown(&member.ty),
                is_optional: member.is_optional,
            });
            Some((item.ident.to_string(), parameters.chain(members).collect()))
        })
        .collect()
}

fn shown(ty: &Type) -> String {
    let mut ty = ty.clone();
    FromOutside.visit_type_mut(&mut ty);
    ty.to_token_stream().to_string().replace(' ', "")
}

/// Replaces `crate::types::X` and `types::builder::X` by `types::X`.
struct FromOutside;

impl VisitMut for FromOutside {
    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        visit_mut::visit_path_mut(self, path);
        if path.segments.iter().any(|segment| segment.ident == "types")
            && let Some(last) = path.segments.last().cloned()
        {
            *path = parse_quote!(types::#last);
        }
    }
}

fn returned(output: &ReturnType) -> Option<String> {
    match output {
        ReturnType::Type(_, ty) => match ty.as_ref() {
            Type::Path(path) => Some(path.path.segments.last()?.ident.to_string()),
            _ => None,
        },
        ReturnType::Default => None,
    }
}

fn example(package: &str, method: &str, parameters: &[Parameter]) -> String {
    let mut text = format!("```no_run\n# use {package}::{{Client, CallError, types}};\n");
    text.push_str("# async fn example(client: &Client");
    // Writing to a String does not fail.
    for Parameter { name, ty, .. } in parameters {
        let _ = write!(text, ", {name}: {ty}");
    }
    let _ = write!(
        text,
        ") -> Result<(), CallError> {{\nlet response = client\n    .{method}()\n"
    );
    for is_optional in [false, true] {
        let of_these = |parameter: &&Parameter| parameter.is_optional == is_optional;
        let parameters: Vec<_> = parameters.iter().filter(of_these).collect();
        if is_optional && !parameters.is_empty() {
            text.push_str("    // As needed:\n");
        }
        for Parameter { name, .. } in parameters {
            let _ = writeln!(text, "    .{name}({name})");
        }
    }
    text.push_str("    .send()\n    .await?;\n# Ok(())\n# }\n```");
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_sketch_is_replaced_by_an_example_with_every_parameter() {
        let mut file: File = parse_quote! {
            impl Client {
                #[doc = "Gets it, not ```ignore\nthis.\n\n```ignore\nlet response = client.get_it();\n```"]
                pub fn get_it(&self) -> builder::GetIt<'_> { builder::GetIt::new(self) }
            }
            pub mod builder {
                pub struct GetIt<'a> {
                    client: &'a super::Client,
                    id: Result<::std::string::String, String>,
                    kind: Result<Option<crate::types::Kind>, String>,
                    body: Result<types::builder::Ask, String>,
                }
            }
        };
        let operations = super::super::operations::of(
            &serde_json::json!({"paths": {"/it": {"get": {"operationId": "get_it"}}}}),
        );
        drop_sketches(&mut file, &operations).unwrap();
        docs::pass_the_gate(&mut file);
        compile(&mut file, &operations, &Members::new(), "tides").unwrap();
        let text = prettyplease::unparse(&file);
        let wanted = "
    /// Gets it, not ```ignore
    /// this.
    ///
    /// ```no_run
    /// # use tides::{Client, CallError, types};
    /// # async fn example(client: &Client, id: ::std::string::String, kind: types::Kind, body: types::Ask) -> Result<(), CallError> {
    /// let response = client
    ///     .get_it()
    ///     .id(id)
    ///     .body(body)
    ///     // As needed:
    ///     .kind(kind)
    ///     .send()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
";
        assert!(text.contains(wanted.trim_start_matches('\n')), "{text}");
    }
}
