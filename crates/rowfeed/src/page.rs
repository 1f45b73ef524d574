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

/// A page of a result: the rows as the service sent them, and the columns that describe how to
/// decode them.
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
    /// How to request this page, and the next one.
    own_token: Option<PageStart>,
    next_token: Option<PageStart>,
    /// Hides the client's credentials in errors.
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
    /// Creates a page of `result`. Its first row has the position `first_row`, counted from 0, and
    /// `columns` describe how its rows are encoded. For [other services](crate::source).
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

    /// Sets the total number of rows of the result, if the service reports it.
    #[must_use]
    pub fn with_total_rows(self, total_rows: impl Into<Option<u64>>) -> Self {
        Self {
            total_rows: total_rows.into(),
            ..self
        }
    }

    /// Sets the number of the page among the pages that were read. Errors name it.
    #[must_use]
    pub fn with_number(self, number: u64) -> Self {
        Self { number, ..self }
    }

    /// Sets the tokens of a service that does not address rows by position: the token that
    /// requested this page, or `None` for the first page, and the token of the next page, if there
    /// is one.
    ///
    /// Cursors within the page carry its own token, and the cursor at its end carries the token of
    /// the next page, so that resuming does not fetch a page unnecessarily.
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
    /// See [Types and values](crate#types-and-values) for what `T` and its fields can be.
    ///
    /// # Errors
    ///
    /// A row does not fit `T`. The error names page, row and column.
    pub fn rows<'a, T: Deserialize<'a>>(&'a self) -> Result<Vec<T>, Error> {
        decode_rows(&self.columns, self.rows.as_str(), self.first_row)
            .map_err(|error| self.decode_error(error))
    }

    /// Decodes the rows one by one, as the iterator reaches them. Ends after the first error.
    ///
    /// ```
    /// # rowfeed_sandbox::__example!(|sandbox, dune| {
    /// # let sql = "SELECT project, amount_usd FROM trades";
    /// # let run = dune.execute_sql().sql(sql).run().await?;
    /// # let page = run.pages().try_next().await?.ok_or("no page")?;
    /// for row in page.decode::<(String, Option<f64>)>() {
    ///     let (project, amount_usd) = row?;
    ///     if amount_usd.is_none() {
    ///         println!("{project} has a trade without an amount");
    ///         break; // later rows are not decoded
    ///     }
    /// }
    /// # });
    /// ```
    pub fn decode<'a, T: Deserialize<'a>>(&'a self) -> impl Iterator<Item = Result<T, Error>> {
        let rows = RowDecoder::new(&self.columns, self.rows.as_str(), self.first_row);
        rows.map(|row| row.map_err(|error| self.decode_error(error)))
    }

    /// Decodes the next row; `None` after the last row.
    #[inline]
    pub(crate) fn next_row<T: DeserializeOwned>(
        &self,
        rows: &mut OwnedRowDecoder,
    ) -> Result<Option<T>, Error> {
        rows.next(&self.columns, &self.rows, self.first_row)
            .map_err(|error| self.explain::<T>(self.decode_error(error)))
    }

    /// Returns the error for a row of this page that cannot be decoded, with page and run. For
    /// readers that decode [`raw`](Self::raw) themselves.
    #[cold]
    #[must_use]
    pub fn decode_error(&self, error: DecodeError) -> Error {
        self.page_error(Error::from_decode(
            self.service,
            error.with_page(self.number),
        ))
    }

    /// Returns the error with the run of the page, and with stars in place of the credentials that
    /// the client has sent. For readers that create errors from the content of the page.
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
    /// Decoding any row as `T` would fail; the error says why. Even without this error, a row may
    /// fail because of its values.
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
    /// # let run = dune.execute_sql().sql(sql).run().await?;
    /// # let page = run.pages().try_next().await?.ok_or("no page")?;
    /// let error = page.check_columns::<Wrong>().unwrap_err();
    /// assert!(error.message().contains("there is no column `fee_usd`"));
    /// # });
    /// ```
    pub fn check_columns<T: DeserializeOwned>(&self) -> Result<(), Error> {
        check(self.service, &column_errors::<T>(&self.columns))
            .map_err(|error| self.page_error(error))
    }

    /// Checks the columns as [`check_columns`](Self::check_columns) does, and checks that every
    /// field of `T` has a column. A misspelled `Option` field is otherwise `None` in every row,
    /// without an error.
    ///
    /// # Errors
    ///
    /// Decoding any row as `T` would fail, or a field has no column. The error names all such
    /// fields.
    pub fn check_columns_strict<T: DeserializeOwned>(&self) -> Result<(), Error> {
        check(self.service, &strict_column_errors::<T>(&self.columns))
            .map_err(|error| self.page_error(error))
    }

    /// Adds to the error of the first row what is wrong with every row.
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

    /// Returns the number of the page among the pages that were read, counted from 0.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns the position of the page's first row in the whole result, counted from 0.
    #[must_use]
    pub fn first_row(&self) -> u64 {
        self.first_row
    }

    /// Returns the cursor after the last row of the page. Store it after you have stored the rows.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.cursor_after(self.len() as u64)
    }

    /// Returns the cursor after the first `rows` rows of the page.
    #[must_use]
    pub fn cursor_after(&self, rows: u64) -> Cursor {
        let row = self.first_row + rows;
        let next = self.next_token.as_ref().filter(|next| next.row() == row);
        let token = next.or(self.own_token.as_ref()).cloned();
        Cursor::new(self.service, Arc::clone(&self.result), row).with_page(token)
    }

    /// Returns the service that the page comes from.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// Returns the number of rows of the page.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.count()
    }

    /// Returns whether the page has no rows. An empty page is not necessarily the last one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the columns of the result.
    #[must_use]
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Returns the total number of rows of the result, if the service reports it.
    ///
    /// Dune's count ignores `sample_count`. It is not known whether it applies `filters`.
    #[must_use]
    pub fn total_rows(&self) -> Option<u64> {
        self.total_rows
    }

    /// Returns the id of the execution or query that the rows come from.
    #[must_use]
    pub fn run_id(&self) -> &str {
        self.result.run_id()
    }

    /// Returns the result that the rows come from.
    #[must_use]
    pub fn result(&self) -> &ResultId {
        &self.result
    }

    /// Returns the rows as the service sent them, without rows before the cursor that reading
    /// resumed from, and without rows after a limit ([`max_rows`](crate::Pages::max_rows)).
    ///
    /// ```
    /// # rowfeed_sandbox::__example!(|sandbox, dune| {
    /// let sql = "SELECT members FROM projects WHERE project = 'tidepool'";
    /// let run = dune.execute_sql().sql(sql).run().await?;
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
