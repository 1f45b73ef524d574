//! Log lines on standard error. They never block a request, even if nobody reads standard error.

use std::io::{self, Write as _};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The number of lines that may wait; more are dropped.
const WAITING: usize = 1_000;

/// The time to write the last lines when the sandbox stops.
const LAST: Duration = Duration::from_secs(1);

/// Writes lines on a separate thread.
pub(crate) struct Log {
    lines: Option<SyncSender<String>>,
    ended: Mutex<Receiver<()>>,
}

impl Log {
    pub(crate) fn start() -> io::Result<Self> {
        let (lines, waiting) = sync_channel::<String>(WAITING);
        let (end, ended) = channel();
        std::thread::Builder::new()
            .name("rowfeed-sandbox-log".to_owned())
            .spawn(move || {
                for line in waiting {
                    // continue if standard error is closed
                    let _ = writeln!(io::stderr(), "{line}");
                }
                let _ = end.send(());
            })?;
        Ok(Self {
            lines: Some(lines),
            ended: Mutex::new(ended),
        })
    }

    pub(crate) fn line(&self, line: String) {
        if let Some(lines) = &self.lines {
            let _ = lines.try_send(line);
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        drop(self.lines.take());
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = ended.recv_timeout(LAST);
    }
}
