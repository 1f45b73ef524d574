//! A visitor of the schemas of a document, and the rules for schemas in general.

use std::collections::HashMap;

use anyhow::{Result, bail};
use heck::ToUpperCamelCase as _;
use indexmap::IndexSet;
use serde_json::{Map, Value, json};

use super::names;
use crate::{
    document::{self, METHODS, pointer_segment, ref_name},
    text,
};

/// The position of a schema.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// A type name for an unnamed schema, from the names of its parent and its property.
    pub(super) name: String,
    /// The property or parameter whose schema this is.
    pub(super) property: Option<String>,
    /// The component that is or contains the schema.
    pub(super) component: Option<String>,
    pub(super) is_parameter: bool,
}

/// Visits every schema object of the document, children before parents.
pub(super) fn for_each(
    document: &mut Value,
    visit: &mut impl FnMut(&mut Map<String, Value>, &Place),
) {
    if let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") {
        for (name, schema) in schemas {
            let place = Place {
                name: name.clone(),
                property: None,
                component: Some(name.clone()),
                is_parameter: false,
            };
            walk(schema, &place, visit);
        }
    }
    let Some(Value::Object(paths)) = document.get_mut("paths") else {
        return;
    };
    for (path, item) in paths {
        let Value::Object(item) = item else { continue };
        for (key, value) in item {
            if key == "parameters" {
                for_each_parameter(value, &path.to_upper_camel_case(), visit);
            } else if METHODS.contains(&key.as_str()) {
                let id = value.get("operationId").and_then(Value::as_str);
                let name = id.unwrap_or(path).to_upper_camel_case();
                for_each_in_operation(value, &name, visit);
            }
        }
    }
}

fn for_each_in_operation(
    operation: &mut Value,
    name: &str,
    visit: &mut impl FnMut(&mut Map<String, Value>, &Place),
) {
    if let Some(parameters) = operation.get_mut("parameters") {
        for_each_parameter(parameters, name, visit);
    }
    if let Some(content) = operation.pointer_mut("/requestBody/content") {
        for_each_in_content(content, &format!("{name}Body"), visit);
    }
    if let Some(Value::Object(responses)) = operation.get_mut("responses") {
        for response in responses.values_mut() {
            if let Some(content) = response.get_mut("content") {
                for_each_in_content(content, &format!("{name}Response"), visit);
            }
        }
    }
}

fn for_each_parameter(
    parameters: &mut Value,
    operation: &str,
    visit: &mut impl FnMut(&mut Map<String, Value>, &Place),
) {
    for parameter in parameters.as_array_mut().into_iter().flatten() {
        let parameter_name = parameter["name"].as_str().unwrap_or_default().to_owned();
        if let Some(schema) = parameter.get_mut("schema") {
            let place = Place {
                name: format!("{operation}{}", parameter_name.to_upper_camel_case()),
                property: Some(parameter_name),
                component: None,
                is_parameter: true,
            };
            walk(schema, &place, visit);
        }
    }
}

fn for_each_in_content(
    content: &mut Value,
    name: &str,
    visit: &mut impl FnMut(&mut Map<String, Value>, &Place),
) {
    let media_types = content.as_object_mut().into_iter().flatten();
    for schema in media_types.filter_map(|(_, body)| body.get_mut("schema")) {
        let place = Place {
            name: name.to_owned(),
            property: None,
            component: None,
            is_parameter: false,
        };
        walk(schema, &place, visit);
    }
}

fn walk(
    schema: &mut Value,
    place: &Place,
    visit: &mut impl FnMut(&mut Map<String, Value>, &Place),
) {
    let Value::Object(object) = schema else {
        return;
    };
    for (key, value) in object.iter_mut() {
        let unnamed = |suffix: &str| Place {
            name: format!("{}{suffix}", place.name),
            ..place.clone()
        };
        match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                for (property, schema) in properties {
                    let place = Place {
                        name: format!("{}{}", place.name, property.to_upper_camel_case()),
                        property: Some(property.clone()),
                        ..place.clone()
                    };
                    walk(schema, &place, visit);
                }
            }
            ("items", value) => walk(value, &unnamed("Item"), visit),
            ("additionalProperties", value) => walk(value, &unnamed("Value"), visit),
            ("not", value) => walk(value, &unnamed("Not"), visit),
            ("allOf" | "anyOf" | "oneOf", Value::Array(arms)) => {
                for arm in arms {
                    walk(arm, &unnamed(""), visit);
                }
            }
            _ => {}
        }
    }
    visit(object, place);
}

