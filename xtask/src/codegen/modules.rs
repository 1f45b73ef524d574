//! Splits the generated code into one file for each module, for readable diffs.
//!
//! | file | content |
//! |---|---|
//! | `mod.rs` | the modules, their common names, the API version |
//! | `client.rs` | `Client` with a method for each operation |
//! | `builder.rs` | the builder of each operation |
//! | `types.rs`, `types/*.rs` | the types of bodies and parameters, and their builders |
//! | `enums.rs` | the open enums, which `types` re-exports |

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use syn::{File, Item, ItemMod, parse_quote};

/// File below `src/generated` → its text.
pub(super) type Files = BTreeMap<String, String>;

/// Modules below `types` that get their own file. Other items there are small.
const OF_TYPES: [&str; 1] = ["builder"];

/// Splits a rewritten file of progenitor into modules, with `header` on top of the first and `mark`
/// on top of every other.
pub(super) fn split(
    file: File,
    enums: Option<String>,
    version: &str,
    header: &str,
    mark: &str,
) -> Result<Files> {
    let (mut imports, mut client) = (Vec::new(), Vec::new());
    let (mut types, mut builder) = (None, None);
    for item in file.items {
        match item {
            Item::Mod(module) if module.ident == "types" => types = Some(module),
            Item::Mod(module) if module.ident == "builder" => builder = Some(module),
            Item::Use(_) => imports.push(item),
            Item::Struct(_) | Item::Impl(_) => client.push(item),
            other => bail!(
                "progenitor's output has an item outside of the known modules: {}",
                prettyplease::unparse(&of_items(vec![other]))
            ),
        }
    }
    let (Some(mut types), Some(mut builder)) = (types, builder) else {
        bail!("progenitor's output lacks the module `types` or `builder`");
    };

    let mut files = Files::new();
    let mut type_items = taken(&mut types);
    for item in &mut type_items {
        if let Item::Mod(module) = item
            && OF_TYPES.iter().any(|name| module.ident == name)
        {
            let name = format!("types/{}.rs", module.ident);
            files.insert(name, text(mark, taken(module)));
        }
    }
    if enums.is_some() {
        type_items.insert(
            0,
            parse_quote!(
                pub use super::enums::*;
            ),
        );
    }
    files.insert("types.rs".to_owned(), text(mark, type_items));

    let mut builder_items = taken(&mut builder);
    builder_items.insert(
        0,
        parse_quote!(
            use super::progenitor_client;
        ),
    );
    files.insert("builder.rs".to_owned(), text(mark, builder_items));

    client.insert(
        0,
        parse_quote!(
            use super::{ClientHooks, ClientInfo, builder};
        ),
    );
    files.insert("client.rs".to_owned(), text(mark, client));

    let mut root: Vec<Item> = vec![
        parse_quote!(
            mod client;
        ),
        Item::Mod(builder),
        Item::Mod(types),
        // The name that progenitor generates.
        parse_quote!(
            use ::rowfeed_client::codegen as progenitor_client;
        ),
    ];
    if let Some(enums) = enums {
        holds_enums_alone(&enums)?;
        files.insert("enums.rs".to_owned(), format!("{mark}\n{enums}"));
        root.insert(
            1,
            parse_quote!(
                mod enums;
            ),
        );
    }
    root.extend(imports);
    root.push(parse_quote!(
        pub use client::Client;
    ));
    root.push(parse_quote! {
        /// The version of the API document that this client was generated from.
        pub const API_VERSION: &str = #version;
    });
    files.insert("mod.rs".to_owned(), text(header, root));
    Ok(files)
}

/// Parses the only file that is generated as text. It must consist of invocations of one macro.
fn holds_enums_alone(text: &str) -> Result<()> {
    let file = syn::parse_file(text).context("the file of enums is not valid Rust")?;
    let is_enum = |item: &Item| matches!(item, Item::Macro(item) if item.mac.path == parse_quote!(::rowfeed_client::open_enum));
    match file.items.iter().find(|item| !is_enum(item)) {
        Some(_) => bail!("the file of enums contains other items"),
        None => Ok(()),
    }
}

/// Takes the items of a module, which becomes a file.
fn taken(module: &mut ItemMod) -> Vec<Item> {
    module.semi = Some(Default::default());
    module
        .content
        .take()
        .map(|(_, items)| items)
        .unwrap_or_default()
}

fn text(head: &str, items: Vec<Item>) -> String {
    format!("{head}\n{}", prettyplease::unparse(&of_items(items)))
}

fn of_items(items: Vec<Item>) -> File {
    File {
        shebang: None,
        frontmatter: None,
        attrs: Vec::new(),
        items,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn sample() -> File {
        parse_quote! {
            pub use progenitor_client::Error;
            /// The types.
            pub mod types {
                pub struct Fruit { pub name: String }
                pub mod builder { pub struct Fruit { name: String } }
            }
            pub struct Client {}
            impl Client {}
            /// The builders.
            pub mod builder { use super::types; pub struct GetFruit {} }
        }
    }

    #[test]
    fn the_constant_follows_the_imports() {
        let files = split(sample(), None, "1.2", "// head\n", "// mark\n").unwrap();
        let text = &files["mod.rs"];
        let constant = text.find("pub const API_VERSION: &str = \"1.2\";").unwrap();
        assert!(text.find("pub use progenitor_client").unwrap() < constant);
        assert!(text.find("pub mod types;").unwrap() < constant);
    }

    #[test]
    fn every_item_is_in_the_file_of_its_module() {
        let enums = "::rowfeed_client::open_enum! { pub enum E { A = \"a\" } }\n";
        let files = split(
            sample(),
            Some(enums.to_owned()),
            "1",
            "// head\n",
            "// mark\n",
        )
        .unwrap();
        for (file, wanted) in [
            ("mod.rs", "// head\n\nmod client;\nmod enums;"),
            ("client.rs", "pub struct Client {}"),
            ("builder.rs", "pub struct GetFruit {}"),
            ("types.rs", "pub mod builder;"),
            ("types.rs", "pub use super::enums::*;"),
            ("types/builder.rs", "pub struct Fruit"),
            ("enums.rs", enums),
        ] {
            assert!(files[file].contains(wanted), "{file}: {}", files[file]);
        }
        assert!(!files["types.rs"].contains("name: String }\n}"));
    }

    #[test]
    fn an_item_outside_of_the_known_modules_is_an_error() {
        let mut file = sample();
        file.items.push(parse_quote!(
            pub fn stray() {}
        ));
        let said = split(file, None, "1", "", "").unwrap_err().to_string();
        assert!(
            said.contains("outside of the known modules") && said.contains("stray"),
            "{said}"
        );

        let stray = "::rowfeed_client::open_enum! {}\npub fn stray() {}\n".to_owned();
        let said = split(sample(), Some(stray), "1", "", "")
            .unwrap_err()
            .to_string();
        assert!(said.contains("contains other items"), "{said}");
    }
}
