//! One page of a result.

use std::{fmt, sync::Arc};

use rowfeed_client::Masker;
use rowfeed_rows::{OwnedRowDecoder, RawRows, column_errors, decode_rows, strict_column_errors};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    Columns, Cursor, DecodeError, Error, ErrorKind, RowDecoder,
    cursor::{PageStart, ResultId},
    paging::{Part, SourcePage},
};

/// A page of a result: its rows as the service sent them, and the columns that say how to decode
/// them.
///
#[doc = include_str!("../docs/items/page.md")]
#[derive(Clone)]
pub struct Page {
    service: &'static str,
    number: u64,
    result: Arc<ResultId>,
    first_row: u64,
    columns: Columns,
    rows: RawRows,
    total_rows: Option<u64>,
    /// How this page is requested, and the one after it.
    own_token: Option<PageStart>,
    next_token: Option<PageStart>,
    /// What errors hide the client's credentials with.
    masker: Option<Masker>,
}

impl SourcePage for Page {
    type Cursor = Cursor;
}

impl Part for Page {
    const ENTRIES: &'static str = "rows";
    const IS_SNAPSHOT: bool = true;

    fn first(&self) -> u64 {
        self.first_row
    }

    fn count(&self) -> u64 {
        self.len() as u64
    }

    fn skip(&mut self, rows: u64) {
        let all = std::mem::take(&mut self.rows);
        self.rows = all.skip_first(usize::try_from(rows).unwrap_or(usize::MAX));
        self.first_row += rows;
    }

    fn keep(&mut self, rows: u64) {
        let all = std::mem::take(&mut self.rows);
        self.rows = all.keep_first(usize::try_from(rows).unwrap_or(usize::MAX));
    }

    fn set_number(&mut self, number: u64) {
        self.number = number;
    }

    fn set_masker(&mut self, masker: &Masker) {
        self.masker = Some(masker.clone());
    }

    fn run_id(&self) -> Option<&str> {
        Some(self.result.run_id())
    }
}

impl Page {
    /// Makes a page of `result`: its first row has the position `first_row`, counted from 0, and its
    /// rows are encoded as `columns` says. For [another service](crate::source).
    ///
    /// The reader of a [`Source`](crate::source::Source) numbers its pages.
    pub fn new(
        service: &'static str,
        result: impl Into<Arc<ResultId>>,
        first_row: u64,
        columns: Columns,
        rows: RawRows,
    ) -> Self {
        Self {
            service,
            number: 0,
            result: result.into(),
            first_row,
            columns,
            rows,
            total_rows: None,
            own_token: None,
            next_token: None,
            masker: None,
        }
    }

    /// Sets how many rows the whole result has, where the service says so.
    #[must_use]
    pub fn with_total_rows(self, total_rows: impl Into<Option<u64>>) -> Self {
        Self {
            total_rows: total_rows.into(),
            ..self
        }
    }

    /// Sets the position of the page among those that were read, which its errors name.
    #[must_use]
    pub fn with_number(self, number: u64) -> Self {
        Self { number, ..self }
    }

    /// Sets the tokens of a service that does not address rows by their position: the one that the
    /// page was requested by, or `None` for the first page, and that of the page after it, if there
    /// is one.
    ///
    /// Cursors in the page carry its own token, and the cursor at its end that of the next page, so
    /// that no page is fetched again in vain.
    #[must_use]
    pub fn with_page_starts(self, own: Option<PageStart>, next: Option<PageStart>) -> Self {
        Self {
            own_token: own,
            next_token: next,
            ..self
        }
    }

    /// Decodes the rows as `T`, which may borrow from the page.
    ///
    /// [Types and values](crate#types-and-values) says what `T` and its fields can be.
    ///
    /// # Errors
    ///
    /// A row does not fit `T`; the error names page, row and column.
    pub fn rows<'a, T: Deserialize<'a>>(&'a self) -> Result<Vec<T>, Error> {
        decode_rows(&self.columns, self.rows.as_str(), self.first_row)
            .map_err(|error| self.decode_error(error))
    }

    /// Decodes the rows one by one, each when the iterator reaches it. Ends after the first error.
    ///
    /// ```
    /// # rowfeed_sandbox::__example!(|sandbox, dune| {
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
    /// # });
    /// ```
    pub fn decode<'a, T: Deserialize<'a>>(&'a self) -> impl Iterator<Item = Result<T, Error>> {
        let rows = RowDecoder::new(&self.columns, self.rows.as_str(), self.first_row);
        rows.map(|row| row.map_err(|error| self.decode_error(error)))
    }

    /// Decodes the next row; `None` behind the last that the service sent.
    #[inline]
    pub(crate) fn next_row<T: DeserializeOwned>(
        &self,
        rows: &mut OwnedRowDecoder,
    ) -> Result<Option<T>, Error> {
        rows.next(&self.columns, &self.rows, self.first_row)
            .map_err(|error| self.explain::<T>(self.decode_error(error)))
    }

    /// The error of a row of this page that cannot be decoded, with page and run: for readers that
    /// decode [`raw`](Self::raw) themselves.
    #[cold]
    #[must_use]
    pub fn decode_error(&self, error: DecodeError) -> Error {
        self.page_error(Error::from_decode(
            self.service,
            error.with_page(self.number),
        ))
    }

