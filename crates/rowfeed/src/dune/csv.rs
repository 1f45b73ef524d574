//! Dune's results as CSV.
//!
//! Pages as JSON results do, but for where the next page is named: in the header
//! `x-dune-next-offset`, absent on the last page. `x-dune-next-uri` names the execution that the
//! page comes from; nothing else of it is used, since it may name another host.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::{FusedStream, Stream, ready};
use rowfeed_client::{ByteStream, Masker, ResponseValue};
use rowfeed_dune::{builder, types};

use super::{
    csv_joint::Joint,
    paging::next_offset,
    request::{PAGE_SIZE, pinned},
    state::{SERVICE, call, check_state},
};
use crate::{
    Error, ErrorKind,
    paging::{BoxFuture, Reconnect as _},
    parameter::{Parameter, count},
};

/// An operation that answers with CSV: all pages as one text.
pub trait ReadsCsv: Sized {
    /// Returns the CSV of the whole result. Nothing is sent before the first bytes are needed.
    ///
    /// Every parameter of the operation keeps its meaning and goes with every page; `limit` is the
    /// number of rows in all.
    ///
    /// ```
    /// use std::io::Write as _;
    /// # use rowfeed::{dune, prelude::*};
    ///
    /// # rowfeed::__example!(|sandbox, dune| {
    /// # let query_id = rowfeed_sandbox::DUNE_QUERY_ID;
    /// # let mut file = Vec::new();
    /// let latest = dune.get_latest_query_result_csv().query_id(query_id);
    /// let mut csv = latest.columns("project,block_date").csv().page_size(20);
    /// while let Some(bytes) = csv.try_next().await? {
    ///     file.write_all(&bytes)?;
    /// }
    /// # let text = String::from_utf8(file)?;
    /// # assert!(text.starts_with("project,block_date\n"), "{text}");
    /// # assert_eq!(text.lines().count(), 1 + 48);
    /// # });
    /// ```
    fn csv(self) -> CsvBytes;
}

/// A result of Dune as CSV: the bytes of all pages as they arrive, with one header line.
///
/// A [`Stream`] of [`Bytes`], and usable without one by [`try_next`](Self::try_next). Ends for good
/// after the last page, and after the first error. Holds what has just arrived, never a page, and
/// may be dropped at any point. Where a piece ends means nothing: it may be in the middle of a row.
///
/// CSV is for files and for tools that read nothing else. Dune prints every number in it as a
/// float, `37185158` as `3.7185158e+07`, so that integers lose digits, and NULL as `<nil>`, which a
/// text may be too. [`rows()`](crate::ReadsRows::rows) therefore never reads it.
///
/// The pages of a latest result are all read from the execution of the first one, where Dune's
/// headers name it, as for rows; where they do not, a run in between can mix two results, and only
/// the CSV of an execution is sure to be one. A page with another header line than the first is an
/// error of the kind [`Paging`](crate::ErrorKind::Paging), and so is a next page that does not
/// advance.
///
/// ```
/// use futures_util::TryStreamExt as _;
/// # use rowfeed::{dune, prelude::*};
///
/// # rowfeed::__example!(|sandbox, dune| {
/// let run = dune.execute_sql().body("SELECT project, chain FROM projects").run().await?;
/// let csv = dune.get_execution_results_csv().execution_id(run.id()).csv().max_rows(2);
/// let pieces: Vec<_> = csv.try_collect().await?;
/// let text = String::from_utf8(pieces.concat())?;
/// assert_eq!(text.lines().next(), Some("project,chain"));
/// # assert_eq!(text.lines().count(), 3);
/// # });
/// ```
#[must_use = "nothing is sent before the first bytes are needed"]
pub struct CsvBytes {
    state: State,
    request: Request,
    page_size: u32,
    at_most: Option<u64>,
    first_row: u64,
    /// Where the page that is being read, or requested, begins.
    row: u64,
    /// Where the page after it begins.
    next: Option<u64>,
    joint: Joint,
}

enum State {
    Waiting,
    Asking(BoxFuture<Result<ResponseValue<ByteStream>, Error>>),
    Reading(ByteStream),
    Failed(Error),
    Done,
}

impl ReadsCsv for builder::GetExecutionResultsCsv {
    fn csv(self) -> CsvBytes {
        let (limit, offset) = (self.limit.clone(), self.offset.clone());
        CsvBytes::new(Request::Execution(self), &limit, &offset)
    }
}

impl ReadsCsv for builder::GetLatestQueryResultCsv {
    fn csv(self) -> CsvBytes {
        let (limit, offset) = (self.limit.clone(), self.offset.clone());
        CsvBytes::new(Request::Latest(self), &limit, &offset)
    }
}

