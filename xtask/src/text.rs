//! Escapes text of a document for generated source and for a terminal.
//!
//! Documents are untrusted. Their names become identifiers and literals, which the generator
//! quotes. Text that becomes a comment, documentation or output passes through this module. It
//! cannot end its comment, contain code that `cargo test --doc` runs, or control a terminal.

use std::fmt::Write as _;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

/// Whether a character is invisible and has an effect: control characters, line and paragraph
/// separators, marks that change the direction of text, byte order marks.
pub(crate) fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

/// Escapes text for one line of output or of a `//` comment.
pub(crate) fn shown(text: &str) -> String {
    escaped(text, |_| false)
}

/// Escapes text for several lines of output. Line breaks are kept.
pub(crate) fn shown_lines(text: &str) -> String {
    escaped(text, |c| c == '\n')
}

fn escaped(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_control(c) && !keep(c) {
            match c {
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                // Writing to a String does not fail.
                c => drop(write!(out, "\\u{{{:x}}}", u32::from(c))),
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Formats a fact, such as the value of an enum, as a Markdown code span.
pub(crate) fn code(fact: &str) -> String {
    let fact = shown(fact);
    let longest = fact.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // Markdown removes a space inside the fence if both sides have one.
    let pad = if fact.is_empty() || fact.starts_with(['`', ' ']) || fact.ends_with(['`', ' ']) {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{fact}{pad}{fence}")
}

/// Languages that the code blocks of a description may have. rustdoc runs a block without a
/// language, so a block with any other language might run too.
const LANGUAGES: [&str; 9] = [
    "text", "sql", "json", "csv", "http", "sh", "console", "toml", "yaml",
];

/// Returns documentation as Markdown without code that rustdoc runs, without HTML, and without an
/// unclosed block. Every character of other text is escaped.
pub(crate) fn documentation(text: &str) -> String {
    let text = unindented(&text.replace("\r\n", "\n").replace('\r', "\n"));
    let text: String = text
        .chars()
        .map(|c| match c {
            '\n' => '\n',
            '\t' => ' ',
            c if is_control(c) => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect();
    let text = text.trim().to_owned();
    if is_harmless(&text) {
        return text;
    }
    let plain = plain(&text);
    if is_harmless(&plain) {
        return plain;
    }
    // No text is known to reach this.
    "The description cannot be displayed.".to_owned()
}

/// Removes the common indentation of all lines, like rustdoc.
fn unindented(text: &str) -> String {
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let common = lines().map(indent).min().unwrap_or(0);
    let cut = |line: &str| line.get(common..).unwrap_or_default().trim_end().to_owned();
    text.lines().map(cut).collect::<Vec<_>>().join("\n")
}

/// A paragraph after the text, which reveals an unclosed block.
const END: &str = "TheEndOfTheDescription";

fn is_harmless(text: &str) -> bool {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_SMART_PUNCTUATION;
    let with_end = format!("{text}\n\n{END}");
    let (mut depth, mut in_paragraph, mut ended) = (0_usize, false, false);
    for event in Parser::new_ext(&with_end, options) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Indented))
            | Event::Start(Tag::HtmlBlock)
            | Event::Html(_)
            | Event::InlineHtml(_) => return false,
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                if !LANGUAGES.contains(&language.as_ref()) {
                    return false;
                }
                depth += 1;
                in_paragraph = false;
            }
            Event::Start(tag) => {
                depth += 1;
                in_paragraph = tag == Tag::Paragraph && depth == 1;
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(words) => ended = in_paragraph && words.as_ref() == END,
            _ => {}
        }
    }
    ended
}

/// Escapes every character, in one paragraph.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if !out.is_empty() {
            out.push('\n');
        }
        for c in line.chars() {
            if c.is_ascii_punctuation() {
                out.push('\\');
            }
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_contains_no_control_characters() {
        assert_eq!(shown("a\nb\u{1b}[2J\u{202e}"), "a\\nb\\u{1b}[2J\\u{202e}");
        assert_eq!(shown_lines("a\nb\rc"), "a\nb\\rc");
    }

    #[test]
    fn a_fact_cannot_end_its_code_span() {
        assert_eq!(code("plain"), "`plain`");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("a\n```\nb"), "````a\\n```\\nb````");
    }

    #[test]
    fn ordinary_markdown_is_unchanged() {
        for text in [
            "One line.",
            "A *list*:\n\n- one, `code`\n- two\n\n1. and\n2. more",
            "```sql\nSELECT 1\n```\n\nAnd on.",
            "```text\nnot run\n```",
            "A [link](https://example.test) and a | b.",
        ] {
            assert_eq!(documentation(text), text);
        }
    }

    #[test]
    fn code_that_rustdoc_would_run_is_escaped() {
        for text in [
            "```\npanic!()\n```",
            "~~~\npanic!()\n~~~",
            "```rust\npanic!()\n```",
            "```text,should_panic\npanic!()\n```",
            "Words.\n\n    panic!()",
            "- Words.\n\n      panic!()",
            "-     panic!()",
            "> ```\n> panic!()\n> ```",
            "1. ```\n   panic!()\n   ```",
            "Never closed:\n\n```text\nand then",
            "<script>alert(1)</script>",
            "Inline <img src=x onerror=alert(1)>.",
            "<!-- never closed",
            "\tpanic!()\n\n\tpanic!()\n\n\t\tpanic!()",
        ] {
            let shown = documentation(text);
            assert!(is_harmless(&shown), "{text:?} became {shown:?}");
            assert!(!shown.contains("```\n"), "{text:?} became {shown:?}");
        }
        assert_eq!(documentation("```\nx"), "\\`\\`\\`\nx");
    }

    #[test]
    fn line_ends_and_control_characters_do_not_reach_source() {
        assert_eq!(documentation("a\r\nb\rc"), "a\nb\nc");
        assert_eq!(documentation("a\u{202e}b\u{0}"), "a\u{fffd}b\u{fffd}");
    }
}