    /// Returns the error with the run that the page belongs to, and with stars in place of the
    /// credentials that the client has sent: for readers that make errors of their own from what the
    /// page holds.
    #[cold]
    #[must_use]
    pub fn page_error(&self, error: Error) -> Error {
        let error = error.with_run(self.run_id());
        match &self.masker {
            Some(masker) => error.masked(masker),
            None => error,
        }
    }

    /// Checks whether `T` can be decoded from these columns, without looking at a row. The error
    /// names all columns that are missing or of another kind.
    ///
    /// # Errors
    ///
    /// Decoding `T` would fail at the first row; the error says why. A row may still fail for what
    /// only its values show.
    ///
    /// ```
    /// #[derive(serde::Deserialize)]
    /// struct Wrong {
    ///     project: i64,
    ///     fee_usd: f64,
    /// }
    ///
    /// # rowfeed_sandbox::__example!(|sandbox, dune| {
    /// # let sql = "SELECT project, block_date FROM trades";
    /// # let run = dune.execute_sql().body(sql).run().await?;
    /// # let page = run.pages().try_next().await?.ok_or("no page")?;
    /// let error = page.check_columns::<Wrong>().unwrap_err();
    /// assert!(error.message().contains("there is no column `fee_usd`"));
    /// # });
    /// ```
    pub fn check_columns<T: DeserializeOwned>(&self) -> Result<(), Error> {
        check(self.service, &column_errors::<T>(&self.columns))
            .map_err(|error| self.page_error(error))
    }

    /// Checks the columns as [`check_columns`](Self::check_columns) does, and that every field of `T`
    /// has a column: a misspelled `Option` field is `None` in every row, without an error.
    ///
    /// # Errors
    ///
    /// Decoding `T` would fail, or a field has no column; the error names all of them.
    pub fn check_columns_strict<T: DeserializeOwned>(&self) -> Result<(), Error> {
        check(self.service, &strict_column_errors::<T>(&self.columns))
            .map_err(|error| self.page_error(error))
    }

    /// Adds to the first row's error what else is wrong with every row.
    pub(crate) fn explain<T: DeserializeOwned>(&self, error: Error) -> Error {
        let flaws = column_errors::<T>(&self.columns);
        match flaws.len() {
            0 | 1 => error,
            _ => {
                let note = format!("no row can be read: {}", flaws.join("; "));
                self.page_error(error.with_note(&note))
            }
        }
    }

    /// The position of the page among those that were read, counted from 0.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The position of the page's first row in the whole result, counted from 0.
    #[must_use]
    pub fn first_row(&self) -> u64 {
        self.first_row
    }

    /// The place after the last row of the page: where to resume, once its rows are safe.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.cursor_after(self.len() as u64)
    }

    /// The place after the first so many rows of the page.
    #[must_use]
    pub fn cursor_after(&self, rows: u64) -> Cursor {
        let row = self.first_row + rows;
        let next = self.next_token.as_ref().filter(|next| next.row() == row);
        let token = next.or(self.own_token.as_ref()).cloned();
        Cursor::new(self.service, Arc::clone(&self.result), row).with_page(token)
    }

    /// The service that the page comes from.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// How many rows the page has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.count()
    }

    /// Whether the page has no rows; not a sign that it is the last.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The columns of the result.
    #[must_use]
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// How many rows the whole result has, where the service says so.
    ///
    /// Dune's count ignores `sample_count`; whether it applies `filters` is not known.
    #[must_use]
    pub fn total_rows(&self) -> Option<u64> {
        self.total_rows
    }

    /// The execution or query that the rows come from.
    #[must_use]
    pub fn run_id(&self) -> &str {
        self.result.run_id()
    }

    /// The result that the rows come from.
    #[must_use]
    pub fn result(&self) -> &ResultId {
        &self.result
    }

    /// The rows as the service sent them, without those before a cursor that reading resumed from, and
    /// those behind a limit ([`max_rows`](crate::Pages::max_rows)).
    ///
    /// ```
    /// # rowfeed_sandbox::__example!(|sandbox, dune| {
    /// let sql = "SELECT members FROM projects WHERE project = 'tidepool'";
    /// let run = dune.execute_sql().body(sql).run().await?;
    /// let page = run.pages().try_next().await?.ok_or("no page")?;
    /// assert_eq!(page.raw().as_str(), r#"[{"members":12}]"#);
    /// # });
    /// ```
    #[must_use]
    pub fn raw(&self) -> &RawRows {
        &self.rows
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<_> = self.columns.iter().map(|column| column.name()).collect();
        let text = format!("run {:?}, columns {columns:?}", self.run_id());
        let text = self
            .masker
            .as_ref()
            .map_or(text.clone(), |masker| masker.mask(&text).into_owned());
        f.debug_struct("Page")
            .field("service", &self.service)
            .field("number", &self.number)
            .field("of", &format_args!("{text}"))
            .field("first_row", &self.first_row)
            .field("rows", &self.len())
            .field("total_rows", &self.total_rows)
            .finish_non_exhaustive()
    }
}

/// Fails with all of these errors, if there are any.
pub(crate) fn check(service: &'static str, errors: &[String]) -> Result<(), Error> {
    match errors {
        [] => Ok(()),
        errors => Err(Error::new(ErrorKind::Decode, service, errors.join("; "))),
    }
}
