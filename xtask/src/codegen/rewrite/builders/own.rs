//! Makes builders own their client and check path parameters.

use anyhow::Result;
use quote::ToTokens as _;
use syn::{
    Expr, ExprMethodCall, File, FnArg, GenericArgument, Item, ItemImpl, Macro, PathArguments,
    ReturnType, Stmt, Token, Type, parse_quote,
    punctuated::Punctuated,
    visit_mut::{self, VisitMut},
};

use super::{functions, text};
use crate::codegen::rewrite::{
    module,
    operations::{Operation, Operations, exactly},
};

/// Makes builders own a clone of the client. progenitor's builders borrow it, so their streams
/// could not be `'static`. A clone copies two reference counts and a short string.
///
/// Also removes the `api-version` header, and checks an id before it becomes part of a path.
pub(in crate::codegen::rewrite) fn own_the_client(
    file: &mut File,
    operations: &Operations,
) -> Result<()> {
    let mut counts = Counts::default();
    for item in module(&mut file.items, "builder")? {
        match item {
            Item::Struct(item) => {
                item.generics = Default::default();
                for field in &mut item.fields {
                    if field.ident.as_ref().is_some_and(|name| name == "client") {
                        field.ty = parse_quote!(super::Client);
                        counts.fields += 1;
                    }
                }
            }
            Item::Impl(item) => own_in_impl(item, &mut counts),
            _ => {}
        }
    }
    for item in &mut file.items {
        if let Item::Impl(item) = item
            && item.trait_.is_none()
        {
            for function in functions(item) {
                if let ReturnType::Type(_, ty) = &mut function.sig.output {
                    counts.methods += usize::from(drop_lifetimes(ty));
                }
            }
        }
    }
    let all = operations.len();
    let sum = |count: fn(&Operation) -> usize| operations.values().map(count).sum::<usize>();
    exactly("builders that own their client", all, counts.fields)?;
    exactly("builders that clone their client", all, counts.clones)?;
    exactly("methods that return an owned builder", all, counts.methods)?;
    exactly("removed api-version headers", all, counts.versions)?;
    let bare = operations.values().filter(|op| op.count_in("header") == 0);
    exactly("removed empty header maps", bare.count(), counts.bare)?;
    exactly(
        "checked path parameters",
        sum(|op| op.count_in("path")),
        counts.paths,
    )
}

#[derive(Default)]
struct Counts {
    fields: usize,
    clones: usize,
    methods: usize,
    versions: usize,
    bare: usize,
    paths: usize,
}

fn own_in_impl(item: &mut ItemImpl, counts: &mut Counts) {
    item.generics = Default::default();
    drop_lifetimes(&mut item.self_ty);
    for function in functions(item) {
        if function.sig.ident == "new" {
            for argument in &mut function.sig.inputs {
                if let FnArg::Typed(argument) = argument {
                    *argument.ty = parse_quote!(&super::Client);
                }
            }
            let mut clone = CloneClient(0);
            clone.visit_block_mut(&mut function.block);
            counts.clones += clone.0;
        }
        if function.sig.ident == "send" {
            rewrite_send(&mut function.block.stmts, counts);
            let mut check = CheckPath(0);
            check.visit_block_mut(&mut function.block);
            counts.paths += check.0;
        }
    }
}

/// Returns whether there were any.
fn drop_lifetimes(ty: &mut Type) -> bool {
    if let Type::Path(path) = ty
        && let Some(last) = path.path.segments.last_mut()
        && let PathArguments::AngleBracketed(arguments) = &last.arguments
        && arguments
            .args
            .iter()
            .all(|a| matches!(a, GenericArgument::Lifetime(_)))
    {
        last.arguments = PathArguments::None;
        return true;
    }
    false
}

/// `client: client` → `client: client.clone()`.
struct CloneClient(usize);

impl VisitMut for CloneClient {
    fn visit_field_value_mut(&mut self, field: &mut syn::FieldValue) {
        if matches!(&field.member, syn::Member::Named(name) if name == "client") {
            field.expr = parse_quote!(client.clone());
            self.0 += 1;
        }
    }
}

