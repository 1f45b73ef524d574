//! Setters: the types that they accept, and their errors.
//!
//! `rowfeed_client::codegen` converts values, so a setter is one line, and its error names the
//! field, the expected type, the given value and the cause. Lists and maps accept any iterator.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use quote::ToTokens as _;
use syn::{
    Attribute, Expr, Fields, File, Ident, ImplItemFn, Item, ItemImpl, LitStr, PathArguments,
    ReturnType, Type, parse_quote,
    visit::Visit as _,
    visit_mut::{self, VisitMut},
};

use super::{functions, text};
use crate::codegen::rewrite::{
    inside, module,
    operations::{Operation, Operations, exactly},
    self_name,
};

/// The argument of a setter.
pub(super) enum Takes {
    /// A value, by conversion.
    Value(Type),
    /// An iterator of values that convert into the items of a list.
    List(Type),
    /// An iterator of keys and of values that convert into the values of a map.
    Map(Type),
}

impl Takes {
    pub(super) fn of(ty: &Type) -> Self {
        let Type::Path(path) = ty else {
            return Self::Value(ty.clone());
        };
        let last = path.path.segments.last();
        let Some(PathArguments::AngleBracketed(arguments)) = last.map(|last| &last.arguments)
        else {
            return Self::Value(ty.clone());
        };
        let types: Vec<&Type> = arguments
            .args
            .iter()
            .filter_map(|argument| match argument {
                syn::GenericArgument::Type(ty) => Some(ty),
                _ => None,
            })
            .collect();
        let name = last.map(|last| last.ident.to_string()).unwrap_or_default();
        match (name.as_str(), types.as_slice()) {
            ("Vec", [item]) => Self::List((*item).clone()),
            ("IndexMap" | "Map", [key, value]) if text(key).ends_with("String") => {
                Self::Map((*value).clone())
            }
            _ => Self::Value(ty.clone()),
        }
    }

