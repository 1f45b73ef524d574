//! Judges the outcome of a contender, with the same wording for all.

use std::collections::HashSet;

use super::job::{Found, Report};

/// How a process with a contender ended.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    Told(Report),
    /// It was still running after this many seconds.
    Waiting(u64),
}

/// The expected outcome.
#[derive(Clone, Debug)]
pub(crate) enum Expected {
    /// Rows numbered from 0, all of one run.
    Rows(u64),
    /// Exactly these values.
    Digits(Vec<String>),
    /// An error that contains this text, and the position if the service reports one.
    Message { text: String, place: Option<Place> },
    /// An error, without this text in anything that is shown.
    Hidden(String),
}

/// A position in a statement, as the service counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// The number of characters to which an error is truncated.
const SHOWN: usize = 60;

pub(crate) fn judge(wanted: &Expected, ending: &Ending) -> String {
    let report = match ending {
        Ending::Waiting(seconds) => return format!("still waiting after {seconds} s"),
        Ending::Told(report) => report,
    };
    match (wanted, &report.found, &report.error) {
        (_, None, None) => "-".to_owned(),
        (Expected::Message { text, place }, _, Some(error)) => message(text, *place, error),
        (Expected::Hidden(secret), _, _) => hidden(secret, report),
        (_, _, Some(error)) => format!("error: {}", shortened(error)),
        (Expected::Rows(count), Some(found), None) => rows(*count, found),
        (Expected::Digits(digits), Some(found), None) => match &found.digits == digits {
            true => "the same digits".to_owned(),
            false => format!("other digits: {}", shortened(&found.digits.join(", "))),
        },
        (Expected::Message { .. }, Some(_), None) => "no error".to_owned(),
    }
}

fn rows(wanted: u64, found: &Found) -> String {
    let runs: HashSet<i64> = found.runs.iter().copied().collect();
    if runs.len() > 1 {
        return format!("rows of {} runs mixed, no error", runs.len());
    }
    if found.rows.iter().copied().eq(0..wanted as i64) {
        return "all rows".to_owned();
    }
    let different: HashSet<i64> = found.rows.iter().copied().collect();
    let again = match found.rows.len() - different.len() {
        0 => String::new(),
        again => format!(", {again} of them twice"),
    };
    let read = different.len() as u64;
    match (read == wanted, again.is_empty()) {
        (true, true) => "all rows in another order, no error".to_owned(),
        (true, false) => format!("all rows{again}, no error"),
        (false, _) => format!("{read} of {wanted} rows{again}, no error"),
    }
}

fn message(text: &str, place: Option<Place>, error: &str) -> String {
    if !error.contains(text) {
        return format!("error without the message: {}", shortened(error));
    }
    match place {
        None => "its message",
        Some(place) if names(error, place) => "its message, with line and column",
        Some(_) => "its message, without the place",
    }
    .to_owned()
}

/// Returns whether an error contains a position in a known format.
fn names(error: &str, Place { line, column }: Place) -> bool {
    [
        format!("line {line}:{column}"),
        format!("<main>:{line}:{column}"),
        format!("line {line}, column {column}"),
        format!("'column': {column}, 'row': {line}"),
        format!("'row': {line}, 'column': {column}"),
    ]
    .iter()
    .any(|way| error.contains(way))
}

fn hidden(secret: &str, report: &Report) -> String {
    let error = report.error.as_deref().unwrap_or_default();
    let shown: Vec<&str> = [
        (error, "the error"),
        (&report.error_debug, "the error's Debug"),
        (&report.client_debug, "the client's Debug"),
        (&report.log, "its log"),
    ]
    .into_iter()
    .filter_map(|(text, place)| text.contains(secret).then_some(place))
    .collect();
    match (shown.is_empty(), report.error.is_some()) {
        (true, true) => "error, and not shown".to_owned(),
        (true, false) => "no error, and not shown".to_owned(),
        (false, _) => format!("shown in {}", shown.join(", ")),
    }
}

/// Returns the beginning of a text on one line, without parts that differ between runs.
fn shortened(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut line = words.join(" ");
    while let Some(at) = line.find("127.0.0.1:") {
        let rest = &line[at + "127.0.0.1:".len()..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        line.replace_range(at.."127.0.0.1:".len() + at + digits, "localhost");
    }
    match line.char_indices().nth(SHOWN) {
        None => line,
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
    }
}

#[cfg(test)]
mod tests;
