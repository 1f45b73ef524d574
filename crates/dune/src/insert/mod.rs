//! Rows of yours as rows of a table at Dune.
//!
//! [`Client::insert_rows`] writes rows from any `Serialize` struct or map: from memory with
//! [`write`](InsertRows::write), or as they arrive with [`write_stream`](InsertRows::write_stream).
//! The crate `rowfeed-arrow` adds `write_batches` for Arrow record batches.
//!
//! ```
//! use rowfeed_dune::Client;
//! use serde::Serialize;
//!
//! #[derive(Serialize)]
//! struct Reading {
//!     at: String,
//!     level: f64,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let sandbox = rowfeed_sandbox::Sandbox::start().await?;
//! # let dune = Client::builder().base_url(sandbox.dune_url());
//! # let dune = dune.api_key(rowfeed_dune::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?).build()?;
//! let readings = [Reading { at: "2026-11-21T20:35:00Z".into(), level: 1.5 }];
//! # let my_team = "rowfeed";
//! let report = dune
//!     .insert_rows(my_team, "readings")
//!     .columns([("at", "timestamp"), ("level", "double")])
//!     .create_table()
//!     .write(&readings)
//!     .await?;
//! assert_eq!(report.rows_written, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Types
//!
//! Every value is compared with the type of its column before its bytes are sent, and written
//! exactly. The types are those of [`columns`](InsertRows::columns), or else those that Dune lists
//! for the table. [`write`](InsertRows::write) checks all rows before it sends the first one;
//! a stream is checked batch by batch.
//!
//! | column | values |
//! |---|---|
//! | `boolean` | `bool` |
//! | `tinyint` to `bigint` | integers, or text of digits, in the range of the type |
//! | `int256`, `uint256` | the same, or hexadecimal text `0x…` |
//! | `decimal(p, s)` | integers, or text of a decimal number; not `f64`, which is not exact |
//! | `real`, `double` | finite numbers; integers up to 2^53 |
//! | `varchar`, `time`, intervals | text |
//! | `json` | text, or anything nested |
//! | `varbinary` | bytes (`serde_bytes`), or text `0x…` |
//! | `date`; `timestamp` | text: `2026-11-21`; `2026-11-21T20:35:00Z`, or as Dune returns it |
//! | `array`, `map`, `row` | lists, maps and structs; in NDJSON only. Their items are not checked |
//! | another type | anything |
//!
//! A column that a row lacks is NULL. A field that is no column is an error.
//!
//! # What is not established
//!
//! Dune does not document these points, so they are settings with a default:
//!
//! - The largest file that one call accepts: [`batch_bytes`](InsertRows::batch_bytes).
//! - Whether numbers wider than 64 bits are text or JSON numbers:
//!   [`wide_numbers`](InsertRows::wide_numbers).
//! - How `varbinary` is written: [`binary_format`](InsertRows::binary_format).
//! - Whether a file is written as a whole or not at all. If Dune reports another number of rows than
//!   a batch has, the outcome of the batch is an error of the kind
//!   [`Unknown`](InsertErrorKind::Unknown).
//! - Which forms of times Dune reads. Times are passed on as they are, except that the form in which
//!   Dune returns them becomes RFC 3339.
//! - How NaN and infinity are written: they are refused. Within nested values they become `null`.
//!
//! # Interruptions
//!
//! An insert is not known to be idempotent. A batch is sent again only after a 429, or if no
//! connection was made. After any other failure the insert ends with an [`InsertError`]:
//!
//! - [`rows_written`](InsertError::rows_written) is the number of rows that Dune confirmed. Batches
//!   are sent one after the other, so these are the first rows.
//! - If [`unknown_rows`](InsertError::unknown_rows) is `None`, the table has these rows and no
//!   others. Resume with [`skip_rows`](InsertRows::skip_rows) and this number.
//! - Otherwise the batch with these rows may have been written. Compare `SELECT COUNT(*)` of the
//!   table with the count before the insert. If the rows are there, skip up to the end of
//!   `unknown_rows`; if none of them is, skip to its start.
//!
//! If the future is dropped, the batch that is on its way is in the same position.
//! [`on_progress`](InsertRows::on_progress) reports each batch before it is sent and after it is
//! written, so a program that stores this knows where it was.

mod cell;
mod columns;
mod error;
mod file;
#[cfg(feature = "schemars")]
mod schema;
mod table;
mod token;

use std::{
    fmt,
    future::{Future, poll_fn},
    ops::Range,
    pin::{Pin, pin},
};

use futures_core::Stream;
use serde::Serialize;

use self::{columns::TableColumns, file::FileWriter, token::Formats};
use crate::{Client, types::UploadFormat};

