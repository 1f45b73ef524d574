//! One page of a result.

use rowfeed_rows::{OwnedRowDecoder, RawRows, column_errors, decode_rows};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{Columns, Cursor, DecodeError, Error, ErrorKind, RowDecoder};

/// A page: its rows as they were received, and the columns that say how to read them.
///
/// ```
/// # use rowfeed::{dune, prelude::*};
/// # fn save(_rows: &[Trade<'_>], _cursor: rowfeed::Cursor) -> std::io::Result<()> { Ok(()) }
/// #[derive(serde::Deserialize)]
/// struct Trade<'a> {
///     project: &'a str, // lent by the page, not copied
///     amount_usd: Option<f64>,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).start().await?;
/// # let key = rowfeed::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
/// # let dune = dune::Client::builder().base_url(sandbox.dune_url()).api_key(key).build()?;
/// # let run = dune.execute_sql().body("SELECT * FROM trades").run().await?;
/// let mut pages = run.pages();
/// while let Some(page) = pages.try_next().await? {
///     let trades: Vec<Trade<'_>> = page.rows()?;
///     save(&trades, page.cursor())?;
/// #   assert_eq!(trades.len(), 48);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Page {
    pub(crate) service: &'static str,
    pub(crate) number: u64,
    /// The place of the first row.
    pub(crate) start: Cursor,
    pub(crate) columns: Columns,
    pub(crate) rows: RawRows,
    /// Where only the first rows of the page are wanted.
    pub(crate) kept: Option<usize>,
    pub(crate) total_rows: Option<u64>,
}

impl Page {
    /// A page of [another service](crate::service): the `number`-th that was read, from 0; it begins
    /// at `start`, and its rows are written as `columns` says.
    pub fn new(
        service: &'static str,
        number: u64,
        start: Cursor,
        columns: Columns,
        rows: RawRows,
    ) -> Self {
        Self {
            service,
            number,
            start,
            columns,
            rows,
            kept: None,
            total_rows: None,
        }
    }

    /// The same page, of a result that has so many rows as far as the service says.
    #[must_use]
    pub fn with_total_rows(self, total_rows: impl Into<Option<u64>>) -> Self {
        Self {
            total_rows: total_rows.into(),
            ..self
        }
    }

    /// The rows, as `T`, which may borrow from the page.
    ///
    /// [Types and values](crate#types-and-values) says what `T` can be, and what its fields.
    ///
    /// # Errors
    ///
    /// A row does not fit `T`; the error names page, row and column.
    pub fn rows<'a, T: Deserialize<'a>>(&'a self) -> Result<Vec<T>, Error> {
        match self.kept {
            Some(_) => self.decode().collect(),
            None => decode_rows(&self.columns, self.rows.as_str(), self.start.row)
                .map_err(|error| self.unfit(error)),
        }
    }

    /// The rows one by one, each decoded when it is asked for. Ends after the first error.
    ///
    /// ```
    /// # use rowfeed::{dune, prelude::*};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).start().await?;
    /// # let key = rowfeed::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
    /// # let dune = dune::Client::builder().base_url(sandbox.dune_url()).api_key(key).build()?;
    /// # let sql = "SELECT project, amount_usd FROM trades";
    /// # let run = dune.execute_sql().body(sql).run().await?;
    /// # let page = run.pages().try_next().await?.ok_or("no page")?;
    /// for row in page.decode::<(String, Option<f64>)>() {
    ///     let (project, amount_usd) = row?;
    ///     if amount_usd.is_none() {
    ///         println!("{project} has a trade without an amount");
    ///         break; // the rows behind it are not decoded
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn decode<'a, T: Deserialize<'a>>(&'a self) -> impl Iterator<Item = Result<T, Error>> {
        let rows = RowDecoder::new(&self.columns, self.rows.as_str(), self.start.row);
        let kept = self.kept.unwrap_or(usize::MAX);
        rows.take(kept)
            .map(|row| row.map_err(|error| self.unfit(error)))
    }

