//! Errors of scans, and how to find them inside those of DataFusion.

use std::{error::Error as StdError, fmt, ops::Range};

use datafusion::error::DataFusionError;
use rowfeed::Error;

/// A scan of a result that failed: the service's error, and the rows that were being read.
///
/// Scans return it inside [`DataFusionError::External`]. DataFusion may wrap that again, for example
/// in `Shared` below a join; [`service_error`] and [`ScanError::find`] look through the wrapping.
#[derive(Debug)]
pub struct ScanError {
    error: Error,
    rows: Option<Range<u64>>,
}

impl ScanError {
    pub(crate) fn new(error: Error, rows: Option<Range<u64>>) -> Self {
        Self { error, rows }
    }

    /// Returns the error of the service or of the cell, with service and run.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Returns the row range that the failed partition was reading, counted from 0. `None` if the
    /// number of rows of the result is not known.
    #[must_use]
    pub fn rows(&self) -> Option<&Range<u64>> {
        self.rows.as_ref()
    }

    /// Returns the scan error that caused an error of DataFusion.
    #[must_use]
    pub fn find(error: &DataFusionError) -> Option<&Self> {
        causes(error).find_map(|cause| cause.downcast_ref())
    }
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)?;
        match &self.rows {
            Some(rows) => write!(f, " (while reading rows {} to {})", rows.start, rows.end),
            None => Ok(()),
        }
    }
}

/// `Display` includes the text of the service's error, so `source` returns what lies below that.
impl StdError for ScanError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}

impl From<ScanError> for DataFusionError {
    fn from(error: ScanError) -> Self {
        Self::External(Box::new(error))
    }
}

/// Returns the error of a service that caused an error of DataFusion: of a scan, or of a run that
/// [`prepare`](crate::prepare) started.
///
/// ```
/// use rowfeed::{ErrorKind, prelude::*};
/// use rowfeed_datafusion::{ResultTable, service_error};
///
/// # rowfeed_sandbox::__example!(|sandbox, run| {
/// let ctx = datafusion::prelude::SessionContext::new();
/// ctx.register_table("trades", ResultTable::of(&run).await?.into())?;
/// # sandbox.fault(rowfeed_sandbox::Fault::status(402).path("/results").always());
/// let query = ctx.sql("SELECT project FROM trades").await?;
/// let error = query.collect().await.unwrap_err();
/// let cause = service_error(&error).ok_or("another error")?;
/// assert_eq!((cause.kind(), cause.service()), (ErrorKind::Call, "dune"));
/// # });
/// ```
#[must_use]
pub fn service_error(error: &DataFusionError) -> Option<&Error> {
    causes(error).find_map(|cause| match cause.downcast_ref::<ScanError>() {
        Some(scan) => Some(scan.error()),
        None => cause.downcast_ref(),
    })
}

/// The error and what it wraps. `DataFusionError::source` returns the inner error of most variants,
/// but does not cover a collection.
fn causes(error: &DataFusionError) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    chain(error.find_root())
}

/// An error and its sources.
pub(crate) fn chain(error: &DataFusionError) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    std::iter::from_fn(move || {
        let this = next?;
        next = match this.downcast_ref::<DataFusionError>() {
            Some(DataFusionError::External(inner)) => Some(inner.as_ref()),
            _ => this.source(),
        };
        Some(this)
    })
}

/// An error of a service as DataFusion's.
pub(crate) fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
