//! Why a row could not be decoded, and where.

use std::fmt;

use serde::de::{Expected, Unexpected};

/// A row that does not fit the type it was asked to become.
///
/// [`Display`](fmt::Display) names everything that is known: page, row, column with its declared
/// type, what was wanted, what was found, and what to do about it.
///
/// ```
/// # use rowfeed::{dune, prelude::*};
/// #[derive(Debug, serde::Deserialize)]
/// struct Trade {
///     trade_id: u32,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).start().await?;
/// # let key = rowfeed::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
/// # let dune = dune::Client::builder().base_url(sandbox.dune_url()).api_key(key).build()?;
/// let sql = "SELECT trade_id FROM trades WHERE trade_id > 9007199254740992";
/// let run = dune.execute_sql().body(sql).run().await?;
/// let error = run.rows::<Trade>().try_next().await.unwrap_err();
/// let cell = error.decode().ok_or("not a row that does not fit")?;
/// assert_eq!((cell.page(), cell.row()), (Some(0), Some(0)));
/// assert_eq!((cell.column(), cell.declared_type()), (Some("trade_id"), Some("bigint")));
/// assert_eq!(cell.wanted(), Some("u32"));
/// println!("{cell}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct DecodeError(Box<Inner>);

#[derive(Clone, Default)]
struct Inner {
    page: Option<u64>,
    row: Option<u64>,
    column: Option<String>,
    declared_type: Option<String>,
    wanted: Option<String>,
    found: Option<String>,
    message: String,
    /// The message comes from the target type, which knows nothing of rows.
    foreign: bool,
}

pub(super) type Result<T> = std::result::Result<T, DecodeError>;

/// How much of a cell an error quotes, in characters.
const EXCERPT: usize = 80;

pub(super) const NULL_ADVICE: &str =
    "make the field an `Option`, or keep NULL out of this column in the query";
const LOST_ADVICE: &str = "Yandex Query sends null in place of a value that it cannot write as \
     JSON, so the value is lost: cast it in the query (a Uuid with `CAST(… AS Utf8)`), or make the \
     field an `Option` to do without it";

#[cfg(feature = "arrow")]
const NULL_IN_BATCH: &str = "there should be no NULL here: take a schema in which it may be, or \
     keep NULL out of this column in the query";
#[cfg(feature = "arrow")]
const LOST_IN_BATCH: &str = "Yandex Query sends null in place of a value that it cannot write as \
     JSON, so the value is lost: cast it in the query (a Uuid with `CAST(… AS Utf8)`), or take a \
     schema in which the column may be NULL to do without it";

impl DecodeError {
    /// The page, counted as the caller of [`with_page`](Self::with_page) counts.
    pub fn page(&self) -> Option<u64> {
        self.0.page
    }

    /// The row within the whole result, from 0.
    pub fn row(&self) -> Option<u64> {
        self.0.row
    }

