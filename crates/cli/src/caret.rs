//! The line of a statement that a service complains about, with a mark under the place.

use rowfeed::Position;
use unicode_width::UnicodeWidthStr;

use crate::text::printable;

/// How much of a long line is shown around the place, in characters.
const AROUND: usize = 70;

/// A line, and the place in it.
#[derive(Debug)]
pub(crate) struct Excerpt {
    at: Position,
    line: String,
    /// What stands before the place, of which only the width matters.
    before: String,
}

impl Excerpt {
    /// The place in the statement; `None` where it has no such line.
    pub(crate) fn of(statement: &str, at: Position) -> Option<Self> {
        let number = usize::try_from(at.line).ok()?.checked_sub(1)?;
        let line: Vec<char> = statement.lines().nth(number)?.chars().collect();
        let column = usize::try_from(at.column)
            .ok()?
            .saturating_sub(1)
            .min(line.len());
        let begin = column.saturating_sub(AROUND);
        let end = line.len().min(column + AROUND);
        let part = |from: usize, to: usize| {
            printable(&line[from..to].iter().collect::<String>()).into_owned()
        };
        let cut = if begin > 0 { "…" } else { "" };
        let more = if end < line.len() { "…" } else { "" };
        Some(Self {
            at,
            line: format!("{cut}{}{more}", part(begin, end)),
            before: format!("{cut}{}", part(begin, column)),
        })
    }

    pub(crate) fn text(&self, color: bool) -> String {
        let (red, reset) = match color {
            true => ("\x1b[31;1m", "\x1b[0m"),
            false => ("", ""),
        };
        let number = self.at.line.to_string();
        let gutter = " ".repeat(number.len());
        let blank = " ".repeat(self.before.width());
        format!(
            "{gutter} |\n{number} | {}\n{gutter} | {blank}{red}^{reset}",
            self.line
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shown(statement: &str, line: u64, column: u64) -> Option<String> {
        // Only the facade makes positions, so an error of the facade carries one here.
        Excerpt::of(statement, Position { line, column }).map(|excerpt| excerpt.text(false))
    }

    #[test]
    fn the_mark_stands_under_the_place() {
        assert_eq!(
            shown("SELECT project,\n       tides\nFROM trades", 2, 8).unwrap(),
            "  |\n2 |        tides\n  |        ^"
        );
    }

    #[test]
    fn wide_characters_and_tabs_move_the_mark() {
        let text = shown("\t'河口' + x", 1, 9).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "1 |     '河口' + x");
        assert_eq!(lines[2].width(), "1 |     '河口' + ".width() + 1);
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let line = format!("SELECT {} oops", "a, ".repeat(500));
        let text = shown(&line, 1, 1_509).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].len() < 200 && lines[1].contains("oops"), "{text}");
        let place = lines[2].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[1].chars().nth(place), Some('o'));
    }

    #[test]
    fn a_place_outside_of_the_statement_is_not_shown() {
        assert!(shown("SELECT 1", 2, 1).is_none());
        assert!(shown("SELECT 1", 0, 1).is_none());
        assert!(shown("SELECT 1", 1, 99).unwrap().ends_with("        ^"));
    }
}
