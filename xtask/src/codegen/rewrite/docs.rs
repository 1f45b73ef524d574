//! Doc comments, and their escaping.

use syn::{Attribute, Expr, ExprLit, File, Lit, Meta, parse_quote, visit_mut::VisitMut};

use crate::text::documentation;

/// Joins and escapes the documentation of an item in several attributes. No part of it runs as a
/// test or ends the comment.
pub(super) fn pass_the_gate(file: &mut File) {
    Gate.visit_file_mut(file);
}

struct Gate;

impl VisitMut for Gate {
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        let Some(words) = words(attributes) else {
            return;
        };
        let at = attributes
            .iter()
            .position(|attribute| text(attribute).is_some());
        attributes.retain(|attribute| text(attribute).is_none());
        let lines: Vec<Attribute> = documentation(&words)
            .lines()
            .map(line)
            .map(|line| parse_quote!(#[doc = #line]))
            .collect();
        let at = at.unwrap_or_default();
        attributes.splice(at..at, lines);
    }
}

/// Returns a line with a space after the slashes.
pub(super) fn line(line: &str) -> String {
    if line.is_empty() {
        String::new()
    } else {
        format!(" {line}")
    }
}

/// Returns the documentation in the attributes, if any.
pub(super) fn words(attributes: &[Attribute]) -> Option<String> {
    let lines: Vec<_> = attributes.iter().filter_map(text).collect();
    (!lines.is_empty()).then(|| lines.join("\n").trim().to_owned())
}

/// Returns the first paragraph of the documentation.
pub(super) fn first_paragraph(attributes: &[Attribute]) -> Option<String> {
    let words = words(attributes)?;
    Some(words.split("\n\n").next().unwrap_or_default().to_owned())
}

pub(super) fn text(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else {
        return None;
    };
    match &pair.value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(words),
            ..
        }) if pair.path.is_ident("doc") => Some(words.value()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_an_attribute() {
        let mut file: File = parse_quote! {
            #[doc = "One.\n\nTwo."]
            pub struct A;
        };
        pass_the_gate(&mut file);
        let text = prettyplease::unparse(&file);
        assert_eq!(text, "/// One.\n///\n/// Two.\npub struct A;\n");
    }

    #[test]
    fn documentation_cannot_run_or_end_the_comment() {
        let mut file: File = parse_quote! {
            #[doc = "```\npanic!()\n```"]
            #[derive(Debug)]
            #[doc = "*/ a\rb"]
            pub struct A;
        };
        pass_the_gate(&mut file);
        let text = prettyplease::unparse(&file);
        assert!(text.starts_with("/// \\`\\`\\`\n/// panic"), "{text}");
        assert!(
            !text.contains('\r') && text.contains("#[derive(Debug)]\npub struct A;"),
            "{text}"
        );
    }
}
