//! The builder of each operation.

use std::collections::BTreeMap;

use anyhow::Result;
use heck::ToSnakeCase as _;
use quote::ToTokens as _;
use syn::{
    Expr, ExprMethodCall, Fields, File, FnArg, GenericArgument, ImplItem, Item, ItemImpl, LitStr,
    Macro, PathArguments, ReturnType, Stmt, Token, Type, parse_quote,
    punctuated::Punctuated,
    visit_mut::{self, VisitMut},
};

use super::{module, self_name};

/// Builders borrow the client; a stream built on one could not be `'static`. A clone is two
/// reference counts and a short string.
///
/// On the way: no `api-version` header, and an id is checked before it becomes part of a path.
pub(super) fn own_the_client(file: &mut File) -> Result<()> {
    for item in module(&mut file.items, "builder")? {
        match item {
            Item::Struct(item) => {
                item.generics = Default::default();
                for field in &mut item.fields {
                    if field.ident.as_ref().is_some_and(|name| name == "client") {
                        field.ty = parse_quote!(super::Client);
                    }
                }
            }
            Item::Impl(item) => own_in_impl(item),
            _ => {}
        }
    }
    for item in &mut file.items {
        if let Item::Impl(item) = item
            && item.trait_.is_none()
        {
            for function in functions(item) {
                if let ReturnType::Type(_, ty) = &mut function.sig.output {
                    drop_lifetimes(ty);
                }
            }
        }
    }
    Ok(())
}

fn own_in_impl(item: &mut ItemImpl) {
    item.generics = Default::default();
    drop_lifetimes(&mut item.self_ty);
    for function in functions(item) {
        if function.sig.ident == "new" {
            for argument in &mut function.sig.inputs {
                if let FnArg::Typed(argument) = argument {
                    *argument.ty = parse_quote!(&super::Client);
                }
            }
            CloneClient.visit_block_mut(&mut function.block);
        }
        if function.sig.ident == "send" {
            rewrite_send(&mut function.block.stmts);
            CheckPath.visit_block_mut(&mut function.block);
        }
    }
}

fn functions(item: &mut ItemImpl) -> impl Iterator<Item = &mut syn::ImplItemFn> {
    item.items.iter_mut().filter_map(|item| match item {
        ImplItem::Fn(function) => Some(function),
        _ => None,
    })
}

fn drop_lifetimes(ty: &mut Type) {
    if let Type::Path(path) = ty
        && let Some(last) = path.path.segments.last_mut()
        && let PathArguments::AngleBracketed(arguments) = &last.arguments
        && arguments
            .args
            .iter()
            .all(|a| matches!(a, GenericArgument::Lifetime(_)))
    {
        last.arguments = PathArguments::None;
    }
}

/// `client: client` → `client: client.clone()`.
struct CloneClient;

impl VisitMut for CloneClient {
    fn visit_field_value_mut(&mut self, field: &mut syn::FieldValue) {
        if matches!(&field.member, syn::Member::Named(name) if name == "client") {
            field.expr = parse_quote!(client.clone());
        }
    }
}

/// Drops the `api-version` header, and the header map where nothing else fills it.
fn rewrite_send(statements: &mut Vec<Stmt>) {
    statements.retain(|statement| !text(statement).contains("\"api-version\""));
    let fills = |statement: &Stmt| text(statement).contains("header_map . append");
    if statements.iter().any(fills) {
        return;
    }
    statements.retain(|statement| {
        let is_map =
            matches!(statement, Stmt::Local(local) if text(&local.pat) == "mut header_map");
        !is_map
    });
    for statement in statements {
        DropHeaders.visit_stmt_mut(statement);
    }
}

fn text(tokens: &impl quote::ToTokens) -> String {
    tokens.to_token_stream().to_string()
}

/// `request.headers(header_map)` → `request`.
struct DropHeaders;

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
        }
    }
}

/// `encode_path(&id.to_string())` → `encode_path("id", &id.to_string())?`.
struct CheckPath;

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
            }
        }
        item.tokens = arguments.to_token_stream();
    }
}

/// Path, query and header parameters as JSON, by name: a place in a list belongs to the parameters
/// that the list was asked for with.
pub(super) fn tell_parameters(file: &mut File) -> Result<()> {
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
    Ok(())
}

/// Parameters can be read back (the facade needs it: filters follow a result to its execution), and
/// their setters say what they are for.
pub(super) fn show_parameters(
    file: &mut File,
    docs: &BTreeMap<String, BTreeMap<String, String>>,
) -> Result<()> {
    for item in module(&mut file.items, "builder")? {
        match item {
            Item::Struct(item) => {
                if let Fields::Named(fields) = &mut item.fields {
                    for field in &mut fields.named {
                        field.vis = parse_quote!(pub);
                        field.attrs.push(parse_quote!(#[doc(hidden)]));
                    }
                }
            }
            Item::Impl(item) => {
                let operation = self_name(item).map(|name| name.to_string().to_snake_case());
                let words = operation.and_then(|operation| docs.get(&operation));
                for function in functions(item) {
                    let name = function.sig.ident.to_string();
                    let said = words.and_then(|words| words.get(name.trim_end_matches('_')));
                    let fixed = match name.as_str() {
                        "new" => Some("A builder with nothing set."),
                        "body" => Some("The request body."),
                        "body_map" => Some("Changes the request body field by field."),
                        _ => None,
                    };
                    if let Some(words) = said.map(String::as_str).or(fixed)
                        && !function.attrs.iter().any(|a| a.path().is_ident("doc"))
                    {
                        function.attrs.push(parse_quote!(#[doc = #words]));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A setter that cannot take its value says what was wanted, in words for people.
pub(super) fn say_what_was_wanted(
    file: &mut File,
    patterns: &BTreeMap<String, String>,
) -> Result<()> {
    for item in module(&mut file.items, "builder")? {
        if let Item::Impl(item) = item {
            SayWhatWasWanted { patterns }.visit_item_impl_mut(item);
        }
    }
    Ok(())
}

struct SayWhatWasWanted<'a> {
    patterns: &'a BTreeMap<String, String>,
}

impl VisitMut for SayWhatWasWanted<'_> {
    fn visit_lit_str_mut(&mut self, literal: &mut LitStr) {
        if let Some(words) = self.words(&literal.value()) {
            *literal = LitStr::new(&words, literal.span());
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
    use super::*;

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

    fn rewritten(extra_header: bool) -> String {
        let mut file = sample(extra_header);
        own_the_client(&mut file).unwrap();
        let words = BTreeMap::from([("id".to_owned(), "Which.".to_owned())]);
        show_parameters(&mut file, &BTreeMap::from([("get_it".to_owned(), words)])).unwrap();
        prettyplease::unparse(&file)
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
        tell_parameters(&mut file).unwrap();
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