/// Returns the component schemas, by name.
pub(super) fn components(document: &Value) -> Map<String, Value> {
    let schemas = document.pointer("/components/schemas");
    schemas
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default()
}

/// Returns the component schemas for modification.
pub(super) fn components_mut(document: &mut Value) -> &mut Map<String, Value> {
    if document.pointer("/components/schemas").is_none() {
        document["components"]["schemas"] = json!({});
    }
    match document.pointer_mut("/components/schemas") {
        Some(Value::Object(schemas)) => schemas,
        _ => unreachable!("just inserted"),
    }
}

/// Follows references, and wrappers of a single reference, to the schema.
pub(super) fn resolved<'a>(components: &'a Map<String, Value>, schema: &'a Value) -> &'a Value {
    let mut schema = schema;
    // Bounded, because references may be cyclic. Another check refuses these.
    for _ in 0..=components.len() {
        let reference = schema.get("$ref").or_else(|| {
            let arms = schema.get("allOf")?.as_array()?;
            arms.first().filter(|_| arms.len() == 1)?.get("$ref")
        });
        let Some(target) = reference
            .and_then(Value::as_str)
            .and_then(ref_name)
            .and_then(|name| components.get(name))
        else {
            break;
        };
        schema = target;
    }
    schema
}

/// The components that requests reach, and the components that responses reach.
pub(super) struct Sides {
    pub(super) request: IndexSet<String>,
    pub(super) response: IndexSet<String>,
}

impl Sides {
    pub(super) fn of(document: &Value) -> Self {
        let (mut request, mut response) = (Vec::new(), Vec::new());
        for operation in operations(document) {
            for key in ["parameters", "requestBody"] {
                if let Some(value) = operation.get(key) {
                    document::refs_in(value, &mut request);
                }
            }
            if let Some(value) = operation.get("responses") {
                document::refs_in(value, &mut response);
            }
        }
        Self {
            request: document::closure(document, request),
            response: document::closure(document, response),
        }
    }

    /// Whether only responses contain the schema at `place`. A schema outside of the components
    /// counts as part of a request, where no rule relaxes anything.
    pub(super) fn is_response_only(&self, place: &Place) -> bool {
        place
            .component
            .as_ref()
            .is_some_and(|name| self.response.contains(name) && !self.request.contains(name))
    }

    pub(super) fn is_in_response(&self, place: &Place) -> bool {
        let component = place.component.as_ref();
        component.is_some_and(|name| self.response.contains(name))
    }
}

/// Returns every operation of the document.
pub(super) fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    let paths = document.get("paths").and_then(Value::as_object);
    let items = paths.into_iter().flat_map(|paths| paths.values());
    items.flat_map(|item| METHODS.iter().filter_map(|method| item.get(*method)))
}

/// Returns every operation with its name in errors: `getA (GET /a)`.
pub(super) fn operations_by_name(document: &Value) -> impl Iterator<Item = (&Value, String)> {
    let paths = document.get("paths").and_then(Value::as_object);
    let items = paths.into_iter().flatten();
    items.flat_map(|(path, item)| {
        METHODS.iter().filter_map(move |method| {
            let operation = item.get(*method)?;
            let id = operation.get("operationId").and_then(Value::as_str);
            let place = format!("{} {path}", method.to_uppercase());
            let shown = match id {
                Some(id) => format!("{id} ({place})"),
                None => place,
            };
            Some((operation, text::shown(&shown)))
        })
    })
}

