//! Fetches a page when the reader needs it.

use std::task::{Context, Poll};

use futures_core::ready;

use super::{
    intake::{Fetcher, Intake},
    source::{BoxFuture, FetchPlan, Source},
};
use crate::Error;

pub(super) struct OnDemand<S: Source> {
    pub(super) intake: Intake<S>,
    pub(super) request: Option<BoxFuture<Result<S::Response, Error>>>,
}

impl<S: Source> Fetcher<S::Page> for OnDemand<S> {
    fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<S::Page>, Error>> {
        loop {
            if let Some(request) = &mut self.request {
                let answer = ready!(request.as_mut().poll(context));
                self.request = None;
                if let Some(page) = self.intake.accept(answer)? {
                    return Poll::Ready(Ok(Some(page)));
                }
            }
            match self.intake.plan(0)? {
                FetchPlan::Fetch(request) => self.request = Some(request),
                FetchPlan::Wait | FetchPlan::End => {
                    return Poll::Ready(self.intake.end().map(|()| None));
                }
            }
        }
    }
}
