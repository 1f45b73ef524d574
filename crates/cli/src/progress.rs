//! How far a command is: a line that moves on a terminal, or events for programs.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use rowfeed::Progress as RunProgress;
use serde_json::json;

use crate::{
    text::{bytes, count, counted},
    ui::Ui,
};

/// The shortest time between two events.
const EVENT_PAUSE: Duration = Duration::from_millis(500);

/// Reports progress on the terminal, as events, or not at all.
#[derive(Clone)]
pub(crate) struct Reporter(Arc<Inner>);

struct Inner {
    ui: Ui,
    /// Gone once it was cleared.
    bar: Mutex<Option<ProgressBar>>,
    began: Instant,
    last_event: Mutex<Option<Instant>>,
}

/// How much has been read and written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Amount {
    /// Rows, those of an earlier process included.
    pub(crate) rows: u64,
    /// How many there are, where that is known.
    pub(crate) total_rows: Option<u64>,
    /// Bytes written.
    pub(crate) bytes: u64,
    /// What reading so much costs, where that is known.
    pub(crate) read_credits: Option<f64>,
}

impl Reporter {
    pub(crate) fn new(ui: &Ui) -> Self {
        let bar = ui.shows_progress.then(|| {
            let bar = ui.bars.add(ProgressBar::new_spinner());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self(Arc::new(Inner {
            ui: ui.clone(),
            bar: Mutex::new(bar),
            began: Instant::now(),
            last_event: Mutex::new(None),
        }))
    }

    /// The service has accepted the run.
    pub(crate) fn started(&self, service: &str, run_id: &str) {
        self.0
            .ui
            .event(&json!({"event": "started", "service": service, "run_id": run_id}));
        if let Some(bar) = self.bar() {
            bar.set_message(format!("run {run_id} was accepted"));
        }
    }

    /// The run has not ended.
    pub(crate) fn state(&self, progress: &RunProgress) {
        self.0.ui.event(&json!({
            "event": "state",
            "run_id": progress.run_id,
            "state": progress.state,
            "queue_position": progress.queue_position,
            "elapsed_seconds": progress.elapsed.as_secs_f64(),
        }));
        if let Some(bar) = self.bar() {
            bar.set_message(state_text(progress));
        }
    }

    /// Rows have been written.
    pub(crate) fn rows(&self, amount: Amount, elapsed: Duration, rows_before: u64) {
        if let Some(bar) = self.bar() {
            if let Some(total) = amount.total_rows
                && bar.length() != Some(total)
            {
                bar.set_length(total);
                bar.set_style(bar_style());
            }
            bar.set_position(amount.rows);
            bar.set_message(rows_text(amount, elapsed, rows_before));
        }
        if self.0.ui.is_json && self.event_is_due() {
            self.0.ui.event(&json!({
                "event": "rows",
                "rows": amount.rows,
                "total_rows": amount.total_rows,
                "bytes": amount.bytes,
            }));
        }
    }

    /// Everything is written. `note` is the sentence for people.
    pub(crate) fn finished(
        &self,
        amount: Amount,
        run_id: &str,
        cost_credits: Option<f64>,
        output: Option<&str>,
    ) {
        self.clear();
        self.0.ui.event(&json!({
            "event": "finished",
            "run_id": run_id,
            "rows": amount.rows,
            "total_rows": amount.total_rows,
            "bytes": amount.bytes,
            "execution_credits": cost_credits,
            "read_credits": amount.read_credits,
            "elapsed_seconds": self.0.began.elapsed().as_secs_f64(),
            "output": output,
        }));
    }

    /// Seconds since the command began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.began.elapsed()
    }

    /// Takes the moving line away for good: rows follow, or a message.
    pub(crate) fn clear(&self) {
        let bar = self
            .0
            .bar
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
    }

    fn bar(&self) -> Option<ProgressBar> {
        self.0
            .bar
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn event_is_due(&self) -> bool {
        let mut last = self
            .0
            .last_event
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let is_due = last.is_none_or(|last| now - last >= EVENT_PAUSE);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:24} {percent:>3}% {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn state_text(progress: &RunProgress) -> String {
    let state = progress.state.to_ascii_lowercase();
    let state = state.strip_prefix("query_state_").unwrap_or(&state);
    let before = match progress.queue_position {
        Some(before) if before > 0 => format!(", {} before it", counted(before, "run")),
        _ => String::new(),
    };
    format!(
        "run {}: {state} for {} s{before}",
        progress.run_id,
        progress.elapsed.as_secs()
    )
}

/// `32,000 of 1,000,000 rows, 4.21 MB, 12,345 rows/s, 78 s left`
fn rows_text(amount: Amount, elapsed: Duration, rows_before: u64) -> String {
    let mut text = match amount.total_rows {
        Some(total) => format!("{} of {}", count(amount.rows), counted(total, "row")),
        None => counted(amount.rows, "row"),
    };
    text.push_str(&format!(", {}", bytes(amount.bytes)));
    let read = amount.rows.saturating_sub(rows_before);
    let seconds = elapsed.as_secs_f64();
    if seconds > 0.2 && read > 0 {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = read as f64 / seconds;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate for people"
        )]
        let shown = count(rate as u64);
        text.push_str(&format!(", {shown} rows/s"));
        if let Some(total) = amount.total_rows {
            #[expect(clippy::cast_precision_loss, reason = "a time for people")]
            let left = total.saturating_sub(amount.rows) as f64 / rate;
            text.push_str(&format!(", {left:.0} s left"));
        }
    }
    if let Some(credits) = amount.read_credits {
        text.push_str(&format!(", {credits:.2} credits to read"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_a_rate_and_a_time_left() {
        let amount = Amount {
            rows: 30_000,
            total_rows: Some(100_000),
            bytes: 4_210_000,
            read_credits: None,
        };
        assert_eq!(
            rows_text(amount, Duration::from_secs(2), 10_000),
            "30,000 of 100,000 rows, 4.21 MB, 10,000 rows/s, 7 s left"
        );
        let unknown = Amount {
            total_rows: None,
            ..amount
        };
        assert_eq!(
            rows_text(unknown, Duration::ZERO, 0),
            "30,000 rows, 4.21 MB"
        );
    }
}