/// `x-rust-name` renames a component, and every reference to it.
pub(super) fn take_rust_names(document: &mut Value) -> Result<()> {
    let old = std::mem::take(components_mut(document));
    let mut renamed = Map::new();
    let mut names = HashMap::new();
    for (name, mut schema) in old {
        let wanted = schema
            .as_object_mut()
            .and_then(|schema| schema.shift_remove("x-rust-name"))
            .and_then(|name| name.as_str().map(str::to_owned))
            .unwrap_or_else(|| names::of_type(&name));
        if renamed.contains_key(&wanted) {
            let pointer = text::shown(&pointer_segment(&name));
            bail!(
                "/components/schemas/{pointer}: two schemas would be named {wanted}, this is the \
                 second; name one with x-rust-name"
            );
        }
        names.insert(name, wanted.clone());
        renamed.insert(wanted, schema);
    }
    *components_mut(document) = renamed;
    document::walk_objects(document, &mut |object| {
        if let Some(Value::String(reference)) = object.get_mut("$ref")
            && let Some(name) = ref_name(reference).and_then(|name| names.get(name))
        {
            *reference = format!("#/components/schemas/{name}");
        }
    });
    if let Some(Value::String(name)) = document.get_mut("x-error-schema")
        && let Some(renamed) = names.get(name.as_str())
    {
        name.clone_from(renamed);
    }
    Ok(())
}

/// Makes a schema with properties and no type an object. progenitor treats it as any JSON.
pub(super) fn an_object_says_so(document: &mut Value) -> Result<()> {
    for_each(document, &mut |schema, _| {
        let is_object =
            schema.contains_key("properties") || schema.contains_key("additionalProperties");
        if is_object && !schema.contains_key("type") {
            schema.insert("type".into(), json!("object"));
        }
    });
    Ok(())
}

/// A type hides a sibling `allOf` or union, because progenitor reads only one of them. For an enum,
/// the values define the scalar, so the sibling is dropped. For an object, the sibling keywords
/// become another part.
pub(super) fn what_stands_beside_parts_is_a_part(document: &mut Value) -> Result<()> {
    for_each(document, &mut |schema, _| {
        let combined = ["allOf", "oneOf", "anyOf"].iter();
        if !combined.clone().any(|key| schema.contains_key(*key)) {
            return;
        }
        let ty = schema.get("type").and_then(Value::as_str);
        if schema.contains_key("enum") && ty.is_some_and(|ty| ty != "object" && ty != "array") {
            for key in combined {
                schema.shift_remove(*key);
            }
            return;
        }
        let holds = |key: &&str| match schema.get(*key) {
            Some(Value::Object(object)) => !object.is_empty(),
            Some(Value::Bool(_)) | None => false,
            Some(_) => true,
        };
        if ["properties", "additionalProperties"].iter().any(holds) {
            let keys = ["type", "properties", "required", "additionalProperties"];
            let part: Map<String, Value> = keys
                .iter()
                .filter_map(|key| Some(((*key).to_owned(), schema.shift_remove(*key)?)))
                .collect();
            match schema.get_mut("allOf").and_then(Value::as_array_mut) {
                Some(parts) => parts.push(Value::Object(part)),
                None => {
                    for key in ["oneOf", "anyOf"] {
                        if let Some(arms) = schema.shift_remove(key) {
                            let parts = json!([part, {key: arms}]);
                            schema.insert("allOf".into(), parts);
                            break;
                        }
                    }
                }
            }
        } else if ty == Some("object") {
            schema.shift_remove("type");
        }
    });
    Ok(())
}

/// OpenAPI ignores the siblings of a `$ref`. The description and `nullable` move to a wrapper.
pub(super) fn references_with_siblings_are_wrapped(document: &mut Value) -> Result<()> {
    for_each(document, &mut |schema, _| {
        if schema.len() > 1
            && let Some(reference) = schema.shift_remove("$ref")
        {
            schema.insert("allOf".into(), json!([{ "$ref": reference }]));
        }
    });
    Ok(())
}

