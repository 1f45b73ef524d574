//! `new-service`: everything that a client of another service begins with.
//!
//! | file | |
//! |---|---|
//! | `specs/NAME/openapi.json`, `upstream.toml` | the document's facts, and where it came from |
//! | `specs/NAME/overlay.yaml` | what the document leaves open, with a TODO for each decision |
//! | `crates/NAME/` | manifest, README, `lib.rs`, and the service in a few lines: `config.rs` |
//!
//! `codegen` refuses the overlay until each TODO has an answer. The crate builds once it has run.

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

/// What the files are made from.
struct Plan {
    /// `yandex-query`, the folder.
    name: String,
    /// The crate's name.
    package: String,
    /// Whether the crate is a member of this workspace, whose settings it inherits.
    is_member: bool,
    /// The way from the crate to the folder of `rowfeed-client`.
    client: String,
    /// What the service calls itself.
    title: String,
    base_url: Option<String>,
    /// The header of the credential, and what stands in front of it there.
    credential: (String, String),
    /// The schema of failures as a type, and its property that says what went wrong.
    error: (String, Option<String>),
    /// Whether parameters are checked against patterns.
    has_patterns: bool,
}

/// Makes the files of the service `name` from the document at `from`.
///
/// # Errors
///
/// The name is invalid or taken, or the document cannot be vendored. Then nothing is left behind.
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
                "{} is there already; remove it or choose another name",
                folder.display()
            );
        }
    }
    let made = make(workspace, name, from, date, &specs, &krate);
    if made.is_err() {
        // What was made of a document that cannot be used is of no use either.
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
            "{} is no name for a service: lower-case letters, digits and single hyphens make one",
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
        "specs/{name}/overlay.yaml: {} to decide, each marked TODO\ncrates/{name}: written\n\
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

/// The way from one folder to another; where they have only the root in common, the other's place.
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

/// Whether a parameter has a pattern, itself or by reference.
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
