//! Every operation has a setter for headers of one call.

use anyhow::{Result, bail};
use syn::{File, ImplItem, Item, parse_quote};

use crate::codegen::rewrite::{
    module,
    operations::{Operations, exactly},
    self_name,
};

/// Adds `header`, before `send`. The header is set in the builder's client, so that requests which
/// follow from the operation, such as the next page, have it too.
pub(in crate::codegen::rewrite) fn add_headers(
    file: &mut File,
    operations: &Operations,
) -> Result<()> {
    let mut count = 0;
    for item in module(&mut file.items, "builder")? {
        let Item::Impl(item) = item else { continue };
        let is_operation = self_name(item).is_some_and(|name| {
            item.trait_.is_none() && operations.contains_key(&name.to_string())
        });
        if !is_operation {
            continue;
        }
        let named = |name: &str| {
            let is_named = |item: &ImplItem| matches!(item, ImplItem::Fn(function) if function.sig.ident == name);
            item.items.iter().position(is_named)
        };
        if named("header").is_some() {
            bail!(
                "rewrite: an operation has a parameter `header`, which is the name of the setter of \
                 headers; rename the parameter in the overlay"
            );
        }
        let Some(send) = named("send") else { continue };
        let setter = parse_quote! {
            /// Sets a header of this request, and of the requests that follow from it, such as those for further pages. `send` fails if the header cannot be sent.
            pub fn header(
                mut self,
                name: impl ::std::convert::AsRef<str>,
                value: impl ::std::convert::AsRef<str>,
            ) -> Self {
                self.client = self.client.with_header(name, value);
                self
            }
        };
        item.items.insert(send, ImplItem::Fn(setter));
        count += 1;
    }
    exactly("setters of headers", operations.len(), count)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{
        super::tests::{described, sample},
        *,
    };

    #[test]
    fn every_operation_takes_headers() {
        let mut file = sample(false);
        add_headers(&mut file, &described(false)).unwrap();
        let text = prettyplease::unparse(&file);
        assert!(
            text.contains("self.client = self.client.with_header(name, value);"),
            "{text}"
        );
        assert!(text.find("fn header").unwrap() < text.find("fn send").unwrap());
    }

    #[test]
    fn a_parameter_of_that_name_is_an_error() {
        let mut file = sample(false);
        add_headers(&mut file, &described(false)).unwrap();
        let said = add_headers(&mut file, &described(false)).unwrap_err();
        assert!(said.to_string().contains("`header`"), "{said}");
    }

    #[test]
    fn an_operation_without_a_builder_is_an_error() {
        let mut file = sample(false);
        for item in module(&mut file.items, "builder").unwrap() {
            if let Item::Impl(item) = item {
                item.items.retain(
                    |item| !matches!(item, ImplItem::Fn(function) if function.sig.ident == "send"),
                );
            }
        }
        let said = add_headers(&mut file, &described(false)).unwrap_err();
        assert!(said.to_string().contains("setters of headers"), "{said}");
    }
}
