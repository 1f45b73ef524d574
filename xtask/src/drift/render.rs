//! The text report: a summary line, the breaking changes, the other changes.

use std::fmt::Write as _;

use super::{
    Report,
    change::{Change, Directions, Kind, Subject},
    operations,
    words::{counted, listed, shortened},
};
use crate::text;

/// The maximum number of words of a list, lines of a group and groups of a section.
struct Limits {
    words: usize,
    lines: usize,
    groups: usize,
}

const SHORT: Limits = Limits {
    words: 4,
    lines: 8,
    groups: 100,
};
const ALL: Limits = Limits {
    words: usize::MAX,
    lines: usize::MAX,
    groups: usize::MAX,
};

/// Returns the text of a report. Unless `all`, long lists are truncated and counted.
pub(super) fn report(report: &Report, all: bool) -> String {
    let limits = if all { ALL } else { SHORT };
    let (types, changes): (Vec<_>, Vec<_>) = report.changes.iter().partition(|c| is_type(c));
    let mut out = summary(report, &changes);
    let (breaking, other): (Vec<_>, Vec<_>) = changes.into_iter().partition(|c| c.breaking);
    section(&mut out, "Breaking", &breaking, report, &limits);
    section(&mut out, "Not breaking", &other, report, &limits);
    let required = newly_required(&report.changes);
    if !required.is_empty() {
        let _ = write!(
            out,
            "\n== Newly required in responses ({}) ==\nOlder servers do not send them; make \
             them optional in the overlay, or document that older servers are not supported.\n",
            required.len()
        );
        for line in &required {
            let _ = writeln!(out, "  - {line}");
        }
    }
    for (kind, title) in [
        (Kind::SchemaAdded, "Added schemas"),
        (Kind::SchemaRemoved, "Removed schemas"),
    ] {
        let names: Vec<_> = types
            .iter()
            .filter(|change| change.kind == kind)
            .map(|change| name_of(&change.subject))
            .collect();
        if !names.is_empty() {
            let shown = listed(&names, ", ", limits.words.saturating_mul(2));
            let _ = write!(out, "\n{title} ({}): {shown}\n", names.len());
        }
    }
    beyond(&mut out, report, &limits);
    if all {
        out
    } else {
        out.split('\n')
            .map(shortened)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Returns the changes as JSON without control characters.
pub(super) fn json(report: &Report) -> serde_json::Result<String> {
    let text = serde_json::to_string_pretty(&report.changes)?;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if text::is_control(c) && c != '\n' {
            // These characters occur only in strings, and each is one UTF-16 unit.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Ok(out)
}

/// Whether a change is only a schema that another change added or removed.
fn is_type(change: &Change) -> bool {
    matches!(change.kind, Kind::SchemaAdded | Kind::SchemaRemoved)
}

fn summary(report: &Report, changes: &[&Change]) -> String {
    let versions = format!(
        "{}, {} → {}",
        report.service,
        text::shown(&report.old_version),
        text::shown(&report.new_version)
    );
    if report.changes.is_empty() {
        return format!(
            "{versions}: no change in {}\n",
            counted(report.operations, "operation")
        );
    }
    let breaking = changes.iter().filter(|change| change.breaking).count();
    let mut touched: Vec<_> = changes.iter().map(|change| &change.subject).collect();
    touched.sort();
    touched.dedup();
    let schemas = touched
        .iter()
        .filter(|subject| matches!(subject, Subject::Schema { .. }))
        .count();
    let operations = touched.len() - schemas;
    let mut places = Vec::new();
    if operations > 0 {
        let all = counted(report.operations, "operation");
        places.push(format!("{operations} of {all}"));
    }
    if schemas > 0 {
        places.push(counted(schemas, "schema"));
    }
    let changes = counted(changes.len(), "change");
    let places = places.join(" and ");
    format!("{versions}: {changes}, {breaking} of them breaking, in {places}\n")
}

/// Returns the newly required fields of responses: `Page: property `total` added, …`.
pub(super) fn newly_required(changes: &[Change]) -> Vec<String> {
    let required = changes.iter().filter(|change| change.newly_required);
    required
        .map(|change| {
            format!(
                "{}: {}",
                name_of(&change.subject),
                text::shown(&change.words.before)
            )
        })
        .collect()
}

fn section(out: &mut String, title: &str, changes: &[&Change], report: &Report, limits: &Limits) {
    if changes.is_empty() {
        return;
    }
    let _ = write!(out, "\n== {title} ({}) ==\n", changes.len());
    let groups: Vec<_> = changes.chunk_by(|a, b| a.subject == b.subject).collect();
    for group in groups.iter().take(limits.groups) {
        heading(out, group, report, limits);
        let lines = if group.len() == limits.lines.saturating_add(1) {
            group.len()
        } else {
            limits.lines
        };
        for change in group.iter().take(lines) {
            let _ = write!(out, "  - {}", change.words.shown(limits.words));
            if !change.hidden_by.is_empty() {
                let numbers: Vec<_> = change.hidden_by.iter().map(ToString::to_string).collect();
                let plural = if numbers.len() == 1 { "" } else { "s" };
                let _ = write!(
                    out,
                    " (hidden by action{plural} {} of the overlay)",
                    listed(&numbers, ", ", limits.words)
                );
            }
            out.push('\n');
        }
        if group.len() > lines {
            let more = group.len() - lines;
            let _ = writeln!(out, "  … and {more} more (--all shows them)");
        }
    }
    let hidden: usize = groups
        .iter()
        .skip(limits.groups)
        .map(|group| group.len())
        .sum();
    if hidden > 0 {
        let count = counted(groups.len() - limits.groups, "other place");
        let hidden = counted(hidden, "change");
        let _ = writeln!(out, "… {hidden} in {count} (--all shows them)");
    }
}

fn heading(out: &mut String, group: &[&Change], report: &Report, limits: &Limits) {
    let Some(first) = group.first() else {
        return;
    };
    match &first.subject {
        Subject::Operation { key, id } => {
            let (method, path) = key.split_once(' ').unwrap_or_default();
            let _ = write!(out, "{} {}", method.to_uppercase(), text::shown(path));
            let id = id.as_deref().map(text::shown);
            let rust = report.methods.get(&operations::shape(key));
            let rust = rust.map(|method| format!("`{method}`"));
            let names: Vec<_> = id.into_iter().chain(rust).collect();
            if !names.is_empty() {
                let _ = write!(out, " ({})", names.join(", "));
            }
        }
        subject @ Subject::Schema { .. } => {
            let _ = write!(out, "schema {}", name_of(subject));
            let side = match first.directions {
                Directions {
                    request: true,
                    response: true,
                } => "sent to and read from",
                Directions {
                    request: true,
                    response: false,
                } => "sent to",
                Directions {
                    request: false,
                    response: true,
                } => "read from",
                Directions {
                    request: false,
                    response: false,
                } => "",
            };
            if !side.is_empty() {
                let names = first
                    .reached_by
                    .iter()
                    .map(|by| text::shown(by.id.as_ref().unwrap_or(&by.key)));
                let names = listed(&names.collect::<Vec<_>>(), ", ", limits.words / 2);
                let _ = write!(out, " ({side} {names})");
            }
        }
    }
    out.push('\n');
}

fn name_of(subject: &Subject) -> String {
    let name = match subject {
        Subject::Operation { key, .. } => key.clone(),
        Subject::Schema { name, now: None } => name.clone(),
        Subject::Schema {
            name,
            now: Some(now),
        } => format!("{name} → {now}"),
    };
    text::shown(&name)
}

/// Reports the other operations of FILE. The vendored document does not show which are new.
fn beyond(out: &mut String, report: &Report, limits: &Limits) {
    let beyond = &report.beyond;
    if beyond.count == 0 {
        return;
    }
    let _ = write!(
        out,
        "\nNot kept: {} of FILE",
        counted(beyond.count, "other operation")
    );
    if !beyond.near.is_empty() {
        let near: Vec<_> = beyond.near.iter().map(|name| text::shown(name)).collect();
        let names = listed(&near, ", ", limits.words.saturating_mul(2));
        let _ = write!(out, "; beside the kept ones: {names}");
    }
    out.push('\n');
}
