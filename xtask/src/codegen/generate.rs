//! Running progenitor, and saying what in a document it could not take.

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
    normalise::{OpenEnum, RAW_ROWS},
};

/// What progenitor makes of a normalised document.
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

/// How long progenitor may take; the largest known document takes eight seconds unoptimized.
const LONGEST: Duration = Duration::from_secs(120);

/// Stack for progenitor, which goes from schema to schema by recursion.
const STACK: usize = 256 << 20;

/// One run of progenitor; an error or a panic in it becomes an error with words.
fn attempt(document: &Value, enums: &[OpenEnum]) -> std::result::Result<TokenStream, String> {
    let spec: OpenAPI = serde_path_to_error::deserialize(document)
        .map_err(|error| format!("not OpenAPI 3.0 at {}: {}", error.path(), error.inner()))?;
    let names: Vec<String> = enums.iter().map(|open| open.name.clone()).collect();
    let (done, result) = mpsc::channel();
    let work = move || {
        // Tokens stay in their thread; their text is the same everywhere.
        let tokens = quietly(|| {
            Generator::new(&settings(&names))
                .generate_tokens(&spec)
                .map(|tokens| tokens.to_string())
                .map_err(|error| error.to_string())
        });
        // Nobody waits any more where it took too long.
        let _ = done.send(tokens);
    };
    thread::Builder::new()
        .stack_size(STACK)
        .spawn(work)
        .map_err(|error| format!("no thread for progenitor: {error}"))?;
    let text = result
        .recv_timeout(LONGEST)
        .map_err(|_| format!("progenitor was not done after {} s", LONGEST.as_secs()))??;
    text.parse()
        .map_err(|error| format!("progenitor's output is no Rust: {error}"))
}

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `work`; a panic becomes an error with its message and place, and prints nothing.
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

/// Names the operations, or else the smallest schema, that progenitor fails on by themselves.
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
        "{shown}: progenitor cannot take this document, after overlay and normalisation:\n{}",
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

/// The document with one operation and the schemas it reaches.
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

/// The schema with the fewest others below it that fails without any operation.
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

/// A generated type that is too odd to parse is our fault or progenitor's: say so.
pub(super) fn parsed(tokens: TokenStream, shown: &str) -> Result<syn::File> {
    syn::parse2(tokens)
        .map_err(|error| anyhow!("{shown}: progenitor's output is not valid Rust: {error}"))
}
