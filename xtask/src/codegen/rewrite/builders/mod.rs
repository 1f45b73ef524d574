//! The builder of each operation.

mod header;
mod members;
mod own;
mod parameters;
mod query;
mod responses;
mod send_as;
mod setters;
mod url;
mod wire;

use anyhow::Result;
use syn::{File, ImplItem, ImplItemFn, Item, ItemImpl};

use super::{module, operations::Operations, self_name};

pub(super) use header::add_headers;
pub(super) use members::{Members, of_bodies};
pub(super) use own::own_the_client;
pub(super) use parameters::{show_parameters, tell_parameters};
pub(super) use query::one_query;
pub(super) use responses::{call_error, no_body_is_none};
pub(super) use send_as::decode_as;
pub(super) use setters::{of_operations, of_types, show_what_does_not_match};
pub(super) use url::parse_urls;
pub(super) use wire::names_of_the_wire;

/// Returns the functions that send the requests of operations.
fn sends<'a>(
    file: &'a mut File,
    operations: &'a Operations,
) -> Result<impl Iterator<Item = &'a mut ImplItemFn>> {
    let items = module(&mut file.items, "builder")?.iter_mut();
    let implementations = items.filter_map(|item| match item {
        Item::Impl(item) => Some(item),
        _ => None,
    });
    let of_operations = implementations.filter(|item| {
        self_name(item).is_some_and(|name| operations.contains_key(&name.to_string()))
    });
    Ok(of_operations
        .flat_map(functions)
        .filter(|function| function.sig.ident == "send"))
}

fn functions(item: &mut ItemImpl) -> impl Iterator<Item = &mut ImplItemFn> {
    item.items.iter_mut().filter_map(|item| match item {
        ImplItem::Fn(function) => Some(function),
        _ => None,
    })
}

fn text(tokens: &impl quote::ToTokens) -> String {
    tokens.to_token_stream().to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;
    use syn::{File, Stmt, parse_quote};

    use super::super::operations::{self, Operations};

    pub(super) fn sample(extra_header: bool) -> File {
        let extra: Option<Stmt> = extra_header.then(|| {
            parse_quote!(if let Some(value) = key {
                header_map.append("K", value);
            })
        });
        parse_quote! {
            impl Client {
                pub fn get_it(&self) -> builder::GetIt<'_> { builder::GetIt::new(self) }
            }
            pub mod builder {
                #[derive(Debug, Clone)]
                pub struct GetIt<'a> { client: &'a super::Client, id: Result<String, String> }
                impl<'a> GetIt<'a> {
                    pub fn new(client: &'a super::Client) -> Self {
                        Self { client: client, id: Err("id".to_string()) }
                    }
                    pub fn id<V>(mut self, value: V) -> Self { self }
                    pub async fn send(self) -> Result<(), ()> {
                        let url = format!("{}/it/{}", client.baseurl, encode_path(&id.to_string()),);
                        let mut header_map = HeaderMap::with_capacity(1usize);
                        header_map.append(HeaderName::from_static("api-version"), V);
                        #extra
                        let mut request = client.client.get(url).headers(header_map).build()?;
                    }
                }
            }
        }
    }

    pub(super) fn described(extra_header: bool) -> Operations {
        let mut list = vec![json!({"name": "id", "in": "path", "description": "Which."})];
        if extra_header {
            list.push(json!({"name": "K", "in": "header"}));
        }
        operations::of(&json!({"paths": {"/it/{id}": {"get": {
            "operationId": "get_it", "parameters": list}}}}))
    }
}
