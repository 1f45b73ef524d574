//! Code that all lists share: it fetches one page after the other.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use serde::Serialize;

use crate::{
    Error, ErrorKind, Items, ListCursor,
    items::ListPage,
    paging::{BoxFuture, FetchOptions, FetchPlan, Source},
};

/// The part of a list to read.
pub(crate) struct Listing {
    pub(crate) service: &'static str,
    /// The place of the first item.
    pub(crate) start: ListCursor,
    /// How many items to read.
    pub(crate) at_most: Option<u64>,
    /// The default size of a page.
    pub(crate) page_size: u32,
}

/// The page to request next.
#[derive(Clone, Copy)]
pub(crate) struct Request {
    /// The position of the first item that is needed.
    pub(crate) position: u64,
    /// The size of the pages.
    pub(crate) page_size: u64,
    /// How many items are needed, at most one page.
    pub(crate) items: u64,
}

/// The response to such a request.
pub(crate) struct Response<T> {
    /// The position of the first item of the page.
    pub(crate) position: u64,
    pub(crate) items: Vec<T>,
    /// Where the next page begins; `None` if there is none.
    pub(crate) next: Option<i64>,
    /// The page size to continue with, if the service uses its own.
    pub(crate) page_size: Option<u64>,
}

/// Items that `fetch` gets page by page.
pub(crate) fn items<T, F>(listing: Result<Listing, Error>, fetch: F) -> Items<T>
where
    T: Serialize + Send + 'static,
    F: Fn(Request) -> BoxFuture<Result<Response<T>, Error>> + Send + 'static,
{
    let listing = match listing {
        Ok(listing) => listing,
        Err(error) => return Items::failed(error),
    };
    let (start, page_size) = (listing.start.clone(), listing.page_size);
    let paging = Paging {
        next: Some(start.position()),
        listing,
        fetch,
        page_size: None,
        seen: HashSet::new(),
    };
    Items::from_source(paging, start).page_size(page_size)
}

struct Paging<F> {
    listing: Listing,
    fetch: F,
    /// Where the next page begins; `None` after the last page.
    next: Option<u64>,
    /// The service's own page size, once it is known.
    page_size: Option<u64>,
    /// The fingerprints of the pages so far.
    seen: HashSet<u64>,
}

impl<T, F> Source for Paging<F>
where
    T: Serialize + Send + 'static,
    F: Fn(Request) -> BoxFuture<Result<Response<T>, Error>> + Send + 'static,
{
    type Response = Response<T>;
    type Page = ListPage<T>;

    fn service(&self) -> &'static str {
        self.listing.service
    }

    fn limit(&self) -> Result<Option<u64>, Error> {
        Ok(self.listing.at_most)
    }

    fn resume(&mut self, cursor: &ListCursor) -> Result<(), Error> {
        cursor.check(self.listing.service, &self.listing.start)?;
        self.next = Some(cursor.position());
        Ok(())
    }

    fn plan(&mut self, options: &FetchOptions) -> Result<FetchPlan<Response<T>>, Error> {
        let Some(position) = self.next else {
            return Ok(FetchPlan::End);
        };
        if options.in_flight > 0 {
            return Ok(FetchPlan::Wait);
        }
        let usual = options.page_size.unwrap_or(self.listing.page_size);
        let page_size = self.page_size.unwrap_or(usual.into());
        Ok(FetchPlan::Fetch((self.fetch)(Request {
            position,
            page_size,
            items: options
                .rows_left
                .map_or(page_size, |left| left.min(page_size)),
        })))
    }

    fn has_ended(&self) -> bool {
        self.next.is_none()
    }

    fn accept(
        &mut self,
        _options: &FetchOptions,
        page: Response<T>,
    ) -> Result<Option<ListPage<T>>, Error> {
        let paging = |message| Err(Error::new(ErrorKind::Paging, self.listing.service, message));
        let begin = page.position;
        let end = begin + page.items.len() as u64;
        let next = page.next.map(u64::try_from).transpose().unwrap_or(Some(0));
        if let Some(said) = page.next
            && next.is_some_and(|next| next <= begin || next < end)
        {
            return paging(format!(
                "the next page would begin at item {said}, but this one has the items from \
                 {begin} up to {end}"
            ));
        }
        let mut fingerprint = DefaultHasher::new();
        // The items came from JSON, so they can be written as JSON.
        serde_json::to_vec(&page.items)
            .unwrap_or_default()
            .hash(&mut fingerprint);
        if !page.items.is_empty() && !self.seen.insert(fingerprint.finish()) {
            return paging(format!(
                "the page that begins with item {begin} repeats an earlier page"
            ));
        }
        self.page_size = page.page_size.or(self.page_size);
        self.next = next;
        Ok(Some(ListPage::new(begin, page.items, next)))
    }
}

/// The parameters that are set on an operation, by name.
pub(crate) type Parameters = Vec<(&'static str, serde_json::Value)>;

/// The parameters as text, except those that only select a range of the list.
pub(crate) fn text(parameters: Parameters) -> String {
    const OF_PAGES: [&str; 4] = ["limit", "offset", "page", "page_size"];
    let set = parameters
        .into_iter()
        .filter(|(name, value)| !value.is_null() && !OF_PAGES.contains(name))
        .map(|(name, value)| format!("{name}={value}"));
    set.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
