//! Queries that were run, each of one account.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::progress::Progress;
use crate::table::WireTable;

#[derive(Default)]
pub(super) struct State {
    pub(super) queries: HashMap<String, Query>,
}

/// Who is asking. Nobody sees another's queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account {
    User,
    Service,
}

pub(super) struct Query {
    pub(super) account: Account,
    pub(super) progress: Progress,
    /// Only a mark: it can be set on a query that is ready, too.
    pub(super) cancelled: bool,
    pub(super) end: End,
    /// The page size of the first page that was read, which later reads without
    /// one fall back on.
    pub(super) default_page_size: Option<usize>,
}

#[derive(Clone)]
pub(super) enum End {
    Ready(Arc<WireTable>),
    Failed { message: String, at: Timestamp },
}
