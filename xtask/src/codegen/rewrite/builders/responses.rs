//! The processing of responses.

use anyhow::{Result, bail};
use syn::{
    Expr, File, Ident, Item, Path, Stmt, UseTree, parse_quote,
    visit_mut::{self, VisitMut},
};

use super::{functions, text};
use crate::codegen::rewrite::{
    module,
    operations::{Operation, Operations, exactly},
    self_name,
};

/// Decodes a response without a body as `None`, if another success of the operation has a body.
pub(in crate::codegen::rewrite) fn no_body_is_none(
    file: &mut File,
    operations: &Operations,
) -> Result<()> {
    let mut found = 0;
    for item in module(&mut file.items, "builder")? {
        let Item::Impl(item) = item else { continue };
        let operation = self_name(item).and_then(|name| operations.get(&name.to_string()));
        let Some(operation) = operation.filter(|operation| !operation.no_body.is_empty()) else {
            continue;
        };
        for function in functions(item).filter(|function| function.sig.ident == "send") {
            if let Some(Stmt::Expr(Expr::Match(choice), _)) = function.block.stmts.last_mut()
                && let Some(at) = choice
                    .arms
                    .iter()
                    .position(|arm| text(&arm.pat) == "200 ..= 299")
            {
                let statuses = &operation.no_body;
                let of = match choice.expr.as_ref() {
                    Expr::MethodCall(status) => innermost(&status.receiver),
                    _ => continue,
                };
                let arm = parse_quote! {
                    #(#statuses)|* => Ok(ResponseValue::empty(#of).map(|()| None)),
                };
                choice.arms.insert(at, arm);
                found += 1;
            }
        }
    }
    let wanted = operations
        .values()
        .filter(|operation| !operation.no_body.is_empty());
    exactly("responses without a body", wanted.count(), found)
}

/// Returns `response` of `response.status()`.
fn innermost(expr: &Expr) -> &Expr {
    match expr {
        Expr::MethodCall(call) => innermost(&call.receiver),
        other => other,
    }
}

/// Replaces progenitor's `Error`, which has variants, by [`CallError`], which has functions.
///
/// [`CallError`]: https://docs.rs/rowfeed-client
pub(in crate::codegen::rewrite) fn call_error(
    file: &mut File,
    operations: &Operations,
) -> Result<()> {
    let mut pass = CallErrors::default();
    for item in &mut file.items {
        if let Item::Use(item) = item {
            pass.visit_use_tree_mut(&mut item.tree);
        }
    }
    for item in module(&mut file.items, "builder")? {
        pass.visit_item_mut(item);
    }
    if let Some(unknown) = pass.unknown {
        bail!(
            "rewrite: progenitor creates an error that rowfeed-client has no function for: {unknown}"
        );
    }
    let sum = |count: fn(&Operation) -> usize| operations.values().map(count).sum::<usize>();
    exactly("imports of the error", 2, pass.imports)?;
    exactly("operations return the error", operations.len(), pass.types)?;
    exactly("unexpected statuses", operations.len(), pass.unexpected)?;
    exactly(
        "parameters that cannot be sent",
        sum(|op| op.parameters.len() + usize::from(op.has_body)),
        pass.invalid,
    )
}

#[derive(Default)]
struct CallErrors {
    imports: usize,
    types: usize,
    invalid: usize,
    unexpected: usize,
    unknown: Option<String>,
}

impl VisitMut for CallErrors {
    fn visit_use_tree_mut(&mut self, tree: &mut UseTree) {
        visit_mut::visit_use_tree_mut(self, tree);
        if let UseTree::Name(name) = tree
            && name.ident == "Error"
        {
            name.ident = parse_quote!(CallError);
            self.imports += 1;
        }
    }

    fn visit_path_mut(&mut self, path: &mut Path) {
        visit_mut::visit_path_mut(self, path);
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let function: Option<Ident> = match names.as_slice() {
            ["Error"] => {
                self.types += 1;
                None
            }
            ["Error", "InvalidRequest"] => {
                self.invalid += 1;
                Some(parse_quote!(invalid_request))
            }
            ["Error", "ErrorResponse"] => Some(parse_quote!(error_response)),
            ["Error", "UnexpectedResponse"] => {
                self.unexpected += 1;
                Some(parse_quote!(unexpected_response))
            }
            ["Error", other] => {
                self.unknown = Some((*other).to_owned());
                None
            }
            _ => return,
        };
        path.segments[0].ident = parse_quote!(CallError);
        if let Some(function) = function {
            path.segments[1].ident = function;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::codegen::rewrite::operations;

    fn sample() -> File {
        parse_quote! {
            pub use progenitor_client::{ByteStream, Error, ResponseValue};
            pub mod builder {
                use super::{Error, ResponseValue};
                pub struct GetIt { id: Result<String, String> }
                impl GetIt {
                    pub fn id<V>(mut self, value: V) -> Self where V::Error: Display { self }
                    pub async fn send(self) -> Result<ResponseValue<()>, Error<types::Why>> {
                        let id = id.map_err(Error::InvalidRequest)?;
                        match status {
                            400u16 => Err(Error::ErrorResponse(response)),
                            _ => Err(Error::UnexpectedResponse(response)),
                        }
                    }
                }
            }
        }
    }

    fn described() -> Operations {
        operations::of(&json!({"paths": {"/it": {"get": {
            "operationId": "get_it", "parameters": [{"name": "id", "in": "query"}]}}}}))
    }

    #[test]
    fn generated_code_uses_call_error() {
        let mut file = sample();
        call_error(&mut file, &described()).unwrap();
        let text = prettyplease::unparse(&file);
        for wanted in [
            "{ByteStream, CallError, ResponseValue}",
            "Result<ResponseValue<()>, CallError<types::Why>>",
            "CallError::invalid_request",
            "CallError::error_response(response)",
            "CallError::unexpected_response(response)",
            "V::Error: Display",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
        let said = call_error(&mut file, &described()).unwrap_err().to_string();
        assert!(said.contains("expected 2 changes"), "{said}");
    }

    #[test]
    fn an_unknown_error_variant_of_progenitor_is_an_error() {
        let mut file: File = sample();
        for item in module(&mut file.items, "builder").unwrap() {
            if let Item::Impl(item) = item {
                item.items.push(parse_quote!(
                    fn f() {
                        Error::Custom(text)
                    }
                ));
            }
        }
        let said = call_error(&mut file, &described()).unwrap_err().to_string();
        assert!(said.contains("has no function for: Custom"), "{said}");
    }
}
