//! Waiting for a run to end.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep};

use crate::Error;

/// How often a service is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    pub(crate) first: Duration,
    pub(crate) most: Duration,
}

/// What a service says about a run.
pub(crate) enum Progress<T> {
    Ended(T),
    Going,
}

/// Asks until the run has ended, with growing pauses, each a little shorter or longer than the last
/// so that many runs started together do not ask together.
pub(crate) async fn until_ended<T, F>(
    service: &'static str,
    interval: Interval,
    timeout: Option<Duration>,
    mut ask: impl FnMut() -> F,
) -> Result<T, Error>
where
    F: Future<Output = Result<Progress<T>, Error>>,
{
    let wait = async {
        let mut pause = interval.first;
        loop {
            if let Progress::Ended(ended) = ask().await? {
                return Ok(ended);
            }
            sleep(pause.mul_f64(0.9 + 0.2 * fastrand::f64())).await;
            pause = (pause * 2).min(interval.most);
        }
    };
    let started = Instant::now();
    match timeout {
        None => wait.await,
        Some(timeout) => match tokio::time::timeout_at(started + timeout, wait).await {
            Ok(result) => result,
            Err(_) => Err(Error::timeout(service, timeout)),
        },
    }
}
