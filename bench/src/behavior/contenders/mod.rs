//! The contenders written in Rust. Each runs a statement, waits for its end, and reads the rows in
//! the usual way.

mod generated;
mod hand;
mod log;
mod rowfeed;
mod shapes;

use std::{fmt, time::Duration};

use super::job::{Found, Job, Report, Who};

/// The pause between two polls in loops written by hand.
const PAUSE: Duration = Duration::from_millis(200);

/// The text of an error for users and for developers.
struct Failure {
    shown: String,
    debug: String,
}

/// The text with the causes, as programs print it before they exit.
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

/// Runs the process of a contender.
pub(super) async fn behave(job: &Job) -> Report {
    let mut report = Report::default();
    // Of the Rust contenders, only rowfeed has a setting for this limit.
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
