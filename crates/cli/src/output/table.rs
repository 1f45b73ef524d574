//! A table for people.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr};

use crate::text::is_invisible;

/// Columns are not made narrower than this.
const NARROW: usize = 10;

/// Blanks between columns.
const GAP: usize = 2;

/// A column of a table.
#[derive(Clone, Debug)]
pub(super) struct Heading {
    pub(super) name: String,
    /// The declared type, which stands below the name.
    pub(super) type_name: Option<String>,
    /// Numbers stand at the right.
    pub(super) is_number: bool,
    /// Numbers and times are never cut: what is left would be wrong.
    pub(super) is_whole: bool,
}

/// Rows, all of them in memory.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) headings: Vec<Heading>,
    /// `None` is NULL.
    pub(super) rows: Vec<Vec<Option<String>>>,
}

/// How a table is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drawing {
    /// The width of the terminal; `None` cuts nothing.
    pub(super) width: Option<usize>,
    pub(super) has_color: bool,
}

/// A table as text, and the columns that had no room.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) text: String,
    pub(super) left_out: Vec<String>,
}

impl Table {
    pub(super) fn draw(&self, drawing: Drawing) -> Drawn {
        let cells: Vec<Vec<Option<String>>> = self
            .rows
            .iter()
            .map(|row| {
                row.iter()
                    .map(|cell| cell.as_deref().map(one_line))
                    .collect()
            })
            .collect();
        let heads: Vec<(String, Option<String>)> = self
            .headings
            .iter()
            .map(|heading| {
                (
                    one_line(&heading.name),
                    heading.type_name.as_deref().map(one_line),
                )
            })
            .collect();
        let mut widths: Vec<usize> = heads
            .iter()
            .enumerate()
            .map(|(at, (name, type_name))| {
                let of_rows = cells.iter().map(|row| {
                    row.get(at)
                        .and_then(Option::as_deref)
                        .map_or(4, UnicodeWidthStr::width)
                });
                let own = name
                    .width()
                    .max(type_name.as_deref().map_or(0, UnicodeWidthStr::width));
                of_rows.fold(own, usize::max)
            })
            .collect();
        let shown = drawing
            .width
            .map_or(widths.len(), |width| self.fit(&mut widths, width));
        let widths = &widths[..shown];
        let (dim, bold, reset) = match drawing.has_color {
            true => ("\x1b[2m", "\x1b[1m", "\x1b[0m"),
            false => ("", "", ""),
        };
        let mut text = String::new();
        let mut line = |cells: Vec<(String, &str, bool)>| {
            let mut line = String::new();
            for (at, ((cell, style, is_right), width)) in cells.into_iter().zip(widths).enumerate()
            {
                let cell = cut(&cell, *width);
                let blank = " ".repeat(width.saturating_sub(cell.width()));
                let end = if style.is_empty() { "" } else { reset };
                if at > 0 {
                    line.push_str(&" ".repeat(GAP));
                }
                match is_right {
                    true => line.push_str(&format!("{blank}{style}{cell}{end}")),
                    false => line.push_str(&format!("{style}{cell}{end}{blank}")),
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        };
        let is_right = |at: usize| self.headings[at].is_number;
        line(
            heads
                .iter()
                .enumerate()
                .map(|(at, (name, _))| (name.clone(), bold, is_right(at)))
                .collect(),
        );
        if heads.iter().any(|(_, type_name)| type_name.is_some()) {
            let types = heads.iter().enumerate();
            line(
                types
                    .map(|(at, (_, name))| (name.clone().unwrap_or_default(), dim, is_right(at)))
                    .collect(),
            );
        }
        line(
            widths
                .iter()
                .map(|width| ("─".repeat(*width), dim, false))
                .collect(),
        );
        for row in &cells {
            let row = row.iter().enumerate().map(|(at, cell)| match cell {
                Some(cell) => (cell.clone(), "", is_right(at)),
                None => ("NULL".to_owned(), dim, is_right(at)),
            });
            line(row.collect());
        }
        let left_out = self.headings[shown..]
            .iter()
            .map(|heading| heading.name.clone())
            .collect();
        Drawn { text, left_out }
    }

    /// Makes texts narrower until the columns fit, and returns how many of them do.
    fn fit(&self, widths: &mut [usize], most: usize) -> usize {
        let total =
            |widths: &[usize]| widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        while total(widths) > most {
            let texts = widths
                .iter_mut()
                .enumerate()
                .filter(|(at, width)| !self.headings[*at].is_whole && **width > NARROW);
            let Some((_, widest)) = texts.max_by_key(|(_, width)| **width) else {
                break;
            };
            *widest -= 1;
        }
        let mut shown = widths.len();
        while shown > 1 && total(&widths[..shown]) > most {
            shown -= 1;
        }
        shown
    }
}

/// The text without what would break the line or steer the terminal.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || is_invisible(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// The text, cut with an ellipsis if it is wider.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let heading = |name: &str, type_name: &str, is_number| Heading {
            name: name.to_owned(),
            type_name: Some(type_name.to_owned()),
            is_number,
            is_whole: is_number,
        };
        Table {
            headings: vec![
                heading("id", "bigint", true),
                heading("note", "varchar", false),
                heading("day", "date", false),
            ],
            rows: vec![
                vec![
                    Some("9007199254740995".into()),
                    Some("first\npool — Größe".into()),
                    Some("2024-05-01".into()),
                ],
                vec![Some("1".into()), None, Some("2024-05-02".into())],
                vec![Some("2".into()), Some("河口\u{1b}[31m".into()), None],
            ],
        }
    }

    #[test]
    fn columns_are_aligned_by_what_they_hold() {
        let drawn = table().draw(Drawing {
            width: None,
            has_color: false,
        });
        let expected = "              id  note                 day\n\
                        \u{20}         bigint  varchar              date\n\
                        ────────────────  ───────────────────  ──────────\n\
                        9007199254740995  first\\npool — Größe  2024-05-01\n\
                        \u{20}              1  NULL                 2024-05-02\n\
                        \u{20}              2  河口\\u{1b}[31m       NULL\n";
        assert_eq!(drawn.text, expected);
    }

    #[test]
    fn a_narrow_terminal_cuts_texts_and_leaves_columns_out_but_never_cuts_numbers() {
        let drawn = table().draw(Drawing {
            width: Some(42),
            has_color: false,
        });
        assert!(
            drawn.text.contains("9007199254740995  first\\npool…"),
            "{}",
            drawn.text
        );
        assert!(drawn.left_out.is_empty());
        let drawn = table().draw(Drawing {
            width: Some(30),
            has_color: false,
        });
        assert_eq!(drawn.left_out, ["day"]);
        assert!(
            drawn.text.lines().all(|line| line.width() <= 30),
            "{}",
            drawn.text
        );
        let drawn = table().draw(Drawing {
            width: Some(5),
            has_color: false,
        });
        assert!(drawn.text.contains("9007199254740995"), "{}", drawn.text);
        assert_eq!(drawn.left_out, ["note", "day"]);
    }
}