    /// The next of the rows; nothing behind the last.
    #[inline]
    pub(crate) fn next_row<T: DeserializeOwned>(
        &self,
        rows: &mut OwnedRowDecoder,
    ) -> Result<Option<T>, Error> {
        rows.next(&self.columns, &self.rows, self.start.row)
            .map_err(|error| self.explain::<T>(self.unfit(error)))
    }

    #[cold]
    pub(crate) fn unfit(&self, error: DecodeError) -> Error {
        Error::from_decode(self.service, error.with_page(self.number)).with_run(self.run_id())
    }

    /// Whether `T` can be read from these columns, before any row is: every column that is missing
    /// and every one of another kind, at once. What only the rows can tell is not told.
    ///
    /// # Errors
    ///
    /// Reading `T` fails for certain, if there is a row; the error says why.
    ///
    /// ```
    /// # use rowfeed::{dune, prelude::*};
    /// #[derive(serde::Deserialize)]
    /// struct Wrong {
    ///     project: i64,
    ///     fee_usd: f64,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).start().await?;
    /// # let key = rowfeed::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
    /// # let dune = dune::Client::builder().base_url(sandbox.dune_url()).api_key(key).build()?;
    /// # let sql = "SELECT project, block_date FROM trades";
    /// # let run = dune.execute_sql().body(sql).run().await?;
    /// # let page = run.pages().try_next().await?.ok_or("no page")?;
    /// let error = page.check_columns::<Wrong>().unwrap_err();
    /// assert!(error.message().contains("there is no column `fee_usd`"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn check_columns<T: DeserializeOwned>(&self) -> Result<(), Error> {
        no_flaws(self.service, &column_errors::<T>(&self.columns))
            .map_err(|error| error.with_run(self.run_id()))
    }

    /// Adds to the first row's error what else is wrong with every row.
    pub(crate) fn explain<T: DeserializeOwned>(&self, error: Error) -> Error {
        let flaws = column_errors::<T>(&self.columns);
        match flaws.len() {
            0 | 1 => error,
            _ => error.with_note(&format!("no row can be read: {}", flaws.join("; "))),
        }
    }

    /// The position of the page, counted from 0, among those that this reading has fetched.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The position of the page's first row in the whole result, counted from 0.
    #[must_use]
    pub fn first_row(&self) -> u64 {
        self.start.row
    }

    /// The place after the last row of the page: where to go on, once its rows are safe.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.start.at(self.start.row + self.len() as u64)
    }

    /// How many rows the page has.
    #[must_use]
    pub fn len(&self) -> usize {
        let all = self.rows.count();
        self.kept.map_or(all, |kept| kept.min(all))
    }

    /// Whether the page has no rows; not a sign that it is the last.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() || self.kept == Some(0)
    }

    /// The columns of the result.
    #[must_use]
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// How many rows the whole result has, where the service says so.
    ///
    /// Dune's count does not heed `sample_count`, and it is not known whether it heeds `filters`.
    #[must_use]
    pub fn total_rows(&self) -> Option<u64> {
        self.total_rows
    }

    /// The execution or query that the rows come from.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.start.run
    }

    /// The rows as they were received, all of them.
    ///
    /// ```
    /// # use rowfeed::{dune, prelude::*};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).start().await?;
    /// # let key = rowfeed::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
    /// # let dune = dune::Client::builder().base_url(sandbox.dune_url()).api_key(key).build()?;
    /// let sql = "SELECT members FROM projects WHERE project = 'tidepool'";
    /// let run = dune.execute_sql().body(sql).run().await?;
    /// let page = run.pages().try_next().await?.ok_or("no page")?;
    /// assert_eq!(page.raw().as_str(), r#"[{"members":12}]"#);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn raw(&self) -> &RawRows {
        &self.rows
    }
}

pub(crate) fn no_flaws(service: &'static str, flaws: &[String]) -> Result<(), Error> {
    match flaws {
        [] => Ok(()),
        flaws => Err(Error::new(ErrorKind::Decode, service, flaws.join("; "))),
    }
}
