//! The builder of each operation.

use std::collections::BTreeMap;

use anyhow::Result;
use quote::ToTokens as _;
use syn::{
    Expr, ExprMethodCall, Fields, File, FnArg, GenericArgument, ImplItem, Item, ItemImpl, LitStr,
    Macro, PathArguments, ReturnType, Stmt, Token, Type, parse_quote,
    punctuated::Punctuated,
    visit_mut::{self, VisitMut},
};

use super::{
    module,
    operations::{Operation, Operations, Parameter, exactly},
    self_name,
};

/// Builders borrow the client; a stream built on one could not be `'static`. A clone is two
/// reference counts and a short string.
///
/// On the way: no `api-version` header, and an id is checked before it becomes part of a path.
pub(super) fn own_the_client(file: &mut File, operations: &Operations) -> Result<()> {
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
    exactly("a builder owns its client", all, counts.fields)?;
    exactly("a builder clones its client", all, counts.clones)?;
    exactly("a method returns an owned builder", all, counts.methods)?;
    exactly("no api-version header", all, counts.versions)?;
    let bare = operations.values().filter(|op| op.count_in("header") == 0);
    exactly("no empty header map", bare.count(), counts.bare)?;
    exactly(
        "path parameters are checked",
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

fn functions(item: &mut ItemImpl) -> impl Iterator<Item = &mut syn::ImplItemFn> {
    item.items.iter_mut().filter_map(|item| match item {
        ImplItem::Fn(function) => Some(function),
        _ => None,
    })
}

/// Whether there were any.
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

/// Drops the `api-version` header, and the header map where nothing else fills it.
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

fn text(tokens: &impl quote::ToTokens) -> String {
    tokens.to_token_stream().to_string()
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

/// Path, query and header parameters as JSON, by name: a place in a list belongs to the parameters
/// that the list was asked for with.
pub(super) fn tell_parameters(file: &mut File, operations: &Operations) -> Result<()> {
    let (mut told, mut all) = (0, 0);
    let builders = module(&mut file.items, "builder")?;
    let mut parameters: BTreeMap<String, Vec<syn::Ident>> = BTreeMap::new();
    for item in builders.iter() {
        if let Item::Struct(item) = item {
            let names = item.fields.iter().filter_map(|field| field.ident.clone());
            let names = names.filter(|name| name != "client" && name != "body");
            parameters.insert(item.ident.to_string(), names.collect());
        }
    }
    for item in builders {
        let Item::Impl(item) = item else { continue };
        let Some(names) = self_name(item).and_then(|name| parameters.get(&name.to_string())) else {
            continue;
        };
        let texts = names.iter().map(ToString::to_string);
        told += names.len();
        all += 1;
        item.items.push(parse_quote! {
            #[doc(hidden)]
            pub fn __parameters(&self) -> ::std::vec::Vec<(&'static str, ::serde_json::Value)> {
                ::std::vec::Vec::from([
                    #((
                        #texts,
                        ::serde_json::to_value(self.#names.as_ref().ok()).unwrap_or_default(),
                    )),*
                ])
            }
        });
    }
    let wanted = operations
        .values()
        .map(|operation| operation.parameters.len());
    exactly("parameters are told", wanted.sum(), told)?;
    exactly("builders tell parameters", operations.len(), all)
}

/// Parameters can be read back (the facade needs it: filters follow a result to its execution), and
/// their setters say what they are for.
pub(super) fn show_parameters(file: &mut File, operations: &Operations) -> Result<()> {
    let (mut fields, mut setters) = (0, 0);
    for item in module(&mut file.items, "builder")? {
        match item {
            Item::Struct(item) => {
                if let Fields::Named(named) = &mut item.fields {
                    for field in &mut named.named {
                        field.vis = parse_quote!(pub);
                        field.attrs.push(parse_quote!(#[doc(hidden)]));
                        fields += 1;
                    }
                }
            }
            Item::Impl(item) => {
                let operation = self_name(item).and_then(|name| operations.get(&name.to_string()));
                for function in functions(item) {
                    let name = function.sig.ident.to_string();
                    let parameter = operation.and_then(|operation| {
                        let is_it = |p: &&Parameter| p.name == name.trim_end_matches('_');
                        operation.parameters.iter().find(is_it)
                    });
                    setters += usize::from(parameter.is_some());
                    let fixed = match name.as_str() {
                        "new" => Some("A builder with nothing set."),
                        "body" => Some("The request body."),
                        "body_map" => Some("Changes the request body field by field."),
                        _ => None,
                    };
                    let words = parameter.and_then(|parameter| parameter.words.as_deref());
                    if let Some(words) = words.or(fixed)
                        && !function.attrs.iter().any(|a| a.path().is_ident("doc"))
                    {
                        function.attrs.push(parse_quote!(#[doc = #words]));
                    }
                }
            }
            _ => {}
        }
    }
    let sum = |count: fn(&Operation) -> usize| operations.values().map(count).sum::<usize>();
    // One more is the client.
    let wanted = sum(|op| op.parameters.len() + usize::from(op.has_body) + 1);
    exactly("parameters can be read", wanted, fields)?;
    exactly(
        "setters have documentation",
        sum(|op| op.parameters.len()),
        setters,
    )
}

/// Parameters with another name in Rust than over the wire go out under the latter.
pub(super) fn names_of_the_wire(file: &mut File, operations: &Operations) -> Result<()> {
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
        "names of the wire",
        operations.values().map(renamed).sum(),
        found,
    )
}

/// The first argument of `QueryParam::new("a", …)` and `header_map.append("a", …)`.
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

/// An answer without a body is `None`, where another success of the operation has one.
pub(super) fn no_body_is_none(file: &mut File, operations: &Operations) -> Result<()> {
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
    exactly("an answer without a body is none", wanted.count(), found)
}

/// `response` of `response.status()`.
fn innermost(expr: &Expr) -> &Expr {
    match expr {
        Expr::MethodCall(call) => innermost(&call.receiver),
        other => other,
    }
}

/// A setter that cannot take its value says what was wanted, in words for people.
pub(super) fn say_what_was_wanted(
    file: &mut File,
    operations: &Operations,
    patterns: &BTreeMap<String, String>,
) -> Result<()> {
    let mut found = 0;
    for item in module(&mut file.items, "builder")? {
        let Item::Impl(item) = item else { continue };
        let operation = self_name(item).and_then(|name| operations.get(&name.to_string()));
        for function in functions(item) {
            let mut say = SayWhatWasWanted { patterns, found: 0 };
            say.visit_impl_item_fn_mut(function);
            let name = function.sig.ident.to_string();
            let is_it = |p: &Parameter| p.name == name.trim_end_matches('_');
            if operation.is_some_and(|operation| operation.parameters.iter().any(is_it)) {
                found += say.found;
            }
        }
    }
    let wanted = operations
        .values()
        .map(|operation| operation.parameters.len());
    exactly("setters say what they need", wanted.sum(), found)
}

struct SayWhatWasWanted<'a> {
    patterns: &'a BTreeMap<String, String>,
    found: usize,
}

impl VisitMut for SayWhatWasWanted<'_> {
    fn visit_lit_str_mut(&mut self, literal: &mut LitStr) {
        if let Some(words) = self.words(&literal.value()) {
            *literal = LitStr::new(&words, literal.span());
            self.found += 1;
        }
    }
}

impl SayWhatWasWanted<'_> {
    /// progenitor's "NAME was not initialized", and "conversion to `T` for NAME failed" with what a
    /// `T` is.
    fn words(&self, text: &str) -> Option<String> {
        if let Some(name) = text.strip_suffix(" was not initialized") {
            return Some(format!("`{name}` is not set"));
        }
        let (wanted, rest) = text.strip_prefix("conversion to `")?.split_once("` for ")?;
        let name = rest.strip_suffix(" failed")?;
        let wanted = wanted.replace(' ', "");
        let last = wanted.rsplit("::").next().unwrap_or_default();
        let wanted = match last {
            "String" if !wanted.contains('<') => "text".to_owned(),
            "i64" => "a whole number of 64 bits".to_owned(),
            "u32" => "a whole number from 0 to 4294967295".to_owned(),
            "bool" => "true or false".to_owned(),
            _ if wanted.contains("::Vec<") => {
                let item = last.trim_end_matches('>');
                format!(
                    "a list of {}",
                    if item == "String" { "texts" } else { item }
                )
            }
            last => match self.patterns.get(last) {
                Some(pattern) => format!("text with the pattern {pattern}"),
                None => format!("a value of the type {wanted}"),
            },
        };
        Some(format!(
            "{name} does not have the value it needs: wanted {wanted}"
        ))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::{super::operations, *};

    fn sample(extra_header: bool) -> File {
        let extra: Option<Stmt> = extra_header.then(|| {
            parse_quote!(if let Some(value) = key {
                header_map.append("K", value);
            })
        });
        parse_quote! {
            impl Client {
                pub fn get_it(&self) -> builder::GetIt<'_> { builder::GetIt::new(self) }
            }
            pub mod builder {
                #[derive(Debug, Clone)]
                pub struct GetIt<'a> { client: &'a super::Client, id: Result<String, String> }
                impl<'a> GetIt<'a> {
                    pub fn new(client: &'a super::Client) -> Self {
                        Self { client: client, id: Err("id".to_string()) }
                    }
                    pub fn id<V>(mut self, value: V) -> Self { self }
                    pub async fn send(self) -> Result<(), ()> {
                        let url = format!("{}/it/{}", client.baseurl, encode_path(&id.to_string()),);
                        let mut header_map = HeaderMap::with_capacity(1usize);
                        header_map.append(HeaderName::from_static("api-version"), V);
                        #extra
                        let mut request = client.client.get(url).headers(header_map).build()?;
                    }
                }
            }
        }
    }

    fn described(extra_header: bool) -> Operations {
        let mut list = vec![json!({"name": "id", "in": "path", "description": "Which."})];
        if extra_header {
            list.push(json!({"name": "K", "in": "header"}));
        }
        operations::of(&json!({"paths": {"/it/{id}": {"get": {
            "operationId": "get_it", "parameters": list}}}}))
    }

    fn rewritten(extra_header: bool) -> String {
        let mut file = sample(extra_header);
        own_the_client(&mut file, &described(extra_header)).unwrap();
        // The sample has one field and setter.
        show_parameters(&mut file, &described(false)).unwrap();
        prettyplease::unparse(&file)
    }

    #[test]
    fn a_pass_that_progenitor_outgrew_says_so() {
        let mut file = sample(false);
        own_the_client(&mut file, &described(false)).unwrap();
        let said = own_the_client(&mut file, &described(false))
            .unwrap_err()
            .to_string();
        assert!(said.contains("the document asks for 1 changes"), "{said}");
        let mut file = sample(false);
        let said = own_the_client(&mut file, &described(true))
            .unwrap_err()
            .to_string();
        assert!(said.contains("no empty header map"), "{said}");
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
    fn no_api_version_header_goes_out() {
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
    fn an_id_is_checked_by_name() {
        let text: String = rewritten(false).split_whitespace().collect();
        assert!(
            text.contains("encode_path(\"id\",&id.to_string())?"),
            "{text}"
        );
    }

    #[test]
    fn a_builder_tells_its_parameters() {
        let mut file = sample(false);
        tell_parameters(&mut file, &described(false)).unwrap();
        let text: String = prettyplease::unparse(&file).split_whitespace().collect();
        assert!(text.contains("pubfn__parameters(&self"), "{text}");
        assert!(
            text.contains("(\"id\",::serde_json::to_value(self.id.as_ref().ok())"),
            "{text}"
        );
        assert!(!text.contains("self.client.as_ref"), "{text}");
    }

    #[test]
    fn a_setter_says_what_it_wanted() {
        let patterns = BTreeMap::from([("Uuid".to_owned(), "^[0-9a-f]+$".to_owned())]);
        let say = SayWhatWasWanted {
            patterns: &patterns,
            found: 0,
        };
        for (wanted, words) in [
            (":: std :: string :: String", "wanted text"),
            ("i64", "wanted a whole number of 64 bits"),
            ("types :: Uuid", "wanted text with the pattern ^[0-9a-f]+$"),
            (
                ":: std :: vec :: Vec < :: std :: string :: String >",
                "wanted a list of texts",
            ),
            (
                ":: std :: vec :: Vec < types :: Kind >",
                "wanted a list of Kind",
            ),
            ("types :: Kind", "wanted a value of the type types::Kind"),
        ] {
            let said = say
                .words(&format!("conversion to `{wanted}` for id failed"))
                .unwrap();
            assert_eq!(
                said,
                format!("id does not have the value it needs: {words}")
            );
        }
        let missing = say.words("id was not initialized");
        assert_eq!(missing.as_deref(), Some("`id` is not set"));
        assert!(say.words("no value supplied for id").is_none());
    }

    #[test]
    fn parameters_can_be_read_and_setters_say_what_for() {
        let text = rewritten(false);
        assert!(
            text.contains("#[doc(hidden)]\n        pub id: Result"),
            "{text}"
        );
        assert!(text.contains("///Which.\n        pub fn id"), "{text}");
    }
}
