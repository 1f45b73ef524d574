//! The `x-` keys that control the rules, with their places and values.
//!
//! An unknown key, or a key in the wrong place, is an error, because it would silently have no
//! effect. A value that would be more than a name in generated code is an error too.

use anyhow::{Result, anyhow, bail};
use serde_json::{Map, Value};
use syn::{Lit, Meta, MetaNameValue, Token, parse::Parser as _, punctuated::Punctuated};

use crate::{
    document::{METHODS, pointer_segment},
    text,
};

/// The values that a key may have.
#[derive(Clone, Copy)]
enum Says {
    /// `true`.
    Yes,
    /// The name of a component.
    Component,
    /// A type's name in Rust: `TypeName`.
    Type,
    /// A parameter's name in Rust: `parameter_name`.
    Parameter,
    /// A cargo feature.
    Feature,
    /// Enum value → name of a variant.
    Variants,
    /// Enum value → documentation.
    Words,
    /// Parameters as `header X-Key`.
    Credentials,
    /// A status, or `union`.
    Success,
    /// `alias = "…"`, `default`.
    Serde,
    /// `Client::new("…")`.
    Client,
    /// Names of properties.
    Names,
}

/// On the document: the expression that creates a client, for the example in its documentation.
pub(crate) const CLIENT: &str = "x-client";

/// On a component: its members that must be sent and may be empty.
pub(crate) const EMPTY: &str = "x-empty";

type Keys = &'static [(&'static str, Says)];

const DOCUMENT: Keys = &[
    ("x-error-schema", Says::Component),
    ("x-credentials", Says::Credentials),
    (CLIENT, Says::Client),
];
const OPERATION: Keys = &[("x-feature", Says::Feature), ("x-success", Says::Success)];
const PARAMETER: Keys = &[("x-keep", Says::Yes), ("x-rust-name", Says::Parameter)];
const COMPONENT: Keys = &[("x-rust-name", Says::Type), (EMPTY, Says::Names)];
const SCHEMA: Keys = &[
    ("x-raw-rows", Says::Yes),
    ("x-opaque", Says::Yes),
    ("x-one-struct", Says::Yes),
    ("x-integer", Says::Yes),
    ("x-enum-names", Says::Variants),
    ("x-enum-descriptions", Says::Words),
    ("x-serde", Says::Serde),
];

/// Refuses unknown keys, keys in the wrong place, and invalid values.
pub(super) fn check(document: &Value) -> Result<()> {
    let mut walk = Walk { document };
    walk.object(document, "", &[DOCUMENT], &|key| match key {
        "paths" => Next::Paths,
        "components" => Next::Components,
        _ => Next::Other,
    })
}

/// The kind of value below a key.
#[derive(Clone, Copy)]
enum Next {
    Paths,
    PathItem,
    Operation,
    Parameters,
    Parameter,
    /// A map from names to objects that may have a `schema`: contents, headers, responses.
    Holder,
    Components,
    ComponentSchemas,
    ComponentSchema,
    Schemas,
    SchemaList,
    Schema,
    /// A value in which keys are data.
    Data,
    Other,
}

struct Walk<'a> {
    document: &'a Value,
}

