//! Rules for names that differ in a document but are equal in Rust, or that are reserved.
//!
//! progenitor converts names to snake case and CamelCase without a check for conflicts, and its
//! code uses `client`, `Result` and others by their bare names. A conflicting name is replaced. The
//! name on the wire does not change: [`WIRE_NAME`] keeps it for a parameter, and serde's `rename`
//! for a property.

use std::collections::HashSet;

use anyhow::Result;
use heck::{ToPascalCase as _, ToSnakeCase as _, ToUpperCamelCase as _};
use serde_json::{Map, Value, json};

use super::{operations, schemas};
use crate::document::METHODS;

/// On a parameter: its name on the wire, if that is not `name`.
pub(crate) const WIRE_NAME: &str = "x-wire-name";

/// On a property: its name in JSON, if that is not its key.
pub(crate) const JSON_NAME: &str = "x-json-name";

/// Methods of a builder, and names that the code of a call uses.
const PARAMETERS: [&str; 14] = [
    "client",
    "new",
    "send",
    "body",
    "body_map",
    "header_map",
    "info",
    "value",
    "clone",
    "borrow",
    "into",
    "try_into",
    "from",
    "to_string",
];

/// Methods that the client already has, its own and those of the traits that its code uses.
const METHODS_OF_CLIENT: [&str; 16] = [
    "new",
    "new_with_client",
    "builder",
    "from_env",
    "with_fresh_connections",
    "clone",
    "api_version",
    "baseurl",
    "client",
    "inner",
    "pre",
    "post",
    "exec",
    "rate_limit",
    "request",
    "borrow",
];

/// Types that generated code uses by their bare names.
const TYPES: [&str; 31] = [
    "Self", "Ok", "Err", "Some", "None", "Option", "Result", "String", "Vec", "Box", "Default",
    "Clone", "Copy", "Debug", "From", "Into", "TryFrom", "TryInto", "ToString", "Iterator", "Send",
    "Sync", "Sized", "Drop", "Fn", "Client", "RawRows", "AsRef", "Eq", "Ord", "Extend",
];

/// Types that the module of builders imports, besides [`TYPES`].
const IMPORTED: [&str; 9] = [
    "CallError",
    "Error",
    "ByteStream",
    "ClientInfo",
    "ClientHooks",
    "OperationInfo",
    "RequestBuilderExt",
    "ResponseValue",
    "Types",
];