/// Replaces references to an alias by references to its target. An alias would become a newtype.
pub(super) fn aliases_need_no_name(document: &mut Value) -> Result<()> {
    for_each(document, &mut |schema, _| {
        if let Some(Value::Array(parts)) = schema.get_mut("allOf")
            && parts.len() > 1
        {
            // `A & {}`
            let nothing = json!({"type": "object", "properties": {}});
            let only_nothing = parts.iter().all(|part| *part == nothing);
            parts.retain(|part| only_nothing || *part != nothing);
        }
    });
    let aliases: HashMap<String, String> = components(document)
        .iter()
        .filter_map(|(name, schema)| {
            let schema = schema.as_object()?;
            let says_more =
                |key: &String| !["$ref", "allOf", "description"].contains(&key.as_str());
            let target = only_reference(schema)?;
            (!schema.keys().any(says_more) && target != name)
                .then(|| (name.clone(), target.to_owned()))
        })
        .collect();
    document::walk_objects(document, &mut |object| {
        if let Some(Value::String(reference)) = object.get_mut("$ref") {
            // Bounded, because aliases may be cyclic. Another check refuses these.
            for _ in 0..aliases.len() {
                match ref_name(reference).and_then(|name| aliases.get(name)) {
                    Some(target) => *reference = format!("#/components/schemas/{target}"),
                    None => break,
                }
            }
        }
    });
    Ok(())
}

/// Replaces references to a map by the map, with the description of the reference or else of the
/// component. A map component would become a newtype.
pub(super) fn maps_need_no_name(document: &mut Value) -> Result<()> {
    // A map may contain another map by name.
    for _ in 0..components(document).len() {
        let maps = named_maps(document);
        let before = document.clone();
        for_each(document, &mut |schema, _| {
            let Some(map) = only_reference(schema).and_then(|name| maps.get(name)) else {
                return;
            };
            let own: Vec<_> = ["description", "nullable"]
                .into_iter()
                .filter_map(|key| Some((key.to_owned(), schema.get(key)?.clone())))
                .collect();
            schema.clone_from(map);
            schema.extend(own);
        });
        if *document == before {
            break;
        }
    }
    Ok(())
}

/// Returns the components that are maps, except recursive ones.
fn named_maps(document: &Value) -> HashMap<String, Map<String, Value>> {
    let is_map = |schema: &Map<String, Value>| {
        let values = schema.get("additionalProperties");
        let fields = schema.get("properties");
        values.is_some_and(|values| *values != json!(false))
            && fields.is_none_or(|fields| *fields == json!({}))
            && !schema.contains_key("allOf")
    };
    let holds_itself = |name: &String, schema: &Map<String, Value>| {
        let mut inside = Vec::new();
        let schema = Value::Object(schema.clone());
        document::refs_in(&schema, &mut inside);
        document::closure(document, inside).contains(name)
    };
    let all = components(document).into_iter();
    all.filter_map(|(name, schema)| match schema {
        Value::Object(schema) => Some((name, schema)),
        _ => None,
    })
    .filter(|(name, schema)| is_map(schema) && !holds_itself(name, schema))
    .collect()
}

/// Returns the component that a schema references, if the schema has nothing else but a
/// description.
fn only_reference(schema: &Map<String, Value>) -> Option<&str> {
    let reference = match schema.get("$ref") {
        Some(reference) => reference,
        None => match schema.get("allOf")?.as_array()?.as_slice() {
            [only] => only.get("$ref")?,
            _ => return None,
        },
    };
    ref_name(reference.as_str()?)
}