impl Walk<'_> {
    fn visit(&mut self, value: &Value, pointer: &str, next: Next) -> Result<()> {
        match next {
            Next::Data => Ok(()),
            Next::Paths => self.members(value, pointer, Next::PathItem),
            Next::ComponentSchemas => self.members(value, pointer, Next::ComponentSchema),
            Next::Schemas => self.members(value, pointer, Next::Schema),
            Next::Parameters => self.members(value, pointer, Next::Parameter),
            Next::SchemaList => self.members(value, pointer, Next::Schema),
            Next::PathItem => self.object(value, pointer, &[], &|key| match key {
                "parameters" => Next::Parameters,
                key if METHODS.contains(&key) => Next::Operation,
                _ => Next::Other,
            }),
            Next::Operation => self.object(value, pointer, &[OPERATION], &|key| match key {
                "parameters" => Next::Parameters,
                "requestBody" | "responses" => Next::Holder,
                _ => Next::Other,
            }),
            Next::Parameter => self.object(value, pointer, &[PARAMETER], &|key| match key {
                "schema" => Next::Schema,
                _ => Next::Holder,
            }),
            Next::Holder => self.holder(value, pointer),
            Next::Components => self.object(value, pointer, &[], &|key| match key {
                "schemas" => Next::ComponentSchemas,
                _ => Next::Holder,
            }),
            Next::ComponentSchema => {
                self.object(value, pointer, &[COMPONENT, SCHEMA], &below_schema)
            }
            Next::Schema => self.object(value, pointer, &[SCHEMA], &below_schema),
            Next::Other => self.object(value, pointer, &[], &|_| Next::Other),
        }
    }

    /// Visits the members of an object whose keys are names, or the elements of an array.
    fn members(&mut self, value: &Value, pointer: &str, next: Next) -> Result<()> {
        match value {
            Value::Object(object) => object
                .iter()
                .try_for_each(|(key, value)| self.visit(value, &at(pointer, key), next)),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(n, value)| self.visit(value, &format!("{pointer}/{n}"), next)),
            _ => Ok(()),
        }
    }

    /// Visits responses, headers or contents, whose keys are names and may begin with `x-`.
    fn holder(&mut self, value: &Value, pointer: &str) -> Result<()> {
        match value {
            Value::Object(object) => object.iter().try_for_each(|(key, value)| {
                let next = match key.as_str() {
                    "schema" => Next::Schema,
                    "example" | "examples" => Next::Data,
                    _ => Next::Holder,
                };
                self.visit(value, &at(pointer, key), next)
            }),
            Value::Array(_) => self.members(value, pointer, Next::Holder),
            _ => Ok(()),
        }
    }

    fn object(
        &mut self,
        value: &Value,
        pointer: &str,
        known: &[Keys],
        next: &dyn Fn(&str) -> Next,
    ) -> Result<()> {
        let Value::Object(object) = value else {
            return match value {
                Value::Array(_) => self.members(value, pointer, Next::Other),
                _ => Ok(()),
            };
        };
        for (key, value) in object {
            let at = at(pointer, key);
            if !key.starts_with("x-") {
                self.visit(value, &at, next(key))?;
                continue;
            }
            let mut all = known.iter().copied().flatten();
            let Some((_, says)) = all.find(|(name, _)| name == key) else {
                bail!(
                    "{}: unknown key in this place; the known keys are: {}",
                    text::shown(&at),
                    names(known)
                );
            };
            says.check(value, self.document)
                .map_err(|error| anyhow!("{}: {error}", text::shown(&at)))?;
        }
        Ok(())
    }
}

fn below_schema(key: &str) -> Next {
    match key {
        "properties" => Next::Schemas,
        "allOf" | "anyOf" | "oneOf" => Next::SchemaList,
        "items" | "additionalProperties" | "not" => Next::Schema,
        "enum" | "default" | "example" | "examples" => Next::Data,
        _ => Next::Other,
    }
}

fn at(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", pointer_segment(key))
}

fn names(known: &[Keys]) -> String {
    let names: Vec<_> = known
        .iter()
        .copied()
        .flatten()
        .map(|(name, _)| *name)
        .collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

impl Says {
    fn check(self, value: &Value, document: &Value) -> Result<()> {
        let text = || {
            value
                .as_str()
                .ok_or_else(|| anyhow!("expected a string, found {value}"))
        };
        let fits = |fits: bool, wanted: &str| {
            if fits {
                Ok(())
            } else {
                Err(anyhow!("expected {wanted}, found {value}"))
            }
        };
        match self {
            Self::Yes => fits(value == &Value::Bool(true), "true"),
            Self::Component => {
                let schemas = document.pointer("/components/schemas");
                let is_there = schemas.and_then(|all| all.get(text().ok()?)).is_some();
                fits(is_there, "the name of a schema in /components/schemas")
            }
            Self::Type => fits(is_type(text()?), "the name of a type such as QueryResult"),
            Self::Parameter => fits(
                is_parameter(text()?),
                "the name of a parameter such as query_id",
            ),
            Self::Feature => fits(is_feature(text()?), "a cargo feature such as saved-charts"),
            Self::Success => {
                let text = text()?;
                let is_status = text.len() == 3 && text.starts_with('2');
                fits(
                    is_status || text == "union",
                    "a success status such as \"200\", or union",
                )
            }
            Self::Variants => each(value, |name| {
                let name = name.as_str().filter(|name| is_type(name));
                fits(name.is_some(), "names of variants such as PieChart")
            }),
            Self::Words => each(value, |words| {
                fits(words.is_string(), "documentation for each value")
            }),
            Self::Credentials => {
                let list = value.as_array().ok_or_else(|| anyhow!("expected a list"))?;
                list.iter().try_for_each(|entry| {
                    let parts = entry.as_str().and_then(|entry| entry.split_once(' '));
                    let place = parts.map(|(place, _)| place);
                    let is_known =
                        place.is_some_and(|p| ["header", "query", "cookie"].contains(&p));
                    fits(is_known, "parameters such as `header X-Api-Key`")
                })
            }
            Self::Names => fits(
                value
                    .as_array()
                    .is_some_and(|names| names.iter().all(Value::is_string)),
                "a list of property names",
            ),
            Self::Client => fits(
                is_client(text()?),
                "an expression that creates a client, such as `Client::new(\"the API key\")`",
            ),
            Self::Serde => fits(is_serde(text()?), "`default`, or `alias = \"other_name\"`"),
        }
    }
}

fn each(value: &Value, check: impl Fn(&Value) -> Result<()>) -> Result<()> {
    let object: &Map<String, Value> = value
        .as_object()
        .ok_or_else(|| anyhow!("expected an object, found {value}"))?;
    object.values().try_for_each(check)
}

fn is_type(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
        && syn::parse_str::<syn::Ident>(name).is_ok()
}

fn is_parameter(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !name.contains("__")
        && !name.ends_with('_')
}

fn is_feature(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Whether `text` calls a function of the client with string literals. Examples are compiled.
fn is_client(text: &str) -> bool {
    let Ok(syn::Expr::Call(call)) = syn::parse_str(text) else {
        return false;
    };
    let is_text = |argument: &syn::Expr| matches!(argument, syn::Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)));
    let of_client = matches!(call.func.as_ref(), syn::Expr::Path(path)
        if path.path.segments.len() == 2 && path.path.segments[0].ident == "Client");
    of_client && call.args.iter().all(is_text) && !text.contains(['\n', '`'])
}

