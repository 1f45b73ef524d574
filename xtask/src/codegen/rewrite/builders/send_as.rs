//! The type of a response.

use anyhow::Result;
use syn::{
    File, GenericArgument, ImplItem, ImplItemFn, Item, PathArguments, ReturnType, Type, parse_quote,
};

use crate::codegen::rewrite::{
    inside, module,
    operations::{Operation, Operations, exactly},
    self_name,
};

/// Adds `send_as`, which decodes the body of a success as a type of the caller. `send` calls it.
pub(in crate::codegen::rewrite) fn decode_as(
    file: &mut File,
    operations: &Operations,
) -> Result<()> {
    let mut found = 0;
    for item in module(&mut file.items, "builder")? {
        let Item::Impl(item) = item else { continue };
        let operation = self_name(item).and_then(|name| operations.get(&name.to_string()));
        if item.trait_.is_some() || !operation.is_some_and(Operation::has_one_type) {
            continue;
        }
        let mut methods = item.items.iter_mut().enumerate();
        let send = methods.find_map(|(at, item)| match item {
            ImplItem::Fn(function) if function.sig.ident == "send" => Some((at, function)),
            _ => None,
        });
        let Some((at, send)) = send else { continue };
        let mut send_as = send.clone();
        if !takes_a_type(&mut send_as) {
            continue;
        }
        send.block = parse_quote!({ self.send_as().await });
        item.items.insert(at + 1, ImplItem::Fn(send_as));
        found += 1;
    }
    let wanted = operations.values().filter(|op| op.has_one_type());
    exactly("types of responses", wanted.count(), found)
}

/// Changes `send` into `send_as`. Returns false if it returns no [`ResponseValue`].
///
/// [`ResponseValue`]: https://docs.rs/rowfeed-client
fn takes_a_type(send: &mut ImplItemFn) -> bool {
    let ReturnType::Type(_, output) = &mut send.sig.output else {
        return false;
    };
    let Some(response) = first_of(output, "Result").and_then(|ty| first_of(ty, "ResponseValue"))
    else {
        return false;
    };
    *response = parse_quote!(T);
    send.sig.ident = parse_quote!(send_as);
    send.sig.generics = parse_quote!(<T>);
    send.sig.generics.where_clause = Some(parse_quote!(where T: ::serde::de::DeserializeOwned));
    send.attrs = parse_quote! {
        /// Sends the request as [`send`](Self::send) does, but decodes the body of a success as `T`, which has only the members that you need.
    };
    true
}

/// Returns `T` of `NAME<T, …>`.
fn first_of<'a>(ty: &'a mut Type, name: &str) -> Option<&'a mut Type> {
    inside(ty, name)?;
    let Type::Path(path) = ty else { return None };
    let PathArguments::AngleBracketed(arguments) = &mut path.path.segments.last_mut()?.arguments
    else {
        return None;
    };
    match arguments.args.first_mut()? {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::codegen::rewrite::operations;

    fn described(content: &str, more: Value) -> Operations {
        let mut operation = json!({"operationId": "get_it", "responses": {
            "200": {"content": {content: {"schema": {}}}}, "404": {}}});
        let more = more.as_object().unwrap().clone();
        operation.as_object_mut().unwrap().extend(more);
        operations::of(&json!({"paths": {"/it": {"get": operation}}}))
    }

    fn sample() -> File {
        parse_quote! {
            pub mod builder {
                impl GetIt {
                    /// Sends a request.
                    pub async fn send(self) -> Result<ResponseValue<types::It>, CallError<types::Why>> {
                        match status {
                            200u16 => ResponseValue::from_response(response).await,
                            _ => Err(CallError::unexpected_response(response)),
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_caller_chooses_the_type() {
        let mut file = sample();
        decode_as(&mut file, &described("application/json", json!({}))).unwrap();
        let text = prettyplease::unparse(&file);
        let text: Vec<&str> = text.split_whitespace().collect();
        let text = text.join(" ");
        for wanted in [
            "/// Sends a request. pub async fn send( self, ) -> Result<ResponseValue<types::It>, \
             CallError<types::Why>> { self.send_as().await }",
            "pub async fn send_as<T>(self) -> Result<ResponseValue<T>, CallError<types::Why>> \
             where T: ::serde::de::DeserializeOwned, { match status { 200u16 =>",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
    }

    #[test]
    fn operations_without_json_keep_their_type() {
        for described in [
            described("text/csv", json!({})),
            described("application/json", json!({"x-no-body": ["204"]})),
        ] {
            let mut file = sample();
            decode_as(&mut file, &described).unwrap();
            assert_eq!(file, sample());
        }
    }

    #[test]
    fn another_form_of_progenitors_output_is_an_error() {
        let mut file: File = parse_quote! {
            pub mod builder {
                impl GetIt { pub async fn send(self) -> Response { panic!() } }
            }
        };
        let said = decode_as(&mut file, &described("application/json", json!({})));
        let said = said.unwrap_err().to_string();
        assert!(
            said.contains("types of responses: expected 1 changes, made 0"),
            "{said}"
        );
    }
}
