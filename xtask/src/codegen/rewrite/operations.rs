//! What the document says of each operation, as far as passes need it: what to change, and in how
//! many places. A pass that changes another number is out of step with progenitor, and stops.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use heck::ToPascalCase as _;
use serde_json::Value;

use crate::{
    document::METHODS,
    normalise::{self, NO_BODY, WIRE_NAME, snake},
};

/// An operation of a normalised document.
#[derive(Debug)]
pub(super) struct Operation {
    /// The builder's type.
    pub(super) builder: String,
    pub(super) parameters: Vec<Parameter>,
    pub(super) has_body: bool,
    pub(super) feature: Option<String>,
    /// Statuses of successes without a body, where others have one.
    pub(super) no_body: Vec<u16>,
}

/// A parameter, without the body.
#[derive(Debug)]
pub(super) struct Parameter {
    /// As progenitor writes it, but for the underscore behind a keyword.
    pub(super) name: String,
    /// `path`, `query`, `header`.
    pub(super) place: String,
    pub(super) words: Option<String>,
    /// What stands in the generated literal, and what has to go over the wire.
    pub(super) wire: Option<(String, String)>,
}

/// All operations by the name of their builder.
pub(super) type Operations = BTreeMap<String, Operation>;

pub(super) fn of(document: &Value) -> Operations {
    let paths = document.get("paths").and_then(Value::as_object);
    let items = paths.into_iter().flatten();
    let operations = items.flat_map(|(_, item)| METHODS.iter().filter_map(|m| item.get(*m)));
    operations
        .map(operation)
        .map(|operation| (operation.builder.clone(), operation))
        .collect()
}

fn operation(value: &Value) -> Operation {
    let id = value["operationId"].as_str().unwrap_or_default();
    let list = value.get("parameters").and_then(Value::as_array);
    let statuses = value.get(NO_BODY).and_then(Value::as_array);
    Operation {
        builder: id.to_pascal_case(),
        parameters: list.into_iter().flatten().map(parameter).collect(),
        has_body: value.get("requestBody").is_some(),
        feature: normalise::feature(value).map(str::to_owned),
        no_body: statuses
            .into_iter()
            .flatten()
            .filter_map(|status| status.as_str()?.parse().ok())
            .collect(),
    }
}

fn parameter(value: &Value) -> Parameter {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let name = text("name").unwrap_or_default();
    Parameter {
        name: snake(name),
        place: text("in").unwrap_or_default().to_owned(),
        words: text("description").map(str::to_owned),
        wire: text(WIRE_NAME).map(|wire| (name.to_owned(), wire.to_owned())),
    }
}

impl Operation {
    pub(super) fn count_in(&self, place: &str) -> usize {
        let here = |parameter: &&Parameter| parameter.place == place;
        self.parameters.iter().filter(here).count()
    }
}

/// Fails unless a pass changed as many places as the document asks for.
pub(super) fn exactly(pass: &str, wanted: usize, found: usize) -> Result<()> {
    if wanted != found {
        bail!(
            "rewrite: {pass}: the document asks for {wanted} changes, progenitor's output allowed \
             {found}; the pass in xtask/src/codegen/rewrite does not fit this progenitor"
        );
    }
    Ok(())
}