/// Other arguments name functions, which a document must not choose.
fn is_serde(text: &str) -> bool {
    let parser = Punctuated::<Meta, Token![,]>::parse_terminated;
    let Ok(metas) = parser.parse_str(text) else {
        return false;
    };
    !metas.is_empty()
        && metas.iter().all(|meta| match meta {
            Meta::Path(path) => path.is_ident("default"),
            Meta::NameValue(MetaNameValue {
                path,
                value: syn::Expr::Lit(literal),
                ..
            }) => path.is_ident("alias") && matches!(literal.lit, Lit::Str(_)),
            _ => false,
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of_schema(schema: Value) -> Result<()> {
        check(&json!({"components": {"schemas": {"A": schema}}}))
    }

    #[test]
    fn an_unknown_key_is_an_error_that_lists_the_known_keys() {
        let said = of_schema(json!({"properties": {"b": {"x-opaqe": true}}}))
            .unwrap_err()
            .to_string();
        assert!(
            said.starts_with("/components/schemas/A/properties/b/x-opaqe: unknown key"),
            "{said}"
        );
        assert!(said.contains("x-opaque"), "{said}");
        let info = json!({"info": {"x-logo": "a.png"}});
        assert!(
            check(&info)
                .unwrap_err()
                .to_string()
                .contains("/info/x-logo")
        );
    }

    #[test]
    fn a_key_in_the_wrong_place_is_refused() {
        assert!(of_schema(json!({"x-feature": "heavy"})).is_err());
        assert!(of_schema(json!({"properties": {"b": {"x-rust-name": "B"}}})).is_err());
        let document = json!({"paths": {"/a": {"get": {"x-opaque": true}}}});
        assert!(check(&document).is_err());
    }

    #[test]
    fn names_of_data_are_not_keys() {
        of_schema(json!({"properties": {"x-total": {"type": "string"}},
                         "enum": [{"x-y": 1}]}))
        .unwrap();
        let headers = json!({"200": {"headers": {"x-request-id": {"schema": {}}}}});
        check(&json!({"paths": {"/a": {"get": {"responses": headers}}}})).unwrap();
    }

    #[test]
    fn a_value_must_be_a_name_and_not_code() {
        for (key, value) in [
            ("x-rust-name", "A;B"),
            ("x-rust-name", "lower"),
            ("x-rust-name", "Self"),
            ("x-serde", "default = \"std::process::abort\""),
            ("x-serde", "default)] struct X; #[serde(default"),
            ("x-serde", ""),
        ] {
            assert!(of_schema(json!({key: value})).is_err(), "{key}: {value}");
        }
        of_schema(json!({"x-rust-name": "QueryResult2"})).unwrap();
        of_schema(json!({"x-serde": "default, alias = \"liste\""})).unwrap();
        assert!(of_schema(json!({"x-enum-names": {"a": "A = 1"}})).is_err());
        let feature = json!({"paths": {"/a": {"get": {"x-feature": "a\")] use x; #[cfg(b"}}}});
        assert!(check(&feature).is_err());
        assert!(check(&json!({"x-error-schema": "Gone"})).is_err());
        assert!(check(&json!({"x-credentials": ["X-Api-Key"]})).is_err());
        check(&json!({"x-credentials": ["header X-Api-Key"]})).unwrap();
        of_schema(json!({"x-empty": ["sorts"]})).unwrap();
        assert!(of_schema(json!({"x-empty": "sorts"})).is_err());
        check(&json!({"x-client": "Client::new(\"the API key\")"})).unwrap();
        for code in [
            "std::process::abort()",
            "Client::new(f())",
            "Client::new(\"\n```\")",
            "{}",
        ] {
            assert!(check(&json!({"x-client": code})).is_err(), "{code}");
        }
    }
}
