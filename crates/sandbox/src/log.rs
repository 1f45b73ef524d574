//! Lines on standard error, which hold up nothing when nobody reads them.

use std::io::{self, Write as _};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Lines that wait to be written; more are left out.
const WAITING: usize = 1_000;

/// How long the last lines have when the sandbox ends.
const LAST: Duration = Duration::from_secs(1);

/// Writes lines on a thread of its own.
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
                    // standard error may be closed, which is no reason to stop
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
