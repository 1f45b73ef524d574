//! From a request to a run that has ended well.

use std::time::Duration;

use rowfeed::{CompletedRun, RunHandle, RunRequest};

use crate::{
    args::{OnInterrupt, RunArgs},
    context::Context,
    error::{Failure, Kind, Result},
    progress::Reporter,
    request::Request,
    services::Connection,
};

/// How long the answer to a call that starts a run is waited for after Ctrl-C: its id is needed to
/// cancel it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts runs and waits for them.
pub(crate) struct Executor<'a> {
    pub(crate) context: &'a Context,
    pub(crate) connection: &'a Connection,
    pub(crate) request: &'a Request,
    /// `None` for a run that is only read.
    pub(crate) args: Option<&'a RunArgs>,
    pub(crate) reporter: &'a Reporter,
}

impl Executor<'_> {
    /// Starts the run and returns its handle as soon as the service has accepted it.
    pub(crate) async fn start(&self) -> Result<RunHandle> {
        let configure = |run| self.configure(run);
        let started = self.connection.start(self.request, configure);
        let mut started = std::pin::pin!(started);
        let run = tokio::select! {
            run = &mut started => run,
            () = self.context.interrupt.wait() => {
                // It may have been accepted already, and is then to be cancelled by its id.
                let Ok(run) = tokio::time::timeout(PATIENCE, started).await else {
                    let message = match self.request.executes() {
                        true => "interrupted while the run was being started; it may be running at the service",
                        false => "interrupted",
                    };
                    let mut failure = Failure::new(Kind::Interrupted, message);
                    failure.may_have_started = true;
                    return Err(failure);
                };
                run
            }
        };
        let run = run.map_err(|failure| self.explain(failure))?;
        self.reporter.started(run.service(), run.id());
        Ok(run)
    }

    /// Takes up a run that was started before.
    pub(crate) async fn attach(&self, id: &str) -> Result<RunHandle> {
        let run = self.configure(self.connection.attach(id)).start().await?;
        self.reporter.started(run.service(), run.id());
        Ok(run)
    }

    fn configure(&self, run: RunRequest) -> RunRequest {
        let reporter = self.reporter.clone();
        let mut run = run.on_progress(move |progress| reporter.state(progress));
        if let Some(time) = self.args.and_then(|args| args.timeout) {
            run = run.timeout(time);
            if self.request.owns_its_run() {
                run = run.cancel_on_timeout();
            }
        }
        run
    }

    /// Waits for the end of the run. Ctrl-C cancels it or leaves it alone, as the flag says.
    pub(crate) async fn wait(&self, run: RunHandle) -> Result<CompletedRun> {
        let id = run.id().to_owned();
        let ended = std::future::IntoFuture::into_future(run);
        tokio::select! {
            ended = ended => ended.map_err(|error| {
                let failure = self.explain(error.into());
                match failure.kind == Kind::Timeout && self.request.owns_its_run() {
                    true => failure.of_ended_run(),
                    false => failure,
                }
            }),
            () = self.context.interrupt.wait() => Err(self.interrupted(&id).await),
        }
    }

    async fn interrupted(&self, id: &str) -> Failure {
        self.reporter.clear();
        let left = |why: &str| {
            let message = format!("interrupted; the run {id} continues at the service{why}");
            Failure::new(Kind::Interrupted, message).run(id).hint(format!(
                "'rowfeed run attach {id}' waits for it again, 'rowfeed run cancel {id}' cancels it"
            ))
        };
        match (
            self.args.and_then(|args| args.on_interrupt),
            self.request.owns_its_run(),
        ) {
            (Some(OnInterrupt::Cancel), _) | (None, true) => {}
            (Some(OnInterrupt::Detach), _) => return left(""),
            (None, false) => return left(", as it may have been started elsewhere"),
        }
        match tokio::time::timeout(PATIENCE, self.connection.cancel(id)).await {
            Ok(Ok(())) => Failure::new(
                Kind::Interrupted,
                format!("interrupted; the run {id} was cancelled"),
            )
            .run(id)
            .of_ended_run(),
            Ok(Err(failure)) => left(&format!(
                ", because it could not be cancelled: {}",
                failure.message()
            )),
            Err(_) => left(", because the service does not answer to cancel it"),
        }
    }

    /// Shows the statement with the place of its fault.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        failure.in_statement(self.request.statement())
    }
}
