//! How Dune's lists page.
//!
//! - All lists count by `offset` and `limit`, and may send fewer items than requested.
//! - Queries and datasets report the `total`, but not the next page. The next page begins after the
//!   received items. The list ends at the total, or with a page without items. A short page is not
//!   the end.
//! - Uploads and materialized views name the next page in `next_offset`. If it is absent or 0,
//!   there is no next page. A page without items is not the end.

use rowfeed_client::codegen::Parameters as _;
use rowfeed_dune::{builder, types};

use super::state::{SERVICE, call};
use crate::{
    Error, Items, ItemsExt, ListCursor,
    lists::{Listing, Parameters, Response, items, text},
    parameter::{Parameter, count},
};

/// An operation, its default page size, its items, and the field that locates the next page.
macro_rules! lists {
    ($($builder:ident, $operation:literal, by $size:literal:
       $items:ident of $item:ident, $rule:ident($says:ident);)*) => {$(
        impl ItemsExt for builder::$builder {
            type Item = types::$item;

            fn items(self) -> Items<types::$item> {
                let listing = listing($operation, self.parameters(), &self.limit, &self.offset, $size);
                items(listing, move |request| {
                    let offset = request.position.cast_signed();
                    let list = self.clone().offset(offset).limit(request.items.cast_signed());
                    Box::pin(async move {
                        let page = list.send().await.map_err(call)?.into_inner();
                        Ok(Response {
                            position: request.position,
                            next: $rule(offset, page.$items.len(), page.$says),
                            items: page.$items,
                            page_size: None,
                        })
                    })
                })
            }
        }
    )*};
}

lists! {
    ListQueries, "list_queries", by 20: queries of QueryOverview, until_total(total);
    ListDatasets, "list_datasets", by 250: datasets of Dataset, until_total(total);
    ListUploads, "list_uploads", by 1_000: tables of TableListElement, named(next_offset);
    ListMaterializedViews, "list_materialized_views", by 1_000:
        materialized_views of MaterializedViewListElement, named(next_offset);
}

fn until_total(offset: i64, items: usize, total: Option<i64>) -> Option<i64> {
    let next = offset.saturating_add_unsigned(items as u64);
    let is_last = items == 0 || total.is_some_and(|total| next >= total);
    (!is_last).then_some(next)
}

fn named(_offset: i64, _items: usize, next: Option<i64>) -> Option<i64> {
    next.filter(|&next| next != 0)
}

fn listing(
    operation: &'static str,
    parameters: Parameters,
    limit: &Parameter,
    offset: &Parameter,
    page_size: u32,
) -> Result<Listing, Error> {
    let start = ListCursor::start(SERVICE, operation, text(parameters));
    Ok(Listing {
        service: SERVICE,
        start: start.at(count(SERVICE, "offset", offset)?.unwrap_or(0)),
        at_most: count(SERVICE, "limit", limit)?,
        page_size,
    })
}