pub use self::{
    columns::InsertColumn,
    error::{InsertError, InsertErrorKind},
};

/// How numbers of more than 64 bits and decimals are written. Which form Dune expects is not
/// established.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WideNumbers {
    /// As JSON text, `"1000"`, the form in which Dune returns them.
    #[default]
    Text,
    /// As JSON numbers, `1000`. In CSV there is no difference.
    Number,
}

/// How bytes are written. Which form Dune expects is not established.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BinaryFormat {
    /// `0x01ff`, the form in which Dune returns them.
    #[default]
    PrefixedHex,
    /// `01ff`.
    Hex,
}

/// How far an insert is, reported before a batch is sent and after it was written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InsertProgress {
    /// The rows that are written, counted from the first row that was handed over, skipped rows
    /// included.
    pub rows_written: u64,
    /// The bytes of the files that are written.
    pub bytes_written: u64,
    /// The rows of the batch that is sent now; `None` after it was written. A program that is killed
    /// between the two reports does not know whether they were.
    pub sending: Option<Range<u64>>,
}

/// What an insert has done.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct InsertReport {
    /// The number of rows that were written, without skipped rows.
    pub rows_written: u64,
    /// The bytes of the files that were sent for them.
    pub bytes_written: u64,
    /// The number of calls that wrote rows.
    pub batches: u64,
    /// Whether the table was created. `false` also if it existed.
    pub created_table: bool,
}

/// Writes rows to a table; see the [module](self). Made by [`Client::insert_rows`].
#[must_use = "nothing is written before `write` or `write_stream` is awaited"]
pub struct InsertRows {
    client: Client,
    namespace: String,
    table: String,
    columns: Option<Vec<InsertColumn>>,
    create: Option<NewTable>,
    format: UploadFormat,
    formats: Formats,
    batch_bytes: usize,
    batch_rows: u64,
    skip_rows: u64,
    watch: Option<Watch>,
}

type Watch = Box<dyn FnMut(&InsertProgress) + Send>;

/// How a table is created.
#[derive(Clone, Default)]
struct NewTable {
    is_private: Option<bool>,
    description: Option<String>,
}

/// Large enough that calls are few, and far below the 200 MB that Dune documents for CSV uploads.
const BATCH_BYTES: usize = 16 * 1024 * 1024;

impl Client {
    /// Returns a writer of rows to the table `table` of `namespace`, the handle of the user or team
    /// that owns it. See [`insert`](crate::insert) for types, batches and interruptions.
    pub fn insert_rows(
        &self,
        namespace: impl Into<String>,
        table: impl Into<String>,
    ) -> InsertRows {
        InsertRows {
            client: self.clone(),
            namespace: namespace.into(),
            table: table.into(),
            columns: None,
            create: None,
            format: UploadFormat::Ndjson,
            formats: Formats {
                parses_text: false,
                wide: WideNumbers::default(),
                binary: BinaryFormat::default(),
            },
            batch_bytes: BATCH_BYTES,
            batch_rows: u64::MAX,
            skip_rows: 0,
            watch: None,
        }
    }
}

impl InsertRows {
    /// Declares the columns of the table, as pairs of name and type or as [`InsertColumn`]s. Without
    /// them, the columns that Dune lists for the table are used, which takes one call.
    pub fn columns<C: Into<InsertColumn>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Creates the table with the declared columns, unless it exists with the same columns. Dune
    /// charges 10 credits for a table.
    pub fn create_table(mut self) -> Self {
        self.create.get_or_insert_default();
        self
    }

    /// Makes a table that is created private, or public.
    pub fn private(mut self, is_private: bool) -> Self {
        self.create.get_or_insert_default().is_private = Some(is_private);
        self
    }