/// Converts a name to the name of a field or an argument, like progenitor.
pub(crate) fn snake(name: &str) -> String {
    let plain: String = name
        .chars()
        .filter(|c| *c != '\'')
        .map(|c| {
            if unicode_ident::is_xid_continue(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    let name = match name {
        "+1" => "plus1".to_owned(),
        "-1" => "minus1".to_owned(),
        _ => plain.to_snake_case(),
    };
    match name.chars().next() {
        None => "x".to_owned(),
        Some(first) if unicode_ident::is_xid_start(first) => name,
        Some(_) => format!("_{name}"),
    }
}

/// Returns `base`, or `base` with the first number that makes it free.
fn free(base: &str, separator: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2_usize..).map(|number| format!("{base}{separator}{number}"));
    std::iter::once(base.to_owned())
        .chain(numbered)
        .find(|name| !is_taken(name))
        .unwrap_or_default()
}

/// Gives every parameter of an operation, including those of its path, a distinct name.
/// `x-rust-name` sets it.
pub(super) fn parameters_have_names_of_their_own(document: &mut Value) -> Result<()> {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (_, item) in paths.into_iter().flatten() {
        let Some(item) = item.as_object_mut() else {
            continue;
        };
        // Each operation gets its own list, because conflicts differ between operations.
        let shared = item.shift_remove("parameters");
        let shared = shared.as_ref().and_then(Value::as_array);
        for method in METHODS {
            let Some(Value::Object(operation)) = item.get_mut(method) else {
                continue;
            };
            let own = operation.shift_remove("parameters");
            let own: Vec<Value> = own
                .and_then(|own| own.as_array().cloned())
                .unwrap_or_default();
            let place = |parameter: &Value| (parameter["name"].clone(), parameter["in"].clone());
            let overridden: Vec<_> = own.iter().map(place).collect();
            let inherited = shared.into_iter().flatten();
            let mut list: Vec<Value> = inherited
                .filter(|parameter| !overridden.contains(&place(parameter)))
                .cloned()
                .collect();
            list.extend(own);
            name_apart(&mut list);
            if !list.is_empty() {
                operation.insert("parameters".into(), Value::Array(list));
            }
        }
    }
    name_in_paths(document);
    Ok(())
}

fn name_apart(list: &mut [Value]) {
    let wanted = |parameter: &Value| {
        let chosen = parameter.get("x-rust-name").and_then(Value::as_str);
        chosen.map(str::to_owned)
    };
    let mut taken: HashSet<String> = list.iter().filter_map(wanted).collect();
    for parameter in list {
        let Some(name) = parameter["name"].as_str().map(str::to_owned) else {
            continue;
        };
        let rust = wanted(parameter).unwrap_or_else(|| {
            let base = snake(&name);
            if taken.contains(&base) || PARAMETERS.contains(&&*base) {
                let place = parameter["in"].as_str().unwrap_or("parameter");
                free(&format!("{base}_{place}"), "_", |name| taken.contains(name))
            } else {
                base
            }
        });
        taken.insert(rust.clone());
        if let Some(parameter) = parameter.as_object_mut() {
            parameter.shift_remove("x-rust-name");
            if rust != snake(&name) {
                parameter.insert("name".into(), json!(rust));
                parameter.insert(WIRE_NAME.into(), json!(name));
            }
        }
    }
}

/// Renames path parameters in the path, because they have no names on the wire. If the operations
/// of a path have different names, each gets its own path.
fn name_in_paths(document: &mut Value) {
    let Some(Value::Object(paths)) = document.get_mut("paths") else {
        return;
    };
    let old = std::mem::take(paths);
    for (path, item) in old {
        let Value::Object(item) = item else {
            paths.insert(path, item);
            continue;
        };
        for (key, mut value) in item {
            let mut path = path.clone();
            let list = value.get_mut("parameters").and_then(Value::as_array_mut);
            for parameter in list.into_iter().flatten() {
                if parameter["in"] == "path"
                    && let Some(parameter) = parameter.as_object_mut()
                    && let Some(Value::String(wire)) = parameter.shift_remove(WIRE_NAME)
                    && let Some(name) = parameter.get("name").and_then(Value::as_str)
                {
                    path = path.replace(&format!("{{{wire}}}"), &format!("{{{name}}}"));
                }
            }
            let item = paths.entry(path).or_insert_with(|| json!({}));
            if let Value::Object(item) = item {
                item.insert(key, value);
            }
        }
    }
}

/// Renames operations whose method or builder has a reserved name.
pub(super) fn operations_are_called_as_nothing_else(document: &mut Value) -> Result<()> {
    operations::for_each(document, &mut |_, _, operation| {
        let Some(id) = operation.get("operationId").and_then(Value::as_str) else {
            return;
        };
        let (method, builder) = (snake(id), id.to_pascal_case());
        if METHODS_OF_CLIENT.contains(&&*method)
            || TYPES.contains(&&*builder)
            || IMPORTED.contains(&&*builder)
        {
            let renamed = format!("{method}_operation");
            operation.insert("operationId".into(), json!(renamed));
        }
    });
    Ok(())
}

/// Returns the type name of a component, which is never one that generated code uses itself.
pub(crate) fn of_type(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if unicode_ident::is_xid_continue(c) {
                c
            } else {
                ' '
            }
        })
        .collect();
    let name = plain.to_upper_camel_case();
    let starts = name.chars().next().is_some_and(unicode_ident::is_xid_start);
    match name.as_str() {
        "" => "Unnamed".to_owned(),
        name if TYPES.contains(&name) => format!("{name}Type"),
        _ if starts => name,
        _ => format!("N{name}"),
    }
}

/// Gives the properties of an object distinct names in Rust.
pub(super) fn properties_have_names_of_their_own(document: &mut Value) -> Result<()> {
    schemas::for_each(document, &mut |schema, _| {
        let Some(Value::Object(properties)) = schema.get("properties") else {
            return;
        };
        let mut taken = HashSet::new();
        // The field for flattened members has this name.
        if schema
            .get("additionalProperties")
            .is_some_and(|more| *more != json!(false))
        {
            taken.insert("extra".to_owned());
        }
        let mut renamed: Vec<(String, String)> = Vec::new();
        for name in properties.keys() {
            let field = snake(name);
            let is_plain = taken.insert(field.clone());
            if !is_plain {
                let all = |new: &str| taken.contains(new) || properties.contains_key(new);
                let new = free(&field, "_", all);
                taken.insert(new.clone());
                renamed.push((name.clone(), new));
            }
        }
        for (old, new) in renamed {
            rename(schema, &old, &new);
        }
    });
    Ok(())
}

