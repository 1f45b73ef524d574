//! How Lightdash's lists page.
//!
//! - Pages count from 1. All pages but the last have the requested size.
//! - `pagination` of a response has the number of the page, its size, and the number of pages. The
//!   last page ends the list. A server that does not allow the requested size responds with another
//!   `pageSize`, and reading continues with that size.
//! - Servers that send no `pagination` send the whole list at once, or full pages until the last
//!   one.

use std::future::Future;

use rowfeed_client::codegen::Parameters as _;
use rowfeed_lightdash::{builder, types};
use serde::Serialize;

use super::state::{SERVICE, call, paging};
use crate::{
    Error, Items, ItemsExt, ListCursor,
    lists::{Listing, Parameters, Request, Response, items, text},
    parameter::{Parameter, count, first_page},
};

/// The largest page of the query history. No limit is known for content.
const PAGE_SIZE: u32 = 100;

macro_rules! lists {
    ($($builder:ident, $operation:literal: $item:ident;)*) => {$(
        impl ItemsExt for builder::$builder {
            type Item = types::$item;

            fn items(self) -> Items<types::$item> {
                let listing = listing($operation, self.parameters(), &self.page, &self.page_size);
                items(listing, move |request| {
                    let list = self.clone();
                    Box::pin(read(request, move |page, size| {
                        let (page, size) = (page.cast_signed(), size.cast_signed());
                        let list = list.clone().page(page).page_size(size);
                        async move {
                            let answer = list.send().await.map_err(call)?.into_inner();
                            Ok((answer.results.data, answer.results.pagination))
                        }
                    }))
                })
            }
        }
    )*};
}

lists! {
    ListContent, "list_content": ContentItem;
    GetQueryHistory, "get_query_history": QueryHistoryItem;
}

fn listing(
    operation: &'static str,
    parameters: Parameters,
    page: &Parameter,
    page_size: &Parameter,
) -> Result<Listing, Error> {
    first_page(SERVICE, "items()", page)?;
    Ok(Listing {
        service: SERVICE,
        start: ListCursor::start(SERVICE, operation, text(parameters)),
        at_most: None,
        page_size: count(SERVICE, "page_size", page_size)?.unwrap_or(PAGE_SIZE),
    })
}

/// Requests the page with the first item that is needed.
async fn read<T, F>(request: Request, fetch: impl Fn(u64, u64) -> F) -> Result<Response<T>, Error>
where
    T: Serialize,
    F: Future<Output = Result<(Vec<T>, Option<types::Pagination>), Error>>,
{
    let position = request.position;
    // After the first page, the size determines where pages begin, so it must stay the same.
    let mut size = match position {
        0 => request.items,
        _ => request.page_size,
    };
    let mut is_settled = false;
    loop {
        let page = position / size + 1;
        let (items, pagination) = fetch(page, size).await?;
        let mut is_last = items.len() as u64 != size;
        if let Some(pagination) = pagination {
            if pagination.page != page.cast_signed() {
                let sent = pagination.page;
                let message = format!("page {sent} was sent where page {page} was requested");
                return Err(paging(message));
            }
            is_last = page.cast_signed() >= pagination.total_page_count;
            let own = u64::try_from(pagination.page_size).unwrap_or(0);
            if own != 0 && own != size {
                if is_settled {
                    return Err(paging(format!(
                        "pages of {own} items were sent where {size} were requested, which was the server's \
                         own size before"
                    )));
                }
                (is_settled, size) = (true, own);
                if position / size + 1 != page {
                    continue;
                }
            }
        }
        return Ok(Response {
            position: (page - 1) * size,
            items,
            next: (!is_last).then(|| (page * size).cast_signed()),
            page_size: Some(size),
        });
    }
}