    /// Sets the description of a table that is created.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.create.get_or_insert_default().description = Some(description.into());
        self
    }

    /// Sets the format of the files; NDJSON unless set. CSV has no nested values, and does not
    /// distinguish an empty text from NULL; both are errors there.
    pub fn format(mut self, format: UploadFormat) -> Self {
        self.format = format;
        self
    }

    /// Sets the largest file, in bytes; 16 MiB unless set. A batch is sent before it would be
    /// larger. A row that is larger by itself is an error. The limit of Dune is not established.
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.batch_bytes = bytes;
        self
    }

    /// Sets the most rows of a file; there is no limit unless set. Zero counts as one.
    pub fn batch_rows(mut self, rows: u64) -> Self {
        self.batch_rows = rows.max(1);
        self
    }

    /// Accepts text for booleans, floating-point numbers, lists, maps and structs, for sources that
    /// have text alone, such as CSV files.
    pub fn parse_text(mut self) -> Self {
        self.formats.parses_text = true;
        self
    }

    /// Sets how numbers of more than 64 bits and decimals are written.
    pub fn wide_numbers(mut self, wide: WideNumbers) -> Self {
        self.formats.wide = wide;
        self
    }

    /// Sets how bytes are written.
    pub fn binary_format(mut self, format: BinaryFormat) -> Self {
        self.formats.binary = format;
        self
    }

    /// Leaves out the first rows, which an earlier insert has written: see
    /// [`InsertError::rows_written`]. Rows keep their numbers.
    pub fn skip_rows(mut self, rows: u64) -> Self {
        self.skip_rows = rows;
        self
    }

    /// Calls `watch` before a batch is sent, and after it was written.
    pub fn on_progress(mut self, watch: impl FnMut(&InsertProgress) + Send + 'static) -> Self {
        self.watch = Some(Box::new(watch));
        self
    }

    /// Compares rows with the columns, and writes nothing. For sources that can be read twice.
    ///
    /// # Errors
    ///
    /// The first row that does not fit the table.
    pub async fn check<I>(mut self, rows: I) -> Result<(), InsertError>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        self.prepare().await?.check(rows.into_iter())
    }

    /// Checks all rows, and then writes them: `write(&rows)` for a slice or a `Vec`. The rows are
    /// serialized twice, once to check them.
    ///
    /// # Errors
    ///
    /// A row does not fit the table, or a call fails. The error says which rows are written.
    ///
    /// [`InsertError`] has the details.
    pub async fn write<I>(mut self, rows: I) -> Result<InsertReport, InsertError>
    where
        I: IntoIterator,
        I::Item: Serialize,
        I::IntoIter: Clone,
    {
        let rows = rows.into_iter();
        let mut insert = self.prepare().await?;
        insert.check(rows.clone())?;
        insert.create_table().await?;
        for row in rows {
            insert.add(&row).await?;
        }
        insert.finish().await
    }

    /// Writes rows as they arrive. Each batch is checked before it is sent.
    ///
    /// # Errors
    ///
    /// As of [`write`](Self::write), and the stream's own error. Rows that arrived before it in the
    /// same batch are not written.
    pub async fn write_stream<S, T, E>(mut self, rows: S) -> Result<InsertReport, InsertError>
    where
        S: Stream<Item = Result<T, E>>,
        T: Serialize,
        E: fmt::Display,
    {
        let mut insert = self.prepare().await?;
        insert.create_table().await?;
        let mut rows = pin!(rows);
        while let Some(row) = next(rows.as_mut()).await {
            insert.add_fallible(row).await?;
        }
        insert.finish().await
    }

    /// Writes rows of a source that is read as it goes, such as a file. Like
    /// [`write_stream`](Self::write_stream) of an iterator, which may block.
    ///
    /// # Errors
    ///
    /// As of [`write_stream`](Self::write_stream).
    pub async fn write_fallible<I, T, E>(mut self, rows: I) -> Result<InsertReport, InsertError>
    where
        I: IntoIterator<Item = Result<T, E>>,
        T: Serialize,
        E: fmt::Display,
    {
        let mut insert = self.prepare().await?;
        insert.create_table().await?;
        for row in rows {
            insert.add_fallible(row).await?;
        }
        insert.finish().await
    }

    /// Finds out the columns. Nothing is written.
    async fn prepare(&mut self) -> Result<Insert<'_>, InsertError> {
        let columns = match self.columns.take() {
            Some(columns) => columns,
            None if self.create.is_some() => {
                let message = "a table is created with columns; declare them with columns()";
                return Err(InsertError::new(InsertErrorKind::InvalidRequest, message));
            }
            None => table::columns(&self.client, &self.namespace, &self.table).await?,
        };
        let request = columns.iter().map(InsertColumn::to_request).collect();
        let columns = TableColumns::new(columns, self.formats)
            .map_err(|said| InsertError::new(InsertErrorKind::InvalidRequest, said))?;
        Ok(Insert {
            file: FileWriter::new(columns, &self.format),
            schema: request,
            settings: self,
            body: Vec::new(),
            next: 0,
            first: 0,
            confirmed: 0,
            report: InsertReport::default(),
        })
    }
}

impl fmt::Debug for InsertRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InsertRows")
            .field("namespace", &self.namespace)
            .field("table", &self.table)
            .field("columns", &self.columns)
            .field("format", &self.format)
            .field("batch_bytes", &self.batch_bytes)
            .field("skip_rows", &self.skip_rows)
            .finish_non_exhaustive()
    }
}

/// An insert under way.
struct Insert<'a> {
    settings: &'a mut InsertRows,
    schema: Vec<crate::types::TableColumn>,
    file: FileWriter,
    /// The file of the batch that is being filled.
    body: Vec<u8>,
    /// The number of the next row.
    next: u64,
    /// The first row of the batch.
    first: u64,
    /// The rows that are written, skipped rows included.
    confirmed: u64,
    report: InsertReport,
}

