//! Setters of the members of a body on the builder of its operation: `.sql(…)` beside `.body(…)`.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use syn::{
    Attribute, File, Ident, ImplItem, Item, Path, Type, parse_quote,
    visit_mut::{self, VisitMut},
};

use super::{
    functions,
    setters::{Takes, fields},
};
use crate::codegen::rewrite::{
    docs, inside, module,
    operations::{self, Operations, Parameter, exactly},
    self_name,
};

/// The names of the methods of a builder, including those that the facade adds, and of its client.
/// A member with such a name can only be set in the body.
const TAKEN: [&str; 11] = [
    "client", "new", "send", "body", "body_map", "rows", "pages", "run", "items", "csv", "codegen",
];

/// Returns the members that have a setter, by the builder of their operation.
pub(in crate::codegen::rewrite) type Members = BTreeMap<String, Vec<Member>>;

/// A member of a body, with the type of its setter.
pub(in crate::codegen::rewrite) struct Member {
    pub(in crate::codegen::rewrite) name: Ident,
    pub(in crate::codegen::rewrite) ty: Type,
    pub(in crate::codegen::rewrite) is_optional: bool,
}

/// Adds the setters of the builder of the body to the builders of operations, with their
/// documentation.
pub(in crate::codegen::rewrite) fn of_bodies(
    file: &mut File,
    operations: &Operations,
) -> Result<Members> {
    let setters = of_types(module(&mut file.items, "types")?);
    let (mut wanted, mut found) = (0, 0);
    let mut all = Members::new();
    let builders = module(&mut file.items, "builder")?;
    let bodies = fields(builders);
    for item in builders {
        let Item::Impl(item) = item else { continue };
        let Some(builder) = self_name(item).filter(|_| item.trait_.is_none()) else {
            continue;
        };
        let builder = builder.to_string();
        let Some(operation) = operations.get(&builder) else {
            continue;
        };
        let is_free = |member: &&operations::Member| {
            let is_it = |parameter: &Parameter| parameter.name == member.name;
            !TAKEN.contains(&member.name.as_str()) && !operation.parameters.iter().any(is_it)
        };
        let free: Vec<_> = operation.members.iter().filter(is_free).collect();
        wanted += free.len();
        if free.is_empty() {
            continue;
        }
        let body = bodies.get(&(builder.clone(), "body".to_owned()));
        let body = body.and_then(|ty| match ty {
            Type::Path(path) => Some(path.path.segments.last()?.ident.to_string()),
            _ => None,
        });
        let Some(body) = body else { continue };
        for member in free {
            let place = (body.clone(), member.name.clone());
            let Some((name, ty, attributes)) = setters.get(&place) else {
                bail!(
                    "rewrite: the body of {} has the member {}, and {body} has no setter of this \
                     name",
                    operation.id,
                    member.name
                );
            };
            let optional = inside(ty, "Option");
            let takes = Takes::of(optional.unwrap_or(ty));
            let argument = takes.argument();
            let statement = parse_quote!(self.body = self.body.map(|body| body.#name(#argument)));
            let setter = takes.setter(name, attributes, &statement);
            let at = item.items.iter().rposition(
                |item| matches!(item, ImplItem::Fn(function) if function.sig.ident == "send"),
            );
            item.items.insert(at.unwrap_or(0), ImplItem::Fn(setter));
            all.entry(builder.clone()).or_default().push(Member {
                name: name.clone(),
                ty: optional.unwrap_or(ty).clone(),
                is_optional: !member.is_required,
            });
            found += 1;
        }
    }
    exactly("setters of body members", wanted, found)?;
    Ok(all)
}

type Setters = BTreeMap<(String, String), (Ident, Type, Vec<Attribute>)>;

/// Returns the setters of the builders of types, by type and property.
fn of_types(types: &mut [Item]) -> Setters {
    let mut found = Setters::new();
    let Ok(builders) = module(types, "builder") else {
        return found;
    };
    let mut fields = fields(builders);
    for item in builders {
        let Item::Impl(item) = item else { continue };
        let Some(of) = self_name(item).filter(|_| item.trait_.is_none()) else {
            continue;
        };
        let of = of.to_string();
        for function in functions(item) {
            let name = function.sig.ident.clone();
            let Some(mut ty) = fields.remove(&(of.clone(), name.to_string())) else {
                continue;
            };
            FromOperations.visit_type_mut(&mut ty);
            let is_words = |attribute: &&Attribute| docs::text(attribute).is_some();
            let words = function.attrs.iter().filter(is_words).cloned().collect();
            let key = name.to_string().trim_end_matches('_').to_owned();
            found.insert((of.clone(), key), (name, ty, words));
        }
    }
    found
}

/// Replaces `super::X`, which builders of types use, by `types::X`.
struct FromOperations;

impl VisitMut for FromOperations {
    fn visit_path_mut(&mut self, path: &mut Path) {
        visit_mut::visit_path_mut(self, path);
        if let Some(first) = path.segments.first_mut()
            && first.ident == "super"
        {
            first.ident = parse_quote!(types);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample() -> File {
        parse_quote! {
            pub mod builder {
                pub struct RunIt { id: Result<i64, String>, body: Result<types::builder::Ask, String> }
                impl RunIt {
                    pub fn id<V>(mut self, value: V) -> Self { self }
                    pub async fn send(self) {}
                }
            }
            pub mod types {
                pub mod builder {
                    pub struct Ask {
                        sql: ::std::result::Result<::std::string::String, ::std::string::String>,
                        part: ::std::result::Result<::std::option::Option<super::Part>, ::std::string::String>,
                        type_: ::std::result::Result<::std::vec::Vec<super::Kind>, ::std::string::String>,
                        id: ::std::result::Result<i64, ::std::string::String>,
                        run: ::std::result::Result<i64, ::std::string::String>,
                    }
                    impl Ask {
                        #[doc = " The SQL."]
                        pub fn sql<V>(mut self, value: V) -> Self { self }
                        pub fn part<V>(mut self, value: V) -> Self { self }
                        pub fn type_<V>(mut self, value: V) -> Self { self }
                        pub fn id<V>(mut self, value: V) -> Self { self }
                        pub fn run<V>(mut self, value: V) -> Self { self }
                    }
                }
            }
        }
    }

    fn described(properties: &[&str]) -> Operations {
        let properties: serde_json::Map<_, _> = properties
            .iter()
            .map(|name| ((*name).to_owned(), json!({"type": "string"})))
            .collect();
        operations::of(&json!({
            "paths": {"/it": {"post": {
                "operationId": "run_it",
                "parameters": [{"name": "id", "in": "query"}],
                "requestBody": {"content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/Ask"}}}}}}},
            "components": {"schemas": {"Ask": {"allOf": [
                {"type": "object", "properties": properties}]}}}}))
    }

    fn rewritten() -> String {
        let mut file = sample();
        let described = described(&["sql", "part", "type", "id", "run"]);
        let members = of_bodies(&mut file, &described).unwrap();
        assert_eq!(members["RunIt"].len(), 3);
        let text = prettyplease::unparse(&file);
        let operation = text.split("mod types").next().unwrap();
        operation.split_whitespace().collect::<String>()
    }

    #[test]
    fn a_member_setter_changes_the_body_that_is_set() {
        let text = rewritten();
        for wanted in [
            "///TheSQL.pubfnsql<V>(mutself,value:V)->Self",
            "self.body=self.body.map(|body|body.sql(value));",
            "V:::std::convert::TryInto<types::Part>",
            "self.body=self.body.map(|body|body.part(value));",
            "pubfntype_<I,V>(mutself,values:I)->Self",
        ] {
            assert!(text.contains(wanted), "{wanted}\n{text}");
        }
    }

    #[test]
    fn a_member_named_like_a_parameter_or_a_method_has_no_setter() {
        let text = rewritten();
        assert_eq!(text.matches("pubfnid<").count(), 1, "{text}");
        assert!(!text.contains("pubfnrun<"), "{text}");
    }

    #[test]
    fn a_member_without_a_body_setter_is_an_error() {
        let said = of_bodies(&mut sample(), &described(&["gone"]));
        let said = said.map(|_| ()).unwrap_err().to_string();
        assert!(said.contains("run_it has the member gone"), "{said}");
    }
}
