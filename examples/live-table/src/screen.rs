//! The alternate screen of the terminal, which preserves the main screen.

use std::io::{self, Write as _, stdout};

use crossterm::{
    cursor::{Hide, MoveTo, Show},
    execute, queue,
    style::Print,
    terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen},
};

/// Leaves the alternate screen when dropped, also after an error.
pub(crate) struct Screen(());

impl Screen {
    pub(crate) fn enter() -> io::Result<Self> {
        execute!(stdout(), EnterAlternateScreen, Hide)?;
        Ok(Self(()))
    }

    /// Replaces what is shown.
    pub(crate) fn show(&mut self, text: &str) -> io::Result<()> {
        let mut out = stdout().lock();
        queue!(out, MoveTo(0, 0))?;
        for line in text.lines() {
            queue!(
                out,
                Print(line),
                Clear(ClearType::UntilNewLine),
                Print("\r\n")
            )?;
        }
        queue!(out, Clear(ClearType::FromCursorDown))?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // If the terminal is gone, there is nothing to restore.
        let _ = execute!(stdout(), Show, LeaveAlternateScreen);
    }
}