impl Insert<'_> {
    /// Compares all rows with the columns.
    fn check<T: Serialize>(&self, rows: impl Iterator<Item = T>) -> Result<(), InsertError> {
        let mut line = Vec::new();
        for (number, row) in (0..)
            .zip(rows)
            .skip_while(|(n, _)| *n < self.settings.skip_rows)
        {
            line.clear();
            self.append(&row, number, &mut line)?;
        }
        Ok(())
    }

    async fn create_table(&mut self) -> Result<(), InsertError> {
        if let Some(new) = self.settings.create.clone() {
            let InsertRows {
                client,
                namespace,
                table,
                ..
            } = &*self.settings;
            let schema = std::mem::take(&mut self.schema);
            self.report.created_table =
                table::create(client, namespace, table, schema, new).await?;
        }
        Ok(())
    }

    /// Adds a row to the batch, and sends the batch before it would be too large.
    async fn add<T: Serialize>(&mut self, row: &T) -> Result<(), InsertError> {
        let number = self.next;
        self.next += 1;
        if number < self.settings.skip_rows {
            self.first = self.next;
            self.confirmed = self.next;
            return Ok(());
        }
        let before = self.body.len();
        let mut body = std::mem::take(&mut self.body);
        let appended = self.append(row, number, &mut body);
        self.body = body;
        appended.map_err(|error| self.fail(error))?;
        let header = self.file.header().len();
        let is_too_large = header + self.body.len() > self.settings.batch_bytes;
        if is_too_large || number - self.first >= self.settings.batch_rows {
            let row = self.body.split_off(before);
            self.send(number).await?;
            self.body = row;
        }
        Ok(())
    }

    async fn add_fallible<T, E>(&mut self, row: Result<T, E>) -> Result<(), InsertError>
    where
        T: Serialize,
        E: fmt::Display,
    {
        match row {
            Ok(row) => self.add(&row).await,
            Err(error) => {
                let message = format!("the source of rows failed: {error}");
                Err(self.fail(InsertError::new(InsertErrorKind::Source, message)))
            }
        }
    }

    fn append<T: Serialize>(
        &self,
        row: &T,
        number: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), InsertError> {
        let before = out.len();
        let most = self.settings.batch_bytes;
        let flaw = match self.file.append(row, out) {
            Err(flaw) => flaw,
            Ok(()) if self.file.header().len() + out.len() - before > most => (
                None,
                format!("the row is larger than batch_bytes, {most} bytes"),
            ),
            Ok(()) => return Ok(()),
        };
        Err(InsertError::row_error(number, flaw))
    }

    async fn finish(mut self) -> Result<InsertReport, InsertError> {
        self.send(self.next).await?;
        Ok(self.report)
    }

    /// Sends the batch, which ends before the row `end`.
    async fn send(&mut self, end: u64) -> Result<(), InsertError> {
        let rows = self.first..end;
        if rows.is_empty() {
            return Ok(());
        }
        let mut body = Vec::with_capacity(self.file.header().len() + self.body.len());
        body.extend_from_slice(self.file.header());
        body.append(&mut self.body);
        let bytes = body.len() as u64;
        self.tell(Some(rows.clone()));
        let settings = &*self.settings;
        let call = settings
            .client
            .insert_data()
            .namespace(&*settings.namespace)
            .table_name(&*settings.table)
            .content_type(settings.format.clone())
            .body(body);
        let sent = call.send().await;
        let answer =
            sent.map_err(|call| self.fail(InsertError::batch_error(rows.clone(), call)))?;
        let count = end - rows.start;
        if let Some(reported) = answer.rows_written
            && u64::try_from(reported) != Ok(count)
        {
            let why = format!("Dune reports {reported} rows for a batch of {count}");
            return Err(self.fail(InsertError::unknown(rows, why)));
        }
        self.first = end;
        self.confirmed = end;
        self.report.rows_written += count;
        self.report.bytes_written += bytes;
        self.report.batches += 1;
        self.tell(None);
        Ok(())
    }

    fn tell(&mut self, sending: Option<Range<u64>>) {
        if let Some(watch) = &mut self.settings.watch {
            watch(&InsertProgress {
                rows_written: self.confirmed,
                bytes_written: self.report.bytes_written,
                sending,
            });
        }
    }

    fn fail(&self, error: InsertError) -> InsertError {
        error.after(self.confirmed)
    }
}

fn next<S: Stream>(mut stream: Pin<&mut S>) -> impl Future<Output = Option<S::Item>> {
    poll_fn(move |cx| stream.as_mut().poll_next(cx))
}
