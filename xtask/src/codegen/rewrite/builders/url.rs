//! The URL of a request.

use anyhow::Result;
use syn::{Expr, File, Stmt, parse_quote};

use super::{sends, text};
use crate::codegen::rewrite::operations::{Operations, exactly};

/// Parses each URL with the base URL that the client has parsed: `let url = format!(…)` →
/// `let url = parse_url(&client.inner, &format!(…))?`.
pub(in crate::codegen::rewrite) fn parse_urls(
    file: &mut File,
    operations: &Operations,
) -> Result<()> {
    let mut found = 0;
    for send in sends(file, operations)? {
        for statement in &mut send.block.stmts {
            if let Stmt::Local(local) = statement
                && text(&local.pat) == "url"
                && let Some(init) = &mut local.init
                && matches!(&*init.expr, Expr::Macro(format) if format.mac.path.is_ident("format"))
            {
                let whole = &init.expr;
                *init.expr = parse_quote!(progenitor_client::parse_url(&client.inner, &#whole)?);
                found += 1;
            }
        }
    }
    exactly("parsed URLs", operations.len(), found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{
        super::tests::{described, sample},
        *,
    };

    #[test]
    fn a_url_is_parsed_with_the_base_url() {
        let mut file = sample(false);
        parse_urls(&mut file, &described(false)).unwrap();
        let text: String = prettyplease::unparse(&file).split_whitespace().collect();
        let wanted = "leturl=progenitor_client::parse_url(&client.inner,&format!(\"{}/it/{}\"";
        assert!(text.contains(wanted), "{text}");
    }

    #[test]
    fn a_url_that_is_already_parsed_is_an_error() {
        let mut file = sample(false);
        parse_urls(&mut file, &described(false)).unwrap();
        let said = parse_urls(&mut file, &described(false)).unwrap_err();
        assert!(
            said.to_string()
                .contains("parsed URLs: expected 1 changes, made 0"),
            "{said}"
        );
    }
}