impl CsvBytes {
    fn new(request: Request, limit: &Parameter, offset: &Parameter) -> Self {
        let range = || {
            Ok((
                count(SERVICE, "limit", limit)?,
                count(SERVICE, "offset", offset)?,
            ))
        };
        let (state, (at_most, offset)) = match range() {
            Ok(range) => (State::Waiting, range),
            Err(error) => (State::Failed(error), (None, None)),
        };
        let first_row = offset.unwrap_or(0);
        Self {
            state,
            request,
            page_size: PAGE_SIZE,
            at_most,
            first_row,
            row: first_row,
            next: None,
            joint: Joint::default(),
        }
    }

    /// Sets how many rows to request at a time; 32,000 if unset. Dune may send fewer.
    pub fn page_size(mut self, rows: u32) -> Self {
        self.page_size = rows;
        self
    }

    /// Ends after this many rows.
    pub fn max_rows(mut self, rows: u64) -> Self {
        self.at_most = Some(self.at_most.map_or(rows, |least| least.min(rows)));
        self
    }

    /// Accepts a result that Dune has cut off for its size. Without this it is an error of the kind [`Truncated`](crate::ErrorKind::Truncated).
    pub fn allow_truncated(mut self) -> Self {
        self.request.allow_partial();
        self
    }

    /// The next bytes, at least one; `None` after the last. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// A page cannot be had, breaks off, or does not fit those before it; every later call gives
    /// `None`. What was given out before is whole up to there, not the whole result.
    pub async fn try_next(&mut self) -> Result<Option<Bytes>, Error> {
        poll_fn(|context| self.poll_bytes(context)).await
    }

    fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        loop {
            if let Some(rows) = self.joint.take_held() {
                return Poll::Ready(Ok(Some(rows)));
            }
            let step = match &mut self.state {
                State::Waiting => self.ask(),
                State::Asking(page) => {
                    let page = ready!(page.as_mut().poll(context));
                    page.and_then(|page| self.begin(page)).map(State::Reading)
                }
                State::Reading(page) => match ready!(Pin::new(page).poll_next(context)) {
                    Some(Ok(bytes)) => match self.joint.take(bytes) {
                        Ok(Some(bytes)) => return Poll::Ready(Ok(Some(bytes))),
                        Ok(None) => continue,
                        Err(message) => Err(self.paging(message)),
                    },
                    Some(Err(error)) => Err(self.of_run(Error::from_call(SERVICE, error))),
                    None => self.end_page(),
                },
                State::Failed(_) | State::Done => {
                    let last = std::mem::replace(&mut self.state, State::Done);
                    return Poll::Ready(match last {
                        State::Failed(error) => Err(error.masked(&self.request.masker())),
                        _ => Ok(None),
                    });
                }
            };
            self.state = step.unwrap_or_else(State::Failed);
        }
    }

    /// Asks for the page that begins with `row`, if it is wanted.
    fn ask(&self) -> Result<State, Error> {
        if self.page_size == 0 {
            let message = "a page size of 0 rows was set; it must be at least 1";
            return Err(Error::invalid(SERVICE, message));
        }
        let read = self.row - self.first_row;
        let size = match self.at_most {
            Some(most) if read >= most => return Ok(State::Done),
            Some(most) => (most - read).min(self.page_size.into()),
            None => self.page_size.into(),
        };
        let answer = self.request.send(self.row, size);
        let id = self.request.execution_id().map(str::to_owned);
        Ok(State::Asking(Box::pin(async move {
            let answer = match answer.await {
                Ok(answer) => only_csv(answer).await,
                Err(error) => Err(call(error)),
            };
            answer.map_err(|error| match id {
                Some(id) => error.with_run(&id),
                None => error,
            })
        })))
    }

    /// What the headers of a page say.
    fn begin(&mut self, page: ResponseValue<ByteStream>) -> Result<ByteStream, Error> {
        let header = |name: &str| Some(page.headers().get(name)?.to_str().unwrap_or_default());
        if let Some(id) = header("x-dune-next-uri").and_then(execution_in) {
            match self.request.execution_id() {
                Some(expected) if expected != id => {
                    return Err(self.paging(format!(
                        "this page comes from execution {id}, those before did not"
                    )));
                }
                Some(_) => {}
                None => self.request.pin(id),
            }
        }
        let next = match header("x-dune-next-offset").map(|next| (next, next.trim().parse())) {
            None => None,
            Some((_, Ok(next))) => Some(next),
            Some((next, Err(_))) => {
                return Err(self.paging(format!("the next page would begin at row {next:?}")));
            }
        };
        let next = next_offset(self.row, next, self.request.is_sample());
        self.next = next.map_err(|message| self.paging(message))?;
        Ok(page.into_inner())
    }

    fn end_page(&mut self) -> Result<State, Error> {
        self.joint.end_page().map_err(|m| self.paging(m))?;
        Ok(match self.next {
            Some(next) => {
                self.row = next;
                State::Waiting
            }
            None => State::Done,
        })
    }

    fn paging(&self, message: impl Into<String>) -> Error {
        self.of_run(Error::new(ErrorKind::Paging, SERVICE, message))
    }

    fn of_run(&self, error: Error) -> Error {
        match self.request.execution_id() {
            Some(id) => error.with_run(id),
            None => error,
        }
    }
}

