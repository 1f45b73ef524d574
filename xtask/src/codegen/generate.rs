//! Runs progenitor, and finds the part of a document that makes it fail.

use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Result, anyhow, bail};
use openapiv3::OpenAPI;
use proc_macro2::TokenStream;
use progenitor_impl::{
    GenerationSettings, Generator, HooksMode, InterfaceStyle, TagStyle, TypeImpl,
};
use serde_json::{Map, Value, json};

use crate::{
    document::{self, METHODS, pointer_segment},
    normalize::{OpenEnum, RAW_ROWS},
};

/// Returns progenitor's output for a normalized document.
pub(super) fn generate(document: &Value, enums: &[OpenEnum], shown: &str) -> Result<TokenStream> {
    match attempt(document, enums) {
        Ok(tokens) => Ok(tokens),
        Err(cause) => bail!("{}", diagnose(document, enums, shown, &cause)),
    }
}

fn settings(enums: &[String]) -> GenerationSettings {
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Builder)
        .with_tag(TagStyle::Merged)
        .with_hooks(HooksMode::Expected)
        .with_inner_type(quote::quote! { ::rowfeed_client::Core })
        .with_map_type("::indexmap::IndexMap")
        .with_replacement(RAW_ROWS, "::rowfeed_client::RawRows", [].into_iter());
    for name in enums {
        let impls = [TypeImpl::FromStr, TypeImpl::Display].into_iter();
        settings.with_replacement(name, format!("crate::types::{name}"), impls);
    }
    settings
}

/// The time limit for progenitor. The largest known document takes eight seconds unoptimized.
const LONGEST: Duration = Duration::from_secs(120);

/// The stack size for progenitor, which visits schemas recursively.
const STACK: usize = 256 << 20;

/// Runs progenitor once. Errors and panics become error messages.
fn attempt(document: &Value, enums: &[OpenEnum]) -> std::result::Result<TokenStream, String> {
    let spec: OpenAPI = serde_path_to_error::deserialize(document)
        .map_err(|error| format!("not OpenAPI 3.0 at {}: {}", error.path(), error.inner()))?;
    let names: Vec<String> = enums.iter().map(|open| open.name.clone()).collect();
    let (done, result) = mpsc::channel();
    let work = move || {
        // Tokens cannot leave their thread, but their text can.
        let tokens = quietly(|| {
            Generator::new(&settings(&names))
                .generate_tokens(&spec)
                .map(|tokens| tokens.to_string())
                .map_err(|error| error.to_string())
        });
        // After the time limit, nobody receives the result.
        let _ = done.send(tokens);
    };
    thread::Builder::new()
        .stack_size(STACK)
        .spawn(work)
        .map_err(|error| format!("cannot start a thread for progenitor: {error}"))?;
    let text = result
        .recv_timeout(LONGEST)
        .map_err(|_| format!("progenitor did not finish within {} s", LONGEST.as_secs()))??;
    text.parse()
        .map_err(|error| format!("progenitor's output is not Rust: {error}"))
}

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `work`. A panic becomes an error with its message and place, and prints nothing.
fn quietly<T>(
    work: impl FnOnce() -> std::result::Result<T, String>,
) -> std::result::Result<T, String> {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let message = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "it panicked".to_owned());
        let place = info.location().map(|at| {
            let file = at.file().rsplit("/src/").next().unwrap_or_default();
            format!(" (progenitor panicked in {file}:{})", at.line())
        });
        PANIC.set(Some(message + &place.unwrap_or_default()));
    }));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(previous);
    result.unwrap_or_else(|_| Err(PANIC.take().unwrap_or_else(|| "it panicked".to_owned())))
}

/// Names the operations that make progenitor fail by themselves, or else the smallest schema.
fn diagnose(document: &Value, enums: &[OpenEnum], shown: &str, cause: &str) -> String {
    let mut lines = Vec::new();
    for (path, method, operation) in operations(document) {
        let id = operation
            .get("operationId")
            .and_then(Value::as_str)
            .unwrap_or("(no id)");
        let alone = alone(document, &path, method, operation);
        if let Err(cause) = attempt(&alone, enums) {
            let pointer = format!("/paths/{}/{method}", pointer_segment(&path));
            let schema = guilty_schema(&alone, enums)
                .map(|(pointer, cause)| format!("\n      through {pointer}: {cause}"));
            lines.push(format!(
                "  operation {id} at {pointer}: {cause}{}",
                schema.unwrap_or_default()
            ));
        }
    }
    if lines.is_empty() {
        lines.push(match guilty_schema(document, enums) {
            Some((pointer, cause)) => format!("  schema at {pointer}: {cause}"),
            None => format!("  the document as a whole: {cause}"),
        });
    }
    format!(
        "{shown}: progenitor cannot process this document, after overlay and normalization:\n{}",
        lines.join("\n")
    )
}

fn operations(document: &Value) -> Vec<(String, &'static str, &Value)> {
    let paths = document
        .get("paths")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    paths
        .flat_map(|(path, item)| {
            METHODS
                .iter()
                .filter_map(|&method| Some((path.clone(), method, item.get(method)?)))
        })
        .collect()
}

/// Returns the document with one operation and the schemas that it reaches.
fn alone(document: &Value, path: &str, method: &str, operation: &Value) -> Value {
    let mut item = Map::new();
    if let Some(shared) = document["paths"][path].get("parameters") {
        item.insert("parameters".into(), shared.clone());
    }
    item.insert(method.into(), operation.clone());
    let paths = Map::from_iter([(path.to_owned(), Value::Object(item))]);
    with(document, json!(paths))
}

fn with(document: &Value, paths: Value) -> Value {
    let mut roots = Vec::new();
    document::refs_in(&paths, &mut roots);
    json!({
        "openapi": document["openapi"],
        "info": document["info"],
        "paths": paths,
        "components": {"schemas": schemas(document, roots)},
    })
}

fn schemas(document: &Value, roots: Vec<String>) -> Map<String, Value> {
    let reached = document::closure(document, roots);
    let all = document
        .pointer("/components/schemas")
        .and_then(Value::as_object);
    let all = all.into_iter().flatten();
    all.filter(|(name, _)| reached.contains(*name))
        .map(|(name, schema)| (name.clone(), schema.clone()))
        .collect()
}

/// Returns the schema that fails without any operation and references the fewest other schemas.
fn guilty_schema(document: &Value, enums: &[OpenEnum]) -> Option<(String, String)> {
    let all = document.pointer("/components/schemas")?.as_object()?;
    let mut candidates: Vec<_> = all
        .keys()
        .map(|name| (name, schemas(document, vec![name.clone()])))
        .collect();
    candidates.sort_by_key(|(_, reached)| reached.len());
    candidates.into_iter().find_map(|(name, reached)| {
        let mut document = with(document, json!({}));
        document["components"]["schemas"] = Value::Object(reached);
        let cause = attempt(&document, enums).err()?;
        Some((
            format!("/components/schemas/{}", pointer_segment(name)),
            cause,
        ))
    })
}

/// Parses generated code. Invalid code is an error of this program or of progenitor.
pub(super) fn parsed(tokens: TokenStream, shown: &str) -> Result<syn::File> {
    syn::parse2(tokens)
        .map_err(|error| anyhow!("{shown}: progenitor's output is not valid Rust: {error}"))
}
