//! `drift`: what changed between a vendored document and a newer upstream one, for a user of the
//! generated crate.
//!
//! Both documents are cut down to the same operations and to facts, then followed in parallel as
//! values go over the wire. A change *breaks* when a program that works with the vendored document
//! fails, or no longer finds what it reads, with the new one. In requests that is whatever narrows
//! what the service takes, in responses whatever widens what it sends; enums are open in the
//! clients, so a new value there is none. A schema that goes both ways is judged on both.
//!
//! `--json` prints an array, the same changes in the same order as the text, uncut:
//!
//! | key | |
//! |---|---|
//! | `breaking` | boolean |
//! | `kind` | what happened, `property_added`; see [`change::Kind`] |
//! | `operation` | `post /v1/sql`, for what stands in an operation itself |
//! | `schema` | the schema's name, otherwise; one of the two is there |
//! | `pointer` | JSON pointer into the vendored document, or into FILE for what only FILE has |
//! | `direction` | `request`, `response`, `both`, or `null` for an operation or schema as a whole |
//! | `message` | the line of the text |
//! | `reached_by` | the operations that reach the schema; empty for an operation |
//! | `newly_required` | `true` where answers have to hold it from now on, which older servers do not send |
//! | `hidden_by` | the numbers of the overlay's actions that replace or remove what changed, where there are any |

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
    codegen, document, normalise, overlay,
    upstream::{Keep, Upstream},
    vendor,
    workspace::Service,
};
use change::Change;
use operations::Beyond;

/// What changed, and between what.
struct Report {
    service: String,
    old_version: String,
    new_version: String,
    /// How many operations of the vendored document were compared.
    operations: usize,
    changes: Vec<Change>,
    beyond: Beyond,
    /// Method and path → the client's method, where the overlay can be applied.
    methods: BTreeMap<String, String>,
}

/// Prints what changed between a service's vendored document and the one at `from`. Long lists
/// are cut unless `all`. Exits with 0 without changes, 10 with changes, 20 with breaking ones.
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
    // A document that no client can be generated from now is compared all the same.
    if let Ok(normalised) = codegen::normalised_as_it_is(service) {
        report.methods = methods(&normalised);
    }
    Ok(report)
}

/// The client's method for each operation, by method and path without the names of parameters.
fn methods(normalised: &Value) -> BTreeMap<String, String> {
    let operations = operations::all(normalised);
    let named = operations.iter().filter_map(|operation| {
        let method = normalise::snake(operation.id()?);
        Some((operations::shape(&operation.key), method))
    });
    named.collect()
}

/// The fields of answers that are required from now on, in words: older servers do not send them.
pub(crate) fn newly_required(old: &Value, new: &Value) -> Vec<String> {
    let changes = judge::changes(old, new, &operations::all(new));
    render::newly_required(&changes)
}

fn report(service: &str, vendored: &Value, upstream: &Value, keep: &Keep) -> Result<Report> {
    let all = operations::all(upstream);
    let keep = operations::kept(&operations::all(vendored), &all, keep);
    // The vendored document holds facts already; this makes sure of the same ones.
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
