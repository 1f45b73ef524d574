//! Checks that the crate of a service needs only public, documented items: neither its generated
//! nor its hand-written code names an item that rowfeed hides from its documentation.

#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{
    Attribute, Field, ImplItem, Item, TraitItem, UseTree,
    visit::{self, Visit},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn files(folder: &str) -> Vec<(PathBuf, syn::File)> {
    let mut paths = Vec::new();
    sources(&root().join(folder), &mut paths);
    assert!(!paths.is_empty(), "{folder}");
    let read = |path: PathBuf| {
        let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
        (path, file)
    };
    paths.into_iter().map(read).collect()
}

/// Returns the names of items with `#[doc(hidden)]`.
#[derive(Default)]
struct Hidden(BTreeSet<String>);

impl Hidden {
    fn note(&mut self, attributes: &[Attribute], name: impl ToString) {
        let is_hidden = |attribute: &Attribute| {
            attribute.path().is_ident("doc")
                && attribute.to_token_stream().to_string().contains("(hidden)")
        };
        if attributes.iter().any(is_hidden) {
            self.0.insert(name.to_string());
        }
    }

    fn imported(&mut self, attributes: &[Attribute], tree: &UseTree) {
        match tree {
            UseTree::Path(path) => self.imported(attributes, &path.tree),
            UseTree::Name(name) => self.note(attributes, &name.ident),
            UseTree::Rename(rename) => self.note(attributes, &rename.rename),
            UseTree::Group(group) => {
                let trees = group.items.iter();
                trees.for_each(|tree| self.imported(attributes, tree));
            }
            UseTree::Glob(_) => {}
        }
    }
}

impl<'ast> Visit<'ast> for Hidden {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Const(item) => self.note(&item.attrs, &item.ident),
            Item::Enum(item) => self.note(&item.attrs, &item.ident),
            Item::Fn(item) => self.note(&item.attrs, &item.sig.ident),
            Item::Macro(item) => {
                if let Some(name) = &item.ident {
                    self.note(&item.attrs, name);
                }
            }
            Item::Mod(item) => self.note(&item.attrs, &item.ident),
            Item::Struct(item) => self.note(&item.attrs, &item.ident),
            Item::Trait(item) => self.note(&item.attrs, &item.ident),
            Item::Type(item) => self.note(&item.attrs, &item.ident),
            Item::Use(item) => self.imported(&item.attrs, &item.tree),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if let ImplItem::Fn(item) = item {
            self.note(&item.attrs, &item.sig.ident);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        if let TraitItem::Fn(item) = item {
            self.note(&item.attrs, &item.sig.ident);
        }
    }

    fn visit_field(&mut self, field: &'ast Field) {
        if let Some(name) = &field.ident {
            self.note(&field.attrs, name);
        }
    }
}

fn names(tokens: TokenStream, found: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => names(group.stream(), found),
            TokenTree::Ident(name) => {
                found.insert(name.to_string());
            }
            _ => {}
        }
    }
}

/// Returns the hidden items of `of` that `folder` names, by file.
fn hidden_names_in(folder: &str, of: &Hidden) -> Vec<String> {
    let mut said = Vec::new();
    for (path, file) in files(folder) {
        let mut here = BTreeSet::new();
        names(file.to_token_stream(), &mut here);
        let hidden = here.intersection(&of.0);
        said.extend(hidden.map(|name| format!("{}: {name}", path.display())));
    }
    said
}

fn hidden_in(folders: &[&str]) -> Hidden {
    let mut hidden = Hidden::default();
    for folder in folders {
        for (_, file) in files(folder) {
            hidden.visit_file(&file);
        }
    }
    hidden
}

#[test]
fn an_external_service_needs_no_hidden_items() {
    let hidden = hidden_in(&["crates/client/src", "crates/rows/src", "crates/rowfeed/src"]);
    // Otherwise the test would check nothing.
    assert!(hidden.0.contains("_internal"), "{:?}", hidden.0);
    assert!(hidden.0.contains("__private"), "{:?}", hidden.0);
    let named = hidden_names_in("guide/tides/crates/tides/src", &hidden);
    assert_eq!(named, [""; 0]);
}

#[test]
fn generated_code_needs_and_has_no_hidden_items() {
    let hidden = hidden_in(&["crates/client/src", "crates/rows/src"]);
    for service in ["dune", "lightdash", "yandex-query"] {
        let generated = format!("crates/{service}/src/generated");
        assert_eq!(hidden_names_in(&generated, &hidden), [""; 0]);
        let own = hidden_in(&[&generated]).0;
        assert!(own.is_empty(), "{service}: {own:?}");
    }
    let own = hidden_in(&["guide/tides/crates/tides/src"]).0;
    assert!(own.is_empty(), "{own:?}");
}
