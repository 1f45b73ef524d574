//! Doc comments as people write them: a blank after the slashes, one line an attribute.

use syn::{Attribute, Expr, ExprLit, File, Lit, Meta, parse_quote, visit_mut::VisitMut};

pub(super) fn tidy(file: &mut File) {
    Tidy.visit_file_mut(file);
}

struct Tidy;

impl VisitMut for Tidy {
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        let old = std::mem::take(attributes);
        for attribute in old {
            match text(&attribute) {
                Some(words) => {
                    for line in words.trim().lines() {
                        let line = line.trim_end();
                        let line = if line.is_empty() {
                            String::new()
                        } else {
                            format!(" {line}")
                        };
                        attributes.push(parse_quote!(#[doc = #line]));
                    }
                }
                None => attributes.push(attribute),
            }
        }
    }
}

/// What the attributes say, if anything.
pub(super) fn words(attributes: &[Attribute]) -> Option<String> {
    let lines: Vec<_> = attributes.iter().filter_map(text).collect();
    (!lines.is_empty()).then(|| lines.join("\n").trim().to_owned())
}

/// The first paragraph of what they say.
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
    fn lines_are_attributes_of_their_own() {
        let mut file: File = parse_quote! {
            #[doc = "One.\n\nTwo."]
            pub struct A;
        };
        tidy(&mut file);
        let text = prettyplease::unparse(&file);
        assert_eq!(text, "/// One.\n///\n/// Two.\npub struct A;\n");
    }
}
