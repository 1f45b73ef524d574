//! Generates the open enums, each as an invocation of `rowfeed_client::open_enum!`.

use std::fmt::Write as _;

use super::rewrite::Gates;
use crate::{normalize::OpenEnum, text};

/// Returns the text of `enums.rs`, or `None` without enums. `types` re-exports its types.
pub(super) fn write(enums: &[OpenEnum], gates: &Gates) -> Option<String> {
    let mut out = String::new();
    for open in enums {
        let Some(features) = gates.get(&open.name) else {
            continue;
        };
        if !out.is_empty() {
            out.push('\n');
        }
        if !features.is_empty() {
            let features: Vec<_> = features
                .iter()
                .map(|f| format!("feature = {f:?}"))
                .collect();
            let condition = match features.as_slice() {
                [one] => one.clone(),
                many => format!("any({})", many.join(", ")),
            };
            let _ = writeln!(out, "#[cfg({condition})]");
        }
        out.push_str("::rowfeed_client::open_enum! {\n");
        let words = open.description.as_deref();
        let default = format!("`{}`: one of the known values, or a newer one.", open.name);
        doc(&mut out, 4, words.unwrap_or(&default));
        let _ = writeln!(out, "    pub enum {} {{", open.name);
        for value in &open.values {
            let default = format!("{}.", text::code(&value.wire));
            doc(
                &mut out,
                8,
                value.description.as_deref().unwrap_or(&default),
            );
            let _ = writeln!(out, "        {} = {:?},", value.variant, value.wire);
        }
        out.push_str("    }\n}\n");
    }
    (!out.is_empty()).then_some(out)
}

fn doc(out: &mut String, indent: usize, words: &str) {
    for line in text::documentation(words).lines() {
        let line = format!("{:indent$}/// {line}", "");
        let _ = writeln!(out, "{}", line.trim_end());
    }
}
