//! Recording calls and their responses, for replay.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::Path,
    sync::{Mutex, PoisonError},
};

use serde::Serialize;

/// A call and its final response, without credentials.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RecordedCall<'a> {
    /// The name of the service: `"dune"`.
    pub service: &'static str,
    /// The operation id in snake case: `"get_execution_results"`.
    pub operation: &'static str,
    /// The method: `"GET"`.
    pub method: &'a str,
    /// The path below the base URL, with its query.
    pub path: &'a str,
    /// The body of the request.
    pub request: &'a [u8],
    /// The status of the response.
    pub status: u16,
    /// The header `Content-Type` of the response.
    pub content_type: Option<&'a str>,
    /// The body of the response, decompressed. The first 64 KiB if it is not a success.
    pub body: &'a [u8],
}

/// Is passed every call that got a response; see
/// [`TransportBuilder::recorder`](crate::TransportBuilder::recorder).
///
/// The credentials that the client has sent are replaced by stars, wherever they are. Everything else
/// is passed as it was sent: **statements, parameters and rows**. Attempts that were repeated, calls
/// without a response, calls that a cache answered and bodies that are streamed are not passed.
pub trait CallRecorder: Send + Sync + 'static {
    /// Records a call. Must not block for long: the call waits for it.
    fn record(&self, call: RecordedCall<'_>);
}

/// Appends calls to a file, one JSON object on each line. `Sandbox::replay` of `rowfeed-sandbox`
/// answers from such a file.
///
/// **Rows are in the file**, and everything else that the service sent, except credentials. On Unix a
/// new file is readable for its user alone.
///
/// A line has `service`, `operation`, `method`, `path` (below the base URL, with the query), `request`,
/// `status`, `content_type` and `body`. Bodies are text; bytes that are not UTF-8 are replaced.
#[derive(Debug)]
pub struct FileRecorder(Mutex<File>);

impl FileRecorder {
    /// Opens a file, and creates it if there is none.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self(Mutex::new(options.open(path)?)))
    }
}

impl CallRecorder for FileRecorder {
    fn record(&self, call: RecordedCall<'_>) {
        #[derive(Serialize)]
        struct Line<'a> {
            service: &'a str,
            operation: &'a str,
            method: &'a str,
            path: &'a str,
            request: &'a str,
            status: u16,
            content_type: Option<&'a str>,
            body: &'a str,
        }
        let line = Line {
            service: call.service,
            operation: call.operation,
            method: call.method,
            path: call.path,
            request: &String::from_utf8_lossy(call.request),
            status: call.status,
            content_type: call.content_type,
            body: &String::from_utf8_lossy(call.body),
        };
        let written = serde_json::to_vec(&line)
            .map_err(io::Error::from)
            .and_then(|mut line| {
                line.push(b'\n');
                // One write, so that lines of several processes do not mix.
                self.0
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .write_all(&line)
            });
        if let Err(error) = written {
            tracing::warn!(%error, "a call cannot be recorded");
        }
    }
}
