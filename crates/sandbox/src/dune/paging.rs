//! The two ways in which Dune pages its lists.

use serde_json::{Map, Value, json};

use super::errors;
use crate::exchange::{Answer, Request};

/// The largest page of a list.
const MOST: usize = 10_000;

/// Returns a page of a list with `next_offset` while there are more items.
pub(super) fn with_next_offset(
    request: &Request,
    key: &str,
    items: Vec<Value>,
    default: usize,
) -> Answer {
    let (limit, offset) = match place(request, default, MOST) {
        Ok(place) => place,
        Err(answer) => return answer,
    };
    let total = items.len();
    let page: Vec<Value> = items.into_iter().skip(offset).take(limit).collect();
    let next = offset + page.len();
    let mut body = Map::new();
    body.insert(key.to_owned(), page.into());
    if next < total {
        body.insert("next_offset".to_owned(), next.into());
    }
    Answer::json(200, &body)
}

/// Returns a page of a list with the total number of items.
pub(super) fn with_total(
    request: &Request,
    key: &str,
    items: Vec<Value>,
    default: usize,
    most: usize,
) -> Answer {
    let (limit, offset) = match place(request, default, most) {
        Ok(place) => place,
        Err(answer) => return answer,
    };
    let total = items.len();
    let page: Vec<Value> = items.into_iter().skip(offset).take(limit).collect();
    Answer::json(200, &json!({ key: page, "total": total }))
}

fn place(request: &Request, default: usize, most: usize) -> Result<(usize, usize), Answer> {
    let number = |name: &str, default: usize| match request.query(name) {
        None | Some("") => Ok(default),
        Some(text) => text.parse::<usize>().map_err(|_| {
            let message = format!("invalid value for {name}: {text}");
            errors::error(400, &message)
        }),
    };
    Ok((number("limit", default)?.min(most), number("offset", 0)?))
}
