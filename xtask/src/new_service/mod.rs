//! `new-service`: creates the files for a client of another service.
//!
//! | file | content |
//! |---|---|
//! | `specs/NAME/openapi.json`, `upstream.toml` | the facts of the document, and its origin |
//! | `specs/NAME/overlay.yaml` | the open decisions, each with a TODO |
//! | `crates/NAME/` | the manifest, the README, `lib.rs`, and the `Service` value in `config.rs` |
//!
//! `codegen` refuses the overlay until each TODO is answered. The crate builds after codegen.

mod questions;
mod template;

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{
    document::{self, METHODS},
    text, vendor,
    workspace::Workspace,
};

/// The values for the files.
struct Plan {
    /// The folder, such as `yandex-query`.
    name: String,
    /// The name of the crate.
    package: String,
    /// Whether the crate is a member of this workspace and inherits its settings.
    is_member: bool,
    /// The path from the crate to the folder of `rowfeed-client`.
    client: String,
    /// The title of the service.
    title: String,
    base_url: Option<String>,
    /// The header of the credential, and the prefix of its value.
    credential: (String, String),
    /// The type of the error schema, and its property with the message.
    error: (String, Option<String>),
    /// Whether parameters are checked against patterns.
    has_patterns: bool,
}

/// Creates the files of the service `name` from the document at `from`.
///
/// # Errors
///
/// The name is invalid or taken, or the document cannot be vendored. Then no files remain.
pub(crate) fn run(
    workspace: &Workspace,
    name: &str,
    from: &Path,
    date: Option<&str>,
) -> Result<()> {
    check_name(name)?;
    let root = workspace.root();
    let (specs, krate) = (
        root.join("specs").join(name),
        root.join("crates").join(name),
    );
    for folder in [&specs, &krate] {
        if folder.exists() {
            bail!(
                "{} already exists; remove it or choose another name",
                folder.display()
            );
        }
    }
    let made = make(workspace, name, from, date, &specs, &krate);
    if made.is_err() {
        // The files of an unusable document are useless.
        for folder in [specs, krate] {
            let _ = fs::remove_dir_all(folder);
        }
    }
    made
}

fn check_name(name: &str) -> Result<()> {
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.ends_with('-')
        && !name.contains("--");
    if !is_name {
        bail!(
            "{} is not a valid service name; use lowercase letters, digits and single hyphens",
            text::shown(name)
        );
    }
    Ok(())
}

fn make(
    workspace: &Workspace,
    name: &str,
    from: &Path,
    date: Option<&str>,
    specs: &Path,
    krate: &Path,
) -> Result<()> {
    let bytes = document::read_bytes(from)?;
    let upstream = vendor::upstream_document(from, &bytes)?;
    write(
        &specs.join("upstream.toml"),
        &template::pin(from, &upstream),
    )?;
    let service = workspace.service(name)?;
    vendor::run(&service, from, date)?;
    let facts = document::read(&service.vendored())?;

    let questions = questions::of(&upstream, &facts);
    write(&service.overlay(), &questions.overlay)?;
    let plan = plan(workspace, name, krate, &upstream, &facts, &questions);
    for (file, text) in template::crate_files(&plan) {
        write(&krate.join(file), &text)?;
    }
    println!(
        "specs/{name}/overlay.yaml: {} open decisions, each marked TODO\ncrates/{name}: written\n\
         next: answer the TODOs, then cargo xtask codegen {name}{}",
        questions.count,
        service.root_option()
    );
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    let written = folder.and_then(|()| fs::write(path, text));
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn plan(
    workspace: &Workspace,
    name: &str,
    krate: &Path,
    upstream: &Value,
    facts: &Value,
    questions: &questions::Questions,
) -> Plan {
    let here = Workspace::of_this_build();
    let is_member = same(workspace.root(), here.root());
    let text = |pointer: &str| upstream.pointer(pointer).and_then(Value::as_str);
    let url = text("/servers/0/url").filter(|url| {
        (url.starts_with("https://") || url.starts_with("http://")) && !url.contains('{')
    });
    Plan {
        name: name.to_owned(),
        package: if is_member {
            format!("rowfeed-{name}")
        } else {
            name.to_owned()
        },
        is_member,
        client: if is_member {
            "../client".to_owned()
        } else {
            way(krate, &here.root().join("crates/client"))
        },
        title: text::shown(text("/info/title").unwrap_or(name)),
        base_url: url.map(text::shown),
        credential: questions::credential(upstream),
        error: questions.error.clone(),
        has_patterns: has_patterns(facts),
    }
}

fn same(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

/// Returns the relative path from one folder to another, or the absolute path if they have only the
/// root in common.
fn way(from: &Path, to: &Path) -> String {
    let from = fs::create_dir_all(from).and_then(|()| from.canonicalize());
    let (Ok(from), Ok(to)) = (from, to.canonicalize()) else {
        return to.display().to_string();
    };
    let common = from
        .components()
        .zip(to.components())
        .take_while(|(a, b)| a == b)
        .count();
    if common <= 1 {
        return to.display().to_string();
    }
    let up = from.components().skip(common).map(|_| "..".to_owned());
    let down = to.components().skip(common);
    let down = down.map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// Whether a parameter has a pattern, directly or by reference.
fn has_patterns(facts: &Value) -> bool {
    let paths = facts.get("paths").and_then(Value::as_object);
    let items = paths.into_iter().flat_map(|paths| paths.values());
    let lists = items.flat_map(|item| {
        let own = METHODS
            .iter()
            .filter_map(|method| item.get(*method)?.get("parameters"));
        own.chain(item.get("parameters"))
    });
    lists
        .filter_map(Value::as_array)
        .flatten()
        .any(|parameter| {
            let mut names = Vec::new();
            document::refs_in(parameter, &mut names);
            let schemas = facts.pointer("/components/schemas");
            let mut referred = names.iter().filter_map(|name| schemas?.get(name));
            parameter.pointer("/schema/pattern").is_some()
                || referred.any(|schema| schema.get("pattern").is_some())
        })
}
