//! The query of a request.

use anyhow::Result;
use syn::{
    Expr, ExprMethodCall, File, Token, parse_quote,
    punctuated::Punctuated,
    visit_mut::{self, VisitMut},
};

use super::sends;
use crate::codegen::rewrite::operations::{Operations, exactly};

/// Appends all parameters to the URL at once: `.query(&a).query(&b)` → `.query(&QueryParams([a, b]))`.
/// Each `query` takes the URL apart and puts it together again.
pub(in crate::codegen::rewrite) fn one_query(
    file: &mut File,
    operations: &Operations,
) -> Result<()> {
    let mut found = 0;
    for send in sends(file, operations)? {
        let mut one = OneQuery(0);
        one.visit_block_mut(&mut send.block);
        found += one.0;
    }
    let wanted = operations.values().map(|op| op.count_in("query"));
    exactly("parameters of a query", wanted.sum(), found)
}

/// Counts the parameters.
struct OneQuery(usize);

impl VisitMut for OneQuery {
    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        let mut parameters = Vec::new();
        while call.method == "query"
            && let Some(Expr::Reference(parameter)) = call.args.first()
        {
            parameters.push((*parameter.expr).clone());
            let Expr::MethodCall(before) = call.receiver.as_mut() else {
                break;
            };
            if before.method != "query" {
                break;
            }
            *call = before.clone();
        }
        self.0 += parameters.len();
        if parameters.len() > 1 {
            let parameters: Punctuated<Expr, Token![,]> = parameters.into_iter().rev().collect();
            let all: Expr = parse_quote!(&progenitor_client::QueryParams(&[#parameters]));
            call.args = Punctuated::from_iter([all]);
        }
        visit_mut::visit_expr_method_call_mut(self, call);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::codegen::rewrite::operations;

    fn described(names: &[&str]) -> Operations {
        let parameters = names
            .iter()
            .map(|name| json!({"name": name, "in": "query"}));
        let parameters: Vec<Value> = parameters.collect();
        operations::of(&json!({"paths": {"/it": {"get": {
            "operationId": "get_it", "parameters": parameters}}}}))
    }

    fn of(request: &Expr) -> File {
        parse_quote! {
            pub mod builder {
                impl GetIt {
                    pub async fn send(self) -> Result<(), ()> {
                        let mut request = #request;
                    }
                }
            }
        }
    }

    fn rewritten(request: &Expr, names: &[&str]) -> Result<String> {
        let mut file = of(request);
        one_query(&mut file, &described(names))?;
        Ok(prettyplease::unparse(&file).split_whitespace().collect())
    }

    #[test]
    fn parameters_are_appended_at_once_and_in_order() {
        let request = parse_quote! {
            client.get(url).query(&QueryParam::new("a", &a)).query(&QueryParam::new("b", &b))
                .query(&QueryParam::new("c", &c)).headers(map).build()?
        };
        let text = rewritten(&request, &["a", "b", "c"]).unwrap();
        let wanted = "client.get(url).query(&progenitor_client::QueryParams(&[\
                      QueryParam::new(\"a\",&a),QueryParam::new(\"b\",&b),\
                      QueryParam::new(\"c\",&c),],),).headers(map).build()?;";
        assert!(text.contains(wanted), "{text}");
    }

    #[test]
    fn a_single_parameter_stays() {
        let request = parse_quote!(client.get(url).query(&QueryParam::new("a", &a)).build()?);
        let text = rewritten(&request, &["a"]).unwrap();
        let wanted = "client.get(url).query(&QueryParam::new(\"a\",&a)).build()?;";
        assert!(text.contains(wanted), "{text}");
    }

    #[test]
    fn a_parameter_that_is_not_found_is_an_error() {
        let request = parse_quote!(client.get(url).query(&QueryParam::new("a", &a)).build()?);
        let said = rewritten(&request, &["a", "b"]).unwrap_err().to_string();
        assert!(said.contains("expected 2 changes, made 1"), "{said}");
    }
}