/// Removes the `api-version` header, and the header map if it is empty otherwise.
fn rewrite_send(statements: &mut Vec<Stmt>, counts: &mut Counts) {
    let before = statements.len();
    let is_version = |statement: &Stmt| {
        text(statement).starts_with("header_map . append")
            && text(statement).contains("(\"api-version\")")
    };
    statements.retain(|statement| !is_version(statement));
    counts.versions += before - statements.len();
    let fills = |statement: &Stmt| text(statement).contains("header_map . append");
    if statements.iter().any(fills) {
        return;
    }
    statements.retain(|statement| {
        let is_map =
            matches!(statement, Stmt::Local(local) if text(&local.pat) == "mut header_map");
        !is_map
    });
    let mut drop = DropHeaders(0);
    for statement in statements {
        drop.visit_stmt_mut(statement);
    }
    counts.bare += drop.0;
}

/// `request.headers(header_map)` → `request`.
struct DropHeaders(usize);

impl VisitMut for DropHeaders {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        visit_mut::visit_expr_mut(self, expr);
        if let Expr::MethodCall(ExprMethodCall {
            method,
            receiver,
            args,
            ..
        }) = expr
            && method == "headers"
            && args.len() == 1
            && text(&args[0]) == "header_map"
        {
            *expr = *receiver.clone();
            self.0 += 1;
        }
    }
}

/// `encode_path(&id.to_string())` → `encode_path("id", &id.to_string())?`.
struct CheckPath(usize);

impl VisitMut for CheckPath {
    fn visit_macro_mut(&mut self, item: &mut Macro) {
        if !item.path.is_ident("format") {
            return;
        }
        let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
        let Ok(mut arguments) = item.parse_body_with(parser) else {
            return;
        };
        for argument in &mut arguments {
            if let Expr::Call(call) = argument
                && text(&call.func) == "encode_path"
                && let Some(value) = call.args.first()
            {
                let shown = text(value);
                let name = shown
                    .trim_start_matches("& ")
                    .split(' ')
                    .next()
                    .unwrap_or_default();
                let value = value.clone();
                *argument = parse_quote!(encode_path(#name, #value)?);
                self.0 += 1;
            }
        }
        item.tokens = arguments.to_token_stream();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{
        super::tests::{described, sample},
        *,
    };

    fn rewritten(extra_header: bool) -> String {
        let mut file = sample(extra_header);
        own_the_client(&mut file, &described(extra_header)).unwrap();
        prettyplease::unparse(&file)
    }

    #[test]
    fn a_pass_that_does_not_match_progenitor_is_an_error() {
        let mut file = sample(false);
        own_the_client(&mut file, &described(false)).unwrap();
        let said = own_the_client(&mut file, &described(false))
            .unwrap_err()
            .to_string();
        assert!(said.contains("expected 1 changes"), "{said}");
        let mut file = sample(false);
        let said = own_the_client(&mut file, &described(true))
            .unwrap_err()
            .to_string();
        assert!(said.contains("removed empty header maps"), "{said}");
    }

    #[test]
    fn a_builder_owns_its_client() {
        let text = rewritten(false);
        assert!(!text.contains("'a") && !text.contains("'_"), "{text}");
        assert!(text.contains("client: super::Client"), "{text}");
        assert!(text.contains("client: client.clone()"), "{text}");
        assert!(text.contains("-> builder::GetIt {"), "{text}");
    }

    #[test]
    fn no_api_version_header_is_sent() {
        let text = rewritten(false);
        assert!(
            !text.contains("api-version") && !text.contains("header_map"),
            "{text}"
        );
        let text = rewritten(true);
        assert!(!text.contains("api-version"), "{text}");
        assert!(text.contains("header_map.append(\"K\""), "{text}");
        assert!(text.contains(".headers(header_map)"), "{text}");
    }

    #[test]
    fn the_check_of_an_id_has_its_name() {
        let text: String = rewritten(false).split_whitespace().collect();
        assert!(
            text.contains("encode_path(\"id\",&id.to_string())?"),
            "{text}"
        );
    }
}
