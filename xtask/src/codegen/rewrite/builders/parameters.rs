//! The parameters of a builder, for reading.

use std::collections::BTreeMap;

use anyhow::Result;
use syn::{Fields, File, Item, parse_quote};

use super::functions;
use crate::codegen::rewrite::{
    docs, module,
    operations::{Operation, Operations, Parameter, exactly},
    self_name,
};

/// Adds a method that returns the path, query and header parameters as JSON, by name. A cursor of a
/// list belongs to the parameters of its request.
pub(in crate::codegen::rewrite) fn tell_parameters(
    file: &mut File,
    operations: &Operations,
) -> Result<()> {
    let builders = module(&mut file.items, "builder")?;
    let mut parameters: BTreeMap<String, Vec<syn::Ident>> = BTreeMap::new();
    for item in builders.iter() {
        if let Item::Struct(item) = item {
            let names = item.fields.iter().filter_map(|field| field.ident.clone());
            let names = names.filter(|name| name != "client" && name != "body");
            parameters.insert(item.ident.to_string(), names.collect());
        }
    }
    let (mut told, mut all) = (0, 0);
    for (builder, names) in &parameters {
        let at = builders.iter().rposition(|item| {
            matches!(item, Item::Impl(item) if self_name(item).is_some_and(|name| name == builder))
        });
        let Some(at) = at else { continue };
        let texts = names.iter().map(ToString::to_string);
        let builder = quote::format_ident!("{builder}");
        told += names.len();
        all += 1;
        // A trait, so the method cannot conflict with a parameter.
        let tells = parse_quote! {
            impl codegen::Parameters for #builder {
                fn parameters(&self) -> ::std::vec::Vec<(&'static str, ::serde_json::Value)> {
                    ::std::vec::Vec::from([
                        #((
                            #texts,
                            ::serde_json::to_value(self.#names.as_ref().ok()).unwrap_or_default(),
                        )),*
                    ])
                }
            }
        };
        builders.insert(at + 1, tells);
    }
    let wanted = operations
        .values()
        .map(|operation| operation.parameters.len());
    exactly("listed parameters", wanted.sum(), told)?;
    exactly("builders that list their parameters", operations.len(), all)
}

/// Makes parameters readable, and documents their setters. Paging reads them: it sends the filters
/// of a latest result to its execution too.
pub(in crate::codegen::rewrite) fn show_parameters(
    file: &mut File,
    operations: &Operations,
) -> Result<()> {
    let (mut fields, mut setters) = (0, 0);
    for item in module(&mut file.items, "builder")? {
        match item {
            Item::Struct(item) => {
                if let Fields::Named(named) = &mut item.fields {
                    for field in &mut named.named {
                        let name = field.ident.as_ref().map(ToString::to_string);
                        let words = match name.as_deref().unwrap_or_default() {
                            "client" => "The client that sends the request.".to_owned(),
                            "body" => "The request body, or why it cannot be sent.".to_owned(),
                            name => format!("The value of `{name}`, or why it cannot be sent."),
                        };
                        field.vis = parse_quote!(pub);
                        field.attrs.push(parse_quote!(#[doc = #words]));
                        fields += 1;
                    }
                }
            }
            Item::Impl(item) => {
                let operation = self_name(item).and_then(|name| operations.get(&name.to_string()));
                let has_members = operation.is_some_and(|operation| !operation.members.is_empty());
                for function in functions(item) {
                    let name = function.sig.ident.to_string();
                    let parameter = operation.and_then(|operation| {
                        let is_it = |p: &&Parameter| p.name == name.trim_end_matches('_');
                        operation.parameters.iter().find(is_it)
                    });
                    setters += usize::from(parameter.is_some());
                    let fixed = match name.as_str() {
                        "new" => Some("Returns a builder with nothing set."),
                        "body" if has_members => Some(
                            "The request body. The methods named after its members change one \
                             member of the body that is set; `body` replaces all of it.",
                        ),
                        "body" => Some("The request body."),
                        "body_map" => Some("Changes the request body field by field."),
                        _ => None,
                    };
                    let words = parameter.and_then(|parameter| parameter.words.as_deref());
                    if let Some(words) = words.or(fixed)
                        && docs::words(&function.attrs).is_none()
                    {
                        function.attrs.push(parse_quote!(#[doc = #words]));
                    }
                }
            }
            _ => {}
        }
    }
    let sum = |count: fn(&Operation) -> usize| operations.values().map(count).sum::<usize>();
    // Plus the client.
    let wanted = sum(|op| op.parameters.len() + usize::from(op.has_body) + 1);
    exactly("readable parameters", wanted, fields)?;
    exactly("documented setters", sum(|op| op.parameters.len()), setters)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{
        super::{
            own_the_client,
            tests::{described, sample},
        },
        *,
    };

    #[test]
    fn a_builder_lists_its_parameters() {
        let mut file = sample(false);
        tell_parameters(&mut file, &described(false)).unwrap();
        let text: String = prettyplease::unparse(&file).split_whitespace().collect();
        assert!(text.contains("implcodegen::ParametersforGetIt{"), "{text}");
        assert!(
            text.contains("(\"id\",::serde_json::to_value(self.id.as_ref().ok())"),
            "{text}"
        );
        assert!(!text.contains("self.client.as_ref"), "{text}");
    }

    #[test]
    fn parameters_are_readable_and_setters_are_documented() {
        let mut file = sample(false);
        own_the_client(&mut file, &described(false)).unwrap();
        show_parameters(&mut file, &described(false)).unwrap();
        let text = prettyplease::unparse(&file);
        assert!(
            text.contains(
                "///The value of `id`, or why it cannot be sent.\n        pub id: Result"
            ),
            "{text}"
        );
        assert!(text.contains("///Which.\n        pub fn id"), "{text}");
        assert!(!text.contains("doc(hidden)"), "{text}");
    }
}
