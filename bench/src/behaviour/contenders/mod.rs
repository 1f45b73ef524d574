//! The contenders that are written in Rust. Each runs a statement, waits for its end, and reads
//! the rows, as it is usually done with it.

mod generated;
mod hand;
mod log;
mod rowfeed;
mod shapes;

use std::{fmt, time::Duration};

use super::job::{Found, Job, Report, Who};

/// Between two looks at a run, for those who write this loop themselves.
const PAUSE: Duration = Duration::from_millis(200);

/// An error, as it is shown to a user and to a developer.
struct Failure {
    shown: String,
    debug: String,
}

/// With the causes, as programs print it that end with an error.
fn describe<E: std::error::Error>(error: E) -> Failure {
    let debug = format!("{error:?}");
    let mut shown = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        shown += &format!(": {error}");
        cause = error.source();
    }
    Failure { shown, debug }
}

fn failed(error: impl fmt::Display + fmt::Debug) -> Failure {
    Failure {
        shown: format!("{error:#}"),
        debug: format!("{error:?}"),
    }
}

/// What a process with a contender does.
pub(super) async fn behave(job: &Job) -> Report {
    let mut report = Report::default();
    // The Rust contenders but rowfeed have no limit that could be set.
    if job.wait_s.is_some() && job.who != Who::Rowfeed {
        return report;
    }
    log::keep();
    let result: Result<Found, Failure> = match job.who {
        Who::Rowfeed => rowfeed::read(job, &mut report.client_debug).await,
        Who::Hand => hand::read(job, &mut report.client_debug)
            .await
            .map_err(failed),
        Who::Generated => generated::read(job, &mut report.client_debug)
            .await
            .map_err(failed),
        Who::Python => return report,
    };
    report.log = log::kept();
    match result {
        Ok(found) => report.found = Some(found),
        Err(failure) => {
            report.error = Some(failure.shown);
            report.error_debug = failure.debug;
        }
    }
    report
}
