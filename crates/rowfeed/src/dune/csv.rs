//! Dune's results as CSV.
//!
//! CSV results page like JSON results, except that headers name the next page. `x-dune-next-offset`
//! has its offset and is absent on the last page. `x-dune-next-uri` names the execution of the
//! page. Nothing else of that URI is used, because it may name another host.

use std::{
    fmt,
    future::poll_fn,
    task::{Context, Poll},
};

use bytes::Bytes;
use rowfeed_client::{ByteStream, ResponseValue};
use rowfeed_dune::{builder, types};
use rowfeed_rows::csv::PageJoiner;

use super::{
    paging::next_offset,
    request::{CsvRequest, PAGE_SIZE},
    state::{SERVICE, check_state, invalid, paging},
};
use crate::{
    Error, ErrorKind,
    paging::{BoxFuture, FetchOptions},
    parameter::count,
};

/// An operation that returns CSV.
pub trait CsvExt: Sized {
    /// Returns the CSV of the whole result. Nothing is sent before the first bytes are needed.
    ///
    /// Every parameter of the operation keeps its meaning and is sent with every page. `limit` is
    /// the total number of rows.
    ///
    /// ```
    /// use std::io::Write as _;
    ///
    /// # rowfeed_sandbox::__example!(|sandbox, dune, query_id| {
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
#[doc = include_str!("../../docs/items/csv-bytes.md")]
#[must_use = "nothing is sent before the first bytes are needed"]
pub struct CsvBytes {
    options: FetchOptions,
    state: State,
}

/// The result of a read, with the reader.
type Read = (Box<Reader>, Result<Option<Bytes>, Error>);

enum State {
    Waiting(Box<Reader>),
    Reading(BoxFuture<Read>),
    Failed(Error),
    Done,
}

impl CsvExt for builder::GetExecutionResultsCsv {
    fn csv(self) -> CsvBytes {
        CsvBytes::new(self.into())
    }
}

impl CsvExt for builder::GetLatestQueryResultCsv {
    fn csv(self) -> CsvBytes {
        CsvBytes::new(self.into())
    }
}

impl CsvBytes {
    fn new(request: CsvRequest) -> Self {
        let mut options = FetchOptions::default();
        let limit = count(SERVICE, "limit", request.limit());
        let offset = count(SERVICE, "offset", request.offset());
        let state = match (limit, offset) {
            (Err(error), _) | (_, Err(error)) => State::Failed(error),
            (Ok(limit), Ok(offset)) => {
                options.rows_left = limit;
                State::Waiting(Box::new(Reader {
                    request,
                    first_row: offset.unwrap_or(0),
                    next_row: Some(offset.unwrap_or(0)),
                    page: None,
                    text: PageJoiner::default(),
                }))
            }
        };
        Self { options, state }
    }

    /// Sets how many rows to request at a time; 32,000 if unset. Dune may send fewer.
    pub fn page_size(mut self, rows: u32) -> Self {
        self.options.page_size = Some(rows);
        self
    }

    /// Ends after this many rows.
    pub fn max_rows(mut self, rows: u64) -> Self {
        self.options.limit(rows);
        self
    }

    /// Accepts a result that Dune truncated because of its size. Without this, such a result is an
    /// error of the kind [`Truncated`](crate::ErrorKind::Truncated).
    pub fn allow_truncated(mut self) -> Self {
        self.options.allow_truncated = true;
        self
    }

    /// Returns the next bytes, at least one; `None` after the last. Dropping the future loses
    /// nothing.
    ///
    /// # Errors
    ///
    /// A page cannot be fetched, breaks off, or does not fit the pages before it. Every later call
    /// returns `None`. The bytes before the error are correct, but are not the whole result.
    pub async fn try_next(&mut self) -> Result<Option<Bytes>, Error> {
        poll_fn(|context| self.poll_bytes(context)).await
    }

    fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        let mut reading = match std::mem::replace(&mut self.state, State::Done) {
            State::Waiting(reader) => reader.read(self.options.clone()),
            State::Reading(reading) => reading,
            State::Failed(error) => return Poll::Ready(Err(error)),
            State::Done => return Poll::Ready(Ok(None)),
        };
        let Poll::Ready((reader, bytes)) = reading.as_mut().poll(context) else {
            self.state = State::Reading(reading);
            return Poll::Pending;
        };
        if matches!(bytes, Ok(Some(_))) {
            self.state = State::Waiting(reader);
        }
        Poll::Ready(bytes)
    }
}

/// Reads one page after the other.
struct Reader {
    request: CsvRequest,
    first_row: u64,
    /// Where the next page begins; `None` after the last page.
    next_row: Option<u64>,
    page: Option<ByteStream>,
    text: PageJoiner,
}

impl Reader {
    fn read(mut self: Box<Self>, options: FetchOptions) -> BoxFuture<Read> {
        Box::pin(async move {
            let bytes = self.next(&options).await;
            let bytes = bytes.map_err(|error| {
                let error = error.of_run(self.request.execution_id());
                error.masked(&self.request.masker())
            });
            (self, bytes)
        })
    }

    async fn next(&mut self, options: &FetchOptions) -> Result<Option<Bytes>, Error> {
        loop {
            if let Some(bytes) = self.text.pop() {
                return Ok(Some(bytes));
            }
            let joined = match &mut self.page {
                Some(page) => match page.next_chunk().await.transpose().map_err(from_call)? {
                    Some(bytes) => self.text.push(bytes),
                    None => {
                        self.page = None;
                        self.text.end_page()
                    }
                },
                None => {
                    self.page = self.begin_page(options).await?;
                    if self.page.is_none() {
                        return Ok(None);
                    }
                    continue;
                }
            };
            joined.map_err(|error| paging(error.to_string()))?;
        }
    }

    /// Requests the next page, if there is one and it is needed.
    async fn begin_page(&mut self, options: &FetchOptions) -> Result<Option<ByteStream>, Error> {
        if options.page_size == Some(0) {
            let message = "a page size of 0 rows was set; it must be at least 1";
            return Err(invalid(message));
        }
        let Some(row) = self.next_row else {
            return Ok(None);
        };
        let Some(rows) = options.next_page_size(row - self.first_row, PAGE_SIZE) else {
            return Ok(None);
        };
        let page = self
            .request
            .send(row, rows, options.allow_truncated)
            .await?;
        let page = only_csv(page).await?;
        let header = |name: &str| Some(page.headers().get(name)?.to_str().unwrap_or_default());
        if let Some(id) = header("x-dune-next-uri").and_then(execution_in) {
            let expected = self.request.execution_id();
            if expected.is_some_and(|expected| expected != id) {
                let message =
                    format!("this page comes from execution {id}, but the pages before it do not");
                return Err(paging(message));
            }
            self.request.pin(id);
        }
        let next = match header("x-dune-next-offset").map(|next| (next, next.trim().parse())) {
            None => None,
            Some((_, Ok(next))) => Some(next),
            Some((next, Err(_))) => {
                return Err(paging(format!("the next page would begin at row {next:?}")));
            }
        };
        self.next_row = next_offset(row, next, self.request.is_sample())?;
        Ok(Some(page.into_inner()))
    }
}

fn from_call(error: rowfeed_client::CallError) -> Error {
    Error::from_call(SERVICE, error)
}

crate::stream::stream!([] CsvBytes => Bytes, poll_bytes);

impl fmt::Debug for CsvBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvBytes")
            .field("options", &self.options)
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

/// Fails if a successful response is not CSV: the state of an execution without rows, or a proxy's
/// page.
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
            body.extend_from_slice(&bytes.map_err(from_call)?);
            if body.len() > MOST_OF_BODY {
                break;
            }
        }
        if let Ok(result) = serde_json::from_slice::<types::ReadExecutionResultResponse>(&body) {
            let (finished, error) = (result.is_execution_finished, result.error.as_ref());
            let checked = check_state(&result.state, finished, error);
            checked.map_err(|error| error.with_run(&result.execution_id))?;
        }
    }
    let message = format!("CSV was requested, but the response is {said}");
    Err(Error::new(ErrorKind::Call, SERVICE, message))
}