impl Stream for CsvBytes {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_bytes(context).map(Result::transpose)
    }
}

impl FusedStream for CsvBytes {
    fn is_terminated(&self) -> bool {
        matches!(self.state, State::Done) && !self.joint.is_holding()
    }
}

impl fmt::Debug for CsvBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvBytes")
            .field(
                "execution_id",
                &self
                    .request
                    .execution_id()
                    .map(|id| self.request.masker().mask(id).into_owned()),
            )
            .field("row", &self.row)
            .field("page_size", &self.page_size)
            .finish_non_exhaustive()
    }
}

/// The execution in `…/execution/ID/results…`.
fn execution_in(uri: &str) -> Option<&str> {
    let path = uri.split(['?', '#']).next()?;
    let mut parts = path.split('/').skip_while(|part| *part != "execution");
    let (_, id, results) = (parts.next()?, parts.next()?, parts.next()?);
    let is_id = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (results == "results" && !id.is_empty() && is_id(id)).then_some(id)
}

/// Fails if a success is not CSV: the state of an execution without rows, or a proxy's page.
async fn only_csv(answer: ResponseValue<ByteStream>) -> Result<ResponseValue<ByteStream>, Error> {
    const MOST_OF_BODY: usize = 64 << 10;
    let said = answer.headers().get("content-type");
    let said = said.and_then(|said| said.to_str().ok());
    let said = said.unwrap_or_default().to_owned();
    let media_type = said.to_ascii_lowercase();
    let is_json = media_type.starts_with("application/json");
    if !is_json && !media_type.starts_with("text/html") {
        return Ok(answer);
    }
    if is_json {
        let (mut stream, mut body) = (answer.into_inner(), Vec::new());
        while let Some(bytes) = stream.next_chunk().await {
            body.extend_from_slice(&bytes.map_err(|error| Error::from_call(SERVICE, error))?);
            if body.len() > MOST_OF_BODY {
                break;
            }
        }
        if let Ok(result) = serde_json::from_slice::<types::ReadExecutionResultResponse>(&body) {
            let (finished, error) = (result.is_execution_finished, result.error.as_ref());
            check_state(&result.state, finished, error, &result.execution_id)?;
        }
    }
    let message = format!("CSV was requested, and the answer is {said}");
    Err(Error::new(ErrorKind::Call, SERVICE, message))
}

/// Two operations answer with CSV; after its first page a result is read from its execution.
enum Request {
    Latest(builder::GetLatestQueryResultCsv),
    Execution(builder::GetExecutionResultsCsv),
}

/// The two have these parameters in common, but no type.
macro_rules! each {
    ($self:expr, $builder:ident => $value:expr) => {
        match $self {
            Request::Latest($builder) => $value,
            Request::Execution($builder) => $value,
        }
    };
}

impl Request {
    /// Requests a page. A sample is one page, and takes neither limit nor offset.
    fn send(
        &self,
        offset: u64,
        rows: u64,
    ) -> BoxFuture<Result<ResponseValue<ByteStream>, rowfeed_dune::CallError>> {
        each!(self, builder => {
            let mut builder = builder.clone();
            if !self.is_sample() {
                builder = builder.limit(rows.cast_signed()).offset(offset.cast_signed());
            }
            Box::pin(builder.send())
        })
    }

    fn execution_id(&self) -> Option<&str> {
        match self {
            Self::Execution(builder) => builder.execution_id.as_deref().ok(),
            Self::Latest(_) => None,
        }
    }

    fn masker(&self) -> Masker {
        each!(self, builder => builder.client.masker())
    }

    fn is_sample(&self) -> bool {
        each!(self, builder => matches!(builder.sample_count, Ok(Some(_))))
    }

    fn allow_partial(&mut self) {
        each!(self, builder => builder.allow_partial_results = Ok(Some(true)));
    }

    /// Reads from this execution from now on, with the same parameters.
    fn pin(&mut self, execution_id: &str) {
        let Self::Latest(builder) = self else {
            return;
        };
        *self = Self::Execution(pinned!(builder, get_execution_results_csv, execution_id));
    }
}
