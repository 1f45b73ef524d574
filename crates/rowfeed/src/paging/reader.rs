//! Reads the pages of a source, independent of its type and of how they are fetched.

use std::{
    fmt,
    task::{Context, Poll},
};

use futures_core::ready;
use rowfeed_client::Masker;

use super::{
    intake::{Fetcher, Intake},
    on_demand::OnDemand,
    prefetch::Prefetch,
    source::{FetchOptions, Source, SourcePage},
};
use crate::Error;

/// A source of any type, before its first request.
pub(crate) trait AnySource<P: SourcePage>: Send {
    fn resume(&mut self, cursor: &P::Cursor) -> Result<(), Error>;
    #[cfg_attr(not(feature = "blocking"), allow(dead_code))]
    fn reconnect(&mut self) -> Result<(), Error>;
    fn start(self: Box<Self>, options: FetchOptions) -> Box<dyn Fetcher<P>>;
}

impl<S: Source> AnySource<S::Page> for S {
    fn resume(&mut self, cursor: &<S::Page as SourcePage>::Cursor) -> Result<(), Error> {
        Source::resume(self, cursor)
    }

    fn reconnect(&mut self) -> Result<(), Error> {
        Source::reconnect(self)
    }

    fn start(self: Box<Self>, options: FetchOptions) -> Box<dyn Fetcher<S::Page>> {
        let intake = Intake::new(*self, options);
        match intake.options.prefetch {
            0 => Box::new(OnDemand {
                intake,
                request: None,
            }),
            _ => Box::new(Prefetch::new(intake)),
        }
    }
}

/// Starts to fetch, in this task or on another thread.
pub(crate) type StartFn<P> =
    fn(&'static str, Box<dyn AnySource<P>>, FetchOptions) -> Box<dyn Fetcher<P>>;

/// The pages of a source. Sends nothing before it is polled, and is fused.
pub(crate) struct PageReader<P: SourcePage> {
    state: State<P>,
    /// `rows_left` counts down here too, so that the end is known without another poll.
    pub(crate) options: FetchOptions,
    pub(crate) service: &'static str,
    /// Hides the client's credentials in errors.
    masker: Option<Masker>,
    /// The cursor that reading resumed from. The owner may advance it.
    pub(crate) cursor: Option<P::Cursor>,
    pub(crate) start: StartFn<P>,
}

enum State<P> {
    Waiting(Box<dyn AnySource<P>>),
    Reading(Box<dyn Fetcher<P>>),
    Failed(Error),
    Done,
}

impl<P: SourcePage> PageReader<P> {
    pub(crate) fn new(source: impl Source<Page = P>) -> Self {
        let masker = source.masker();
        let mut this = match source.limit() {
            Ok(left) => {
                let mut this = Self::of(source.service(), State::Waiting(Box::new(source)));
                this.options.rows_left = left;
                this
            }
            Err(error) => Self::of(source.service(), State::Failed(error)),
        };
        this.masker = masker;
        this
    }

    /// A reader that returns one error and no page.
    pub(crate) fn failed(error: Error) -> Self {
        Self::of(error.service(), State::Failed(error))
    }

    fn of(service: &'static str, state: State<P>) -> Self {
        Self {
            state,
            options: FetchOptions::default(),
            service,
            masker: None,
            cursor: None,
            start: |_, source, options| source.start(options),
        }
    }

    /// Returns the error without credentials.
    pub(crate) fn masked(&self, error: Error) -> Error {
        match &self.masker {
            Some(masker) => error.masked(masker),
            None => error,
        }
    }

    pub(crate) fn resume(&mut self, cursor: &P::Cursor, row: u64) {
        let resumed = match &mut self.state {
            State::Waiting(source) => source.resume(cursor),
            State::Failed(_) => return,
            State::Reading(_) | State::Done => Err(Error::invalid(
                self.service,
                "resume() was called after the first page; call it before",
            )),
        };
        match resumed {
            Ok(()) => {
                self.options.resumed_at = Some(row);
                self.cursor = Some(cursor.clone());
            }
            Err(error) => self.state = State::Failed(error),
        }
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
            State::Waiting(_) | State::Reading(_) => self.options.rows_left == Some(0),
        }
    }

    /// Returns the next page or error. Every page and every error passes through here.
    pub(crate) fn poll_page(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<P>, Error>> {
        let mut page = ready!(self.poll_source(context));
        if let (Ok(Some(page)), Some(masker)) = (&mut page, &self.masker) {
            page.set_masker(masker);
        }
        Poll::Ready(page.map_err(|error| self.masked(error)))
    }

    fn poll_source(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<P>, Error>> {
        if self.is_done() {
            self.state = State::Done;
        }
        match std::mem::replace(&mut self.state, State::Done) {
            State::Waiting(_) if self.options.page_size == Some(0) => {
                let message = format!(
                    "a page size of 0 {} was set; it must be at least 1",
                    P::ENTRIES
                );
                return Poll::Ready(Err(Error::invalid(self.service, message)));
            }
            State::Waiting(source) => {
                self.state =
                    State::Reading((self.start)(self.service, source, self.options.clone()));
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
                if let Some(left) = &mut self.options.rows_left {
                    *left -= page.count();
                }
            }
            // Dropping the fetcher cancels requests in flight.
            Ok(None) | Err(_) => self.state = State::Done,
        }
        Poll::Ready(page)
    }
}

impl<P: SourcePage> fmt::Debug for PageReader<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageReader")
            .field("service", &self.service)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
