//! The questions that `new-service` writes into an overlay. Codegen requires their answers.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail};

/// The marker of a question in a value of the overlay. Comments do not count.
pub(crate) const TODO: &str = "TODO";

/// Refuses an overlay with open questions.
///
/// # Errors
///
/// The error lists the lines with open questions.
pub(crate) fn refuse(path: &Path, shown: &str) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    let open: Vec<String> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with('#') && line.contains(TODO))
        .map(|(at, line)| format!("  {shown}:{}: {}", at + 1, crate::text::shown(line.trim())))
        .collect();
    if open.is_empty() {
        return Ok(());
    }
    bail!(
        "{shown}: the overlay has open questions; replace each TODO by an answer:\n{}",
        open.join("\n")
    )
}