/// Removes schemas that nothing references after other rules. They would only cost compile time.
pub(super) fn unreached_schemas_go(document: &mut Value) -> Result<()> {
    let sides = Sides::of(document);
    components_mut(document)
        .retain(|name, _| sides.request.contains(name) || sides.response.contains(name));
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_rust_name_changes_every_reference() {
        let mut document = json!({
            "x-error-schema": "models.Old",
            "paths": {"/a": {"get": {"responses": {"200": {
                "content": {"application/json": {"schema": {
                    "$ref": "#/components/schemas/models.Old"}}}}}}}},
            "components": {"schemas": {"models.Old": {"x-rust-name": "New", "type": "string"}}}
        });
        take_rust_names(&mut document).unwrap();
        assert!(!document.to_string().contains("models.Old"), "{document}");
        assert_eq!(
            document["components"]["schemas"]["New"],
            json!({"type": "string"})
        );
    }

    #[test]
    fn two_schemas_with_one_name_are_an_error() {
        let mut document = json!({"components": {"schemas": {
            "A": {}, "B": {"x-rust-name": "A"}}}});
        let error = take_rust_names(&mut document).unwrap_err().to_string();
        assert!(error.contains("named A"), "{error}");
    }

    #[test]
    fn keywords_beside_all_of_become_a_part() {
        let to = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
        let after = |schema: Value| {
            let mut document = json!({"components": {"schemas": {"A": schema}}});
            what_stands_beside_parts_is_a_part(&mut document).unwrap();
            document["components"]["schemas"]["A"].take()
        };
        let constant = json!({"type": "string", "enum": ["a"], "allOf": [to("B")]});
        assert_eq!(after(constant), json!({"type": "string", "enum": ["a"]}));
        let object = json!({"type": "object", "allOf": [to("B")]});
        assert_eq!(after(object), json!({"allOf": [to("B")]}));
        let own = json!({"type": "object", "required": ["c"], "properties": {"c": {}}});
        let mut both = own.clone();
        both["allOf"] = json!([to("B")]);
        assert_eq!(after(both), json!({"allOf": [to("B"), own]}));
        let mut both = own.clone();
        both["oneOf"] = json!([to("B"), to("C")]);
        let wanted = json!({"allOf": [own, {"oneOf": [to("B"), to("C")]}]});
        assert_eq!(after(both), wanted);
    }

    #[test]
    fn a_description_beside_a_reference_is_kept() {
        let mut document = json!({"components": {"schemas": {"A": {"properties": {
            "b": {"$ref": "#/components/schemas/B", "description": "Words."}}}}}});
        references_with_siblings_are_wrapped(&mut document).unwrap();
        let b = &document["components"]["schemas"]["A"]["properties"]["b"];
        let wanted = json!({"description": "Words.",
                            "allOf": [{"$ref": "#/components/schemas/B"}]});
        assert_eq!(b, &wanted);
    }

    #[test]
    fn an_alias_is_replaced_by_its_target() {
        let to = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
        let mut document = json!({"components": {"schemas": {
            "A": {"properties": {"b": to("Alias")}},
            "Alias": {"description": "Another.", "allOf": [
                to("Real"), {"type": "object", "properties": {}}]},
            "Loop": to("Loop"), "Real": {"type": "object"}}}});
        aliases_need_no_name(&mut document).unwrap();
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["A"]["properties"]["b"], to("Real"));
    }

    #[test]
    fn a_map_component_is_inlined_unless_it_is_recursive() {
        let map = |of: &str| {
            json!({"type": "object", "description": "All.", "additionalProperties":
                                    {"$ref": format!("#/components/schemas/{of}")}})
        };
        let mut document = json!({"components": {"schemas": {
            "Plain": map("Item"), "Nested": map("Nested"), "Item": {"type": "string"},
            "A": {"properties": {
                "plain": {"$ref": "#/components/schemas/Plain"},
                "said": {"description": "Some.", "allOf": [{"$ref": "#/components/schemas/Plain"}]},
                "nested": {"$ref": "#/components/schemas/Nested"}}}}}});
        maps_need_no_name(&mut document).unwrap();
        let properties = &document["components"]["schemas"]["A"]["properties"];
        assert_eq!(properties["plain"], map("Item"));
        assert_eq!(properties["said"]["description"], "Some.");
        assert_eq!(properties["nested"]["$ref"], "#/components/schemas/Nested");
    }

    #[test]
    fn following_a_cyclic_reference_ends() {
        let components = json!({"A": {"$ref": "#/components/schemas/A"}});
        let components = components.as_object().unwrap();
        assert_eq!(resolved(components, &components["A"]), &components["A"]);
    }
}
