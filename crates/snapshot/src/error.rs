//! Why a snapshot cannot be written or read.

use std::{error::Error as StdError, fmt};

/// Why a snapshot cannot be written or read.
///
/// [`kind`](Self::kind) tells the cases apart. An error of the service is [`as_rows`](Self::as_rows).
#[derive(Debug)]
pub struct SnapshotError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: SnapshotErrorKind,
    message: String,
    cause: Option<Cause>,
}

#[derive(Debug)]
enum Cause {
    Rows(rowfeed::Error),
    Store(object_store::Error),
    Other(Box<dyn StdError + Send + Sync>),
}

/// The kind of a [`SnapshotError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SnapshotErrorKind {
    /// A setting is invalid, or names a column that the result does not have.
    InvalidRequest,
    /// The service did not send the rows, or they do not fit their types.
    Rows,
    /// The rows cannot be written as Parquet.
    Parquet,
    /// The destination cannot be read or written.
    Store,
    /// The destination has objects that are not of a snapshot, or parts that the manifest does not
    /// describe.
    Foreign,
    /// The manifest cannot be understood, or does not add up.
    Manifest,
    /// The destination has a snapshot of another run, or with other columns, types or parts.
    OtherSnapshot,
    /// Another process writes the same snapshot.
    Busy,
}

impl SnapshotError {
    pub(crate) fn new(kind: SnapshotErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            cause: None,
        }))
    }

    fn caused(kind: SnapshotErrorKind, message: String, cause: Cause) -> Self {
        let cause = Some(cause);
        Self(Box::new(Inner {
            kind,
            message,
            cause,
        }))
    }

    /// `what` is what could not be done, as in "writing part-00000.parquet".
    pub(crate) fn store(what: &str, cause: object_store::Error) -> Self {
        let kind = SnapshotErrorKind::Store;
        Self::caused(kind, format!("{what} failed"), Cause::Store(cause))
    }

    pub(crate) fn other(
        kind: SnapshotErrorKind,
        message: impl Into<String>,
        cause: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::caused(kind, message.into(), Cause::Other(cause.into()))
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> SnapshotErrorKind {
        self.0.kind
    }

    /// Returns the error of the service or of decoding, if that is the cause.
    #[must_use]
    pub fn as_rows(&self) -> Option<&rowfeed::Error> {
        match &self.0.cause {
            Some(Cause::Rows(error)) => Some(error),
            _ => None,
        }
    }

    /// Returns the error of the service or of decoding by value.
    ///
    /// # Errors
    ///
    /// Returns this error if something else is the cause.
    pub fn into_rows(self) -> Result<rowfeed::Error, Self> {
        match *self.0 {
            Inner {
                cause: Some(Cause::Rows(error)),
                ..
            } => Ok(error),
            inner => Err(Self(Box::new(inner))),
        }
    }

    /// Returns the error of the object store, if that is the cause.
    #[must_use]
    pub fn as_store(&self) -> Option<&object_store::Error> {
        match &self.0.cause {
            Some(Cause::Store(error)) => Some(error),
            _ => None,
        }
    }
}

impl From<rowfeed::Error> for SnapshotError {
    fn from(error: rowfeed::Error) -> Self {
        let message = "reading the rows of the run failed".to_owned();
        Self::caused(SnapshotErrorKind::Rows, message, Cause::Rows(error))
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for SnapshotError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(match self.0.cause.as_ref()? {
            Cause::Rows(error) => error,
            Cause::Store(error) => error,
            Cause::Other(error) => error.as_ref(),
        })
    }
}