fn rename(schema: &mut Map<String, Value>, old: &str, new: &str) {
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        let entries = std::mem::take(properties);
        for (name, mut property) in entries {
            if name == old {
                if let Value::Object(property) = &mut property {
                    // The key would be lost beside a reference.
                    if let Some(reference) = property.shift_remove("$ref") {
                        property.insert("allOf".into(), json!([{ "$ref": reference }]));
                    }
                    property.insert(JSON_NAME.into(), json!(old));
                }
                properties.insert(new.to_owned(), property);
            } else {
                properties.insert(name, property);
            }
        }
    }
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        for name in required.iter_mut().filter(|name| **name == old) {
            *name = json!(new);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn parameters_with_equal_rust_names_get_distinct_names() {
        let mut document = json!({"paths": {"/a/{client}/{id}": {
            "parameters": [{"name": "client", "in": "path"}, {"name": "id", "in": "path"}],
            "get": {"operationId": "a", "parameters": [
                {"name": "pageSize", "in": "query"}, {"name": "page_size", "in": "query"},
                {"name": "id", "in": "query"}, {"name": "X-Id", "in": "header",
                                                 "x-rust-name": "other"}]}}}});
        parameters_have_names_of_their_own(&mut document).unwrap();
        let operation = &document["paths"]["/a/{client_path}/{id}"]["get"];
        let names: Vec<_> = operation["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| {
                (
                    p["name"].as_str().unwrap(),
                    p.get(WIRE_NAME).and_then(Value::as_str),
                )
            })
            .collect();
        let wanted = [
            ("client_path", None),
            ("id", None),
            ("pageSize", None),
            ("page_size_query", Some("page_size")),
            ("id_query", Some("id")),
            ("other", Some("X-Id")),
        ];
        assert_eq!(names, wanted);
    }

    #[test]
    fn a_parameter_of_an_operation_overrides_that_of_the_path() {
        let mut document = json!({"paths": {"/a": {
            "parameters": [{"name": "q", "in": "query", "required": true}],
            "get": {"parameters": [{"name": "q", "in": "query"}]}, "put": {}}}});
        parameters_have_names_of_their_own(&mut document).unwrap();
        let item = &document["paths"]["/a"];
        assert_eq!(
            item["get"]["parameters"],
            json!([{"name": "q", "in": "query"}])
        );
        assert_eq!(item["put"]["parameters"][0]["required"], true);
        assert!(item.get("parameters").is_none());
    }

    #[test]
    fn properties_with_equal_rust_names_get_distinct_names() {
        let mut document = json!({"components": {"schemas": {"A": {
            "required": ["userId", "user_id"],
            "properties": {"userId": {}, "user_id": {"$ref": "#/components/schemas/B"},
                           "user-id": {}}}}}});
        properties_have_names_of_their_own(&mut document).unwrap();
        let a = &document["components"]["schemas"]["A"];
        let names: Vec<_> = a["properties"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["userId", "user_id_2", "user_id_3"]);
        assert_eq!(a["properties"]["user_id_2"][JSON_NAME], "user_id");
        assert_eq!(a["properties"]["user_id_3"][JSON_NAME], "user-id");
        assert_eq!(a["required"], json!(["userId", "user_id_2"]));
    }

    #[test]
    fn names_that_generated_code_uses_are_reserved() {
        assert_eq!(of_type("result"), "ResultType");
        assert_eq!(of_type("models.Result"), "ModelsResult");
        assert_eq!(of_type("2fa"), "N2fa");
        let mut document = json!({"paths": {"/a": {"get": {"operationId": "exec"}},
                                            "/b": {"get": {"operationId": "result"}},
                                            "/c": {"get": {"operationId": "list_a"}}}});
        operations_are_called_as_nothing_else(&mut document).unwrap();
        let id = |path: &str| document["paths"][path]["get"]["operationId"].clone();
        assert_eq!(id("/a"), "exec_operation");
        assert_eq!(id("/b"), "result_operation");
        assert_eq!(id("/c"), "list_a");
    }
}
