#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::codegen::rewrite::operations;

fn sample() -> File {
    parse_quote! {
        pub mod builder {
            pub struct GetIt {
                client: super::Client,
                page: Result<Option<i64>, String>,
                kinds: Result<::std::vec::Vec<crate::types::Kind>, String>,
                params: Result<Option<::indexmap::IndexMap<::std::string::String, f64>>, String>,
                body: Result<types::builder::Ask, String>,
            }
            impl GetIt {
                pub fn new(client: &super::Client) -> Self {
                    Self { kinds: Err("kinds was not initialized".to_string()) }
                }
                /// Which.
                pub fn page<V>(mut self, value: V) -> Self where V: std::convert::TryInto<i64> {
                    self.page = value.try_into().map(Some)
                        .map_err(|_| "conversion to `i64` for page failed".to_string());
                    self
                }
                pub fn kinds<V>(mut self, value: V) -> Self {
                    self.kinds = value.try_into()
                        .map_err(|_| "conversion to `Vec < types :: Kind >` for kinds failed".to_string());
                    self
                }
                pub fn params<V>(mut self, value: V) -> Self {
                    self.params = value.try_into().map(Some)
                        .map_err(|_| "conversion to `Map` for params failed".to_string());
                    self
                }
                pub fn body<V>(mut self, value: V) -> Self {
                    self.body = value.try_into().map(From::from)
                        .map_err(|s| format!("conversion to `Ask` for body failed: {}", s));
                    self
                }
                pub fn body_map<F>(mut self, f: F) -> Self { self.body = self.body.map(f); self }
            }
        }
        pub mod types {
            pub struct Uuid(String);
            impl ::std::str::FromStr for Uuid {
                fn from_str(value: &str) -> Result<Self, ()> {
                    if PATTERN.find(value).is_none() {
                        return Err("doesn't match pattern \"^[0-9]$\"".into());
                    }
                    Ok(Self(value.to_string()))
                }
            }
            pub mod builder {
                pub struct Ask {
                    sql: ::std::result::Result<::std::string::String, ::std::string::String>,
                    limit: ::std::result::Result<::std::option::Option<i64>, ::std::string::String>,
                    extra: ::std::result::Result<
                        ::serde_json::Map<::std::string::String, ::serde_json::Value>,
                        ::std::string::String>,
                }
                impl ::std::default::Default for Ask {
                    fn default() -> Self {
                        Self {
                            sql: Err("no value supplied for sql".to_string()),
                            limit: Ok(Default::default()),
                            extra: Ok(Default::default()),
                        }
                    }
                }
                impl Ask {
                    pub fn sql<T>(mut self, value: T) -> Self {
                        self.sql = value.try_into()
                            .map_err(|e| format!("error converting supplied value for sql: {e}"));
                        self
                    }
                    pub fn limit<T>(mut self, value: T) -> Self {
                        self.limit = value.try_into()
                            .map_err(|e| format!("error converting supplied value for limit: {e}"));
                        self
                    }
                    pub fn extra<T>(mut self, value: T) -> Self {
                        self.extra = value.try_into()
                            .map_err(|e| format!("error converting supplied value for extra: {e}"));
                        self
                    }
                }
            }
        }
    }
}

fn described() -> Operations {
    let parameter = |name: &str| json!({"name": name, "in": "query"});
    operations::of(&json!({"paths": {"/it": {"get": {
        "operationId": "get-it",
        "parameters": [parameter("page"), parameter("kinds"), parameter("params")],
        "requestBody": {}}}}}))
}

#[track_caller]
fn has(text: &str, wanted: &str) {
    let squeeze = |text: &str| text.split_whitespace().collect::<String>();
    let (text, wanted) = (squeeze(text).replace(",)", ")"), squeeze(wanted));
    assert!(text.contains(&wanted), "{wanted}\n{text}");
}

#[test]
fn the_error_of_a_setter_names_the_expected_type() {
    let mut file = sample();
    of_operations(&mut file, &described()).unwrap();
    let text = prettyplease::unparse(&file);
    has(
        &text,
        "///Which.\n pub fn page<V>(mut self, value: V) -> Self where
        V: ::std::convert::TryInto<i64>, V::Error: ::std::fmt::Display, {
        self.page = codegen::value(\"page\", \"get_it\", value).map(Some);",
    );
    has(
        &text,
        "self.body = codegen::value::<types::Ask, _>(\"body\", \"get_it\", value)
        .map(From::from);",
    );
    has(
        &text,
        "kinds: Err(\"`kinds` of `get_it` is not set\".to_string())",
    );
    has(&text, "self.body = self.body.map(f);");
    let said = of_operations(&mut file, &described())
        .unwrap_err()
        .to_string();
    assert!(said.contains("is initialized with Err"), "{said}");
}

#[test]
fn setters_of_lists_and_maps_accept_any_iterator() {
    let mut file = sample();
    of_operations(&mut file, &described()).unwrap();
    let text = prettyplease::unparse(&file);
    has(
        &text,
        "pub fn kinds<I, V>(mut self, values: I) -> Self where
        I: ::std::iter::IntoIterator<Item = V>,
        V: ::std::convert::TryInto<crate::types::Kind>,",
    );
    has(
        &text,
        "pub fn params<I, K, V>(mut self, entries: I) -> Self where
        I: ::std::iter::IntoIterator<Item = (K, V)>,
        K: ::std::convert::Into<::std::string::String>,
        V: ::std::convert::TryInto<f64>,",
    );
    has(
        &text,
        "self.params = codegen::map(\"params\", \"get_it\", entries).map(Some);",
    );
}

#[test]
fn the_error_of_a_setter_names_the_type_of_the_field() {
    let mut file = sample();
    of_types(&mut file).unwrap();
    let text = prettyplease::unparse(&file);
    has(&text, "sql: Err(\"`sql` of `Ask` is not set\".to_string())");
    has(&text, "self.sql = codegen::value(\"sql\", \"Ask\", value);");
    has(
        &text,
        "V: ::std::convert::TryInto<i64>, V::Error: ::std::fmt::Display, {
         self.limit = codegen::value(\"limit\", \"Ask\", value).map(Some);",
    );
    has(
        &text,
        "self.extra = codegen::map(\"extra\", \"Ask\", entries);",
    );
    let said = of_types(&mut file).unwrap_err().to_string();
    assert!(said.contains("is initialized with Err"), "{said}");
}

#[test]
fn the_error_of_a_pattern_shows_the_value() {
    let patterns = BTreeMap::from([("Uuid".to_owned(), "^[0-9]$".to_owned())]);
    let mut file = sample();
    show_what_does_not_match(&mut file, &patterns).unwrap();
    let text = prettyplease::unparse(&file);
    has(
        &text,
        "return Err(::rowfeed_client::codegen::mismatch(value, \"^[0-9]$\").into())",
    );
    let said = show_what_does_not_match(&mut file, &patterns)
        .unwrap_err()
        .to_string();
    assert!(said.contains("types with a pattern"), "{said}");
}
