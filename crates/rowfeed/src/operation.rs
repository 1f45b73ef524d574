//! What the facade adds to the operations of the clients.

use serde::de::DeserializeOwned;

use crate::{Pages, Rows, Run, Starting};

/// An operation that answers with rows: its pages, and the rows of all of them.
///
/// Every parameter of the operation keeps its meaning, and goes with every page.
///
/// ```
/// use rowfeed::{dune, prelude::*};
///
/// #[derive(serde::Deserialize)]
/// struct Trade {
///     project: String,
///     amount_usd: Option<f64>,
/// }
///
/// # rowfeed_sandbox::__example!(|sandbox, dune, query_id| {
/// let latest = dune.get_latest_query_result().query_id(query_id);
/// let mut trades = latest.filters("amount_usd > 1000").rows::<Trade>();
/// while let Some(trade) = trades.try_next().await? {
///     println!("{}: {:?}", trade.project, trade.amount_usd);
///     assert!(trade.amount_usd > Some(1000.0));
/// }
/// # assert!(trades.cursor().is_some_and(|end| (1..48).contains(&end.row())));
/// # });
/// ```
pub trait ReadsRows: Sized {
    /// Returns the pages of the result. Nothing is sent before the first page is needed.
    fn pages(self) -> Pages;

    /// Returns the rows of all pages, as `T`. Nothing is sent before the first row is needed.
    ///
    /// [Types and values](crate#types-and-values) says what `T` can be, and what its fields.
    fn rows<T>(self) -> Rows<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.pages().rows()
    }
}

impl ReadsRows for Pages {
    fn pages(self) -> Pages {
        self
    }
}

impl ReadsRows for &Run {
    fn pages(self) -> Pages {
        Run::pages(self)
    }
}

/// An operation that starts a run: a query that takes its time at the service.
///
/// Operations that read a run do the same with one that was started before; see
/// [`Running::id`](crate::Running::id).
///
/// ```
/// use rowfeed::{prelude::*, yandex_query};
///
/// # rowfeed_sandbox::__example!(|sandbox, yandex, folder| {
/// let statement = "SELECT COUNT(*) AS trades FROM trades";
/// let run = yandex.create_query().project(folder).body(statement).run().await?;
/// let trades: Vec<u64> = run.rows().try_collect().await?;
/// assert_eq!(trades, [48]);
/// # });
/// ```
pub trait StartsRun: Sized {
    /// Starts the run and waits for its end, when awaited.
    ///
    /// # Errors
    ///
    /// Awaiting it fails if the run cannot be started, fails, is cancelled or expires, each with a
    /// [kind](crate::ErrorKind) of its own.
    fn run(self) -> Starting;
}
