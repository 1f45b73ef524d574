//! The error of a row that cannot be decoded.

use std::fmt;

use serde::de::{Expected, Unexpected};

/// The error of a row that does not fit the type it decodes into.
///
/// [`Display`](fmt::Display) names everything that is known: page, row, column with its declared
/// type, the expected type, the value found, and the remedy.
///
/// ```
/// use rowfeed_rows::{Columns, DecodeErrorKind, RawRows};
///
/// #[derive(Debug, serde::Deserialize)]
/// struct Trade {
///     trade_id: u32,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let columns = Columns::dune(["trade_id"], ["bigint"]);
/// let rows = RawRows::from_json(r#"[{"trade_id": 7}, {"trade_id": 9007199254740993}]"#)?;
/// let result: Result<Vec<Trade>, _> = rows.decode(&columns).collect();
/// let error = result.unwrap_err();
/// assert_eq!((error.kind(), error.row()), (DecodeErrorKind::Mismatch, Some(1)));
/// assert_eq!((error.column(), error.declared_type()), (Some("trade_id"), Some("bigint")));
/// assert_eq!(error.wanted(), Some("u32"));
/// println!("{error}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct DecodeError(Box<Inner>);

/// The kind of failure of a [`DecodeError`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The text is not JSON, or not the JSON that the service writes.
    Malformed,
    /// A cell holds a value that its type cannot hold.
    Mismatch,
    /// A cell is NULL, and its type does not allow NULL.
    Null,
    /// The service could not write a value as JSON and sent null in its place.
    Unrepresentable,
    /// A required field has no column.
    MissingColumn,
    /// Two columns, or two members, have the same name.
    DuplicateColumn,
    /// The type denies unknown fields, and there is such a column.
    UnknownColumn,
    /// A row or a nested value has more or fewer members than the type or its declaration.
    #[default]
    Shape,
    /// The type's own `Deserialize` refused a value.
    Custom,
}

#[derive(Clone, Default)]
struct Inner {
    kind: DecodeErrorKind,
    page: Option<u64>,
    row: Option<u64>,
    column: Option<String>,
    declared_type: Option<String>,
    wanted: Option<String>,
    found: Option<String>,
    message: String,
    /// The length of the reason within the message. Advice follows.
    reason_len: usize,
    has_advice: bool,
}

pub(crate) type Result<T> = std::result::Result<T, DecodeError>;

/// The most characters of a cell that an error quotes.
const EXCERPT: usize = 80;

pub(crate) const NULL_ADVICE: &str =
    "make the field an `Option`, or keep NULL out of this column in the query";
const LOST_ADVICE: &str = "Yandex Query sends null in place of a value that it cannot write as \
     JSON, so the value is lost: cast it in the query (a Uuid with `CAST(… AS Utf8)`), or make the \
     field an `Option` to do without it";

impl DecodeError {
    /// Returns the error of a row as a whole, for front ends that read cells.
    #[cold]
    #[must_use]
    pub fn of_row(message: impl Into<String>) -> Self {
        Self::new(message)
    }

    /// Returns the kind of failure.
    #[must_use]
    pub fn kind(&self) -> DecodeErrorKind {
        self.0.kind
    }

    /// Returns the number of the page, as passed to [`with_page`](Self::with_page).
    pub fn page(&self) -> Option<u64> {
        self.0.page
    }

    /// Returns the position of the row in the whole result, from 0.
    pub fn row(&self) -> Option<u64> {
        self.0.row
    }

