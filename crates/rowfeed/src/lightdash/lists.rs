//! How Lightdash's lists page.
//!
//! - Pages count from 1, and all have the size that was asked for but the last.
//! - `pagination` of an answer says which page it is, of which size, and how many there are: the
//!   list ends with the last of them. A server that allows no pages of the size asked for says so
//!   by another `pageSize`; reading goes on with that one.
//! - Servers that send no `pagination` send everything at once, or a page that is short only if it
//!   is the last.

use std::future::Future;

use rowfeed_lightdash::{builder, types};
use serde::Serialize;

use super::state::{SERVICE, call};
use crate::{
    Error, ErrorKind, Items, ListCursor, ListsItems,
    items::{ListPage, Listing, Wanted},
    lists::Parameters,
};

/// The most that the history of queries allows; content has no limit that is known.
const PAGE_SIZE: u64 = 100;

macro_rules! lists {
    ($($builder:ident, $operation:literal: $item:ident;)*) => {$(
        impl ListsItems for builder::$builder {
            type Item = types::$item;

            fn items(self) -> Items<types::$item> {
                let listing = listing($operation, self.__parameters(), &self.page, &self.page_size);
                Items::new(listing, move |wanted| {
                    let list = self.clone();
                    Box::pin(read(wanted, move |page, size| {
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
    page: &Result<Option<i64>, String>,
    page_size: &Result<Option<i64>, String>,
) -> Result<Listing, Error> {
    let invalid = |message: String| Error::invalid(SERVICE, message);
    match page {
        Ok(None | Some(1)) => {}
        Ok(Some(_)) => {
            let message = "items() begins with the first page; send() fetches a single one";
            return Err(invalid(message.to_owned()));
        }
        Err(message) => return Err(invalid(message.clone())),
    }
    let page_size = match page_size {
        Ok(None) => PAGE_SIZE,
        Ok(Some(size)) => u64::try_from(*size)
            .map_err(|_| invalid(format!("a page size of {size} items was asked for")))?,
        Err(message) => return Err(invalid(message.clone())),
    };
    Ok(Listing {
        service: SERVICE,
        start: ListCursor::start(SERVICE, operation, parameters),
        at_most: None,
        page_size,
    })
}

/// The page with the item that is wanted next, from that item on.
async fn read<T, F>(wanted: Wanted, fetch: impl Fn(u64, u64) -> F) -> Result<ListPage<T>, Error>
where
    T: Serialize,
    F: Future<Output = Result<(Vec<T>, Option<types::Pagination>), Error>>,
{
    let paging = |message| Err(Error::new(ErrorKind::Paging, SERVICE, message));
    let position = wanted.position;
    // Behind the beginning the size decides where pages begin, so it stays as it is.
    let mut size = match position {
        0 => wanted.size(),
        _ => wanted.page_size,
    };
    let mut is_settled = false;
    loop {
        let page = position / size + 1;
        let (items, pagination) = fetch(page, size).await?;
        let is_last = match pagination {
            None => items.len() as u64 != size,
            Some(pagination) => {
                if pagination.page != page.cast_signed() {
                    return paging(format!(
                        "page {} was sent where page {page} was asked for",
                        pagination.page
                    ));
                }
                match u64::try_from(pagination.page_size) {
                    Ok(0) | Err(_) => {}
                    Ok(own) if own == size => {}
                    Ok(own) if is_settled => {
                        return paging(format!(
                            "pages of {own} items were sent where {size} were asked for, the \
                             server's own size before"
                        ));
                    }
                    Ok(own) => {
                        is_settled = true;
                        size = own;
                        if position / own + 1 != page {
                            continue;
                        }
                    }
                }
                page.cast_signed() >= pagination.total_page_count
            }
        };
        let next = (!is_last).then(|| (page * size).cast_signed());
        let skipped = position - (page - 1) * size;
        let page = ListPage::new(items, next).without_first(skipped);
        return Ok(page.of_size(size));
    }
}
