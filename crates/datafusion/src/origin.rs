//! Where the rows of a table come from.

use std::{fmt, ops::Range, sync::Arc};

#[cfg(feature = "distributed")]
use rowfeed::source::BoxFuture;
use rowfeed::{CompletedRun, Cursor, Error, Pages, source::ResultId};

/// Creates readers of one result.
#[derive(Clone)]
pub(crate) enum Origin {
    /// A result of a completed run: any row can be addressed.
    Run {
        run: CompletedRun,
        result_set: usize,
    },
    /// Pages that can only be read from the beginning.
    Pages(Arc<dyn Fn() -> Pages + Send + Sync>),
    /// A run that is attached to when the first row is needed.
    #[cfg(feature = "distributed")]
    Attached(Arc<dyn Attach>),
}

/// Attaches to a run by its id.
#[cfg(feature = "distributed")]
pub(crate) trait Attach: fmt::Debug + Send + Sync {
    /// Returns the run and the index of the result.
    fn attach(&self) -> BoxFuture<Result<(CompletedRun, usize), Error>>;
}

impl Origin {
    /// Returns the pages from the row at `first` on.
    pub(crate) async fn pages(&self, first: u64) -> Result<Pages, Error> {
        match self {
            Self::Run { run, result_set } => Ok(pages_of(run, *result_set, first)),
            Self::Pages(pages) => Ok(pages()),
            #[cfg(feature = "distributed")]
            Self::Attached(attach) => {
                let (run, result_set) = attach.attach().await?;
                Ok(pages_of(&run, result_set, first))
            }
        }
    }
}

fn pages_of(run: &CompletedRun, result_set: usize, first: u64) -> Pages {
    let pages = run.result_set(result_set);
    if first == 0 {
        return pages;
    }
    let index = u32::try_from(result_set).unwrap_or(u32::MAX);
    let result = ResultId::new(run.id()).with_result_set(index);
    pages.resume(&Cursor::new(run.service(), result, first))
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run { run, result_set } => f
                .debug_struct("Run")
                .field("run", run)
                .field("result_set", result_set)
                .finish(),
            Self::Pages(_) => f.write_str("Pages"),
            #[cfg(feature = "distributed")]
            Self::Attached(attach) => attach.fmt(f),
        }
    }
}

/// Which result a table reads. It is shown in plans, and identifies the result for workers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) service: &'static str,
    pub(crate) run_id: Option<String>,
    pub(crate) result_set: usize,
    /// The project at Lightdash, the folder at Yandex Query.
    pub(crate) place: Option<String>,
    /// The name under which workers find the credentials.
    pub(crate) profile: Option<String>,
}

impl Identity {
    /// The path that plans show instead of a file.
    pub(crate) fn path(&self) -> String {
        let Self {
            service,
            run_id,
            result_set,
            ..
        } = self;
        match run_id {
            Some(run) => format!("{service}/{run}/{result_set}"),
            None => format!("{service}/pages"),
        }
    }
}

/// The rows of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The rows to read. `None` reads to the end of a result of unknown size.
    pub(crate) rows: Option<Range<u64>>,
    /// Whether the result ends with these rows.
    pub(crate) is_last: bool,
}