    /// Returns the name of the column, or of the field without a column.
    pub fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }

    /// Returns the column's type as the service declares it.
    pub fn declared_type(&self) -> Option<&str> {
        self.0.declared_type.as_deref()
    }

    /// Returns the expected type.
    pub fn wanted(&self) -> Option<&str> {
        self.0.wanted.as_deref()
    }

    /// Returns the beginning of the value found.
    pub fn found(&self) -> Option<&str> {
        self.0.found.as_deref()
    }

    /// Returns the reason and the remedy, without the position.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the error with the number of its page.
    #[must_use]
    pub fn with_page(mut self, page: u64) -> Self {
        self.0.page = Some(page);
        self
    }

    /// Returns the error with another expected type.
    #[must_use]
    pub fn with_wanted(mut self, wanted: impl Into<String>) -> Self {
        self.0.wanted = Some(wanted.into());
        self
    }

    /// Returns the error with other advice, for front ends whose users have no struct to change.
    /// `None` removes the advice.
    #[must_use]
    pub fn with_advice(mut self, advice: Option<&str>) -> Self {
        let inner = &mut *self.0;
        inner.message.truncate(inner.reason_len);
        inner.has_advice = advice.is_some();
        if let Some(advice) = advice {
            if inner.reason_len > 0 {
                inner.message.push_str(": ");
            }
            inner.message.push_str(advice);
        }
        self
    }

    /// Returns the error with each of its texts changed by `map`: column, type, expected type,
    /// value found, and message. Use it if not all text of the service may be shown.
    #[cold]
    #[must_use]
    pub fn map_text(mut self, map: impl Fn(&str) -> String) -> Self {
        let inner = &mut *self.0;
        let (reason, advice) = inner.message.split_at(inner.reason_len);
        let (mut message, advice) = (map(reason), map(advice));
        inner.reason_len = message.len();
        message.push_str(&advice);
        inner.message = message;
        let texts = [
            &mut inner.column,
            &mut inner.declared_type,
            &mut inner.wanted,
            &mut inner.found,
        ];
        for text in texts.into_iter().flatten() {
            *text = map(text);
        }
        self
    }

    #[cold]
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::of_kind(DecodeErrorKind::Shape, message)
    }

    #[cold]
    fn of_kind(kind: DecodeErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Inner {
            kind,
            reason_len: message.len(),
            message,
            ..Inner::default()
        }))
    }

    /// Returns the error of a cell of another type. `message` is the reason, optionally followed by
    /// a colon and advice.
    #[cold]
    pub(crate) fn cell(wanted: &dyn Expected, found: &str, message: &str) -> Self {
        let (reason, advice) = match message.split_once(": ") {
            Some((reason, advice)) => (reason, Some(advice)),
            None => (message, None),
        };
        let mut error = Self::of_kind(DecodeErrorKind::Mismatch, reason).with_advice(advice);
        error.0.wanted = Some(wanted.to_string());
        error.0.found = Some(excerpt(found));
        error
    }

    #[cold]
    pub(crate) fn null(wanted: &dyn Expected) -> Self {
        let mut error = Self::of_kind(DecodeErrorKind::Null, "").with_advice(Some(NULL_ADVICE));
        error.0.wanted = Some(wanted.to_string());
        error.0.found = Some("NULL".to_owned());
        error
    }

    /// Returns the error of a page that is not JSON, or not the JSON of its service.
    #[cold]
    pub(crate) fn malformed(at: usize, message: &str) -> Self {
        let message = format!("{message} (at byte {at})");
        Self::of_kind(DecodeErrorKind::Malformed, message)
    }

    /// Adds the sent text, unless the error has a value already.
    #[cold]
    pub(crate) fn or_found(mut self, sent: &str) -> Self {
        self.0.found.get_or_insert_with(|| excerpt(sent));
        self
    }

    #[cold]
    pub(crate) fn at_row(mut self, row: u64) -> Self {
        self.0.row.get_or_insert(row);
        self
    }

    /// Adds the column, and the cell as sent unless the error has a value already.
    #[cold]
    pub(crate) fn at_column(
        mut self,
        column: &str,
        declared_type: Option<&str>,
        sent: &str,
        null_is_lost: bool,
    ) -> Self {
        if null_is_lost && sent == "null" && self.0.kind == DecodeErrorKind::Null {
            self = self.with_advice(Some(LOST_ADVICE));
            self.0.kind = DecodeErrorKind::Unrepresentable;
            self.0.found = Some("null".to_owned());
        }
        let inner = &mut *self.0;
        if let Some(member) = inner.column.replace(column.to_owned()) {
            let place = format!("its member `{member}`: ");
            inner.message.insert_str(0, &place);
            inner.reason_len += place.len();
        }
        inner.declared_type = declared_type.map(str::to_owned);
        inner.found.get_or_insert_with(|| excerpt(sent));
        self
    }

    /// Adds advice to an error of a type's own `Deserialize`.
    #[cold]
    pub(crate) fn or_advice(mut self, advice: impl FnOnce() -> Option<&'static str>) -> Self {
        if self.0.kind == DecodeErrorKind::Custom
            && !self.0.has_advice
            && let Some(advice) = advice()
        {
            self.0.has_advice = true;
            self.0.message.push_str("; ");
            self.0.message.push_str(advice);
        }
        self
    }

    /// Lists the existing columns in an error about a missing one.
    #[cold]
    pub(crate) fn with_columns<'a>(mut self, columns: impl Iterator<Item = &'a str>) -> Self {
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
            (Some(wanted), Some(found)) => write!(out, "expected {wanted}, found {found}: ")?,
            (Some(wanted), None) => write!(out, "expected {wanted}: ")?,
            (None, Some(found)) => write!(out, "cannot use {found}: ")?,
            (None, None) => {}
        }
        out.write_str(&inner.message)
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("DecodeError")
            .field("kind", &self.0.kind)
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
        Self::of_kind(DecodeErrorKind::Custom, message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let wanted = expected.to_string();
        if unexpected == Unexpected::Unit {
            return Self::null(expected);
        }
        let advice = if wanted.starts_with("a borrowed") {
            "this cell has escapes or is rewritten into its normal form, so it cannot be borrowed: \
             use a `String` or a `Cow<str>`"
        } else {
            "the cell is of another type: change the field's type, or cast in the query"
        };
        Self::cell(expected, &unexpected.to_string(), advice)
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let advice = "the value does not fit: use a wider type";
        Self::cell(expected, &unexpected.to_string(), advice)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let found = format!("{length} elements");
        Self::cell(expected, &found, "the lengths differ")
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let message = format!(
            "the enum has no such variant; it has {}",
            expected.join(", ")
        );
        let mut error = Self::of_kind(DecodeErrorKind::Mismatch, message);
        error.0.found = Some(excerpt(&format!("`{variant}`")));
        error
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let message = format!(
            "the type has no such field and denies unknown ones; it has {}",
            expected.join(", ")
        );
        let mut error = Self::of_kind(DecodeErrorKind::UnknownColumn, message);
        error.0.column = Some(field.to_owned());
        error
    }

    fn missing_field(field: &'static str) -> Self {
        let message = "the result has no such column: select it, rename the field, or make it an \
                       `Option` or `#[serde(default)]`";
        let mut error = Self::of_kind(DecodeErrorKind::MissingColumn, message);
        error.0.column = Some(field.to_owned());
        error
    }

    fn duplicate_field(field: &'static str) -> Self {
        let message = "it occurs twice: rename one in the query";
        let mut error = Self::of_kind(DecodeErrorKind::DuplicateColumn, message);
        error.0.column = Some(field.to_owned());
        error
    }
}
