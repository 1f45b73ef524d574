//! Ctrl-C and the signal to end.

use tokio::sync::watch;

/// Told when the user wants the command to end. The second time ends the process at once.
#[derive(Clone)]
pub(crate) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Listens from now on.
    pub(crate) fn listen() -> Self {
        let (tell, told) = watch::channel(false);
        tokio::spawn(async move {
            let mut signals = Signals::new();
            signals.next().await;
            tell.send_replace(true);
            signals.next().await;
            std::process::exit(130);
        });
        Self(told)
    }

    /// Completes when the user has interrupted, also if that was before.
    pub(crate) async fn wait(&self) {
        let mut told = self.0.clone();
        if told.wait_for(|interrupted| *interrupted).await.is_err() {
            // The listener is gone, so there is nothing to wait for.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
        Self(
            kinds
                .into_iter()
                .filter_map(|kind| signal(kind).ok())
                .collect(),
        )
    }

    async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let ready = self
                .0
                .iter_mut()
                .any(|signal| signal.poll_recv(context).is_ready());
            match ready {
                true => std::task::Poll::Ready(()),
                false => std::task::Poll::Pending,
            }
        })
        .await;
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Self {
        Self
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
