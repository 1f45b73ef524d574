//! The report for people: a summary line, what breaks, what does not.

use std::fmt::Write as _;

use super::{
    Report,
    change::{Change, Directions, Kind, Subject},
    words::{counted, listed, shortened},
};

/// How many words of a list, lines of a group and groups of a section are shown unless all are.
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

/// The text of a report. Unless `all`, long lists are cut and their length is told.
pub(super) fn text(report: &Report, all: bool) -> String {
    let limits = if all { ALL } else { SHORT };
    let (types, changes): (Vec<_>, Vec<_>) = report.changes.iter().partition(|c| is_type(c));
    let mut out = summary(report, &changes);
    let (breaking, other): (Vec<_>, Vec<_>) = changes.into_iter().partition(|c| c.breaking);
    section(&mut out, "Breaking", &breaking, &limits);
    section(&mut out, "Not breaking", &other, &limits);
    for (kind, title) in [
        (Kind::SchemaAdded, "Schemas that come with it"),
        (Kind::SchemaRemoved, "Schemas that go with it"),
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

/// Whether a change is no more than a schema that another change brought or took away.
fn is_type(change: &Change) -> bool {
    matches!(change.kind, Kind::SchemaAdded | Kind::SchemaRemoved)
}

fn summary(report: &Report, changes: &[&Change]) -> String {
    let versions = format!(
        "{}, {} → {}",
        report.service, report.old_version, report.new_version
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

fn section(out: &mut String, title: &str, changes: &[&Change], limits: &Limits) {
    if changes.is_empty() {
        return;
    }
    let _ = write!(out, "\n== {title} ({}) ==\n", changes.len());
    let groups: Vec<_> = changes.chunk_by(|a, b| a.subject == b.subject).collect();
    for group in groups.iter().take(limits.groups) {
        heading(out, group, limits);
        let lines = if group.len() == limits.lines.saturating_add(1) {
            group.len()
        } else {
            limits.lines
        };
        for change in group.iter().take(lines) {
            let _ = writeln!(out, "  - {}", change.words.shown(limits.words));
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

fn heading(out: &mut String, group: &[&Change], limits: &Limits) {
    let Some(first) = group.first() else {
        return;
    };
    match &first.subject {
        Subject::Operation { key, id } => {
            let (method, path) = key.split_once(' ').unwrap_or_default();
            let _ = write!(out, "{} {path}", method.to_uppercase());
            if let Some(id) = id {
                let _ = write!(out, " ({id})");
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
                    .map(|by| by.id.as_ref().unwrap_or(&by.key).clone());
                let names = listed(&names.collect::<Vec<_>>(), ", ", limits.words / 2);
                let _ = write!(out, " ({side} {names})");
            }
        }
    }
    out.push('\n');
}

fn name_of(subject: &Subject) -> String {
    match subject {
        Subject::Operation { key, .. } => key.clone(),
        Subject::Schema { name, now: None } => name.clone(),
        Subject::Schema {
            name,
            now: Some(now),
        } => format!("{name} → {now}"),
    }
}

/// What FILE has beside the kept operations. The vendored document does not say which is new.
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
        let names = listed(&beyond.near, ", ", limits.words.saturating_mul(2));
        let _ = write!(out, "; beside the kept ones: {names}");
    }
    out.push('\n');
}
