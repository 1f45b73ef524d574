//! The names of parameters on the wire.

use anyhow::Result;
use syn::{
    Expr, ExprMethodCall, File, Item, LitStr, Token,
    punctuated::Punctuated,
    visit_mut::{self, VisitMut},
};

use super::{functions, text};
use crate::codegen::rewrite::{
    module,
    operations::{Operation, Operations, exactly},
    self_name,
};

/// Sends parameters with their name on the wire, if it differs from their name in Rust.
pub(in crate::codegen::rewrite) fn names_of_the_wire(
    file: &mut File,
    operations: &Operations,
) -> Result<()> {
    let mut found = 0;
    for item in module(&mut file.items, "builder")? {
        let Item::Impl(item) = item else { continue };
        let operation = self_name(item).and_then(|name| operations.get(&name.to_string()));
        let Some(operation) = operation else { continue };
        for function in functions(item).filter(|function| function.sig.ident == "send") {
            let mut wire = NamesOfTheWire {
                operation,
                found: 0,
            };
            wire.visit_block_mut(&mut function.block);
            found += wire.found;
        }
    }
    let renamed = |op: &Operation| op.parameters.iter().filter(|p| p.wire.is_some()).count();
    exactly(
        "names on the wire",
        operations.values().map(renamed).sum(),
        found,
    )
}

/// Returns the first argument of `QueryParam::new("a", …)` and `header_map.append("a", …)`.
struct NamesOfTheWire<'a> {
    operation: &'a Operation,
    found: usize,
}

impl NamesOfTheWire<'_> {
    fn replace(&mut self, arguments: &mut Punctuated<Expr, Token![,]>, place: &str) {
        let Some(Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(literal),
            ..
        })) = arguments.first_mut()
        else {
            return;
        };
        let given = literal.value();
        let here = self
            .operation
            .parameters
            .iter()
            .filter(|p| p.place == place);
        let wire = here
            .filter_map(|parameter| parameter.wire.as_ref())
            .find(|(name, _)| *name == given);
        if let Some((_, wire)) = wire {
            *literal = LitStr::new(wire, literal.span());
            self.found += 1;
        }
    }
}

impl VisitMut for NamesOfTheWire<'_> {
    fn visit_expr_call_mut(&mut self, call: &mut syn::ExprCall) {
        visit_mut::visit_expr_call_mut(self, call);
        if text(&call.func).ends_with("QueryParam :: new") {
            self.replace(&mut call.args, "query");
        }
    }

    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        visit_mut::visit_expr_method_call_mut(self, call);
        if call.method == "append" && text(&call.receiver) == "header_map" {
            self.replace(&mut call.args, "header");
        }
    }
}