    /// The column, or the field that no column answers to.
    pub fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }

    /// The column's type as the service declared it.
    pub fn declared_type(&self) -> Option<&str> {
        self.0.declared_type.as_deref()
    }

    /// What the target type asked for.
    pub fn wanted(&self) -> Option<&str> {
        self.0.wanted.as_deref()
    }

    /// The beginning of what was there instead.
    pub fn found(&self) -> Option<&str> {
        self.0.found.as_deref()
    }

    /// What is wrong, and what to do, without the place.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The same error, on this page.
    #[must_use]
    pub fn with_page(mut self, page: u64) -> Self {
        self.0.page = Some(page);
        self
    }

    #[cold]
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            message: message.into(),
            ..Inner::default()
        }))
    }

    #[cold]
    pub(super) fn cell(wanted: &dyn Expected, found: &str, message: &str) -> Self {
        let mut error = Self::new(message);
        error.0.wanted = Some(wanted.to_string());
        error.0.found = Some(excerpt(found));
        error
    }

    #[cold]
    pub(super) fn null(wanted: &dyn Expected) -> Self {
        let mut error = Self::new(NULL_ADVICE);
        error.0.wanted = Some(wanted.to_string());
        error.0.found = Some("NULL".to_owned());
        error
    }

    /// The page text is not JSON, or not the JSON that this service sends.
    #[cold]
    pub(super) fn malformed(at: usize, message: &str) -> Self {
        Self::new(format!("{message} (at byte {at})"))
    }

    /// Adds what was sent, when nothing nearer is known.
    #[cold]
    pub(super) fn or_found(mut self, sent: &str) -> Self {
        self.0.found.get_or_insert_with(|| excerpt(sent));
        self
    }

    #[cold]
    pub(super) fn at_row(mut self, row: u64) -> Self {
        self.0.row.get_or_insert(row);
        self
    }

    /// Adds the column, and the cell as it was sent when nothing nearer is known.
    #[cold]
    pub(super) fn at_column(
        mut self,
        column: &str,
        declared_type: Option<&str>,
        sent: &str,
        null_is_lost: bool,
    ) -> Self {
        if null_is_lost && sent == "null" && self.0.message == NULL_ADVICE {
            LOST_ADVICE.clone_into(&mut self.0.message);
            self.0.found = Some("null".to_owned());
        }
        let inner = &mut *self.0;
        if let Some(member) = inner.column.replace(column.to_owned()) {
            inner.message = format!("its member `{member}`: {}", inner.message);
        }
        inner.declared_type = declared_type.map(str::to_owned);
        inner.found.get_or_insert_with(|| excerpt(sent));
        self
    }

    /// Adds what to do to a message that cannot know.
    #[cold]
    pub(super) fn with_advice(mut self, advice: impl FnOnce() -> Option<&'static str>) -> Self {
        if self.0.foreign
            && let Some(advice) = advice()
        {
            self.0.foreign = false;
            self.0.message.push_str("; ");
            self.0.message.push_str(advice);
        }
        self
    }

    /// The error of a cell on its way into a column of a record batch: what is wrong stays, and what
    /// to do about it is said for those who have no struct.
    #[cfg(feature = "arrow")]
    #[cold]
    pub(crate) fn in_batch(mut self, wanted: &str, way_out: Option<&str>) -> Self {
        let inner = &mut *self.0;
        let is_of_the_text = !inner.foreign && inner.wanted.is_none();
        if is_of_the_text {
            return self;
        }
        inner.wanted = Some(wanted.to_owned());
        if inner.message == NULL_ADVICE {
            return self;
        }
        if !std::mem::take(&mut inner.foreign) {
            let end = inner.message.find(": ").unwrap_or(inner.message.len());
            inner.message.truncate(end);
        }
        if let Some(way_out) = way_out {
            inner.message.push_str(": ");
            inner.message.push_str(way_out);
        }
        self
    }

    /// What to do about a NULL where there should be none, for those who have no struct.
    #[cfg(feature = "arrow")]
    #[cold]
    pub(crate) fn null_in_batch(mut self) -> Self {
        if self.0.message == NULL_ADVICE {
            NULL_IN_BATCH.clone_into(&mut self.0.message);
        } else if self.0.message == LOST_ADVICE {
            LOST_IN_BATCH.clone_into(&mut self.0.message);
        }
        self
    }

    /// An error that is none of a cell's.
    #[cfg(feature = "arrow")]
    #[cold]
    pub(crate) fn of_row(message: impl Into<String>) -> Self {
        Self::new(message)
    }

    /// Lists the columns that there are, for an error about one that there is not.
    #[cold]
    pub(super) fn with_columns<'a>(mut self, columns: impl Iterator<Item = &'a str>) -> Self {
        if self.0.column.is_some() && self.0.found.is_none() {
            let names: Vec<&str> = columns.take(20).collect();
            if !names.is_empty() {
                self.0.message.push_str("; the columns are ");
                self.0.message.push_str(&names.join(", "));
            }
        }
        self
    }
}

fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let mut place = Vec::new();
        if let Some(page) = inner.page {
            place.push(format!("page {page}"));
        }
        if let Some(row) = inner.row {
            place.push(format!("row {row}"));
        }
        match (&inner.column, &inner.declared_type) {
            (Some(column), Some(declared)) => place.push(format!("column `{column}` ({declared})")),
            (Some(column), None) => place.push(format!("column `{column}`")),
            (None, _) => {}
        }
        if !place.is_empty() {
            write!(out, "{}: ", place.join(", "))?;
        }
        match (&inner.wanted, &inner.found) {
            (Some(wanted), Some(found)) => write!(out, "wanted {wanted}, found {found}: ")?,
            (Some(wanted), None) => write!(out, "wanted {wanted}: ")?,
            (None, Some(found)) => write!(out, "cannot use {found}: ")?,
            (None, None) => {}
        }
        out.write_str(&inner.message)
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("DecodeError")
            .field("page", &self.0.page)
            .field("row", &self.0.row)
            .field("column", &self.0.column)
            .field("declared_type", &self.0.declared_type)
            .field("wanted", &self.0.wanted)
            .field("found", &self.0.found)
            .field("message", &self.0.message)
            .finish()
    }
}

impl std::error::Error for DecodeError {}

impl serde::de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let mut error = Self::new(message.to_string());
        error.0.foreign = true;
        error
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let wanted = expected.to_string();
        if unexpected == Unexpected::Unit {
            return Self::null(expected);
        }
        let advice = if wanted.starts_with("a borrowed") {
            "this cell has escapes or is rewritten into its normal form, so it cannot be lent: \
             ask for a `String` or a `Cow<str>`"
        } else {
            "the cell is of another type: change the field's type, or cast in the query"
        };
        Self::cell(expected, &unexpected.to_string(), advice)
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let advice = "the value does not fit: ask for a wider type";
        Self::cell(expected, &unexpected.to_string(), advice)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let found = format!("{length} elements");
        Self::cell(expected, &found, "the lengths differ")
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let mut error = Self::new(format!(
            "the enum has no such variant; it has {}",
            expected.join(", ")
        ));
        error.0.found = Some(excerpt(&format!("`{variant}`")));
        error
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let mut error = Self::new(format!(
            "the type has no such field and denies unknown ones; it has {}",
            expected.join(", ")
        ));
        error.0.column = Some(field.to_owned());
        error
    }

    fn missing_field(field: &'static str) -> Self {
        let mut error = Self::new(
            "there is none: select it, rename the field, or make it an `Option` or \
             `#[serde(default)]`",
        );
        error.0.column = Some(field.to_owned());
        error
    }

    fn duplicate_field(field: &'static str) -> Self {
        let mut error = Self::new("it is there twice: rename one in the query");
        error.0.column = Some(field.to_owned());
        error
    }
}
