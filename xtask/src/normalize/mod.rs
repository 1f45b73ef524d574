//! Rules that prepare a corrected document for progenitor, the same for every service.
//!
//! Each rule removes one trap: a construct that makes progenitor fail, or makes the generated code
//! unable to decode the responses of a service. Rules run in the order of [`RULES`].

mod enums;
mod keys;
mod limits;
mod names;
mod operations;
mod responses;
mod rows;
mod scalars;
mod schemas;
mod unions;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::document;

pub(crate) use enums::{OpenEnum, open_enums};
pub(crate) use keys::{CLIENT, EMPTY};
pub(crate) use limits::check as check_limits;
pub(crate) use names::{JSON_NAME, WIRE_NAME, of_type as type_name, snake};
pub(crate) use operations::feature;
pub(crate) use responses::NO_BODY;
pub(crate) use rows::RAW_ROWS;

type Rule = fn(&mut Value) -> Result<()>;

const RULES: &[(&str, Rule)] = &[
    ("schemas take their Rust names", schemas::take_rust_names),
    (
        "bodies of any type are JSON",
        operations::bodies_of_any_type_are_json,
    ),
    (
        "a body that may be JSON is JSON",
        operations::a_body_that_may_be_json_is_json,
    ),
    (
        "credentials are not parameters",
        operations::credentials_are_not_parameters,
    ),
    (
        "path parameters match the path",
        operations::path_parameters_match_the_path,
    ),
    (
        "every operation has a distinct id",
        operations::every_operation_has_its_own_id,
    ),
    (
        "parameters have distinct names",
        names::parameters_have_names_of_their_own,
    ),
    (
        "operations have distinct names",
        names::operations_are_called_as_nothing_else,
    ),
    (
        "a default response is an error",
        responses::a_default_response_is_an_error,
    ),
    (
        "the successes of an operation are merged",
        responses::successes_become_one,
    ),
    (
        "errors of an operation share one schema",
        responses::errors_share_one_schema,
    ),
    (
        "opaque schemas hold any JSON",
        rows::opaque_schemas_hold_any_json,
    ),
    ("rows stay raw", rows::rows_stay_raw),
    (
        "a schema with properties is an object",
        schemas::an_object_says_so,
    ),
    (
        "keywords beside allOf become a part",
        schemas::what_stands_beside_parts_is_a_part,
    ),
    (
        "references with siblings are wrapped",
        schemas::references_with_siblings_are_wrapped,
    ),
    (
        "numbers that count are integers",
        scalars::numbers_that_count_are_integers,
    ),
    (
        "bounds, defaults and formats are dropped",
        scalars::constraints_are_dropped,
    ),
    (
        "patterns stay on parameters only",
        scalars::patterns_stay_on_parameters,
    ),
    (
        "properties have distinct names",
        names::properties_have_names_of_their_own,
    ),
    ("aliases are inlined", schemas::aliases_need_no_name),
    ("maps are inlined", schemas::maps_need_no_name),
    (
        "unions of strings become one enum",
        enums::unions_of_strings_are_one_enum,
    ),
    ("anyOf becomes oneOf", unions::any_of_is_one_of),
    (
        "unions with a discriminator become one struct",
        unions::responses_told_apart_become_one_struct,
    ),
    (
        "unions in responses accept unknown arms",
        unions::responses_take_unknown_arms,
    ),
    ("arms have names", unions::arms_have_names),
    (
        "response arrays are never null",
        rows::response_arrays_are_never_null,
    ),
    (
        "string enums are open types",
        enums::string_enums_are_open_types,
    ),
    (
        "unreachable schemas are removed",
        schemas::unreached_schemas_go,
    ),
];

/// Applies every rule.
///
/// # Errors
///
/// A part of the document is not an object, facts contain control characters, keys are unknown,
/// schemas are endless, or a rule does not apply. Errors name a JSON pointer.
pub(crate) fn normalize(document: &mut Value) -> Result<()> {
    for pointer in ["", "/paths", "/components", "/components/schemas"] {
        if let Some(value) = document.pointer(pointer)
            && !value.is_object()
        {
            bail!("normalize: {pointer:?} of the document is not an object");
        }
    }
    document::facts_are_plain(document)?;
    keys::check(document)?;
    limits::check(document)?;
    for (name, rule) in RULES {
        rule(document).with_context(|| format!("normalize: {name}"))?;
    }
    Ok(())
}
