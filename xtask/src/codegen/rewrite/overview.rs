//! The overview in the documentation of the client: how to create one, and its operations by group.

use anyhow::Result;
use serde_json::Value;
use syn::{Attribute, File, ImplItem, Item, parse_quote};

use super::{
    docs,
    operations::{Operation, Operations, exactly},
    self_name,
};
use crate::{normalize::CLIENT, text};

/// The group of operations without a tag.
const OTHERS: &str = "Other operations";

/// Adds the overview to the documentation of the client.
pub(super) fn describe(
    file: &mut File,
    document: &Value,
    operations: &Operations,
    package: &str,
) -> Result<()> {
    let mut lines = made(document, package);
    let (groups, listed) = groups(file, document, operations);
    lines.extend(groups);
    let mut clients = 0;
    for item in &mut file.items {
        if let Item::Struct(item) = item
            && item.ident == "Client"
        {
            let at = item
                .attrs
                .iter()
                .rposition(|attribute| docs::text(attribute).is_some());
            let at = at.map_or(0, |at| at + 1);
            item.attrs.splice(at..at, lines.drain(..));
            clients += 1;
        }
    }
    exactly("listed operations", operations.len(), listed)?;
    exactly("documented clients", 1, clients)
}

fn doc(text: &str) -> Attribute {
    let line = docs::line(text);
    parse_quote!(#[doc = #line])
}

/// Returns the example that creates a client, from the document.
fn made(document: &Value, package: &str) -> Vec<Attribute> {
    let Some(made) = document.get(CLIENT).and_then(Value::as_str) else {
        return Vec::new();
    };
    let example = format!(
        "\n```no_run\nuse {package}::Client;\n\nlet client = {made}?;\n\
         # Ok::<(), Box<dyn std::error::Error>>(())\n```"
    );
    example.lines().map(doc).collect()
}

/// Returns a heading and a list for each group, in the order of the document's `tags`, and the
/// number of listed operations.
fn groups(file: &File, document: &Value, operations: &Operations) -> (Vec<Attribute>, usize) {
    let mut groups: Vec<(&str, Vec<(&Operation, &syn::Ident)>)> = Vec::new();
    for method in methods(file) {
        let is_it = |operation: &&Operation| method == operation.id.as_str();
        let Some(operation) = operations.values().find(is_it) else {
            continue;
        };
        let name = operation.group.as_deref().unwrap_or(OTHERS);
        match groups.iter_mut().find(|(group, _)| *group == name) {
            Some((_, members)) => members.push((operation, method)),
            None => groups.push((name, vec![(operation, method)])),
        }
    }
    let tags = document.get("tags").and_then(Value::as_array);
    let position = |name: &str| {
        let is_it = |tag: &Value| tag["name"] == name;
        tags.and_then(|tags| tags.iter().position(is_it))
    };
    // Named groups come first.
    groups.sort_by_key(|(name, _)| (*name == OTHERS, position(name).unwrap_or(usize::MAX)));
    let listed = groups.iter().map(|(_, members)| members.len()).sum();
    let is_one = groups.len() == 1;
    let mut lines = vec![doc(""), doc("# Operations")];
    for (name, members) in groups {
        lines.push(doc(""));
        if !(is_one && name == OTHERS) {
            lines.push(doc(&format!("**{}**", one_line(name))));
            lines.push(doc(""));
        }
        for (operation, method) in members {
            let summary = operation
                .summary
                .as_deref()
                .map(one_line)
                .unwrap_or_default();
            let colon = if summary.is_empty() { "" } else { ": " };
            let line = docs::line(&format!("- [`{method}`](Self::{method}){colon}{summary}"));
            lines.push(match &operation.feature {
                // Without the feature, a link to its method would be broken.
                Some(feature) => parse_quote!(#[cfg_attr(feature = #feature, doc = #line)]),
                None => parse_quote!(#[doc = #line]),
            });
        }
    }
    (lines, listed)
}

/// Returns the methods of the client, in order.
fn methods(file: &File) -> impl Iterator<Item = &syn::Ident> {
    let implementations = file.items.iter().filter_map(|item| match item {
        Item::Impl(item)
            if item.trait_.is_none() && self_name(item).is_some_and(|name| name == "Client") =>
        {
            Some(item)
        }
        _ => None,
    });
    implementations
        .flat_map(|item| &item.items)
        .filter_map(|item| match item {
            ImplItem::Fn(function) => Some(&function.sig.ident),
            _ => None,
        })
}

/// Escapes text of the document for a comment, on one line.
fn one_line(words: &str) -> String {
    let words = text::documentation(words);
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::codegen::rewrite::operations;

    fn described(document: Value) -> String {
        let mut file: File = parse_quote! {
            #[derive(Clone)]
            #[doc = " Client for Tides."]
            pub struct Client {}
            impl Client {
                pub fn list_stations(&self) -> builder::ListStations { builder::ListStations::new(self) }
                pub fn list_all(&self) -> builder::ListAll { builder::ListAll::new(self) }
                pub fn get_it(&self) -> builder::GetIt { builder::GetIt::new(self) }
                pub fn get_more(&self) -> builder::GetMore { builder::GetMore::new(self) }
            }
        };
        let operations = operations::of(&document);
        describe(&mut file, &document, &operations, "tides").unwrap();
        prettyplease::unparse(&file)
            .split("impl Client")
            .next()
            .unwrap()
            .to_owned()
    }

    fn document() -> Value {
        json!({"tags": [{"name": "Results"}, {"name": "Stations"}], "paths": {
            "/a": {"get": {"operationId": "list_stations", "tags": ["Stations"]}},
            "/all": {"get": {"operationId": "list_all"}},
            "/it": {"get": {"operationId": "get_it", "tags": ["Results"], "summary": "Reads\nit."}},
            "/more": {"get": {"operationId": "get_more", "tags": ["Results"],
                "summary": "Reads more.", "x-feature": "more"}}}})
    }

    #[test]
    fn a_client_lists_its_operations_by_group() {
        let wanted = "\
/// Client for Tides.
///
/// # Operations
///
/// **Results**
///
/// - [`get_it`](Self::get_it): Reads it.
#[cfg_attr(feature = \"more\", doc = \" - [`get_more`](Self::get_more): Reads more.\")]
///
/// **Stations**
///
/// - [`list_stations`](Self::list_stations)
///
/// **Other operations**
///
/// - [`list_all`](Self::list_all)
pub struct Client {}";
        let text = described(document());
        assert!(text.contains(wanted), "{text}");
    }

    #[test]
    fn the_client_has_an_example_that_creates_one() {
        let mut document = document();
        document[CLIENT] = json!("Client::new(\"the key\")");
        let text = described(document);
        assert!(
            text.contains("/// let client = Client::new(\"the key\")?;\n"),
            "{text}"
        );
        assert!(text.contains("/// use tides::Client;\n"), "{text}");
    }

    #[test]
    fn text_of_a_document_cannot_leave_its_line() {
        let mut document = document();
        document["paths"]["/all"]["get"]["summary"] = json!("a\n```\npanic!()\n```\n# b");
        let text = described(document);
        let line = text.lines().find(|line| line.contains("list_all")).unwrap();
        assert!(
            line.ends_with("# b") && !text.contains("\n/// ```"),
            "{text}"
        );
    }
}
