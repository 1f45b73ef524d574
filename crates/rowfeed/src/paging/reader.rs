//! The pages of a source, whatever its type and however they are fetched.

use std::{
    fmt,
    task::{Context, Poll},
};

use futures_core::ready;

use super::{
    intake::{Fetcher, Intake},
    on_demand::OnDemand,
    prefetch::Prefetch,
    source::{Source, SourcePage, Wanted},
};
use crate::Error;

/// Begins to fetch pages: from a cursor, if there is one, and over connections that no other client
/// uses, if that is `true`.
pub(crate) type Begin<P> =
    Box<dyn FnOnce(Wanted, Option<&<P as SourcePage>::Cursor>, bool) -> Begun<P> + Send>;

type Begun<P> = Result<Box<dyn Fetcher<P>>, Error>;

/// Begins here, or on another thread.
pub(crate) type StartFn<P> =
    fn(&'static str, Begin<P>, Wanted, Option<<P as SourcePage>::Cursor>) -> Begun<P>;

/// The pages of a source, one after the other. Sends nothing before it is polled, and is fused.
pub(crate) struct PageReader<P: SourcePage> {
    state: State<P>,
    /// `left` counts down here too, to know the end without another poll.
    pub(crate) wanted: Wanted,
    service: &'static str,
    resumed_from: Option<P::Cursor>,
    pub(crate) start: StartFn<P>,
}

enum State<P: SourcePage> {
    Waiting(Begin<P>),
    Reading(Box<dyn Fetcher<P>>),
    Failed(Error),
    Done,
}

impl<P: SourcePage> PageReader<P> {
    pub(crate) fn new(source: impl Source<Page = P>) -> Self {
        match source.limit() {
            Err(error) => Self::of(source.service(), State::Failed(error)),
            Ok(left) => {
                let mut this = Self::of(source.service(), State::Waiting(begin(source)));
                this.wanted.left = left;
                this
            }
        }
    }

    /// One error, and no page.
    pub(crate) fn failed(error: Error) -> Self {
        Self::of(error.service(), State::Failed(error))
    }

    fn of(service: &'static str, state: State<P>) -> Self {
        Self {
            state,
            wanted: Wanted::default(),
            service,
            resumed_from: None,
            start: |_, begin, wanted, cursor| begin(wanted, cursor.as_ref(), false),
        }
    }

    pub(crate) fn service(&self) -> &'static str {
        self.service
    }

    pub(crate) fn resume(&mut self, cursor: &P::Cursor, row: u64) {
        match &self.state {
            State::Waiting(_) => {
                self.wanted.resumed_at = Some(row);
                self.resumed_from = Some(cursor.clone());
            }
            State::Failed(_) => {}
            State::Reading(_) | State::Done => {
                let message = "resume() was called after the first page; call it before";
                self.state = State::Failed(Error::invalid(self.service, message));
            }
        }
    }

    /// The cursor that reading was resumed from.
    pub(crate) fn resumed_from(&self) -> Option<&P::Cursor> {
        self.resumed_from.as_ref()
    }

    /// Whether pages were fetched and more may follow.
    #[cfg(feature = "blocking")]
    pub(crate) fn is_under_way(&self) -> bool {
        matches!(self.state, State::Reading(_)) && !self.is_done()
    }

    #[cfg(feature = "blocking")]
    pub(crate) fn fail(&mut self, error: Error) {
        self.state = State::Failed(error);
    }

    pub(crate) fn is_done(&self) -> bool {
        match self.state {
            State::Failed(_) => false,
            State::Done => true,
            State::Waiting(_) | State::Reading(_) => self.wanted.left == Some(0),
        }
    }

    pub(crate) fn poll_page(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<P>, Error>> {
        if self.is_done() {
            self.state = State::Done;
        }
        match std::mem::replace(&mut self.state, State::Done) {
            State::Waiting(_) if self.wanted.page_size == Some(0) => {
                let message = format!(
                    "a page size of 0 {} was set; it must be at least 1",
                    P::ENTRIES
                );
                return Poll::Ready(Err(Error::invalid(self.service, message)));
            }
            State::Waiting(begin) => {
                let (wanted, cursor) = (self.wanted.clone(), self.resumed_from.clone());
                self.state = State::Reading((self.start)(self.service, begin, wanted, cursor)?);
            }
            State::Failed(error) => return Poll::Ready(Err(error)),
            state => self.state = state,
        }
        let State::Reading(fetcher) = &mut self.state else {
            return Poll::Ready(Ok(None));
        };
        let page = ready!(fetcher.poll_page(context));
        match &page {
            Ok(Some(page)) => {
                if let Some(left) = &mut self.wanted.left {
                    *left -= page.count();
                }
            }
            // Requests that are under way end here.
            Ok(None) | Err(_) => self.state = State::Done,
        }
        Poll::Ready(page)
    }
}

fn begin<S: Source>(mut source: S) -> Begin<S::Page> {
    Box::new(|wanted, cursor, own_connections| {
        if let Some(cursor) = cursor {
            source.resume(cursor)?;
        }
        if own_connections {
            source.reconnect()?;
        }
        let intake = Intake::new(source, wanted);
        Ok(match intake.prefetch() {
            0 => Box::new(OnDemand::new(intake)),
            _ => Box::new(Prefetch::new(intake)),
        })
    })
}

impl<P: SourcePage> fmt::Debug for PageReader<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageReader")
            .field("service", &self.service)
            .field("wanted", &self.wanted)
            .finish_non_exhaustive()
    }
}