    /// Returns the call that converts the argument, with its type if it cannot be inferred.
    pub(super) fn converted(&self, field: &str, of: &str) -> Expr {
        match self {
            Self::Value(_) => parse_quote!(codegen::value(#field, #of, value)),
            Self::List(_) => parse_quote!(codegen::list(#field, #of, values)),
            Self::Map(_) => parse_quote!(codegen::map(#field, #of, entries)),
        }
    }

    /// The name of the argument.
    pub(super) fn argument(&self) -> Expr {
        match self {
            Self::Value(_) => parse_quote!(value),
            Self::List(_) => parse_quote!(values),
            Self::Map(_) => parse_quote!(entries),
        }
    }

    /// Returns a setter that runs `body` with its argument.
    pub(super) fn setter(
        &self,
        name: &Ident,
        attributes: &[Attribute],
        statement: &Expr,
    ) -> ImplItemFn {
        match self {
            Self::Value(ty) => parse_quote! {
                #(#attributes)*
                pub fn #name<V>(mut self, value: V) -> Self
                where
                    V: ::std::convert::TryInto<#ty>,
                    V::Error: ::std::fmt::Display,
                {
                    #statement;
                    self
                }
            },
            Self::List(ty) => parse_quote! {
                #(#attributes)*
                pub fn #name<I, V>(mut self, values: I) -> Self
                where
                    I: ::std::iter::IntoIterator<Item = V>,
                    V: ::std::convert::TryInto<#ty>,
                    V::Error: ::std::fmt::Display,
                {
                    #statement;
                    self
                }
            },
            Self::Map(ty) => parse_quote! {
                #(#attributes)*
                pub fn #name<I, K, V>(mut self, entries: I) -> Self
                where
                    I: ::std::iter::IntoIterator<Item = (K, V)>,
                    K: ::std::convert::Into<::std::string::String>,
                    V: ::std::convert::TryInto<#ty>,
                    V::Error: ::std::fmt::Display,
                {
                    #statement;
                    self
                }
            },
        }
    }
}

/// Rewrites the setters of the builders of operations.
pub(in crate::codegen::rewrite) fn of_operations(
    file: &mut File,
    operations: &Operations,
) -> Result<()> {
    let builders = module(&mut file.items, "builder")?;
    let fields = fields(builders);
    let (mut parameters, mut bodies) = (0, 0);
    for item in builders.iter_mut() {
        let Item::Impl(item) = item else { continue };
        let Some((builder, operation)) = self_name(item).and_then(|name| {
            let name = name.to_string();
            operations.get(&name).map(|operation| (name, operation))
        }) else {
            continue;
        };
        let of = operation.id.as_str();
        for function in functions(item) {
            let name = function.sig.ident.clone();
            let field = fields.get(&(builder.clone(), name.to_string()));
            let (Some(ty), true) = (field, converts(function)) else {
                continue;
            };
            let shown = name.to_string();
            let (setter, statement): (Takes, Expr) = match body_type(ty) {
                Some(body) => (
                    Takes::Value(body.clone()),
                    parse_quote! {
                        self.#name = codegen::value::<#body, _>(#shown, #of, value).map(From::from)
                    },
                ),
                None => assigned(&name, ty, of),
            };
            *function = setter.setter(&name, &function.attrs, &statement);
            match shown.as_str() {
                "body" => bodies += 1,
                _ => parameters += 1,
            }
        }
        say_what_is_missing(item, of, " was not initialized")?;
    }
    use_codegen(builders);
    let sum = |count: fn(&Operation) -> usize| operations.values().map(count).sum::<usize>();
    let wanted = sum(|op| op.parameters.len());
    exactly("setters of parameters", wanted, parameters)?;
    exactly(
        "setters of bodies",
        sum(|op| usize::from(op.has_body)),
        bodies,
    )
}

/// Returns the argument of the setter of a field, and the code that sets the field. The argument of
/// an optional field is not an `Option`: without a call, the field is absent.
fn assigned(name: &Ident, ty: &Type, of: &str) -> (Takes, Expr) {
    let optional = inside(ty, "Option");
    let takes = Takes::of(optional.unwrap_or(ty));
    let converted = takes.converted(&name.to_string(), of);
    let statement = match optional {
        Some(_) => parse_quote!(self.#name = #converted.map(Some)),
        None => parse_quote!(self.#name = #converted),
    };
    (takes, statement)
}

/// Rewrites the setters of the builders of types.
pub(in crate::codegen::rewrite) fn of_types(file: &mut File) -> Result<()> {
    let types = module(&mut file.items, "types")?;
    let Ok(builders) = module(types, "builder") else {
        return Ok(());
    };
    let fields = fields(builders);
    exactly("fields of builders", fields.len(), show_fields(builders))?;
    let mut found = 0;
    for item in builders.iter_mut() {
        let Item::Impl(item) = item else { continue };
        let Some(of) = self_name(item).map(ToString::to_string) else {
            continue;
        };
        if item.trait_.is_none() {
            for function in functions(item) {
                let name = function.sig.ident.clone();
                let field = fields.get(&(of.clone(), name.to_string()));
                let (Some(ty), true) = (field, converts(function)) else {
                    continue;
                };
                let (takes, statement) = assigned(&name, ty, &of);
                *function = takes.setter(&name, &function.attrs, &statement);
                found += 1;
            }
        } else if text(&item.trait_.as_ref().map(|(path, _)| path)).ends_with("Default") {
            say_what_is_missing(item, &of, "no value supplied for ")?;
        }
    }
    use_codegen(builders);
    exactly("setters of types", fields.len(), found)
}

/// Makes the fields of builders visible in the crate, so its hand-written part can change one entry
/// of a map. Returns the number of fields.
fn show_fields(items: &mut [Item]) -> usize {
    let mut shown = 0;
    for item in items {
        let Item::Struct(item) = item else { continue };
        for field in &mut item.fields {
            if field.ident.is_some() && inside(&field.ty, "Result").is_some() {
                field.vis = parse_quote!(pub(crate));
                shown += 1;
            }
        }
    }
    shown
}

fn use_codegen(items: &mut Vec<Item>) {
    let import = parse_quote!(
        use ::rowfeed_client::codegen;
    );
    items.insert(0, import);
}

/// Returns `T` of each field `Result<T, String>`, by struct and field.
pub(super) fn fields(items: &[Item]) -> BTreeMap<(String, String), Type> {
    let structs = items.iter().filter_map(|item| match item {
        Item::Struct(item) => Some(item),
        _ => None,
    });
    let mut found = BTreeMap::new();
    for item in structs {
        let Fields::Named(named) = &item.fields else {
            continue;
        };
        for field in &named.named {
            if let (Some(name), Some(ty)) = (&field.ident, inside(&field.ty, "Result")) {
                found.insert((item.ident.to_string(), name.to_string()), ty.clone());
            }
        }
    }
    found
}

/// Returns `types::X` of `types::builder::X`, the type of the builder of a body.
fn body_type(ty: &Type) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let names: Vec<_> = path.path.segments.iter().map(|s| &s.ident).collect();
    match names.as_slice() {
        [types, builder, name] if *types == "types" && *builder == "builder" => {
            Some(parse_quote!(types::#name))
        }
        _ => None,
    }
}

/// Whether a function is a setter that progenitor wrote: it takes and returns the builder, and
/// converts the error of a conversion to a string.
fn converts(function: &ImplItemFn) -> bool {
    struct Finds(bool);
    impl<'ast> syn::visit::Visit<'ast> for Finds {
        fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
            syn::visit::visit_expr_method_call(self, call);
            let text = call.args.to_token_stream().to_string();
            let is_text =
                text.contains("conversion to `") || text.contains("error converting supplied");
            self.0 |= call.method == "map_err" && is_text;
        }
    }
    let returns_self =
        matches!(&function.sig.output, ReturnType::Type(_, ty) if text(ty) == "Self");
    let mut finds = Finds(false);
    finds.visit_block(&function.block);
    returns_self && finds.0
}

/// Rewrites `Err("NAME was not initialized".to_string())` to name the type of the field. Any other
/// expression is an error.
fn say_what_is_missing(item: &mut ItemImpl, of: &str, mark: &str) -> Result<()> {
    let mut say = SayWhatIsMissing {
        of,
        mark,
        unknown: None,
    };
    for function in functions(item) {
        if ["new", "default"]
            .iter()
            .any(|name| function.sig.ident == name)
        {
            say.visit_block_mut(&mut function.block);
        }
    }
    match say.unknown {
        Some(unknown) => bail!(
            "rewrite: a builder of {of} is initialized with {unknown}; the pass in \
             xtask/src/codegen/rewrite does not match this version of progenitor"
        ),
        None => Ok(()),
    }
}

struct SayWhatIsMissing<'a> {
    of: &'a str,
    mark: &'a str,
    unknown: Option<String>,
}

impl VisitMut for SayWhatIsMissing<'_> {
    fn visit_expr_call_mut(&mut self, call: &mut syn::ExprCall) {
        visit_mut::visit_expr_call_mut(self, call);
        if text(&call.func) != "Err" {
            return;
        }
        let mut literal = None;
        if let Some(Expr::MethodCall(to_string)) = call.args.first()
            && let Expr::Lit(expr) = to_string.receiver.as_ref()
            && let syn::Lit::Str(found) = &expr.lit
        {
            let found = found.value();
            let name = found
                .trim_end_matches(self.mark)
                .trim_start_matches(self.mark);
            literal = (name.len() < found.len()).then(|| name.to_owned());
        }
        match literal {
            Some(name) => {
                let missing = format!("`{name}` of `{}` is not set", self.of);
                *call = parse_quote!(Err(#missing.to_string()));
            }
            None => self.unknown = Some(text(call)),
        }
    }
}

/// Adds the value that does not match the pattern of its type to the error.
pub(in crate::codegen::rewrite) fn show_what_does_not_match(
    file: &mut File,
    patterns: &BTreeMap<String, String>,
) -> Result<()> {
    let types = module(&mut file.items, "types")?;
    let mut found = BTreeSet::new();
    let mut emitted = BTreeSet::new();
    for item in types {
        match item {
            Item::Struct(item) if patterns.contains_key(&item.ident.to_string()) => {
                emitted.insert(item.ident.to_string());
            }
            Item::Impl(item) => {
                let Some(name) = self_name(item).map(ToString::to_string) else {
                    continue;
                };
                let Some(pattern) = patterns.get(&name) else {
                    continue;
                };
                let mut show = ShowText { pattern, found: 0 };
                show.visit_item_impl_mut(item);
                if show.found > 0 {
                    found.insert(name);
                }
            }
            _ => {}
        }
    }
    exactly("types with a pattern", emitted.len(), found.len())
}

struct ShowText<'a> {
    pattern: &'a str,
    found: usize,
}

impl VisitMut for ShowText<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        visit_mut::visit_expr_mut(self, expr);
        if let Expr::Lit(literal) = expr
            && let syn::Lit::Str(text) = &literal.lit
            && text.value().starts_with("doesn't match pattern ")
        {
            let pattern = LitStr::new(self.pattern, text.span());
            *expr = parse_quote!(::rowfeed_client::codegen::mismatch(value, #pattern));
            self.found += 1;
        }
    }
}

#[cfg(test)]
mod tests;
