//! `drift`: reports the changes between a vendored document and a newer upstream document, for
//! users of the generated crate.
//!
//! Both documents are reduced to the facts of the same operations, then compared in parallel, as
//! values on the wire. A change *breaks* if a program that works with the vendored document fails,
//! or misses a value, with the new one. In requests, a change breaks if the service accepts less.
//! In responses, it breaks if the service may send more. New enum values do not break, because
//! enums are open in the clients. A schema in requests and responses is judged in both directions.
//!
//! `--json` prints an array of all changes, in the order of the text:
//!
//! | key | value |
//! |---|---|
//! | `breaking` | boolean |
//! | `kind` | the kind of the change, such as `property_added`; see [`change::Kind`] |
//! | `operation` | `post /v1/sql`, for a change in an operation itself |
//! | `schema` | the name of the schema, for any other change |
//! | `pointer` | JSON pointer into the vendored document, or into FILE for a place that only FILE has |
//! | `direction` | `request`, `response`, `both`, or `null` for an operation or schema as a whole |
//! | `message` | the line of the text |
//! | `reached_by` | the operations that reach the schema; empty for an operation |
//! | `newly_required` | `true` for a newly required field of responses, which older servers do not send |
//! | `hidden_by` | the numbers of the overlay actions that replace or remove the changed fact, if any |

mod change;
mod judge;
mod object;
mod operation;
mod operations;
mod render;
mod scalar;
mod shape;
mod union;
mod view;
mod walk;
mod words;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::Path, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{
    codegen, document, normalize, overlay,
    upstream::{Keep, Upstream},
    vendor,
    workspace::Service,
};
use change::Change;
use operations::Beyond;

/// The changes, and the compared versions.
struct Report {
    service: String,
    old_version: String,
    new_version: String,
    /// The number of compared operations of the vendored document.
    operations: usize,
    changes: Vec<Change>,
    beyond: Beyond,
    /// Method and path → the method of the client, if the overlay can be applied.
    methods: BTreeMap<String, String>,
}

/// Prints the changes between the vendored document of a service and the one at `from`. Long lists
/// are truncated unless `all`. The exit code is 0 for no changes, 10 for changes, and 20 for
/// breaking changes.
pub(crate) fn run(service: &Service, from: &Path, json: bool, all: bool) -> Result<ExitCode> {
    let report = compare(service, from)?;
    if json {
        println!("{}", render::json(&report)?);
    } else {
        print!("{}", render::report(&report, all));
    }
    Ok(ExitCode::from(report.code()))
}

impl Report {
    fn code(&self) -> u8 {
        if self.changes.iter().any(|change| change.breaking) {
            20
        } else if self.changes.is_empty() {
            0
        } else {
            10
        }
    }
}

fn compare(service: &Service, from: &Path) -> Result<Report> {
    if service.is_handwritten() {
        bail!(
            "{} has no upstream to drift from: {} is written by hand",
            service.name,
            service.shown(&service.handwritten())
        );
    }
    let keep = Upstream::read(service)?.keep()?;
    let vendored = document::read(&service.vendored())?;
    let upstream = vendor::upstream_document(from, &document::read_bytes(from)?)?;
    let mut report = report(&service.name, &vendored, &upstream, &keep)
        .with_context(|| format!("cannot compare {} with {}", service.name, from.display()))?;
    if service.overlay().exists() {
        let covers = overlay::covers(&vendored, &service.overlay())?;
        for change in &mut report.changes {
            let about = covers
                .iter()
                .filter(|cover| cover.is_about(&change.pointer));
            change.hidden_by = about.map(|cover| cover.action).collect();
            change.hidden_by.sort_unstable();
            change.hidden_by.dedup();
        }
    }
    // The comparison also works if no client can be generated from the document.
    if let Ok(normalized) = codegen::normalized_as_it_is(service) {
        report.methods = methods(&normalized);
    }
    Ok(report)
}

/// Returns the method of the client for each operation, by method and path without the names of
/// parameters.
fn methods(normalized: &Value) -> BTreeMap<String, String> {
    let operations = operations::all(normalized);
    let named = operations.iter().filter_map(|operation| {
        let method = normalize::snake(operation.id()?);
        Some((operations::shape(&operation.key), method))
    });
    named.collect()
}

/// Describes the newly required fields of responses, which older servers do not send.
pub(crate) fn newly_required(old: &Value, new: &Value) -> Vec<String> {
    let changes = judge::changes(old, new, &operations::all(new));
    render::newly_required(&changes)
}

fn report(service: &str, vendored: &Value, upstream: &Value, keep: &Keep) -> Result<Report> {
    let all = operations::all(upstream);
    let keep = operations::kept(&operations::all(vendored), &all, keep);
    // The vendored document contains only facts. This makes both documents contain the same facts.
    let old = vendor::facts(vendored, &Keep::All).context("in the vendored document")?;
    let new = vendor::facts(upstream, &keep)?;
    let version = |document: &Value| {
        let version = document.pointer("/info/version").and_then(Value::as_str);
        version.unwrap_or("no version").to_owned()
    };
    Ok(Report {
        service: service.to_owned(),
        old_version: version(&old),
        new_version: version(&new),
        operations: operations::all(&old).len(),
        changes: judge::changes(&old, &new, &all),
        beyond: operations::beyond(&all, &keep),
        methods: BTreeMap::new(),
    })
}
