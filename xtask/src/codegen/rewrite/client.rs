//! The generated `Client`.

use anyhow::Result;
use syn::{File, ImplItem, Item, parse_quote};

use super::operations::exactly;

/// Removes progenitor's constructors. `Client::new` panics if TLS cannot start, and both accept a
/// `reqwest::Client` that may follow redirects with a key. Our constructor is the only public one,
/// and the hooks are those of the runtime.
pub(super) fn own_hooks_and_no_public_constructor(file: &mut File) -> Result<()> {
    let before = file.items.len();
    file.items.retain(|item| match item {
        Item::Mod(module) => module.ident != "prelude",
        Item::Const(item) => item.ident != "_",
        _ => true,
    });
    exactly(
        "removed preludes and checks of hooks",
        2,
        before - file.items.len(),
    )?;
    let (mut dropped, mut hidden) = (0, 0);
    for item in &mut file.items {
        let Item::Impl(implementation) = item else {
            continue;
        };
        let before = implementation.items.len();
        implementation
            .items
            .retain(|item| !matches!(item, ImplItem::Fn(f) if f.sig.ident == "new"));
        dropped += before - implementation.items.len();
        for item in &mut implementation.items {
            if let ImplItem::Fn(function) = item
                && function.sig.ident == "new_with_client"
            {
                function.vis = parse_quote!(pub(crate));
                function.attrs.clear();
                hidden += 1;
            }
        }
    }
    exactly("drop Client::new", 1, dropped)?;
    exactly("hide Client::new_with_client", 1, hidden)?;
    file.items.push(parse_quote! {
        impl ClientHooks<::rowfeed_client::Core> for Client {}
    });
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use quote::ToTokens as _;

    use super::*;

    #[test]
    fn no_constructor_is_public() {
        let mut file: File = parse_quote! {
            impl Client {
                /// Words.
                pub fn new(baseurl: &str) -> Self { panic!() }
                pub fn new_with_client(baseurl: &str) -> Self { Self }
            }
            const _: () = {};
            pub mod prelude {}
        };
        own_hooks_and_no_public_constructor(&mut file).unwrap();
        let text = file.to_token_stream().to_string();
        assert!(!text.contains("pub fn new"), "{text}");
        assert!(text.contains("pub (crate) fn new_with_client"), "{text}");
        assert!(text.contains("impl ClientHooks"), "{text}");
        assert!(!text.contains("prelude"), "{text}");

        let said = own_hooks_and_no_public_constructor(&mut file)
            .unwrap_err()
            .to_string();
        assert!(said.contains("expected 2 changes, made 0"), "{said}");
    }
}
